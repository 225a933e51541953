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
#include "pc-explain-eval.h"

#include <stdarg.h>

#include "byte-order.h"
#include "hash.h"
#include "odp-util.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-group.h"
#include "packets.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "unixctl.h"
#include "util.h"

/* Tables that lead to tables: Open vSwitch's limit. */
#define MAX_DEPTH 64

static void run_actions(struct pc_eval *, const struct ofpact *, size_t len);

/* Returns a switch with the desired tables of 'r'. */
struct pc_eval *
pc_eval_create(const struct pc_controller *c, const struct pc_ctl_router *r)
{
    struct pc_eval *ev = xzalloc(sizeof *ev);

    ev->c = c;
    ev->r = r;
    ev->owners = pc_explain_owners_create(c);
    svec_init(&ev->steps);
    svec_init(&ev->outputs);
    return ev;
}

void
pc_eval_destroy(struct pc_eval *ev)
{
    pc_explain_owners_destroy(ev->owners);
    svec_destroy(&ev->steps);
    svec_destroy(&ev->outputs);
    free(ev->drop);
    free(ev);
}

/* What happens, in words. */

static void OVS_PRINTF_FORMAT(2, 3)
step(struct pc_eval *ev, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    svec_add_nocopy(&ev->steps, xvasprintf(format, args));
    va_end(args);
}

static void
drop(struct pc_eval *ev, char *why)
{
    step(ev, "dropped: %s", why);
    free(ev->drop);
    ev->drop = why;
}

static void
output(struct pc_eval *ev, const char *port)
{
    const struct flow *f = &ev->flow;

    svec_add_nocopy(&ev->outputs, xasprintf(
        "%s in_port=%"PRIu32" eth_src="ETH_ADDR_FMT" eth_dst="ETH_ADDR_FMT
        " ttl=%"PRIu8, port, ofp_to_u16(f->in_port.ofp_port),
        ETH_ADDR_ARGS(f->dl_src), ETH_ADDR_ARGS(f->dl_dst), f->nw_ttl));
    step(ev, "output to %s", port);
}

/* Groups. */

static const struct ofputil_group_mod *
find_group(const struct pc_eval *ev, uint32_t id)
{
    return pc_flow_table_find_group(ev->r->table, id);
}

static bool is_group_alive(const struct pc_eval *, uint32_t id, int depth);

static bool
is_bucket_alive(const struct pc_eval *ev, const struct ofputil_group_mod *gm,
                const struct ofputil_bucket *b, int depth)
{
    if (gm->type == OFPGT11_SELECT && !b->weight) {
        return false;
    } else if (b->watch_port == OFPP_ANY && b->watch_group == OFPG_ANY) {
        return true;
    } else if (b->watch_port != OFPP_ANY) {
        const struct pc_switch_port *port
            = pc_switch_port_by_number(ev->r->sw, b->watch_port);

        if (port && port->link_up) {
            return true;
        }
    }
    return (b->watch_group != OFPG_ANY && depth < MAX_DEPTH
            && is_group_alive(ev, b->watch_group, depth + 1));
}

static bool
is_group_alive(const struct pc_eval *ev, uint32_t id, int depth)
{
    const struct ofputil_group_mod *gm = find_group(ev, id);
    const struct ofputil_bucket *b;

    if (gm) {
        LIST_FOR_EACH (b, list_node, &gm->buckets) {
            if (is_bucket_alive(ev, gm, b, depth)) {
                return true;
            }
        }
    }
    return false;
}

/* The hash of the fields by which 'gm' selects, as Open vSwitch computes it;
 * appends their names to 'names'. */
static uint32_t
select_basis(const struct pc_eval *ev, const struct ofputil_group_mod *gm,
             struct ds *names)
{
    const struct field_array *fields = &gm->props.fields;
    uint32_t basis = hash_uint64(gm->props.selection_method_param);
    const uint8_t *mask = fields->values;
    size_t i;

