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

#include "pc-l3-neighbor.h"

#include <limits.h>
#include <string.h>

#include "dp-packet.h"
#include "hash.h"
#include "packets.h"
#include "util.h"
#include "uuid.h"

struct pc_neighbors {
    const struct pc_neighbor_ops *ops;
    struct hmap by_key;         /* All, by 'key_node'. */
    struct hmap statics;        /* STATIC ones, by 'static_node'. */
    struct heap timers;         /* All others, by 'timer', soonest at top. */
    size_t n_incomplete;

    /* Verifications that may start in the second that began at 'second'. */
    long long int second;
    int n_started;
};

struct waiting_packet {
    struct ovs_list list_node;
    struct dp_packet *packet;
};

/* Creates an empty table.  'ops' must outlive it. */
struct pc_neighbors *
pc_neighbors_create(const struct pc_neighbor_ops *ops)
{
    struct pc_neighbors *t = xzalloc(sizeof *t);

    t->ops = ops;
    hmap_init(&t->by_key);
    hmap_init(&t->statics);
    heap_init(&t->timers);
    t->second = LLONG_MIN;
    return t;
}

static uint32_t
key_hash(uint32_t interface, const struct in6_addr *addr)
{
    return hash_bytes(addr, sizeof *addr, interface);
}

static struct pc_neighbor *
find(const struct pc_neighbors *t, uint32_t interface,
     const struct in6_addr *addr)
{
    struct pc_neighbor *n;

    HMAP_FOR_EACH_WITH_HASH (n, key_node, key_hash(interface, addr),
                             &t->by_key) {
        if (n->interface == interface && ipv6_addr_equals(&n->addr, addr)) {
            return n;
        }
    }
    return NULL;
}

/* Returns the entry of 'addr' on 'interface', or NULL. */
const struct pc_neighbor *
pc_neighbors_find(const struct pc_neighbors *t, uint32_t interface,
                  const struct in6_addr *addr)
{
    return find(t, interface, addr);
}

/* Is there an Ethernet address to send to? */
bool
pc_neighbor_mac_known(const struct pc_neighbor *n)
{
    return n->state != PC_NEIGHBOR_INCOMPLETE;
}

/* The heap has its largest priority on top. */
static uint64_t
deadline_to_priority(long long int deadline)
{
    return UINT64_MAX - MAX(deadline, 0);
}

static void
set_timer(struct pc_neighbors *t, struct pc_neighbor *n,
          long long int deadline)
{
    n->deadline = deadline;
    heap_change(&t->timers, &n->timer, deadline_to_priority(deadline));
}

/* The time for which an answer is good, different for each entry (RFC 4861
 * section 6.3.2: 0.5 to 1.5 times the base) so that a thousand entries that
 * were adopted together do not stay together. */
static long long int
reachable_ms(const struct pc_neighbor *n, long long int now)
{
    uint32_t hash = hash_2words(key_hash(n->interface, &n->addr), now);

    return PC_NEIGHBOR_REACHABLE_MS / 2 + hash % PC_NEIGHBOR_REACHABLE_MS;
}

/* Changes the state of 'n', which is and stays one with a timer. */
static void
set_state(struct pc_neighbors *t, struct pc_neighbor *n,
          enum pc_neighbor_state state, long long int deadline)
{
    t->n_incomplete -= n->state == PC_NEIGHBOR_INCOMPLETE;
    t->n_incomplete += state == PC_NEIGHBOR_INCOMPLETE;
    n->state = state;
    set_timer(t, n, deadline);
}

/* Returns a UUID, always the same, for the flow of a neighbor. */
static struct uuid
make_flow_owner(uint32_t interface, const struct in6_addr *addr)
{
    struct uuid uuid;
    ovs_u128 hash;

    hash_bytes128(addr, sizeof *addr, interface, &hash);
    BUILD_ASSERT_DECL(sizeof hash == sizeof uuid);
    memcpy(&uuid, &hash, sizeof uuid);
    return uuid;
}

