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
#include "pc-switch.h"

#include "openflow/openflow.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-mod.h"
#include "pc-switch-private.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_switch_submit);

/* Changing a switch.
 *
 * Submissions are worked off one after the other; pc-switch-queue.c says which
 * is next.  A bundle takes two round trips: Open vSwitch adds only those
 * messages to a bundle that it accepts and would commit the rest, so the commit
 * is sent only after a barrier has shown that all were accepted. */

/* Messages added to a bundle in one pc_switch_run(), so that 100,000 flows do
 * not hold up the main loop, and bytes that may wait to be sent before the
 * next ones are made. */
#define MAX_ADDS_PER_RUN 4096
#define MAX_QUEUED_BYTES (1024 * 1024)

/* Errors kept for the owner. */
#define MAX_ERRORS 1000

/* A switch that has confirmed that flows are gone may go on for a moment with
 * what its datapath remembers of them (Open vSwitch revalidates in other
 * threads), and so make connections anew in a zone that was flushed at once.
 * So much later, in ms, it does not. */
#define SETTLE_TIME 100

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(30, 60);

static bool
pc_mod_is_meter(const struct pc_mod *mod)
{
    return mod->type == PC_MOD_METER;
}

/* Is 'mod' sent when all others are confirmed? */
static bool
pc_mod_is_late(const struct pc_mod *mod)
{
    return (mod->flush == PC_FLUSH_LAST
            || (pc_mod_is_meter(mod) && pc_mod_is_delete(mod)));
}

static bool
pc_mod_is_bundled(const struct pc_mod *mod)
{
    return !pc_mod_is_meter(mod) && !pc_mod_is_late(mod);
}

static struct ofpbuf *
pc_switch_encode_mod(struct pc_switch *sw, const struct pc_mod *mod)
{
    switch (mod->type) {
    case PC_MOD_FLOW:
        sw->counters.n_flow_mods++;
        return ofputil_encode_flow_mod(&mod->fm, sw->protocol);
    case PC_MOD_GROUP:
        sw->counters.n_group_mods++;
        return ofputil_encode_group_mod(sw->version, &mod->gm, NULL, -1);
    case PC_MOD_METER:
        sw->counters.n_meter_mods++;
        return ofputil_encode_meter_mod(sw->version, &mod->mm);
    default:
        OVS_NOT_REACHED();
    }
}

/* Sending. */

static ovs_be32
pc_switch_send_bundle_control(struct pc_switch *sw,
                              const struct pc_submission *sub, uint16_t type)
{
    struct ofputil_bundle_ctrl_msg bc = {
        .bundle_id = sub->bundle_id,
        .type = type,
        .flags = PC_BUNDLE_FLAGS,
    };
    return pc_switch_send(
        sw, ofputil_encode_bundle_ctrl_request(sw->version, &bc));
}

static void
pc_switch_send_barrier(struct pc_switch *sw, struct pc_submission *sub)
{
    sub->barrier_xid = pc_switch_send(
        sw, ofputil_encode_barrier_request(sw->version));
}

/* Sends 'msg', which it takes, as a part of the open bundle 'bundle_id'.  Returns
 * the transaction id that an error has. */
ovs_be32
pc_switch_send_bundled(struct pc_switch *sw, uint32_t bundle_id,
                       struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);

    struct ofputil_bundle_add_msg bam = {
        .bundle_id = bundle_id,
        .flags = PC_BUNDLE_FLAGS,
        .msg = msg->data,
    };
    struct ofpbuf *add = ofputil_encode_bundle_add(sw->version, &bam);

    ofpbuf_delete(msg);
    return pc_switch_send(sw, add);
}

static void
pc_switch_send_mod(struct pc_switch *sw, const struct pc_submission *sub,
                   struct pc_mod *mod)
{
    struct ofpbuf *msg = pc_switch_encode_mod(sw, mod);

    mod->refused = 0;
    mod->xid = (sub->bundled && pc_mod_is_bundled(mod)
                ? pc_switch_send_bundled(sw, sub->bundle_id, msg)
                : pc_switch_send(sw, msg));
}