    BITMAP_FOR_EACH_1 (i, MFF_N_IDS, fields->used.bm) {
        const struct mf_field *mf = mf_from_id(i);
        union mf_value value;

        if (mf_are_prereqs_ok(mf, &ev->flow, NULL)) {
            mf_get_value(mf, &ev->flow, &value);
            for (unsigned int j = 0; j < mf->n_bytes; j++) {
                value.b[j] &= mask[j];
            }
            basis = hash_bytes(&value, mf->n_bytes, basis);
            ds_put_format(names, "%s%s", names->length ? ", " : "", mf->name);
        }
        mask += mf->n_bytes;
    }
    return basis;
}

/* The bucket of highest score of those alive. */
static const struct ofputil_bucket *
select_bucket(struct pc_eval *ev, const struct ofputil_group_mod *gm)
{
    const struct ofputil_bucket *b, *best = NULL;
    struct ds names = DS_EMPTY_INITIALIZER;
    uint32_t basis = select_basis(ev, gm, &names);
    uint32_t best_score = 0;
    int n_alive = 0, n = 0;

    LIST_FOR_EACH (b, list_node, &gm->buckets) {
        n++;
        if (is_bucket_alive(ev, gm, b, 0)) {
            uint32_t score = ((hash_int(b->bucket_id, basis) & 0xffff)
                              * b->weight);
            n_alive++;
            if (score >= best_score) {
                best = b;
                best_score = score;
            }
        }
    }
    if (best) {
        const struct pc_ctl_vi *vi = pc_explain_vi_by_number(ev->c,
                                                             best->bucket_id);
        if (n_alive == 1) {
            step(ev, "VI %s is chosen: the only one alive of %d",
                 vi ? vi->vi.name : "?", n);
        } else {
            step(ev, "VI %s is chosen: by hash of %s, of %d alive",
                 vi ? vi->vi.name : "?", ds_cstr(&names), n_alive);
        }
    }
    ds_destroy(&names);
    return best;
}

static const struct ofputil_bucket *
choose_bucket(struct pc_eval *ev, const struct ofputil_group_mod *gm)
{
    const struct ofputil_bucket *b;

    if (gm->type == OFPGT11_SELECT) {
        return select_bucket(ev, gm);
    }
    LIST_FOR_EACH (b, list_node, &gm->buckets) {
        if (gm->type == OFPGT11_INDIRECT || is_bucket_alive(ev, gm, b, 0)) {
            return b;
        }
    }
    return NULL;
}

static void
run_group(struct pc_eval *ev, uint32_t id)
{
    const struct ofputil_group_mod *gm = find_group(ev, id);
    const struct ofputil_bucket *b = gm ? choose_bucket(ev, gm) : NULL;
    const struct pc_ctl_service *svc
        = pc_explain_service_by_number(ev->c, pc_group_service(id));
    struct flow saved = ev->flow;

    ev->svc = svc ? svc : ev->svc;
    const char *name = ev->svc ? ev->svc->s.name : "?";
    if (!b || !b->ofpacts_len) {
        drop(ev, pc_explain_closed_name(name));
        return;
    }
    if (gm->type == OFPGT11_FF && b->watch_group == PC_GROUP_ALWAYS) {
        step(ev, "service %s has no VI alive (on-failure=open): it is skipped",
             name);
    }
    if (gm->type == OFPGT11_FF && b->watch_port != OFPP_ANY) {
        const struct pc_switch_port *port
            = pc_switch_port_by_number(ev->r->sw, b->watch_port);
        const struct pc_ctl_vi *vi
            = port ? shash_find_data(&ev->c->ports, port->name) : NULL;

        step(ev, "VI %s is chosen: %s", vi ? vi->vi.name : "?",
             pc_group_vi(id) ? "the connection has it"
             : "the only one, and alive");
    }
    run_actions(ev, b->ofpacts, b->ofpacts_len);
    ev->flow = saved;
}

/* Flows. */

