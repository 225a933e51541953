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

/* Compiles a scenario from stdin into a switch, as the agent would:
 *
 *     test-pc-compile TARGET OPENFLOW-VERSION [show] < SCENARIO
 *
 * reads what the switch has of ours, sends the difference, reads it again and
 * prints how many mods each took.  The second number must be 0.  With "show",
 * prints the mods too.  The lines of a scenario:
 *
 *     service NUMBER MODE[2] open|close [AFFINITY]      (route2: with two ports)
 *     vi NUMBER SERVICE IN-PORT|- OUT-PORT|- ready|drain|down BITS-PER-SECOND
 *        [WEIGHT]
 *     chain NUMBER SERVICE...
 *     rule PRIORITY both|forward|reverse PATH MATCH      (PATH: 3 or chain3)
 */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "flow.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-print.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vconn.h"
#include "openvswitch/vlog.h"
#include "pc-compile.h"
#include "pc-flow-table.h"
#include "pc-installed.h"
#include "pc-layout.h"
#include "pc-match.h"
#include "util.h"

#define MAX_ROWS 64

struct scenario {
    struct pc_service services[MAX_ROWS];
    struct pc_vi vis[MAX_ROWS];
    struct pc_path paths[MAX_ROWS];
    struct pc_path alone[MAX_ROWS];     /* Of each of 'services'. */
    struct pc_rule rules[MAX_ROWS];
    struct pc_rule_match matches[MAX_ROWS];
    size_t n_services, n_vis, n_paths, n_rules;
};

static const char *
word(char **save)
{
    char *w = strtok_r(NULL, " \n", save);

    if (!w) {
        ovs_fatal(0, "a word is missing");
    }
    return w;
}

static struct pc_service *
find_service(struct scenario *s, int number)
{
    for (size_t i = 0; i < s->n_services; i++) {
        if (s->services[i].number == number) {
            return &s->services[i];
        }
    }
    ovs_fatal(0, "no service %d", number);
}

static void
parse_service(struct scenario *s, char **save)
{
    struct pc_service *svc = &s->services[s->n_services++];

    svc->number = atoi(word(save));
    svc->uuid.parts[0] = 0x10000 | svc->number;
    char *mode = CONST_CAST(char *, word(save));
    svc->two_arms = mode[strlen(mode) - 1] == '2';
    mode[strcspn(mode, "2")] = '\0';
    if (!pc_mode_from_string(mode, &svc->mode)) {
        ovs_fatal(0, "bad mode");
    }
    svc->on_failure = (!strcmp(word(save), "open") ? PC_FAIL_OPEN
                       : PC_FAIL_CLOSE);
    svc->vis = xcalloc(MAX_ROWS, sizeof *svc->vis);

    const char *affinity = strtok_r(NULL, " \n", save);
    char *error = pc_affinity_parse(affinity ? affinity : "", &svc->affinity);
    if (error) {
        ovs_fatal(0, "%s", error);
    }
}

static ofp_port_t
parse_port(const char *s)
{
    return *s == '-' ? OFPP_NONE : u16_to_ofp(atoi(s));
}

static void
parse_vi(struct scenario *s, char **save)
{
    struct pc_vi *vi = &s->vis[s->n_vis++];

    vi->number = atoi(word(save));
    vi->uuid.parts[0] = 0x20000 | vi->number;
    struct pc_service *svc = find_service(s, atoi(word(save)));
    vi->service = svc;
    svc->vis[svc->n_vis++] = vi;
    vi->port[PC_PORT_IN] = parse_port(word(save));
    vi->port[PC_PORT_OUT] = parse_port(word(save));
    const char *state = word(save);
    vi->ready = !strcmp(state, "ready");
    vi->draining = !strcmp(state, "drain");
    vi->network_bps = strtoull(word(save), NULL, 10);
    const char *weight = strtok_r(NULL, " \n", save);
    vi->weight = weight ? atoi(weight) : 100;
    vi->mac = (struct eth_addr) { .ea = { 2, 0, 0, 0, 1, vi->number << 1 } };
    vi->gw_mac = (struct eth_addr) { .ea = { 2, 0, 0, 0, 0, 1 } };
}

static void
parse_chain(struct scenario *s, char **save)
{
    struct pc_path *path = &s->paths[s->n_paths++];
    char *w;

    path->number = PC_PATH_CHAIN | atoi(word(save));
    path->uuid.parts[0] = 0x30000 | path->number;
    while ((w = strtok_r(NULL, " \n", save))) {
        struct pc_service *svc = find_service(s, atoi(w));

        svc->positions = xrealloc(svc->positions, ((svc->n_positions + 1)
                                                   * sizeof *svc->positions));
        svc->positions[svc->n_positions++]
            = (struct pc_position) { path, path->n_hops };
        path->hops[path->n_hops++] = svc;
    }
}

