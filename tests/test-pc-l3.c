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

/* The front-end router by itself, for tests.
 *
 *     test-pc-l3 flows SPEC...          prints its flows, for ovs-ofctl
 *     test-pc-l3 run TARGET SPEC...     is the controller of a switch
 *
 * where each SPEC is one of
 *
 *     interface=NAME,MAC,PORT,ADDRESS[,ADDRESS]...[,mtu=N]
 *     route=PREFIX,NEXTHOP[,INTERFACE]
 *     neighbor=INTERFACE,ADDRESS,MAC,PORT
 *
 * PORT is a port number or "none" or "flood". */

#include <config.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command-line.h"
#include "fatal-signal.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "dp-packet.h"
#include "pc-flow-table.h"
#include "pc-installed.h"
#include "pc-l3.h"
#include "pc-layout.h"
#include "pc-switch.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(test_pc_l3);

#define CONTROLLER_ID 0x9c1d

struct router {
    struct pc_flow_table *table;
    struct pc_l3 *l3;
    struct pc_switch *sw;
    unsigned int epoch;
    struct pc_installed *installed; /* While reading. */
    bool read;                      /* Was the switch read? */
};

/* Returns the UUID of the row that would be called 'name'. */
static struct uuid
name_to_uuid(const char *name)
{
    struct uuid uuid;

    for (size_t i = 0; i < ARRAY_SIZE(uuid.parts); i++) {
        uuid.parts[i] = hash_string(name, i);
    }
    return uuid;
}

static char *
next_word(char **rest, const char *what)
{
    char *word = strsep(rest, ",");

    if (!word || !*word) {
        ovs_fatal(0, "%s missing", what);
    }
    return word;
}

static struct eth_addr
parse_mac(const char *s)
{
    struct eth_addr mac;

    if (!eth_addr_from_string(s, &mac)) {
        ovs_fatal(0, "%s: bad Ethernet address", s);
    }
    return mac;
}

static ofp_port_t
parse_port(const char *s)
{
    return (!strcmp(s, "none") ? OFPP_NONE
            : !strcmp(s, "flood") ? OFPP_FLOOD
            : u16_to_ofp(atoi(s)));
}

static void
check(char *error)
{
    if (error) {
        ovs_fatal(0, "%s", error);
    }
}

static struct in6_addr
parse_ip(const char *s)
{
    struct in6_addr addr;
    ovs_be32 ip;

    if (ip_parse(s, &ip)) {
        in6_addr_set_mapped_ipv4(&addr, ip);
    } else if (!ipv6_parse(s, &addr)) {
        ovs_fatal(0, "%s: bad address", s);
    }
    return addr;
}

static void
add_interface(struct pc_l3 *l3, char *spec)
{
    struct pc_l3_address addresses[16];
    struct pc_l3_interface iface = { .addresses = addresses };
    char *word;

    iface.uuid = name_to_uuid(next_word(&spec, "name"));
    iface.mac = parse_mac(next_word(&spec, "mac"));
    iface.port = parse_port(next_word(&spec, "port"));
    while ((word = strsep(&spec, ",")) != NULL) {
        if (!strncmp(word, "mtu=", 4)) {
            iface.mtu = atoi(word + 4);
        } else if (iface.n_addresses < ARRAY_SIZE(addresses)) {
            check(pc_l3_parse_address(word,
                                      &addresses[iface.n_addresses++]));
        }
    }
    check(pc_l3_set_interface(l3, &iface));
}

static void
add_route(struct pc_l3 *l3, char *spec)
{
    struct pc_l3_route route = { .uuid = name_to_uuid(spec) };

    check(pc_l3_parse_prefix(next_word(&spec, "prefix"), &route.prefix));
    check(pc_l3_parse_nexthop(next_word(&spec, "next hop"), &route));
    if (spec) {
        route.interface = name_to_uuid(next_word(&spec, "interface"));
    }
    check(pc_l3_set_route(l3, &route));
}

static void
add_neighbor(struct pc_l3 *l3, char *spec)
{
    struct pc_l3_static_neighbor n = { .owner = name_to_uuid(spec) };

    n.interface = name_to_uuid(next_word(&spec, "interface"));
    n.addr = parse_ip(next_word(&spec, "address"));
    n.mac = parse_mac(next_word(&spec, "mac"));
    n.port = parse_port(next_word(&spec, "port"));
    pc_l3_set_static_neighbor(l3, &n);
}

