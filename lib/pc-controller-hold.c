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

#include <stdlib.h>

#include "heap.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "pc-controller-private.h"
#include "pc-controller-report.h"
#include "pc-report.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_hold);

/* What is held on each node of the cloudlet now, kept as a sum: a reservation
 * that is made, begins a slot, or goes costs the logarithm of their number, and
 * nothing else looks at all of them. */

/* What a reservation, or a VI without one, holds. */
struct pc_ctl_hold {
    struct hmap_node hmap_node; /* In 'holds', by UUID of the row. */
    struct heap_node heap_node; /* In 'changes', by 'until'. */
    struct uuid uuid;
    struct pc_ctl_node *node;
    struct pc_slot *slots;
    size_t n_slots;
    struct pc_amount amount;    /* What it has in 'held' of 'node'. */
    int64_t until;              /* When that changes. */
};

void
pc_ctl_holds_init(struct pc_ctl_holds *h)
{
    hmap_init(&h->holds);
    heap_init(&h->changes);
    h->now = 0;
}

static void
pc_ctl_hold_destroy(struct pc_ctl_holds *h, struct pc_ctl_hold *hold)
{
    pc_report_subtract(&hold->node->held, &hold->amount);
    hmap_remove(&h->holds, &hold->hmap_node);
    heap_remove(&h->changes, &hold->heap_node);
    free(hold->slots);
    free(hold);
}

void
pc_ctl_holds_clear(struct pc_ctl_holds *h)
{
    struct pc_ctl_hold *hold;

    HMAP_FOR_EACH_SAFE (hold, hmap_node, &h->holds) {
        pc_ctl_hold_destroy(h, hold);
    }
}

void
pc_ctl_holds_destroy(struct pc_ctl_holds *h)
{
    pc_ctl_holds_clear(h);
    hmap_destroy(&h->holds);
    heap_destroy(&h->changes);
}

static struct pc_ctl_hold *
pc_ctl_hold_find(const struct pc_ctl_holds *h, const struct uuid *uuid)
{
    struct pc_ctl_hold *hold;

    HMAP_FOR_EACH_WITH_HASH (hold, hmap_node, uuid_hash(uuid), &h->holds) {
        if (uuid_equals(&hold->uuid, uuid)) {
            return hold;
        }
    }
    return NULL;
}

/* The heap has the largest first. */
static uint64_t
pc_ctl_hold_priority(const struct pc_ctl_hold *hold)
{
    return UINT64_MAX - hold->until;
}

/* Brings what 'hold' has in its node's sum to the present. */
static void
pc_ctl_hold_update(struct pc_ctl_holds *h, struct pc_ctl_hold *hold)
{
    pc_report_subtract(&hold->node->held, &hold->amount);
    hold->until = pc_report_slots_at(hold->slots, hold->n_slots, h->now,
                                     &hold->amount);
    pc_report_add(&hold->node->held, &hold->amount);
}

/* From now on the row with 'uuid' holds the 'n' slots, which this takes, on
 * 'node'. */
static void
pc_ctl_hold_add(struct pc_ctl_holds *h, const struct uuid *uuid,
                struct pc_ctl_node *node, struct pc_slot *slots, size_t n)
{
    struct pc_ctl_hold *hold = xzalloc(sizeof *hold);

    hold->uuid = *uuid;
    hold->node = node;
    hold->slots = slots;
    hold->n_slots = n;
    hmap_insert(&h->holds, &hold->hmap_node, uuid_hash(uuid));
    pc_ctl_hold_update(h, hold);
    heap_insert(&h->changes, &hold->heap_node, pc_ctl_hold_priority(hold));
}

/* The row with 'uuid' holds nothing any more. */
void
pc_ctl_hold_remove(struct pc_ctl_holds *h, const struct uuid *uuid)
{
    struct pc_ctl_hold *hold = pc_ctl_hold_find(h, uuid);

    if (hold) {
        pc_ctl_hold_destroy(h, hold);
    }
}

/* Takes over what 'row' holds. */
void
pc_ctl_hold_reservation(struct pc_controller *c,
                        const struct pcrec_reservation *row)
{
    struct pc_ctl_holds *h = pc_ctl_report_holds(c);
    struct pc_ctl_node *node
        = (pc_report_reservation_holds(row)
           ? pc_ctl_report_find_node(c, &row->node->header_.uuid) : NULL);

    pc_ctl_hold_remove(h, &row->header_.uuid);
    if (node) {
        struct pc_slot *slots;
        size_t n;
        char *error = pc_report_parse_slots(row->slots, row->n_slots, &slots,
                                            &n);

        if (error) {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

            VLOG_WARN_RL(&rl, "reservation %s: %s", row->name, error);
            free(error);
        }
        pc_ctl_hold_add(h, &row->header_.uuid, node, slots, n);
    }
}

void
pc_ctl_hold_vi(struct pc_controller *c, const struct pcrec_vi *row)
{
    struct pc_ctl_holds *h = pc_ctl_report_holds(c);
    struct pc_slot slot = { .begin = 0, .end = PC_TIME_MAX };
    struct pc_ctl_node *node
        = (pc_report_vi_holds(row, &slot.amount)
           ? pc_ctl_report_find_node(c, &row->node->header_.uuid) : NULL);
    const struct pc_ctl_hold *old = pc_ctl_hold_find(h, &row->header_.uuid);

    /* Rows of VIs change all the time, but seldom this. */
    if (old ? node == old->node && pc_amount_equal(&slot.amount, &old->amount)
        : !node) {
        return;
    }
    pc_ctl_hold_remove(h, &row->header_.uuid);
    if (node) {
        pc_ctl_hold_add(h, &row->header_.uuid, node,
                        xmemdup(&slot, sizeof slot), 1);
    }
}

/* It is 'now'. */
void
pc_ctl_holds_run(struct pc_ctl_holds *h, int64_t now)
{
    struct pc_ctl_hold *hold;
    bool back = now < h->now;

    h->now = now;
    if (back) {                 /* The clock was set. */
        HMAP_FOR_EACH (hold, hmap_node, &h->holds) {
            pc_ctl_hold_update(h, hold);
            heap_change(&h->changes, &hold->heap_node,
                        pc_ctl_hold_priority(hold));
        }
    }
    while (pc_ctl_holds_next(h) <= now && now < PC_TIME_MAX) {
        hold = CONTAINER_OF(heap_max(&h->changes), struct pc_ctl_hold,
                            heap_node);
        pc_ctl_hold_update(h, hold);
        heap_change(&h->changes, &hold->heap_node,
                    pc_ctl_hold_priority(hold));
    }
}

/* When something changes next, PC_TIME_MAX: never. */
int64_t
pc_ctl_holds_next(const struct pc_ctl_holds *h)
{
    if (heap_is_empty(&h->changes)) {
        return PC_TIME_MAX;
    }
    return CONTAINER_OF(heap_max(&h->changes), struct pc_ctl_hold,
                        heap_node)->until;
}
