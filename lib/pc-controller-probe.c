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

#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/vlog.h"
#include "pc-controller-private.h"
#include "pc-layout.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_probe);

/* What the switch of a router can do, and what is done without. */

static void
pc_ctl_lacks(struct ds *ds, const char *what)
{
    ds_put_format(ds, "%s%s", ds->length ? "; " : "", what);
}

/* Appends to 'ds' the abilities of groups that the switch says it lacks. */
static void
pc_ctl_lacking_groups(const struct pc_ctl_router *r, struct ds *ds)
{
    const struct ofputil_group_features *gf = pc_switch_group_features(r->sw);
    const struct {
        bool lacking;
        const char *what;
    } checks[] = {
        { gf && !(gf->types & (1u << OFPGT11_FF)),
          "no fast failover groups (services cannot be steered to)" },
        { gf && !(gf->types & (1u << OFPGT11_SELECT)) && r->selection,
          "no select groups (services cannot be steered to)" },
        { gf && !(gf->types & (1u << OFPGT11_INDIRECT)),
          "no indirect groups (on-failure does not work)" },
        { gf && !(gf->capabilities & OFPGFC12_CHAINING),
          "no chaining of groups (services cannot be steered to)" },
        { gf && !(gf->capabilities & OFPGFC12_SELECT_LIVENESS)
          && r->selection,
          "no liveness in select groups (a dead VI of several is not "
          "avoided by the switch alone)" },
        { gf && !(gf->capabilities & OFPGFC12_SELECT_WEIGHT) && r->selection,
          "no weights in select groups (VIs share evenly)" },
        { !r->selection,
          "no selection method (the first VI of a service that is alive gets "
          "all its packets, the others stand by)" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        if (checks[i].lacking) {
            pc_ctl_lacks(ds, checks[i].what);
        }
    }
}

/* Finds out what the switch of 'r', which is ready, can do.  Returns true if
 * that makes a difference to what is compiled for it. */
bool
pc_ctl_router_probe(struct pc_ctl_router *r)
{
    bool meters = pc_switch_max_meters(r->sw) > PC_METER_LAST;
    bool unfit = !pc_switch_has_extensions(r->sw);
    /* Open vSwitch's properties of groups came with OpenFlow 1.5. */
    bool selection = !unfit && (pc_switch_protocol(r->sw)
                                & OFPUTIL_P_OF15_UP);
    bool changed = (r->meters != meters || r->unfit != unfit
                    || r->selection != selection
                    || r->sampling != pc_switch_has_sampling(r->sw)
                    || r->nd_answers != pc_switch_has_nd_answers(r->sw));
    struct ds ds = DS_EMPTY_INITIALIZER;

    r->meters = meters;
    r->sampling = pc_switch_has_sampling(r->sw);
    r->nd_answers = pc_switch_has_nd_answers(r->sw);
    r->unfit = unfit;
    r->selection = selection;
    if (unfit) {
        pc_ctl_lacks(&ds, "no Open vSwitch extensions (resubmit: nothing is "
                     "installed, nothing is steered)");
    } else {
        pc_ctl_lacking_groups(r, &ds);
    }
    if (!pc_switch_has_bundles(r->sw)) {
        pc_ctl_lacks(&ds, "no bundles (changes are not atomic)");
    }
    if (!meters) {
        pc_ctl_lacks(&ds, "no meters (network capacity is not enforced)");
    }
    if (!unfit && !r->nd_answers) {
        pc_ctl_lacks(&ds, "no neighbor advertisements made by flows (the "
                     "agent answers for IPv6 addresses of interfaces)");
    }
    if (ds.length && !nullable_string_is_equal(r->missing, ds_cstr(&ds))) {
        VLOG_INFO("router %s: the switch has %s", r->name, ds_cstr(&ds));
    }
    free(r->missing);
    r->missing = ds.length ? ds_steal_cstr(&ds) : NULL;
    return changed;
}
