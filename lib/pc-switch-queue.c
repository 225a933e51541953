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

#include "openvswitch/list.h"
#include "pc-mod.h"
#include "pc-switch-private.h"
#include "timeval.h"
#include "util.h"

/* Which submission's turn it is, and which are acknowledged.
 *
 * They are worked off in their order (pc-switch-submit.c), but for one thing:
 * while those before it only wait until the zones of connection tracking that
 * they give up can be flushed, one that has nothing to do with what they have
 * yet to delete is not kept waiting.  A token is acknowledged when all before
 * it are done as well. */

static struct pc_submission *
pc_switch_first_submission(const struct pc_switch *sw)
{
    return (ovs_list_is_empty(&sw->submissions) ? NULL
            : CONTAINER_OF(ovs_list_front(&sw->submissions),
                           struct pc_submission, list_node));
}

/* May 'sub' be done while those before it only wait for their zones to settle?
 * Not if it is about what they have yet to delete, zones' flows or meters. */
static bool
pc_submission_may_overtake(const struct pc_submission *sub)
{
    const struct pc_mod *mod;

    if (sub->stage != PC_SUBMIT_NEW) {
        return false;
    }
    LIST_FOR_EACH (mod, node, &sub->mods) {
        if (mod->zone || mod->type == PC_MOD_METER) {
            return false;
        }
    }
    return true;
}

static bool
pc_submission_is_settling(const struct pc_submission *sub)
{
    return sub->stage == PC_SUBMIT_SETTLING && time_msec() < sub->settled;
}

/* Returns the submission whose turn it is, NULL if there is none: the one that
 * the switch has been sent a part of, or the next. */
struct pc_submission *
pc_switch_submission(const struct pc_switch *sw)
{
    struct pc_submission *sub, *next = NULL;
    bool settling = true;       /* All before 'sub'? */

    LIST_FOR_EACH (sub, list_node, &sw->submissions) {
        if (sub->stage != PC_SUBMIT_NEW && sub->stage != PC_SUBMIT_SETTLING) {
            return sub;
        }
        if (settling && !next
            && (sub->list_node.prev == &sw->submissions
                ? !pc_submission_is_settling(sub)
                : pc_submission_may_overtake(sub))) {
            next = sub;
        }
        settling &= pc_submission_is_settling(sub);
    }
    return next ? next : pc_switch_first_submission(sw);
}

static void
pc_submission_destroy(struct pc_submission *sub)
{
    pc_mods_destroy(&sub->mods);
    ovs_list_remove(&sub->list_node);
    free(sub);
}

/* Forgets all submissions: the connection that they were for is gone. */
void
pc_switch_submit_reset(struct pc_switch *sw)
{
    struct pc_submission *sub;

    while ((sub = pc_switch_first_submission(sw)) != NULL) {
        pc_submission_destroy(sub);
    }
    sw->done = sw->acked;       /* What had overtaken others is not known. */
}

/* Returns the submission that waits for more, NULL if none does. */
static struct pc_submission *
pc_switch_open_submission(const struct pc_switch *sw)
{
    struct pc_submission *last
        = (ovs_list_is_empty(&sw->submissions) ? NULL
           : CONTAINER_OF(ovs_list_back(&sw->submissions),
                          struct pc_submission, list_node));

    return last && last->open ? last : NULL;
}

/* Queues the changes in 'mods', a list of "struct pc_mod"s that it takes and
 * leaves empty.  Returns a token, greater than all before it, that
 * pc_switch_acked() returns once the switch has acknowledged the changes by a
 * barrier.  'mods' may be empty: then the token only stands for everything
 * before it.  Only to be called while pc_switch_is_ready(). */
uint64_t
pc_switch_submit(struct pc_switch *sw, struct ovs_list *mods)
{
    return pc_switch_submit_part(sw, mods, true);
}

/* The same for changes that take long to make: each call adds the next of them,
 * until one that is 'last'; all have one token.  The switch is sent them as they
 * come and puts them into force all at once, after the last, if
 * pc_switch_has_bundles(). */
uint64_t
pc_switch_submit_part(struct pc_switch *sw, struct ovs_list *mods, bool last)
{
    struct pc_submission *sub = pc_switch_open_submission(sw);

    if (!sub) {
        sub = xzalloc(sizeof *sub);
        sub->token = ++sw->last_token;
        sub->started_us = time_usec();
        ovs_list_init(&sub->mods);
        ovs_list_push_back(&sw->submissions, &sub->list_node);
    }
    sub->open = !last;
    sw->counters.n_parts += sub->early_sent;
    pc_switch_zones_used(sw, mods);
    pc_switch_submit_append(sw, sub, mods);
    pc_switch_submit_run(sw);
    return sub->token;
}

/* Returns the highest token whose changes the switch has acknowledged. */
uint64_t
pc_switch_acked(const struct pc_switch *sw)
{
    return sw->acked;
}

/* Is anything submitted and not yet acknowledged? */
bool
pc_switch_is_busy(const struct pc_switch *sw)
{
    return !ovs_list_is_empty(&sw->submissions);
}

/* Would changes that are submitted now be sent at once, if they are not about
 * zones or meters? */
bool
pc_switch_is_free(const struct pc_switch *sw)
{
    const struct pc_submission *sub;

    LIST_FOR_EACH (sub, list_node, &sw->submissions) {
        if (!pc_submission_is_settling(sub)) {
            return false;
        }
    }
    return true;
}

/* 'sub' is done; frees it, and goes on with the next. */
void
pc_switch_submit_finished(struct pc_switch *sw, struct pc_submission *sub)
{
    sw->done = MAX(sw->done, sub->token);
    sw->counters.n_submissions++;
    sw->counters.last_ack_us = time_usec() - sub->started_us;
    pc_submission_destroy(sub);

    const struct pc_submission *first = pc_switch_first_submission(sw);
    sw->acked = (first && first->token <= sw->done ? first->token - 1
                 : sw->done);
    pc_switch_submit_run(sw);
}