static void
say_flow(struct pc_eval *ev, uint8_t table_id, const struct pc_flow_view *f)
{
    const struct pc_explain_owner *owner = pc_explain_owner_find(ev->owners,
                                                                 f->cookie);
    const char *table = pc_table_name(ev->r->base, table_id);

    step(ev, "table %d %s: %s, %s", table_id, table ? table : "",
         pc_flow_kind_name(pc_cookie_kind(f->cookie)),
         owner ? owner->name : "PacketCloud");
}

/* Says so if the packet goes no further than 'f'. */
static void
drop_at_end(struct pc_eval *ev, uint8_t table_id,
            const struct pc_flow_view *f)
{
    enum pc_explain_end end = pc_explain_flow_end(f->cookie, f->ofpacts,
                                                  f->ofpacts_len);

    if (end) {
        drop(ev, pc_explain_drop_name(ev->owners, end,
                                      table_id - ev->r->base, f->priority,
                                      f->cookie));
    }
}

static void
run_table(struct pc_eval *ev, uint8_t table_id)
{
    struct pc_flow_view view;
    const struct pc_flow_view *f
        = (pc_flow_table_find_flow(ev->r->table, table_id, &ev->flow, &view)
           ? &view : NULL);

    if (ev->depth >= MAX_DEPTH) {
        ev->stop = true;
        drop(ev, xstrdup("it goes round in circles (resubmit limit)"));
    } else if (f) {
        say_flow(ev, table_id, f);
        ev->depth++;
        run_actions(ev, f->ofpacts, f->ofpacts_len);
        drop_at_end(ev, table_id, f);
        ev->depth--;
    } else if (table_id == PC_TABLE_HOOK) {
        ev->to_operator = true;
        ev->operator_flow = ev->flow;
        output(ev, "operator");
    } else {
        drop(ev, pc_explain_miss_name(ev->owners, ev->r->base, table_id));
    }
}

/* Notes the VI that gets the packet at 'port', if it is to send it on; otherwise
 * that it leaves, unless it is a copy. */
static void
note_vi(struct pc_eval *ev, const struct pc_switch_port *port)
{
    const struct pc_ctl_vi *vi
        = port ? shash_find_data(&ev->c->ports, port->name) : NULL;

    if (vi && vi->svc && (vi->svc->s.mode == PC_MODE_INLINE
                          || vi->svc->s.mode == PC_MODE_ROUTE)) {
        ev->vi = vi;
        ev->vi_port = (vi->port[PC_PORT_IN]
                       && !strcmp(vi->port[PC_PORT_IN], port->name)
                       ? PC_PORT_IN : PC_PORT_OUT);
        ev->vi_flow = ev->flow;
    } else if (port && !(vi && vi->svc && vi->svc->s.mode == PC_MODE_TAP)) {
        ev->out_port = port->ofport;
        ev->out_flow = ev->flow;
    }
}

static void
run_output(struct pc_eval *ev, ofp_port_t ofport)
{
    ofp_port_t in_port = ev->flow.in_port.ofp_port;
    ofp_port_t to = ofport == OFPP_IN_PORT ? in_port : ofport;

    if (ofport == in_port) {
        drop(ev, xasprintf("it would go back to port %"PRIu32", where it came "
                           "from", ofp_to_u16(ofport)));
    } else if (to != OFPP_LOCAL && !pc_switch_port_by_number(ev->r->sw, to)) {
        drop(ev, (ofport == OFPP_IN_PORT
                  ? xstrdup("an answer to what an inline VI has sent has no "
                            "port to go to")
                  : xasprintf("there is no port %"PRIu32,
                              ofp_to_u16(ofport))));
    } else {
        char *s = xasprintf("%"PRIu32, ofp_to_u16(to));
        note_vi(ev, pc_switch_port_by_number(ev->r->sw, to));
        output(ev, s);
        free(s);
    }
}

