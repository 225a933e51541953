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

#ifndef PC_FLOW_TABLE_H
#define PC_FLOW_TABLE_H 1

/* What should be in the switch, and how to get there.
 *
 * struct pc_flow_table holds the desired flows, groups and meters, each with
 * an owner (the UUID of a database row).  The idea is that of OVN's
 * controller/ofctrl.c; here it is two small modules: this one (what is
 * desired, and what changed) and pc-installed.h (what was read from the
 * switch, and the difference).
 *
 * Life, for a change:
 *
 *     pc_flow_table_remove_owner(t, &row);     (or let a pc_compile_*() do it)
 *     pc_flow_table_add_flow(t, &row, ...);
 *     pc_flow_table_add_group(t, &row, ...);
 *     pc_flow_table_take_changes(t, &mods);    (an ordered list: pc-mod.h)
 *
 * An owner that is removed and comes back with the same flows changes
 * nothing.  The cost of all of this depends on the number of changes, not on
 * the size of the table.
 *
 * After pc_flow_table_take_changes() the table takes it that the switch has
 * what is desired.  If the switch refused it, or the connection was lost, read
 * the switch again and use pc_installed_diff().
 *
 * Two owners may desire the same flow (table, priority and match), group or
 * meter: the first keeps it, and the next gets it when the first gives it up.
 * pc_flow_table_find_conflict() names the winner.
 *
 * Thread-safety: none; the caller serializes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "openvswitch/list.h"
#include "openvswitch/match.h"
#include "openvswitch/types.h"
#include "openvswitch/uuid.h"
#include "pc-mod.h"

struct ofpbuf;
struct ofputil_group_mod;
struct ofputil_meter_config;

/* Returns an empty table, and frees one with all that is in it; NULL is fine. */
struct pc_flow_table *pc_flow_table_create(void);
void pc_flow_table_destroy(struct pc_flow_table *);

/* Gives up all that 'owner' has. */
void pc_flow_table_remove_owner(struct pc_flow_table *,
                                const struct uuid *owner);
/* Gives up all, of all owners. */
void pc_flow_table_clear(struct pc_flow_table *);

/* Adds a flow.  'ofpacts' (OVS's ofpact.h builders) and 'match' stay the
 * caller's.  'table_id' is absolute.  An owner that adds the same table,
 * priority and match twice gets the cookie and actions of the last. */
void pc_flow_table_add_flow(struct pc_flow_table *, const struct uuid *owner,
                            const struct pc_flow_spec *);

/* Fills a struct pc_flow_spec in one line. */
static inline struct pc_flow_spec
pc_flow_spec(uint8_t table_id, uint16_t priority, ovs_be64 cookie,
             const struct match *match, const struct ofpbuf *ofpacts)
{
    return (struct pc_flow_spec) { table_id, priority, cookie, match,
                                   ofpacts };
}

/* Gives up a single flow of 'owner'.  Returns false if it had none such. */
bool pc_flow_table_remove_flow(struct pc_flow_table *,
                               const struct uuid *owner, uint8_t table_id,
                               uint16_t priority, const struct match *);

/* Adds a group: 'gm' gives group_id, type, props and buckets; its command is
 * not used.  '*gm' is copied. */
void pc_flow_table_add_group(struct pc_flow_table *, const struct uuid *owner,
                             const struct ofputil_group_mod *gm);

/* Makes room for 'n' flows, groups and meters in all, which are about to be
 * added. */
void pc_flow_table_reserve(struct pc_flow_table *, size_t n);

/* False for a switch whose select groups cannot be told how to select: then
 * those of the two directions would choose different VIs.  A select group that
 * is added later becomes a fast failover group: the first of its VIs that is
 * alive gets all, the others stand by.  (True at first.) */
void pc_flow_table_set_selection(struct pc_flow_table *, bool);

/* Adds a meter.  '*config' is copied. */
void pc_flow_table_add_meter(struct pc_flow_table *, const struct uuid *owner,
                             const struct ofputil_meter_config *config);

/* Is there anything to take? */
bool pc_flow_table_is_dirty(const struct pc_flow_table *);

/* Appends to 'mods' (struct pc_mod by 'node') what takes the switch from the
 * last call's state to the desired one, in the order that pc-mod.h states.
 * The caller owns the mods: pc_mods_destroy(). */
void pc_flow_table_take_changes(struct pc_flow_table *,
                                struct ovs_list *mods);

/* The same without what takes something out of the switch: while not all owners
 * have said what they desire, so that somebody may yet desire that. */
void pc_flow_table_take_additions(struct pc_flow_table *,
                                  struct ovs_list *mods);

/* The switch has refused 'mod', which take_changes() or pc_installed_diff()
 * gave: it does not have that.  Returns true if the mod was only of the wrong
 * kind, as somebody else has deleted or made the group or meter: then the next
 * take_changes() gives the right one.  Otherwise what was refused is tried
 * again when its owner changes or is compiled again, or when the switch is read
 * again. */
bool pc_flow_table_refused(struct pc_flow_table *, const struct pc_mod *mod);

/* If something that 'owner' desires belongs to an earlier owner, stores that
 * one in '*winner' and returns true. */
bool pc_flow_table_find_conflict(const struct pc_flow_table *,
                                 const struct uuid *owner,
                                 struct uuid *winner);

/* Fills '*view' with the desired flow of 'table_id' that a packet like 'flow'
 * meets (good until the next change of the table), and returns true; false if
 * there is none.  Costs a hash lookup for each combination of priority and mask
 * in that table, however many flows it has. */
bool pc_flow_table_find_flow(const struct pc_flow_table *, uint8_t table_id,
                             const struct flow *flow, struct pc_flow_view *);
/* Returns the desired group with that id, or null. */
const struct ofputil_group_mod *pc_flow_table_find_group(
    const struct pc_flow_table *, uint32_t group_id);

/* Reading, for printing and for the recompute oracle. */
struct pc_flow_table_counts {
    size_t n_owners, n_flows, n_groups, n_meters, n_shadowed;
};
void pc_flow_table_get_counts(const struct pc_flow_table *,
                              struct pc_flow_table_counts *);

/* Calls 'cb' for each desired flow (not for those that lost to an earlier
 * owner), in no order. */
typedef void pc_flow_cb(const struct pc_flow_view *, void *aux);
void pc_flow_table_for_each_flow(const struct pc_flow_table *, pc_flow_cb *,
                                 void *aux);
typedef void pc_group_cb(const struct ofputil_group_mod *,
                         const struct uuid *owner, void *aux);
void pc_flow_table_for_each_group(const struct pc_flow_table *, pc_group_cb *,
                                  void *aux);
typedef void pc_meter_cb(const struct ofputil_meter_config *,
                         const struct uuid *owner, void *aux);
void pc_flow_table_for_each_meter(const struct pc_flow_table *, pc_meter_cb *,
                                  void *aux);

/* Returns null if the two desire the same, else a text of one line per
 * difference that the caller frees ("-" only in 'a', "+" only in 'b'). */
char *pc_flow_table_compare(const struct pc_flow_table *a,
                            const struct pc_flow_table *b);

#endif /* pc-flow-table.h */