/* Returns the first mod at 'node' or after it that belongs in the bundle. */
static struct pc_mod *
pc_submission_bundle_mod(const struct pc_submission *sub,
                         const struct ovs_list *node)
{
    for (; node != &sub->mods; node = node->next) {
        struct pc_mod *mod = CONTAINER_OF(node, struct pc_mod, node);
        if (pc_mod_is_bundled(mod)) {
            return mod;
        }
    }
    return NULL;
}

/* Sends those of 'mods', of 'sub', that come before the bundle, or those that
 * come after it. */
static void
pc_switch_send_unbundled(struct pc_switch *sw, const struct pc_submission *sub,
                         struct ovs_list *mods, bool late)
{
    struct pc_mod *mod;

    pc_switch_flush_zones(sw, mods, late ? PC_FLUSH_LAST : PC_FLUSH_FIRST);
    LIST_FOR_EACH (mod, node, mods) {
        if (!pc_mod_is_bundled(mod) && pc_mod_is_late(mod) == late) {
            pc_switch_send_mod(sw, sub, mod);
        }
    }
}

/* Stores in '*flush' whether one of them is for a zone that is flushed. */
static bool
pc_submission_has_late_mods(const struct pc_submission *sub, bool *flush)
{
    const struct pc_mod *mod;
    bool any = false;

    *flush = false;
    LIST_FOR_EACH (mod, node, &sub->mods) {
        any |= pc_mod_is_late(mod);
        *flush |= mod->flush == PC_FLUSH_LAST;
    }
    return any;
}

/* Starts a round: the first, or one more without the mods refused in the
 * last. */
static void
pc_switch_submit_start(struct pc_switch *sw, struct pc_submission *sub)
{
    sub->answered = NULL;
    sub->bundle_error = 0;
    sub->n_refused = 0;
    sub->next = pc_submission_bundle_mod(sub, sub->mods.next);
    sub->stage = PC_SUBMIT_ADDING;

    if (!sub->early_sent) {
        pc_switch_send_unbundled(sw, sub, &sub->mods, false);
        sub->early_sent = true;
        /* A single mod is atomic without a bundle, and needs one round trip
         * instead of two. */
        sub->bundled = (sw->bundles
                        && (sub->open
                            || (sub->next
                                && pc_submission_bundle_mod(
                                    sub, sub->next->node.next))));
    }
    if (sub->bundled) {
        sub->bundle_id = ++sw->last_bundle_id;
        sub->open_xid = pc_switch_send_bundle_control(sw, sub,
                                                      OFPBCT_OPEN_REQUEST);
    }
}

/* Adds 'mods', which it takes, to 'sub', whose bundle is not committed yet. */
void
pc_switch_submit_append(struct pc_switch *sw, struct pc_submission *sub,
                        struct ovs_list *mods)
{
    struct ovs_list *last = sub->mods.prev;

    if (sub->early_sent) {
        pc_switch_send_unbundled(sw, sub, mods, false);
    }
    ovs_list_push_back_all(&sub->mods, mods);
    if (sub->stage == PC_SUBMIT_ADDING && !sub->next) {
        sub->next = pc_submission_bundle_mod(sub, last->next);
    }
}

static void
pc_switch_submit_add(struct pc_switch *sw, struct pc_submission *sub)
{
    for (int i = 0; sub->next && i < MAX_ADDS_PER_RUN; i++) {
        pc_switch_send_mod(sw, sub, sub->next);
        sub->next = pc_submission_bundle_mod(sub, sub->next->node.next);
    }
    if (!sub->next && !sub->open) {
        pc_switch_send_barrier(sw, sub);
        sub->stage = PC_SUBMIT_CHECKING;
    }
}

/* Sends what can be sent now. */
void
pc_switch_submit_run(struct pc_switch *sw)
{
    struct pc_submission *sub = pc_switch_submission(sw);

    if (sub && sub->stage == PC_SUBMIT_NEW) {
        pc_switch_submit_start(sw, sub);
    }
    if (sub && sub->stage == PC_SUBMIT_ADDING
        && rconn_packet_counter_n_bytes(sw->tx) < MAX_QUEUED_BYTES) {
        pc_switch_submit_add(sw, sub);
    }
    if (sub && sub->stage == PC_SUBMIT_SETTLING
        && time_msec() >= sub->settled) {
        pc_switch_send_unbundled(sw, sub, &sub->mods, true);
        pc_switch_send_barrier(sw, sub);
        sub->stage = PC_SUBMIT_FINISHING;
    }
}

