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

#include "openvswitch/vlog.h"
#include "pc-controller-private.h"
#include "pc-name.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_inspect);

/* Copies of the packets of VIs.
 *
 * The actions that make them are a part of the VIs' own flows.  So a VI is
 * compiled anew when something of its inspections changes; which they are is
 * read from its row and its service's at that moment. */

static struct pc_ctl_inspection *
pc_ctl_inspection_find(const struct pc_controller *c, const struct uuid *uuid)
{
    struct pc_ctl_inspection *in;

    HMAP_FOR_EACH_WITH_HASH (in, hmap_node, uuid_hash(uuid),
                             &c->inspections) {
        if (uuid_equals(&in->uuid, uuid)) {
            return in;
        }
    }
    return NULL;
}

static void
pc_ctl_inspection_dirty(struct pc_controller *c, struct pc_ctl_inspection *in)
{
    struct hmapx_node *node;

    HMAPX_FOR_EACH (node, &in->vis) {
        hmapx_add(&c->dirty_vis, node->data);
    }
}

static void
pc_ctl_inspection_destroy(struct pc_controller *c,
                          struct pc_ctl_inspection *in)
{
    hmap_remove(&c->inspections, &in->hmap_node);
    hmapx_destroy(&in->vis);
    free(in->missing);
    free(in);
}

/* The probability that is nearest to one packet in 'sample'. */
static uint16_t
pc_ctl_probability(uint16_t sample)
{
    return MAX(1, (PC_COPY_ALL + sample / 2) / MAX(1, sample));
}

/* Takes over the values of 'row', new or changed. */
static struct pc_ctl_inspection *
pc_ctl_inspection_update(struct pc_controller *c,
                         const struct pcrec_inspection *row)
{
    struct pc_ctl_inspection *in = pc_ctl_inspection_find(c,
                                                          &row->header_.uuid);
    uint64_t max_rate = row->n_max_rate ? row->max_rate[0] : 0;
    bool is_new = !in;

    if (is_new) {
        in = xzalloc(sizeof *in);
        in->uuid = row->header_.uuid;
        hmapx_init(&in->vis);
        hmap_insert(&c->inspections, &in->hmap_node, uuid_hash(&in->uuid));
    }
    if (in->sample != row->sample || in->max_rate != max_rate) {
        in->sample = row->sample;
        in->max_rate = max_rate;
        in->probability = pc_ctl_probability(in->sample);
        if (is_new && max_rate) {
            /* An agent that starts again goes on with what was measured. */
            in->probability = MIN(in->probability,
                                  MAX(1, smap_get_int(&row->status,
                                                      "probability",
                                                      PC_COPY_ALL)));
        }
    }
    pc_ctl_inspection_dirty(c, in);
    return in;
}

void
pc_ctl_inspect_load(struct pc_controller *c)
{
    const struct pcrec_inspection *row;

    PCREC_INSPECTION_FOR_EACH (row, c->idl) {
        pc_ctl_inspection_update(c, row);
    }
}

/* Did anything of 'row' change but what agents write? */
static bool
pc_ctl_inspection_changed(const struct pcrec_inspection *row)
{
    return (pcrec_inspection_is_new(row)
            || pcrec_inspection_is_updated(row, PCREC_INSPECTION_COL_SAMPLE)
            || pcrec_inspection_is_updated(row, PCREC_INSPECTION_COL_MAX_RATE)
            || pcrec_inspection_is_updated(row, PCREC_INSPECTION_COL_PORT)
            || pcrec_inspection_is_updated(row, PCREC_INSPECTION_COL_SERVICE)
            || pcrec_inspection_is_updated(row, PCREC_INSPECTION_COL_FILE));
}

/* The VIs of 'service' whose set of inspections changed. */
static void
pc_ctl_inspect_track_service(struct pc_controller *c,
                             const struct pcrec_service *row)
{
    struct pc_ctl_service *svc = pc_ctl_service_find(c, &row->header_.uuid);
    struct pc_ctl_vi *vi;

    if (svc) {
        LIST_FOR_EACH (vi, svc_node, &svc->vis) {
            hmapx_add(&c->dirty_vis, vi);
        }
    }
}