static void
configure(struct pc_l3 *l3, int argc, char *argv[])
{
    for (int i = 0; i < argc; i++) {
        char *spec = argv[i];
        const char *kind = strsep(&spec, "=");

        if (!spec) {
            ovs_fatal(0, "%s: bad specification", argv[i]);
        } else if (!strcmp(kind, "interface")) {
            add_interface(l3, spec);
        } else if (!strcmp(kind, "route")) {
            add_route(l3, spec);
        } else if (!strcmp(kind, "neighbor")) {
            add_neighbor(l3, spec);
        } else {
            ovs_fatal(0, "%s: bad specification", kind);
        }
    }
}

static void
router_init(struct router *r, bool meters)
{
    struct pc_l3_config config = {
        .table_base = PC_TABLE_BASE_DEFAULT,
        .controller_id = CONTROLLER_ID,
        .meter_id = meters ? pc_meter_id(0, 0) : 0,
        .nd_answers = true,
    };

    memset(r, 0, sizeof *r);
    r->table = pc_flow_table_create();
    r->l3 = pc_l3_create(r->table, &config);
}

static void
router_uninit(struct router *r)
{
    pc_switch_destroy(r->sw);
    pc_l3_destroy(r->l3);
    pc_flow_table_destroy(r->table);
}

static void
print_flow(const struct pc_flow_view *view, void *aux OVS_UNUSED)
{
    struct ofpact_format_params fp = { .s = NULL };
    struct ds s = DS_EMPTY_INITIALIZER;
    struct match match;

    minimatch_expand(view->match, &match);
    ds_put_format(&s, "cookie=0x%"PRIx64",table=%d,", ntohll(view->cookie),
                  view->table_id);
    match_format(&match, NULL, &s, view->priority);
    ds_put_cstr(&s, ",actions=");
    fp.s = &s;
    ofpacts_format(view->ofpacts, view->ofpacts_len, &fp);
    puts(ds_cstr(&s));
    ds_destroy(&s);
}

static void
cmd_flows(struct ovs_cmdl_context *ctx)
{
    struct router r;

    router_init(&r, false);
    configure(r.l3, ctx->argc - 1, ctx->argv + 1);
    pc_flow_table_for_each_flow(r.table, print_flow, NULL);
    router_uninit(&r);
}

static void
adopt(const struct pc_flow_view *view, void *r_)
{
    struct router *r = r_;

    pc_l3_adopt_neighbor(r->l3, time_msec(), view);
}

static void
submit_changes(struct router *r)
{
    struct ovs_list mods = OVS_LIST_INITIALIZER(&mods);

    if (r->read && pc_flow_table_is_dirty(r->table)) {
        pc_flow_table_take_changes(r->table, &mods);
        if (!ovs_list_is_empty(&mods)) {
            pc_switch_submit(r->sw, &mods);
        }
    }
}

static void
read_flow(const struct ofputil_flow_stats *fs, void *r_)
{
    struct router *r = r_;

    pc_installed_add_flow(r->installed, fs);
}

static void
read_group(const struct ofputil_group_desc *gd, void *r_)
{
    struct router *r = r_;

    pc_installed_add_group(r->installed, gd);
}

static void
read_meter(const struct ofputil_meter_config *mc, void *r_)
{
    struct router *r = r_;

    pc_installed_add_meter(r->installed, mc);
}

static void
read_done(int error, void *r_)
{
    struct ovs_list mods = OVS_LIST_INITIALIZER(&mods);
    struct router *r = r_;

    if (!error) {
        pc_installed_for_each_flow(r->installed, adopt, r);
        pc_installed_diff(r->installed, r->table, &mods);
        VLOG_INFO("%"PRIuSIZE" changes after reading",
                  ovs_list_size(&mods));
        pc_switch_submit(r->sw, &mods);
        r->read = true;
    }
    pc_installed_destroy(r->installed);
    r->installed = NULL;
}

static void
run_connection(struct router *r)
{
    static const struct pc_switch_read_class class = {
        .flow = read_flow, .group = read_group, .meter = read_meter,
        .done = read_done
    };

    if (pc_switch_is_ready(r->sw) && pc_switch_epoch(r->sw) != r->epoch) {
        r->epoch = pc_switch_epoch(r->sw);
        r->read = false;
        r->installed = pc_installed_create(pc_switch_protocol(r->sw));
        pc_switch_read(r->sw, &class, r);
    }
}