/* Arranges for the poll loop to wake when pc_switch_submit_run() has work. */
void
pc_switch_submit_wait(struct pc_switch *sw)
{
    const struct pc_submission *sub = pc_switch_submission(sw);

    if (sub && (sub->stage == PC_SUBMIT_NEW
                || (sub->stage == PC_SUBMIT_ADDING
                    && (sub->next || !sub->open)
                    && rconn_packet_counter_n_bytes(sw->tx)
                       < MAX_QUEUED_BYTES))) {
        poll_immediate_wake();
    } else if (sub && sub->stage == PC_SUBMIT_SETTLING) {
        poll_timer_wait_until(sub->settled);
    }
}

/* Answers. */

/* Passes 'mod', which was refused and which it takes, on to the owner. */
static void
pc_switch_report(struct pc_switch *sw, struct pc_mod *mod)
{
    char *what = pc_mod_format(mod);

    VLOG_WARN_RL(&rl, "%s: %s refused: %s", sw->target, what,
                 ofperr_to_string(mod->refused));
    if (sw->n_errors >= MAX_ERRORS) {
        free(what);
        pc_mod_destroy(mod);
        return;
    }
    struct pc_switch_error *error = xmalloc(sizeof *error);
    error->owner = mod->owner;
    error->error = mod->refused;
    error->what = what;
    error->mod = mod;
    ovs_list_push_back(&sw->errors, &error->list_node);
    sw->n_errors++;
}

/* Returns the oldest refused mod that was not yet returned, NULL if there is
 * none.  The caller owns it. */
struct pc_switch_error *
pc_switch_next_error(struct pc_switch *sw)
{
    if (ovs_list_is_empty(&sw->errors)) {
        return NULL;
    }
    sw->n_errors--;
    return CONTAINER_OF(ovs_list_pop_front(&sw->errors),
                        struct pc_switch_error, list_node);
}

/* Frees 'error'. */
void
pc_switch_error_destroy(struct pc_switch_error *error)
{
    if (error) {
        free(error->what);
        pc_mod_destroy(error->mod);
        free(error);
    }
}

/* Is 'error' about the bundle rather than about the message that was to go
 * into it?  (OFPBFC_MSG_FAILED comes with the error of that message.) */
static bool
pc_is_bundle_error(enum ofperr error)
{
    switch ((int) error) {
    case OFPERR_OFPBFC_UNKNOWN:
    case OFPERR_OFPBFC_EPERM:
    case OFPERR_OFPBFC_BAD_ID:
    case OFPERR_OFPBFC_BUNDLE_EXIST:
    case OFPERR_OFPBFC_BUNDLE_CLOSED:
    case OFPERR_OFPBFC_OUT_OF_BUNDLES:
    case OFPERR_OFPBFC_BAD_TYPE:
    case OFPERR_OFPBFC_BAD_FLAGS:
    case OFPERR_OFPBFC_MSG_UNSUP:
    case OFPERR_OFPBFC_MSG_TOO_MANY:
    case OFPERR_OFPBFC_TIMEOUT:
        return true;
    default:
        return false;
    }
}

/* Returns the mod that was sent as 'xid', or NULL.  Answers come in the order
 * of what they answer, so the search goes on where the last one ended. */
static struct pc_mod *
pc_submission_find(struct pc_submission *sub, ovs_be32 xid)
{
    const struct ovs_list *start = (sub->answered ? &sub->answered->node
                                    : &sub->mods);
    const struct ovs_list *node = start;

    do {
        if (node != &sub->mods) {
            struct pc_mod *mod = CONTAINER_OF(node, struct pc_mod, node);
            if (mod->xid == xid) {
                sub->answered = mod;
                return mod;
            }
        }
        node = node->next;
    } while (node != start);
    return NULL;
}

/* Takes note of 'error' in answer to message 'xid'.  Returns false if that
 * message is not part of a submission. */
