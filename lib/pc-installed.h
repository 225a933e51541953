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

#ifndef PC_INSTALLED_H
#define PC_INSTALLED_H 1

/* What the switch has of ours, as it was read from it, and the difference to
 * what is desired.
 *
 * Used once per connection (or when the switch refused something): feed it
 * the flow stats, group descriptions and meter configurations, then call
 * pc_installed_diff().  Whatever is not ours, by cookie or by the block of
 * ids (pc-layout.h), is left out on the way in, so nothing foreign can ever
 * appear in a mod.
 *
 * Actions and buckets are compared as the switch returns them: the desired
 * ones are encoded to OpenFlow and decoded again with the version in use, so
 * that a restart without a change gives no mod at all.
 *
 * Thread-safety: none; the caller serializes. */

#include "pc-mod.h"
#include "openvswitch/ofp-protocol.h"

struct pc_flow_table;
struct ofputil_flow_stats;
struct ofputil_group_desc;
struct ofputil_meter_config;

/* 'protocol' is that of the connection, e.g. OFPUTIL_P_OF15_OXM. */
struct pc_installed *pc_installed_create(enum ofputil_protocol protocol);
void pc_installed_destroy(struct pc_installed *);

/* Each copies its argument, and returns false if it isn't ours. */
bool pc_installed_add_flow(struct pc_installed *,
                           const struct ofputil_flow_stats *);
bool pc_installed_add_group(struct pc_installed *,
                            const struct ofputil_group_desc *);
bool pc_installed_add_meter(struct pc_installed *,
                            const struct ofputil_meter_config *);

/* Appends to 'mods' what takes the switch to what 't' desires, in the order of
 * pc-mod.h, and tells 't' that the switch has it (as
 * pc_flow_table_take_changes() does; changes not taken yet are included). */
void pc_installed_diff(const struct pc_installed *, struct pc_flow_table *t,
                       struct ovs_list *mods);

/* Calls 'cb' for each flow read, in no order ('owner' in the view is zero: the
 * cookie has only 40 bits of it). */
void pc_installed_for_each_flow(const struct pc_installed *,
                                void (*cb)(const struct pc_flow_view *,
                                           void *aux), void *aux);

/* How many flows, groups and meters of ours the switch has, in all and each. */
size_t pc_installed_count(const struct pc_installed *);
struct pc_installed_counts {
    size_t n_flows, n_groups, n_meters;
};
void pc_installed_get_counts(const struct pc_installed *,
                             struct pc_installed_counts *);

#endif /* pc-installed.h */