static void
send_all(struct router *r, struct ovs_list *outs)
{
    struct pc_l3_packet_out *po;

    LIST_FOR_EACH_POP (po, list_node, outs) {
        struct ofputil_packet_out opo = {
            .packet = dp_packet_data(po->packet),
            .packet_len = dp_packet_size(po->packet),
            .buffer_id = UINT32_MAX,
            .ofpacts = po->ofpacts.data,
            .ofpacts_len = po->ofpacts.size
        };

        match_init_catchall(&opo.flow_metadata);
        match_set_in_port(&opo.flow_metadata, po->in_port);
        pc_switch_packet_out(r->sw, &opo);
        pc_l3_packet_out_destroy(po);
    }
}

static void
run_once(struct router *r)
{
    struct ovs_list outs = OVS_LIST_INITIALIZER(&outs);
    struct pc_switch_error *error;
    struct pc_packet_in *pi;

    pc_switch_run(r->sw);
    run_connection(r);
    while ((pi = pc_switch_next_packet_in(r->sw)) != NULL) {
        pc_l3_packet_in(r->l3, time_msec(), &pi->pin, &outs);
        pc_packet_in_destroy(pi);
    }
    pc_l3_run(r->l3, time_msec(), &outs);
    submit_changes(r);
    send_all(r, &outs);
    while ((error = pc_switch_next_error(r->sw)) != NULL) {
        VLOG_ERR("refused: %s: %s", error->what,
                 ofperr_get_name(error->error));
        pc_switch_error_destroy(error);
    }
}

static void
show_neighbors(struct unixctl_conn *conn, int argc OVS_UNUSED,
               const char *argv[] OVS_UNUSED, void *r_)
{
    struct router *r = r_;
    struct ds s = DS_EMPTY_INITIALIZER;
    const struct pc_l3_counters *c = pc_l3_counters(r->l3);

    pc_l3_format_neighbors(r->l3, time_msec(), &s);
    ds_put_format(&s, "packet-ins %"PRIu64" malformed %"PRIu64" queued %"
                  PRIu64" dropped %"PRIu64" failed %"PRIu64" solicits %"
                  PRIu64" errors %"PRIu64" limited %"PRIu64"\n",
                  c->n_packet_ins, c->n_malformed, c->n_queued,
                  c->n_queue_drops, c->n_failed, c->n_solicits,
                  c->n_icmp_sent, c->n_icmp_limited);
    unixctl_command_reply(conn, ds_cstr(&s));
    ds_destroy(&s);
}

static void
do_exit(struct unixctl_conn *conn, int argc OVS_UNUSED,
        const char *argv[] OVS_UNUSED, void *exiting)
{
    *(bool *) exiting = true;
    unixctl_command_reply(conn, NULL);
}

static void
cmd_run(struct ovs_cmdl_context *ctx)
{
    struct unixctl_server *server;
    bool exiting = false;
    struct router r;

    if (unixctl_server_create(getenv("TEST_UNIXCTL"), &server)) {
        ovs_fatal(0, "cannot make the unixctl server");
    }
    router_init(&r, true);
    configure(r.l3, ctx->argc - 2, ctx->argv + 2);
    r.sw = pc_switch_create(ctx->argv[1], CONTROLLER_ID);
    unixctl_command_register("neighbors", "", 0, 0, show_neighbors, &r);
    unixctl_command_register("exit", "", 0, 0, do_exit, &exiting);
    while (!exiting) {
        run_once(&r);
        unixctl_server_run(server);
        unixctl_server_wait(server);
        pc_switch_wait(r.sw);
        poll_timer_wait_until(pc_l3_next_wakeup(r.l3));
        if (exiting) {
            poll_immediate_wake();
        }
        poll_block();
    }
    unixctl_server_destroy(server);
    router_uninit(&r);
}

static const struct ovs_cmdl_command commands[] = {
    { "flows", "SPEC...", 0, INT_MAX, cmd_flows, OVS_RO },
    { "run", "TARGET SPEC...", 1, INT_MAX, cmd_run, OVS_RO },
    { NULL, NULL, 0, 0, NULL, OVS_RO },
};

int
main(int argc, char *argv[])
{
    struct ovs_cmdl_context ctx = { .argc = 0, };

    set_program_name(argv[0]);
    fatal_ignore_sigpipe();
    ctx.argc = argc - 1;
    ctx.argv = argv + 1;
    ovs_cmdl_run_command(&ctx, commands);
    return 0;
}
