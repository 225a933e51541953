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

#ifndef PC_BOOKING_EXPLAIN_H
#define PC_BOOKING_EXPLAIN_H 1

/* Why nothing fits, in words.  Used by the scheduler and by `pcloud-ctl quote`. */

#include "pc-engine.h"

struct ovsdb_idl;
struct pc_booking;
struct smap;

/* Returns why no node can carry 'req', by candidate, nearest first, for the caller
 * to free; adds to 'alternatives' what would fit: "later", "smaller" and
 * "cloudlet", as in Reservation.alternatives. */
char *pc_booking_explain(struct pc_booking *, const struct ovsdb_idl *,
                         const struct pc_engine_request *req,
                         struct smap *alternatives);

#endif /* pc-booking-explain.h */
