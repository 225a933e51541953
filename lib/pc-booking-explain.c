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
#include "pc-booking-explain.h"

#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "pc-booking.h"
#include "pc-request.h"
#include "pc-time.h"
#include "pc-units.h"
#include "smap.h"
#include "util.h"
#include "lib/pc-idl.h"

/* How many candidates a reason names. */
#define MAX_CANDIDATES 10

static const char *
node_name(const struct ovsdb_idl *idl, const struct uuid *uuid)
{
    const struct pcrec_node *node = pcrec_node_get_for_uuid(idl, uuid);

    return node ? node->name : "?";
}

static const char *
cloudlet_name(const struct ovsdb_idl *idl, const struct uuid *uuid)
{
    const struct pcrec_cloudlet *c = pcrec_cloudlet_get_for_uuid(idl, uuid);

    return c ? c->name : "?";
}

/* "cpu: 1.5 of 2 in use at 2026-12-01T08:00:00Z, 1 more asked for". */
static void
put_misfit(struct ds *ds, const struct pc_engine_candidate *c)
{
    const char *name = pc_capacity_names[c->misfit.dimension];
    char *wanted = pc_units_format_capacity(name, c->misfit.wanted);
    char *limit = pc_units_format_capacity(name, MAX(c->limit, 0));
    char *used = pc_units_format_capacity(name, c->misfit.used);
    char *time = pc_time_format(c->misfit.time);

    if (c->verdict == PC_VERDICT_TOO_SMALL) {
        ds_put_format(ds, "%s %s asked for, it has %s", name, wanted, limit);
    } else {
        ds_put_format(ds, "%s %s asked for, %s of %s taken at %s%s", name,
                      wanted, used, limit, time,
                      c->verdict == PC_VERDICT_ISP_SHARE
                      ? " (the rest is kept for the ISP)" : "");
    }
    free(time);
    free(used);
    free(limit);
    free(wanted);
}

static void
put_candidate(struct ds *ds, const struct ovsdb_idl *idl,
              const struct pc_engine_candidate *c)
{
    ds_put_format(ds, "%s/%s: ", cloudlet_name(idl, &c->cloudlet),
                  node_name(idl, &c->node));
    switch (c->verdict) {
    case PC_VERDICT_FITS:
        ds_put_cstr(ds, "fits");
        break;
    case PC_VERDICT_NOT_USABLE:
        ds_put_cstr(ds, "silent");
        break;
    case PC_VERDICT_REFUSED:
        ds_put_cstr(ds, "refused by its controller");
        break;
    case PC_VERDICT_TOO_SMALL:
    case PC_VERDICT_ISP_SHARE:
    case PC_VERDICT_FULL:
        put_misfit(ds, c);
        break;
    }
}

static char *
put_reason(const struct ovsdb_idl *idl, const struct pc_engine_decline *d)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!d->n_candidates) {
        return xstrdup("there is no node");
    }
    ds_put_cstr(&ds, "nothing fits: ");
    for (size_t i = 0; i < MIN(d->n_candidates, MAX_CANDIDATES); i++) {
        ds_put_cstr(&ds, i ? "; " : "");
        put_candidate(&ds, idl, &d->candidates[i]);
    }
    if (d->n_candidates > MAX_CANDIDATES) {
        ds_put_format(&ds, "; and %"PRIuSIZE" more",
                      d->n_candidates - MAX_CANDIDATES + d->n_more);
    }
    return ds_steal_cstr(&ds);
}

static void
add_later(const struct ovsdb_idl *idl, const struct pc_engine_decline *d,
          const struct pc_engine_request *req, struct smap *alternatives)
{
    char *time = pc_time_format(req->slots[0].begin + d->delay);

    smap_add_format(alternatives, "later", "%s on node %s", time,
                    node_name(idl, &d->delay_node));
    free(time);
}

static void
add_smaller(const struct ovsdb_idl *idl, const struct pc_engine_decline *d,
            struct smap *alternatives)
{
    char **texts = pc_request_format_slots(d->smaller, d->n_smaller);
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < d->n_smaller; i++) {
        ds_put_format(&ds, "%s%s", i ? " " : "", texts[i]);
        free(texts[i]);
    }
    free(texts);
    smap_add_format(alternatives, "smaller", "%s on node %s", ds_cstr(&ds),
                    node_name(idl, &d->smaller_node));
    ds_destroy(&ds);
}

char *
pc_booking_explain(struct pc_booking *b, const struct ovsdb_idl *idl,
                   const struct pc_engine_request *req,
                   struct smap *alternatives)
{
    struct pc_engine_decline d;

    pc_engine_explain(pc_booking_engine(b), req, &d);
    if (d.delay > 0) {
        add_later(idl, &d, req, alternatives);
    }
    if (d.smaller) {
        add_smaller(idl, &d, alternatives);
    }
    if (d.elsewhere) {
        smap_add(alternatives, "cloudlet",
                 cloudlet_name(idl, &d.other.cloudlet));
    }
    char *reason = put_reason(idl, &d);
    pc_engine_decline_destroy(&d);
    return reason;
}