static struct pc_neighbor *
create_entry(struct pc_neighbors *t, uint32_t interface,
             const struct in6_addr *addr, enum pc_neighbor_state state)
{
    struct pc_neighbor *n = xzalloc(sizeof *n);

    n->interface = interface;
    n->addr = *addr;
    n->flow_owner = make_flow_owner(interface, addr);
    n->state = state;
    n->port = OFPP_NONE;
    n->deadline = LLONG_MAX;
    ovs_list_init(&n->queue);
    hmap_insert(&t->by_key, &n->key_node, key_hash(interface, addr));
    if (state != PC_NEIGHBOR_STATIC) {
        heap_insert(&t->timers, &n->timer, deadline_to_priority(LLONG_MAX));
        t->n_incomplete += state == PC_NEIGHBOR_INCOMPLETE;
    }
    return n;
}

/* Takes 'n' out of what only entries of its kind are in. */
static void
unlink_kind(struct pc_neighbors *t, struct pc_neighbor *n)
{
    if (n->state == PC_NEIGHBOR_STATIC) {
        hmap_remove(&t->statics, &n->static_node);
    } else {
        heap_remove(&t->timers, &n->timer);
        t->n_incomplete -= n->state == PC_NEIGHBOR_INCOMPLETE;
    }
}

static struct dp_packet *
pop_packet(struct pc_neighbor *n)
{
    struct waiting_packet *wp;
    struct dp_packet *packet;

    if (ovs_list_is_empty(&n->queue)) {
        return NULL;
    }
    wp = CONTAINER_OF(ovs_list_pop_front(&n->queue), struct waiting_packet,
                      list_node);
    packet = wp->packet;
    free(wp);
    n->n_queue--;
    return packet;
}

static void
free_entry(struct pc_neighbors *t, struct pc_neighbor *n)
{
    struct dp_packet *packet;

    while ((packet = pop_packet(n)) != NULL) {
        dp_packet_delete(packet);
    }
    unlink_kind(t, n);
    hmap_remove(&t->by_key, &n->key_node);
    free(n);
}

static void
forget(struct pc_neighbors *t, struct pc_neighbor *n, void *aux)
{
    t->ops->gone(n, aux);
    free_entry(t, n);
}

/* Frees 't' without telling the ops anything: flows stay. */
void
pc_neighbors_destroy(struct pc_neighbors *t)
{
    if (t) {
        struct pc_neighbor *n;

        HMAP_FOR_EACH_SAFE (n, key_node, &t->by_key) {
            free_entry(t, n);
        }
        hmap_destroy(&t->by_key);
        hmap_destroy(&t->statics);
        heap_destroy(&t->timers);
        free(t);
    }
}

static void
send_queue(struct pc_neighbors *t, struct pc_neighbor *n, void *aux)
{
    struct dp_packet *packet;

    while ((packet = pop_packet(n)) != NULL) {
        t->ops->send(n, packet, aux);
    }
}

/* Passes 'packet', of which it takes ownership, to the neighbor 'addr' on
 * 'interface': at once if its Ethernet address is known, otherwise it waits
 * for that. */
enum pc_neighbor_queued
pc_neighbors_enqueue(struct pc_neighbors *t, uint32_t interface,
                     const struct in6_addr *addr, struct dp_packet *packet,
                     long long int now, void *aux)
{
    struct pc_neighbor *n = find(t, interface, addr);
    struct waiting_packet *wp;

    if (n && pc_neighbor_mac_known(n)) {
        t->ops->send(n, packet, aux);
        return PC_NEIGHBOR_SENT;
    }
    if (!n && t->n_incomplete >= PC_NEIGHBOR_MAX_INCOMPLETE) {
        dp_packet_delete(packet);
        return PC_NEIGHBOR_DROPPED;
    }
    if (!n) {
        n = create_entry(t, interface, addr, PC_NEIGHBOR_INCOMPLETE);
        n->n_tries = 1;
        set_timer(t, n, now + PC_NEIGHBOR_RETRANS_MS);
        t->ops->solicit(n, false, aux);
    }
    if (n->n_queue >= PC_NEIGHBOR_QUEUE_MAX) {
        /* More would only be dropped here: let the switch do that. */
        if (!n->shielded) {
            n->shielded = true;
            t->ops->changed(n, aux);
        }
        dp_packet_delete(packet);
        return PC_NEIGHBOR_DROPPED;
    }

    wp = xmalloc(sizeof *wp);
    wp->packet = packet;
    ovs_list_push_back(&n->queue, &wp->list_node);
    n->n_queue++;
    return PC_NEIGHBOR_QUEUED;
}