/* The path called "chainN" or, if it is that of a service alone, "N". */
static struct pc_path *
find_path(struct scenario *s, const char *name)
{
    if (strncmp(name, "chain", 5)) {
        struct pc_service *svc = find_service(s, atoi(name));
        struct pc_path *alone = &s->alone[svc - s->services];

        pc_path_alone(alone, svc);
        svc->has_rules = true;
        return alone;
    }
    for (size_t i = 0; i < s->n_paths; i++) {
        if (s->paths[i].number == (PC_PATH_CHAIN | atoi(name + 5))) {
            return &s->paths[i];
        }
    }
    ovs_fatal(0, "no %s", name);
}

static void
parse_rule(struct scenario *s, char **save)
{
    struct pc_rule *rule = &s->rules[s->n_rules];
    struct pc_rule_match *m = &s->matches[s->n_rules++];

    rule->uuid.parts[0] = 0x40000 | s->n_rules;
    rule->priority = atoi(word(save));
    const char *dir = word(save);
    rule->direction = (!strcmp(dir, "both") ? PC_RULE_BOTH
                       : !strcmp(dir, "forward") ? PC_RULE_FORWARD
                       : PC_RULE_REVERSE);
    rule->path = find_path(s, word(save));
    rule->match = m;
    char *error = pc_rule_match_parse(word(save), NULL, m);
    if (error) {
        ovs_fatal(0, "%s", error);
    }
}

static void
parse_scenario(struct scenario *s, FILE *stream)
{
    char line[512];

    while (fgets(line, sizeof line, stream)) {
        char *save = NULL;
        const char *kind = strtok_r(line, " \n", &save);

        if (!kind || *kind == '#') {
            continue;
        } else if (!strcmp(kind, "service")) {
            parse_service(s, &save);
        } else if (!strcmp(kind, "vi")) {
            parse_vi(s, &save);
        } else if (!strcmp(kind, "chain")) {
            parse_chain(s, &save);
        } else if (!strcmp(kind, "rule")) {
            parse_rule(s, &save);
        } else {
            ovs_fatal(0, "what is a %s?", kind);
        }
    }
}

static void
compile(const struct scenario *s, struct pc_flow_table *t)
{
    if (!s->n_services) {
        return;
    }
    pc_compile_common(t, PC_TABLE_BASE_DEFAULT);
    for (size_t i = 0; i < s->n_services; i++) {
        pc_compile_service(t, PC_TABLE_BASE_DEFAULT, &s->services[i]);
    }
    for (size_t i = 0; i < s->n_vis; i++) {
        pc_compile_vi(t, PC_TABLE_BASE_DEFAULT, &s->vis[i]);
    }
    for (size_t i = 0; i < s->n_paths; i++) {
        pc_compile_path(t, PC_TABLE_BASE_DEFAULT, &s->paths[i]);
    }
    for (size_t i = 0; i < s->n_rules; i++) {
        pc_compile_rule(t, PC_TABLE_BASE_DEFAULT, &s->rules[i]);
    }
}

static void
fail_if(int error, const char *what)
{
    if (error) {
        ovs_fatal(error > 0 ? error : 0, "%s", what);
    }
}

static void
read_flows(struct vconn *vconn, enum ofputil_protocol protocol,
           struct pc_installed *inst)
{
    struct ofputil_flow_stats_request fsr = {
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .table_id = OFPTT_ALL,
        .cookie = htonll(PC_COOKIE_OURS),
        .cookie_mask = htonll(PC_COOKIE_MASK),
    };
    struct ofputil_flow_stats *fses;
    size_t n;

    match_init_catchall(&fsr.match);
    fail_if(vconn_dump_flows(vconn, &fsr, protocol, &fses, &n), "dump flows");
    for (size_t i = 0; i < n; i++) {
        if (!pc_installed_add_flow(inst, &fses[i])) {
            ovs_fatal(0, "the switch returned a foreign flow");
        }
        free(CONST_CAST(struct ofpact *, fses[i].ofpacts));
    }
    free(fses);
}

/* Sends 'request' and stores the parts of the reply in 'replies'. */
static void
ask(struct vconn *vconn, struct ofpbuf *request, struct ovs_list *replies)
{
    struct ovs_list requests = OVS_LIST_INITIALIZER(&requests);

    ovs_list_push_back(&requests, &request->list_node);
    fail_if(vconn_transact_multipart(vconn, &requests, replies), "multipart");
}

static void
read_groups(struct vconn *vconn, struct pc_installed *inst)
{
    enum ofp_version version = vconn_get_version(vconn);
    struct ovs_list replies = OVS_LIST_INITIALIZER(&replies);
    struct ofpbuf *reply;

    ask(vconn, ofputil_encode_group_desc_request(version, OFPG_ALL),
        &replies);
    LIST_FOR_EACH_POP (reply, list_node, &replies) {
        struct ofpbuf b = *reply;
        struct ofputil_group_desc gd;

        while (!ofputil_decode_group_desc_reply(&gd, &b, version)) {
            pc_installed_add_group(inst, &gd);
            ofputil_uninit_group_desc(&gd);
        }
        ofpbuf_delete(reply);
    }
}

