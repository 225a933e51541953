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

#ifndef CTL_RESERVE_H
#define CTL_RESERVE_H 1

/* What the commands about reservations share. */

#include "pcloud-ctl.h"

struct ds;
struct pc_request;
struct smap;

/* ctl-request.c */
bool ctl_is_slot(const char *);
bool ctl_add_slot(struct ctl_context *, const char *, int64_t now,
                  struct pc_request *);
void ctl_fill_slots(struct pc_request *, const struct pcrec_service *);
bool ctl_request_parse(struct ctl_context *, struct pc_request *);
bool ctl_request_find(struct ctl_context *, struct pc_request *,
                      const struct pcrec_provider **,
                      const struct pcrec_service **,
                      const struct pcrec_cloudlet **);

/* ctl-wait-reserve.c */
void ctl_put_alternatives(struct ds *, const struct smap *,
                          const char *before, const char *after);

#endif /* ctl-reserve.h */