/* Takes over address and port from 'news'.  Returns true if that is a
 * change. */
static bool
take_address(struct pc_neighbor *n, const struct pc_neighbor_news *news)
{
    if (pc_neighbor_mac_known(n) && eth_addr_equals(n->mac, news->mac)
        && n->port == news->port) {
        return false;
    }
    n->mac = news->mac;
    n->port = news->port;
    return true;
}

/* Processes what a neighbor said about itself: RFC 4861 section 7.2.5 and,
 * for what it said unasked, 7.2.3. */
void
pc_neighbors_learn(struct pc_neighbors *t,
                   const struct pc_neighbor_news *news, long long int now,
                   void *aux)
{
    struct pc_neighbor *n = find(t, news->interface, &news->addr);
    bool changed;

    if (!n && news->create) {
        n = create_entry(t, news->interface, &news->addr,
                         PC_NEIGHBOR_INCOMPLETE);
    }
    if (!n || n->state == PC_NEIGHBOR_STATIC) {
        return;
    }
    if (pc_neighbor_mac_known(n) && !news->override
        && !eth_addr_equals(n->mac, news->mac)) {
        /* Another address, not to be taken over: verify ours. */
        if (n->state == PC_NEIGHBOR_REACHABLE) {
            set_state(t, n, PC_NEIGHBOR_STALE, now);
        }
        return;
    }

    changed = take_address(n, news);
    if (news->solicited) {
        n->n_tries = 0;
        set_state(t, n, PC_NEIGHBOR_REACHABLE, now + reachable_ms(n, now));
    } else if (changed) {
        n->n_tries = 0;
        set_state(t, n, PC_NEIGHBOR_STALE, now + PC_NEIGHBOR_DELAY_MS);
    }
    if (changed) {
        n->shielded = false;
        t->ops->changed(n, aux);
    }
    send_queue(t, n, aux);
}

/* Makes an entry of what an installed flow says, to be verified soon.
 * Returns false if there is one already, which then stays as it is. */
bool
pc_neighbors_adopt(struct pc_neighbors *t,
                   const struct pc_neighbor_news *news, long long int now,
                   void *aux)
{
    struct pc_neighbor *n;

    if (find(t, news->interface, &news->addr)) {
        return false;
    }
    n = create_entry(t, news->interface, &news->addr, PC_NEIGHBOR_INCOMPLETE);
    take_address(n, news);
    set_state(t, n, PC_NEIGHBOR_STALE, now);
    t->ops->changed(n, aux);
    return true;
}

/* Makes the neighbor of 'news' (of which 'solicited', 'override' and 'create'
 * are not used) a static one of 'owner'.  One that was learned, or of another
 * owner, is replaced. */
void
pc_neighbors_set_static(struct pc_neighbors *t,
                        const struct pc_neighbor_news *news,
                        const struct uuid *owner, void *aux)
{
    struct pc_neighbor *n = find(t, news->interface, &news->addr);

    if (n) {
        bool same = (n->state == PC_NEIGHBOR_STATIC
                     && uuid_equals(&n->static_owner, owner)
                     && eth_addr_equals(n->mac, news->mac)
                     && n->port == news->port);
        if (same) {
            return;
        }
        unlink_kind(t, n);
    } else {
        n = create_entry(t, news->interface, &news->addr, PC_NEIGHBOR_STATIC);
    }
    n->state = PC_NEIGHBOR_STATIC;
    n->static_owner = *owner;
    n->mac = news->mac;
    n->port = news->port;
    n->shielded = false;
    hmap_insert(&t->statics, &n->static_node, uuid_hash(owner));
    t->ops->changed(n, aux);
    send_queue(t, n, aux);
}

static struct pc_neighbor *
find_static(const struct pc_neighbors *t, const struct uuid *owner)
{
    struct pc_neighbor *n;

    HMAP_FOR_EACH_WITH_HASH (n, static_node, uuid_hash(owner), &t->statics) {
        if (uuid_equals(&n->static_owner, owner)) {
            return n;
        }
    }
    return NULL;
}