bool
pc_switch_submit_error(struct pc_switch *sw, ovs_be32 xid, enum ofperr error)
{
    struct pc_submission *sub = pc_switch_submission(sw);

    if (!sub) {
        return false;
    }
    if (sub->bundled && (xid == sub->open_xid || xid == sub->commit_xid)) {
        sub->bundle_error = error;
        return true;
    }
    if (pc_switch_flush_error(sw, &sub->mods, xid, error)) {
        return true;
    }
    struct pc_mod *mod = pc_submission_find(sub, xid);
    if (!mod) {
        return false;
    }
    if (sub->bundled && pc_mod_is_bundled(mod)
        && (sub->bundle_error || pc_is_bundle_error(error))) {
        /* The bundle is at fault, nothing is known about the mod. */
        sub->bundle_error = (sub->bundle_error ? sub->bundle_error : error);
    } else if (!mod->refused) {
        mod->refused = error;
        sub->n_refused++;
    }
    return true;
}

/* Takes the refused mods out of 'sub' and reports them. */
static void
pc_switch_submit_drop_refused(struct pc_switch *sw, struct pc_submission *sub)
{
    struct pc_mod *mod;

    if (!sub->n_refused) {
        return;
    }
    LIST_FOR_EACH_SAFE (mod, node, &sub->mods) {
        if (mod->refused) {
            ovs_list_remove(&mod->node);
            pc_switch_report(sw, mod);
        }
    }
    sub->n_refused = 0;
    sub->answered = NULL;
}

static void
pc_switch_submit_end(struct pc_switch *sw, struct pc_submission *sub)
{
    bool flush = false;

    if (!pc_submission_has_late_mods(sub, &flush)) {
        pc_switch_submit_finished(sw, sub);
        return;
    }
    sub->n_refused = 0;
    sub->answered = NULL;
    sub->settled = flush ? time_msec() + SETTLE_TIME : 0;
    sub->stage = PC_SUBMIT_SETTLING;
    pc_switch_submit_run(sw);
}

/* One more round, without the refused mods.  If the bundle failed and no
 * single mod is to blame, mod by mod is the only way left to find it. */
static void
pc_switch_submit_again(struct pc_switch *sw, struct pc_submission *sub)
{
    if (!sub->n_refused) {
        VLOG_WARN_RL(&rl, "%s: bundle refused (%s), sending mods one by one",
                     sw->target, ofperr_to_string(sub->bundle_error));
        sub->bundled = false;
    }
    pc_switch_submit_drop_refused(sw, sub);
    pc_switch_submit_start(sw, sub);
    pc_switch_submit_run(sw);
}

static void
pc_switch_submit_checked(struct pc_switch *sw, struct pc_submission *sub)
{
    if (!sub->bundled) {
        pc_switch_submit_drop_refused(sw, sub);
        pc_switch_submit_end(sw, sub);
    } else if (sub->n_refused || sub->bundle_error) {
        pc_switch_send_bundle_control(sw, sub, OFPBCT_DISCARD_REQUEST);
        pc_switch_submit_again(sw, sub);
    } else {
        sub->commit_xid = pc_switch_send_bundle_control(
            sw, sub, OFPBCT_COMMIT_REQUEST);
        pc_switch_send_barrier(sw, sub);
        sub->stage = PC_SUBMIT_COMMITTING;
    }
}

/* Handles the reply to barrier 'xid'. */
void
pc_switch_submit_barrier(struct pc_switch *sw, ovs_be32 xid)
{
    struct pc_submission *sub = pc_switch_submission(sw);

    if (!sub || xid != sub->barrier_xid) {
        return;
    }
    switch (sub->stage) {
    case PC_SUBMIT_CHECKING:
        pc_switch_submit_checked(sw, sub);
        break;
    case PC_SUBMIT_COMMITTING:
        if (sub->n_refused || sub->bundle_error) {
            pc_switch_submit_again(sw, sub);
        } else {
            sw->counters.n_bundles++;
            pc_switch_submit_end(sw, sub);
        }
        break;
    case PC_SUBMIT_FINISHING:
        pc_switch_submit_drop_refused(sw, sub);
        pc_switch_submit_finished(sw, sub);
        break;
    case PC_SUBMIT_NEW:
    case PC_SUBMIT_ADDING:
    case PC_SUBMIT_SETTLING:
    default:
        break;
    }
}
