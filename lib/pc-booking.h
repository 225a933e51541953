/*
 * Copyright (c) 2026 The PacketCloud developers.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#ifndef PC_BOOKING_H
#define PC_BOOKING_H 1

/* What is booked: the database's reservations in an engine
 * ========================================================
 *
 * Keeps a pc_engine and its topology like the tables PoP, Cloudlet, Node and
 * Reservation.  The scheduler decides with it, the controller confirms with it, and
 * `pcloud-ctl quote` and `calendar` ask it: all of them count alike.
 *
 *     pc_booking_register(idl);             // Before the first run of 'idl'.
 *     booking = pc_booking_create(idl);
 *     loop: pc_booking_run(booking);        // After each run of 'idl'.
 *
 * A reservation holds capacity on its node while it is pending, confirmed or
 * active: `slots`, and `proposed` as well, at each instant the larger value of
 * each dimension.  While it moves it holds that on `proposed_node`, and on `node`
 * `slots`; its provider's share of the cloudlet is that of one.
 *
 * Thread-safety: none; the main loop's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "openvswitch/compiler.h"
#include "pc-engine.h"
#include "pc-tariff.h"

struct ovsdb_idl;
struct pc_booking;
struct pcrec_cloudlet;
struct pcrec_node;
struct pcrec_reservation;

/* Has 'idl' replicate the tables and columns that a booking needs and, if 'track',
 * tell what has changed in them. */
void pc_booking_register(struct ovsdb_idl *, bool track);

/* 'idl' stays the caller's and must outlive the booking.  If 'track', it tracks
 * changes, which the caller clears after each pc_booking_run(); otherwise each
 * run takes in everything again. */
struct pc_booking *pc_booking_create(struct ovsdb_idl *, bool track);
void pc_booking_destroy(struct pc_booking *);
void pc_booking_run(struct pc_booking *);

/* The UUID, in the engine, of what a reservation that moves holds on the node that
 * it leaves: its own is where it goes. */
struct uuid pc_booking_leaving(const struct uuid *);

/* Takes in 'r' as it is now, or as a transaction that is being made leaves it. */
void pc_booking_refresh(struct pc_booking *, const struct pcrec_reservation *);
/* From now on the cloudlet is silent, and nothing is placed there; or no longer. */
void pc_booking_set_silent(struct pc_booking *, const struct pcrec_cloudlet *,
                           bool silent);
/* May something be placed on that node? */
bool pc_booking_is_usable(const struct pc_booking *,
                          const struct pcrec_node *);
struct pc_engine *pc_booking_engine(struct pc_booking *);

/* Makes the request that 'r' is for the engine, with 'slots', which stay the
 * caller's.  The caller frees 'req->refused'. */
void pc_booking_request(const struct pc_booking *,
                        const struct pcrec_reservation *r,
                        const struct pc_slot *slots, size_t n_slots,
                        struct pc_engine_request *req);

/* The PoP of an address; false if it is none, or belongs to no PoP. */
bool pc_booking_find_pop(const struct pc_booking *, const char *address,
                         struct uuid *pop);

/* Said of a price of INT64_MAX, which is not charged. */
#define PC_PRICE_TOO_HIGH "its price is beyond what can be charged"

/* What the request costs in that cloudlet.  The caller has taken it out of the
 * engine if it is there: it is no part of what its provider holds besides.
 * '*tariff' is the one in force, all zero if there is none. */
int64_t pc_booking_price(struct pc_booking *, const struct pcrec_cloudlet *,
                         const struct pc_engine_request *,
                         struct pc_tariff *tariff);

#endif /* pc-booking.h */