/* Removes all static neighbors of 'owner'. */
void
pc_neighbors_remove_static(struct pc_neighbors *t, const struct uuid *owner,
                           void *aux)
{
    struct pc_neighbor *n;

    while ((n = find_static(t, owner)) != NULL) {
        forget(t, n, aux);
    }
}

/* Removes all neighbors on 'interface' but the static ones. */
void
pc_neighbors_remove_learned(struct pc_neighbors *t, uint32_t interface,
                            void *aux)
{
    struct pc_neighbor *n;

    HMAP_FOR_EACH_SAFE (n, key_node, &t->by_key) {
        if (n->interface == interface && n->state != PC_NEIGHBOR_STATIC) {
            forget(t, n, aux);
        }
    }
}

/* May another verification start in this second? */
static bool
may_verify(struct pc_neighbors *t, long long int now)
{
    if (now >= t->second + 1000 || now < t->second
        || t->second == LLONG_MIN) {
        t->second = now;
        t->n_started = 0;
    }
    if (t->n_started >= PC_NEIGHBOR_PROBE_RATE) {
        return false;
    }
    t->n_started++;
    return true;
}

static void
give_up(struct pc_neighbors *t, struct pc_neighbor *n, void *aux)
{
    struct dp_packet *packet;

    while ((packet = pop_packet(n)) != NULL) {
        t->ops->unreachable(n, packet, aux);
    }
    forget(t, n, aux);
}

static void
ask_again(struct pc_neighbors *t, struct pc_neighbor *n, long long int now,
          void *aux)
{
    if (n->n_tries >= PC_NEIGHBOR_MAX_TRIES) {
        give_up(t, n, aux);
        return;
    }
    n->n_tries++;
    set_timer(t, n, now + PC_NEIGHBOR_RETRANS_MS);
    t->ops->solicit(n, n->state == PC_NEIGHBOR_PROBE, aux);
}

static void
handle_timer(struct pc_neighbors *t, struct pc_neighbor *n,
             long long int now, void *aux)
{
    switch (n->state) {
    case PC_NEIGHBOR_INCOMPLETE:
    case PC_NEIGHBOR_PROBE:
        ask_again(t, n, now, aux);
        break;

    case PC_NEIGHBOR_REACHABLE:
    case PC_NEIGHBOR_STALE:
        if (may_verify(t, now)) {
            n->n_tries = 0;
            set_state(t, n, PC_NEIGHBOR_PROBE, now);
            ask_again(t, n, now, aux);
        } else {
            set_state(t, n, PC_NEIGHBOR_STALE, t->second + 1000);
        }
        break;

    case PC_NEIGHBOR_STATIC:
        OVS_NOT_REACHED();
    }
}

static struct pc_neighbor *
soonest(const struct pc_neighbors *t)
{
    return (heap_is_empty(&t->timers) ? NULL
            : CONTAINER_OF(heap_max(&t->timers), struct pc_neighbor, timer));
}

/* Does what is due at 'now'. */
void
pc_neighbors_run(struct pc_neighbors *t, long long int now, void *aux)
{
    struct pc_neighbor *n;

    while ((n = soonest(t)) != NULL && n->deadline <= now) {
        handle_timer(t, n, now, aux);
    }
}

/* Returns when pc_neighbors_run() has something to do next, or LLONG_MAX. */
long long int
pc_neighbors_next_wakeup(const struct pc_neighbors *t)
{
    const struct pc_neighbor *n = soonest(t);

    return n ? n->deadline : LLONG_MAX;
}

/* Calls 'cb' for each neighbor, in no order. */
void
pc_neighbors_for_each(const struct pc_neighbors *t,
                      void (*cb)(const struct pc_neighbor *, void *aux),
                      void *aux)
{
    const struct pc_neighbor *n;

    HMAP_FOR_EACH (n, key_node, &t->by_key) {
        cb(n, aux);
    }
}

/* Returns the name of 'state' as people know it from `ip neigh'. */
const char *
pc_neighbor_state_name(enum pc_neighbor_state state)
{
    switch (state) {
    case PC_NEIGHBOR_INCOMPLETE: return "incomplete";
    case PC_NEIGHBOR_REACHABLE: return "reachable";
    case PC_NEIGHBOR_STALE: return "stale";
    case PC_NEIGHBOR_PROBE: return "probe";
    case PC_NEIGHBOR_STATIC: return "static";
    }
    return "?";
}