/* Follows the database, after services and VIs. */
void
pc_ctl_inspect_track(struct pc_controller *c)
{
    const struct pcrec_inspection *row;
    const struct pcrec_service *service;
    const struct pcrec_vi *vi_row;

    PCREC_INSPECTION_FOR_EACH_TRACKED (row, c->idl) {
        if (pcrec_inspection_is_deleted(row)) {
            struct pc_ctl_inspection *in
                = pc_ctl_inspection_find(c, &row->header_.uuid);
            if (in) {
                pc_ctl_inspection_dirty(c, in);
                pc_ctl_inspection_destroy(c, in);
            }
        } else if (pc_ctl_inspection_changed(row)) {
            pc_ctl_inspection_update(c, row);
        }
    }
    PCREC_SERVICE_FOR_EACH_TRACKED (service, c->idl) {
        if (!pcrec_service_is_deleted(service)
            && pcrec_service_is_updated(service,
                                        PCREC_SERVICE_COL_INSPECTIONS)) {
            pc_ctl_inspect_track_service(c, service);
        }
    }
    PCREC_VI_FOR_EACH_TRACKED (vi_row, c->idl) {
        struct pc_ctl_vi *vi
            = (pcrec_vi_is_deleted(vi_row) ? NULL
               : pc_ctl_vi_find(c, &vi_row->header_.uuid));
        if (vi && !vi->leaving
            && pcrec_vi_is_updated(vi_row, PCREC_VI_COL_INSPECTIONS)) {
            hmapx_add(&c->dirty_vis, vi);
        }
    }
}

void
pc_ctl_inspect_unload(struct pc_controller *c)
{
    struct pc_ctl_inspection *in;

    HMAP_FOR_EACH_SAFE (in, hmap_node, &c->inspections) {
        pc_ctl_inspection_destroy(c, in);
    }
}

/* Forgets 'vi', which leaves. */
void
pc_ctl_inspect_vi_leaves(struct pc_controller *c, struct pc_ctl_vi *vi)
{
    struct pc_ctl_inspection *in;

    HMAP_FOR_EACH (in, hmap_node, &c->inspections) {
        hmapx_find_and_delete(&in->vis, vi);
    }
}

/* Where copies go. */

/* The name of the port to which 'row' has copies sent, or NULL if there is
 * none at present: then '*missing' says why. */
static char *
pc_ctl_inspect_port(const struct pc_controller *c,
                    const struct pcrec_inspection *row, char **missing)
{
    const struct pc_ctl_service *svc;
    const struct pc_ctl_vi *vi, *first = NULL;

    *missing = NULL;
    if (row->port[0]) {
        return xstrdup(row->port);
    } else if (row->file[0]) {
        return pc_name_capture_port(&row->header_.uuid);
    } else if (!row->service) {
        *missing = xstrdup("the service that was to get the copies is gone");
        return NULL;
    }
    svc = pc_ctl_service_find(c, &row->service->header_.uuid);
    if (!svc || svc->s.mode != PC_MODE_TAP) {
        *missing = xasprintf("service %s is not of mode tap",
                             row->service->name);
        return NULL;
    }
    LIST_FOR_EACH (vi, svc_node, &svc->vis) {
        if (vi->port[PC_PORT_IN]
            && (!first || vi->vi.number < first->vi.number)) {
            first = vi;
        }
    }
    if (!first) {
        *missing = xasprintf("service %s has no VI that runs",
                             row->service->name);
        return NULL;
    }
    return xstrdup(first->port[PC_PORT_IN]);
}

/* A port of 'names' came, went or changed: VIs whose copies go there are
 * compiled anew. */
void
pc_ctl_inspect_ports_changed(struct pc_controller *c, const struct sset *names)
{
    struct pc_ctl_inspection *in;

    HMAP_FOR_EACH (in, hmap_node, &c->inspections) {
        const struct pcrec_inspection *row
            = pcrec_inspection_get_for_uuid(c->idl, &in->uuid);
        char *missing = NULL;
        char *port = row ? pc_ctl_inspect_port(c, row, &missing) : NULL;

        if (port && sset_contains(names, port)) {
            pc_ctl_inspection_dirty(c, in);
        }
        free(port);
        free(missing);
    }
}

/* A VI of 'svc' has got or lost a port: the same for copies to that service. */
void
pc_ctl_inspect_service_changed(struct pc_controller *c,
                               const struct pc_ctl_service *svc)
{
    struct pc_ctl_inspection *in;

    HMAP_FOR_EACH (in, hmap_node, &c->inspections) {
        const struct pcrec_inspection *row
            = pcrec_inspection_get_for_uuid(c->idl, &in->uuid);

        if (row && row->service
            && uuid_equals(&row->service->header_.uuid, &svc->s.uuid)) {
            pc_ctl_inspection_dirty(c, in);
        }
    }
}

/* The port of 'r' to which 'row' has copies of packets of 'vi' sent, OFPP_NONE
 * if there is none: then in->missing says why. */
static ofp_port_t
pc_ctl_inspect_destination(const struct pc_controller *c,
                           const struct pc_ctl_router *r,
                           const struct pcrec_inspection *row,
                           const struct pc_ctl_vi *vi,
                           struct pc_ctl_inspection *in)
{
    const struct pc_switch_port *port;
    char *name;