/* A new connection, in the zone of 'ct'. */
static void
run_ct(struct pc_eval *ev, const struct ofpact_conntrack *ct)
{
    struct flow saved = ev->flow;

    if (ct->recirc_table != NX_CT_RECIRC_NONE) {
        ev->flow.ct_state = CS_TRACKED | CS_NEW;
        ev->flow.ct_zone = ct->zone_imm;
        ev->flow.ct_mark = 0;
        step(ev, "connection tracking, zone %"PRIu16": taken for a new "
             "connection", ct->zone_imm);
        run_table(ev, ct->recirc_table);
        ev->flow = saved;
    }
}

static void
run_field(struct pc_eval *ev, const struct ofpact_set_field *sf)
{
    if (mf_are_prereqs_ok(sf->field, &ev->flow, NULL)) {
        mf_set_flow_value_masked(sf->field, sf->value,
                                 ofpact_set_field_mask(sf), &ev->flow);
    }
}

static void
run_ttl(struct pc_eval *ev)
{
    if (!is_ip_any(&ev->flow)) {
        return;
    } else if (ev->flow.nw_ttl > 1) {
        ev->flow.nw_ttl--;
    } else {
        drop(ev, xstrdup("its TTL has run out"));
        ev->stop = true;
    }
}

static void
run_meter(struct pc_eval *ev, uint32_t meter_id)
{
    char *name = pc_explain_meter_name(ev->c, meter_id);

    step(ev, "meter %"PRIu32" may drop it: %s", meter_id, name);
    free(name);
}

static void
run_action(struct pc_eval *ev, const struct ofpact *a)
{
    switch ((int) a->type) {
    case OFPACT_SET_FIELD:
        run_field(ev, ofpact_get_SET_FIELD(a));
        break;
    case OFPACT_REG_MOVE: {
        const struct ofpact_reg_move *move = ofpact_get_REG_MOVE(a);

        mf_subfield_copy(&move->src, &move->dst, &ev->flow, NULL);
        break;
    }
    case OFPACT_RESUBMIT:
        run_table(ev, ofpact_get_RESUBMIT(a)->table_id);
        break;
    case OFPACT_GOTO_TABLE:
        run_table(ev, ofpact_get_GOTO_TABLE(a)->table_id);
        break;
    case OFPACT_GROUP:
        run_group(ev, ofpact_get_GROUP(a)->group_id);
        break;
    case OFPACT_OUTPUT:
        run_output(ev, ofpact_get_OUTPUT(a)->port);
        break;
    case OFPACT_CONTROLLER:
        output(ev, "controller");
        break;
    case OFPACT_METER:
        run_meter(ev, ofpact_get_METER(a)->meter_id);
        break;
    case OFPACT_DEC_TTL:
        run_ttl(ev);
        break;
    case OFPACT_CT:
        run_ct(ev, ofpact_get_CT(a));
        break;
    case OFPACT_CT_CLEAR:
        ev->flow.ct_state = ev->flow.ct_mark = ev->flow.ct_zone = 0;
        break;
    case OFPACT_CHECK_PKT_LARGER:
        break;                  /* It fits. */
    default:
        step(ev, "an action that is not understood: %s",
             ofpact_name(a->type));
        break;
    }
}

static void
run_actions(struct pc_eval *ev, const struct ofpact *ofpacts, size_t len)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts, len) {
        if (ev->stop) {
            break;
        }
        run_action(ev, a);
    }
}

/* What happens to a packet that comes in. */
void
pc_eval_packet(struct pc_eval *ev, const struct flow *flow)
{
    svec_clear(&ev->steps);
    svec_clear(&ev->outputs);
    free(ev->drop);
    ev->drop = NULL;
    ev->svc = NULL;
    ev->vi = NULL;
    ev->to_operator = false;
    ev->out_port = OFPP_NONE;
    ev->stop = false;
    ev->depth = 0;
    ev->flow = *flow;
    run_table(ev, PC_TABLE_HOOK);
}
