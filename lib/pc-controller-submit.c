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

#include <config.h>
#include "pc-controller.h"

#include "openvswitch/ofp-errors.h"
#include "openvswitch/vlog.h"
#include "pc-controller-private.h"
#include "pc-flow-table.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_submit);

/* What changes in the tables of desired flows goes to the switches; what those
 * refuse comes back. */

/* Counts 'n' mods, all or a part of what makes the switch be as desired. */
void
pc_ctl_count_resync(struct pc_controller *c, struct pc_ctl_router *r, size_t n)
{
    c->counters.last_resync_mods += n;
    c->counters.n_corrections += n;
    r->n_bulk = MAX(r->n_bulk, c->counters.last_resync_mods);
    if (!r->held) {
        VLOG_INFO("router %s: %"PRIu64" changes to what the switch had",
                  r->name, c->counters.last_resync_mods);
    }
}

/* The next part of what is under way: the last, if all is compiled. */
static void
pc_ctl_submit_part(struct pc_controller *c, struct pc_ctl_router *r)
{
    struct ovs_list mods = OVS_LIST_INITIALIZER(&mods);

    if (r->held && !pc_flow_table_is_dirty(r->table)) {
        return;
    } else if (r->held) {
        pc_flow_table_take_additions(r->table, &mods);
    } else {
        pc_flow_table_take_changes(r->table, &mods);
    }
    pc_ctl_zones_prepare(r, &mods);
    pc_ctl_count_resync(c, r, ovs_list_size(&mods));
    r->token = pc_switch_submit_part(r->sw, &mods, !r->held);
    r->growing = r->held;
}

/* Submits what changed in the table of 'r', if the switch has what was
 * desired before.  While a submission is under way changes collect: they are
 * one bundle next time. */
void
pc_ctl_sync_submit(struct pc_controller *c, struct pc_ctl_router *r)
{
    if (!r->synced || !pc_switch_is_ready(r->sw)) {
        return;
    } else if (r->growing) {
        pc_ctl_submit_part(c, r);
    } else if (!r->held && pc_switch_is_free(r->sw)
               && pc_flow_table_is_dirty(r->table)) {
        struct ovs_list mods = OVS_LIST_INITIALIZER(&mods);

        pc_flow_table_take_changes(r->table, &mods);
        if (!ovs_list_is_empty(&mods)) {
            pc_ctl_zones_prepare(r, &mods);
            r->token = pc_switch_submit(r->sw, &mods);
        }
    }
}

static void
pc_ctl_switch_refused(struct pc_controller *c, struct pc_ctl_router *r,
                      const struct pc_switch_error *error)
{
    if (pc_flow_table_refused(r->table, error->mod)) {
        return;
    }
    struct pc_ctl_rule *rule = pc_ctl_rule_find(c, &error->owner);
    struct pc_ctl_service *svc = pc_ctl_service_find(c, &error->owner);
    struct pc_ctl_chain *chain = pc_ctl_chain_find(c, &error->owner);
    struct pc_ctl_vi *vi = pc_ctl_vi_find(c, &error->owner);
    char *text = xasprintf("router %s refused %s: %s", r->name, error->what,
                           ofperr_to_string(error->error));

    svc = vi ? vi->svc : svc;
    if (rule) {
        /* Half a rule is worse than none. */
        rule->refused = true;
        pc_flow_table_remove_owner(r->table, &rule->uuid);
        pc_ctl_rule_set_error(c, rule, text);
    } else if (svc) {
        free(svc->switch_error);
        svc->switch_error = text;
        hmapx_add(&c->bad_services, svc);
    } else if (chain) {
        free(chain->switch_error);
        chain->switch_error = text;
        hmapx_add(&c->bad_chains, chain);
    } else {
        free(r->error);
        r->error = text;
        c->status_dirty = true;
    }
}

void
pc_ctl_take_switch_errors(struct pc_controller *c, struct pc_ctl_router *r)
{
    struct pc_switch_error *error;

    while ((error = pc_switch_next_error(r->sw)) != NULL) {
        pc_ctl_switch_refused(c, r, error);
        pc_switch_error_destroy(error);
    }
}