    free(in->missing);
    name = pc_ctl_inspect_port(c, row, &in->missing);
    if (!name) {
        return OFPP_NONE;
    }
    port = pc_switch_port_by_name(r->sw, name);
    if (!port) {
        in->missing = xasprintf("router %s has no port %s", r->name, name);
    } else if (port->ofport == vi->vi.port[PC_PORT_IN]
               || port->ofport == vi->vi.port[PC_PORT_OUT]) {
        in->missing = xasprintf("port %s belongs to VI %s itself", name,
                                vi->vi.name);
        port = NULL;
    }
    free(name);
    return port ? port->ofport : OFPP_NONE;
}

static void
pc_ctl_vi_add_copies(struct pc_controller *c, const struct pc_ctl_router *r,
                     struct pc_ctl_vi *vi,
                     struct pcrec_inspection *const rows[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct pc_ctl_inspection *in
            = pc_ctl_inspection_find(c, &rows[i]->header_.uuid);

        if (!in) {
            in = pc_ctl_inspection_update(c, rows[i]);
        }
        hmapx_add(&in->vis, vi);
        in->sampled = r->sampling;
        ofp_port_t port = pc_ctl_inspect_destination(c, r, rows[i], vi, in);
        if (port != OFPP_NONE) {
            vi->vi.copies[vi->vi.n_copies++] = (struct pc_copy) {
                .port = port,
                .probability = r->sampling ? in->probability : PC_COPY_ALL,
            };
        }
        if (!r->sampling && (in->sample > 1 || in->max_rate)) {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 1);

            VLOG_INFO_RL(&rl, "router %s cannot sample: of VIs that are to be "
                         "inspected by samples all packets are copied",
                         r->name);
        }
    }
}

/* Puts into 'vi' where on 'r' copies of its packets go. */
void
pc_ctl_vi_set_copies(struct pc_controller *c, const struct pc_ctl_router *r,
                     struct pc_ctl_vi *vi)
{
    const struct pcrec_vi *row = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);
    size_t n = (row ? row->n_inspections : 0)
               + (row && row->service ? row->service->n_inspections : 0);

    free(vi->vi.copies);
    vi->vi.copies = NULL;
    vi->vi.n_copies = 0;
    pc_ctl_inspect_vi_leaves(c, vi);
    if (n) {
        vi->vi.copies = xcalloc(n, sizeof *vi->vi.copies);
        pc_ctl_vi_add_copies(c, r, vi, row->inspections, row->n_inspections);
        if (row->service) {
            pc_ctl_vi_add_copies(c, r, vi, row->service->inspections,
                                 row->service->n_inspections);
        }
    }
}

/* Status. */

static void
pc_ctl_inspection_smap(const struct pc_ctl_inspection *in,
                       struct smap *status)
{
    uint16_t wanted = pc_ctl_probability(in->sample);
    uint16_t now = in->sampled ? in->probability : PC_COPY_ALL;

    if (hmapx_is_empty(&in->vis)) {
        return;                 /* Not compiled yet, or no VI. */
    }
    smap_add_format(status, "probability", "%"PRIu16, now);
    smap_add(status, "mode", now == PC_COPY_ALL ? "full" : "sampled");
    if (!in->sampled && (in->sample > 1 || in->max_rate)) {
        smap_add(status, "notice", "the switch cannot sample: all packets "
                 "are copied");
    } else if (now < wanted) {
        smap_add_format(status, "notice", "less than asked for, to keep "
                        "below %"PRIu64" packets/s", in->max_rate);
    }
}

/* What the node says against the file of 'row', or NULL. */
static const char *
pc_ctl_capture_error(const struct pcrec_inspection *row)
{
    const struct smap_node *node;

    SMAP_FOR_EACH (node, &row->capture) {
        if (strcmp(node->value, "running") && strcmp(node->value, "full")) {
            return node->value;
        }
    }
    return NULL;
}

/* Writes what became of the inspections.  Must only be called in a
 * transaction. */
void
pc_ctl_write_inspections(struct pc_controller *c)
{
    const struct pc_ctl_inspection *in;

    HMAP_FOR_EACH (in, hmap_node, &c->inspections) {
        const struct pcrec_inspection *row
            = pcrec_inspection_get_for_uuid(c->idl, &in->uuid);
        struct smap status = SMAP_INITIALIZER(&status);

        if (!row) {
            continue;
        }
        const char *error = pc_ctl_capture_error(row);
        error = error ? error : in->missing ? in->missing : "";
        if (strcmp(row->error, error)) {
            pcrec_inspection_set_error(row, error);
        }
        pc_ctl_inspection_smap(in, &status);
        if (!smap_equal(&status, &row->status)) {
            pcrec_inspection_set_status(row, &status);
        }
        smap_destroy(&status);
    }
}