static void
read_meters(struct vconn *vconn, struct pc_installed *inst)
{
    struct ovs_list replies = OVS_LIST_INITIALIZER(&replies);
    struct ofpbuf *reply;

    ask(vconn, ofputil_encode_meter_request(vconn_get_version(vconn),
                                            OFPUTIL_METER_CONFIG, OFPM13_ALL),
        &replies);
    LIST_FOR_EACH_POP (reply, list_node, &replies) {
        struct ofpbuf b = *reply, bands;
        struct ofputil_meter_config mc;

        ofpbuf_init(&bands, 64);
        while (!ofputil_decode_meter_config(&b, &mc, &bands)) {
            pc_installed_add_meter(inst, &mc);
        }
        ofpbuf_uninit(&bands);
        ofpbuf_delete(reply);
    }
}

static void
send_meter(struct vconn *vconn, const struct pc_mod *mod)
{
    struct ofpbuf *reply;
    struct ofpbuf *request = ofputil_encode_meter_mod(
        vconn_get_version(vconn), &mod->mm);

    fail_if(vconn_transact_noreply(vconn, request, &reply), "meter mod");
    if (reply) {
        ofp_print(stderr, reply->data, reply->size, NULL, NULL, 2);
        exit(1);
    }
}

static void
send_bundle(struct vconn *vconn, struct ovs_list *msgs)
{
    struct ovs_list errors = OVS_LIST_INITIALIZER(&errors);
    struct ofpbuf *error;

    int retval = vconn_bundle_transact(vconn, msgs, OFPBF_ATOMIC
                                       | OFPBF_ORDERED, &errors);
    LIST_FOR_EACH_POP (error, list_node, &errors) {
        ofp_print(stderr, error->data, error->size, NULL, NULL, 2);
        ofpbuf_delete(error);
    }
    fail_if(retval, "bundle");
}

static void
send_mods(struct vconn *vconn, enum ofputil_protocol protocol,
          struct ovs_list *mods)
{
    enum ofp_version version = vconn_get_version(vconn);
    struct ovs_list msgs = OVS_LIST_INITIALIZER(&msgs);
    struct pc_mod *mod;

    LIST_FOR_EACH (mod, node, mods) {
        struct ofpbuf *msg = NULL;

        if (mod->type == PC_MOD_FLOW) {
            msg = ofputil_encode_flow_mod(&mod->fm, protocol);
        } else if (mod->type == PC_MOD_GROUP) {
            msg = ofputil_encode_group_mod(version, &mod->gm, NULL, -1);
        } else if (!pc_mod_is_delete(mod)) {
            send_meter(vconn, mod);
        }
        if (msg) {
            ovs_list_push_back(&msgs, &msg->list_node);
        }
    }
    if (!ovs_list_is_empty(&msgs)) {
        send_bundle(vconn, &msgs);
    }
    LIST_FOR_EACH (mod, node, mods) {
        if (mod->type == PC_MOD_METER && pc_mod_is_delete(mod)) {
            send_meter(vconn, mod);
        }
    }
}

/* Reads the switch, sends the difference and returns its size. */
static size_t
converge(struct vconn *vconn, const struct scenario *s, bool show)
{
    enum ofputil_protocol protocol
        = ofputil_protocol_from_ofp_version(vconn_get_version(vconn));
    struct ovs_list mods = OVS_LIST_INITIALIZER(&mods);
    struct pc_installed *inst = pc_installed_create(protocol);
    struct pc_flow_table *t = pc_flow_table_create();
    struct pc_mod *mod;

    compile(s, t);
    read_flows(vconn, protocol, inst);
    read_groups(vconn, inst);
    read_meters(vconn, inst);
    pc_installed_diff(inst, t, &mods);
    LIST_FOR_EACH (mod, node, &mods) {
        char *text = pc_mod_format(mod);

        if (show) {
            puts(text);
        }
        free(text);
    }
    send_mods(vconn, protocol, &mods);

    size_t n = ovs_list_size(&mods);
    pc_mods_destroy(&mods);
    pc_flow_table_destroy(t);
    pc_installed_destroy(inst);
    return n;
}

int
main(int argc, char *argv[])
{
    static struct scenario s;
    struct vconn *vconn;

    ovs_set_program_name(argv[0], "0");
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_WARN);
    if (argc < 3) {
        ovs_fatal(0, "usage: test-pc-compile TARGET VERSION [show]");
    }
    parse_scenario(&s, stdin);

    uint32_t version = strtoul(argv[2], NULL, 0);
    fail_if(vconn_open_block(argv[1], 1u << version, 0, -1, &vconn),
            argv[1]);
    size_t first = converge(vconn, &s, argc > 3);
    size_t second = converge(vconn, &s, true);
    printf("%"PRIuSIZE" mods, then %"PRIuSIZE"\n", first, second);
    vconn_close(vconn);
    for (size_t i = 0; i < s.n_services; i++) {
        free(s.services[i].vis);
        free(s.services[i].positions);
    }
    for (size_t i = 0; i < s.n_rules; i++) {
        pc_rule_match_destroy(&s.matches[i]);
    }
    return second ? EXIT_FAILURE : EXIT_SUCCESS;
}
