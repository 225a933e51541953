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

#ifndef PC_TARIFF_ROW_H
#define PC_TARIFF_ROW_H 1

/* Tariffs of the database as pc-tariff.h has them, and back.
 *
 * Thread-safety: as the IDL's. */

#include "openvswitch/compiler.h"

struct pc_tariff;
struct pcrec_cloudlet;
struct pcrec_packetcloud;
struct pcrec_tariff;

/* What 'row' says.  It passes pc_tariff_check(), or the row was written by other
 * means than pcloud-ctl: the schema keeps the ranges.  NULL: a tariff by which
 * all is free. */
void pc_tariff_from_row(const struct pcrec_tariff *row, struct pc_tariff *);

/* Writes all columns but the name. */
void pc_tariff_to_row(const struct pc_tariff *, const struct pcrec_tariff *row);

/* The tariff of a cloudlet: its own, or else that of 'root'.  NULL: all is free.
 * Either may be NULL. */
const struct pcrec_tariff *pc_tariff_row_of(const struct pcrec_packetcloud *root,
                                            const struct pcrec_cloudlet *);

#endif /* pc-tariff-row.h */
