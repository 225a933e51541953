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
#include "pc-node-private.h"

#include <ctype.h>
#include <stdlib.h>

#include "lib/pc-idl.h"
#include "openvswitch/dynamic-string.h"
#include "pc-clock.h"
#include "pc-request.h"
#include "sha1.h"
#include "timeval.h"
#include "util.h"

/* Rows to wanted VIs. */

/* Longest name of a VI: liblxc's container and host name. */
#define NAME_LEN 63

void
pc_node_want_destroy(struct pc_node_want *want)
{
    if (want) {
        free(want->service);
        free(want->image_name);
        free(want->image_url);
        free(want->image_sha256);
        free(want->mac);
        svec_destroy(&want->addresses);
        svec_destroy(&want->gateways);
        smap_destroy(&want->health);
        smap_destroy(&want->export);
        free(want->error);
        free(want->fingerprint);
        free(want->root_fingerprint);
        free(want);
    }
}

static char *
hash_text(struct ds *s)
{
    uint8_t digest[SHA1_DIGEST_SIZE];
    char hex[SHA1_HEX_DIGEST_LEN + 1];

    sha1_bytes(ds_cstr(s), s->length, digest);
    sha1_to_hex(digest, hex);
    ds_destroy(s);
    return xstrdup(hex);
}

static void
put_svec(struct ds *s, const struct svec *v)
{
    for (size_t i = 0; i < v->n; i++) {
        ds_put_format(s, "%s\n", v->names[i]);
    }
    ds_put_char(s, '\n');
}

/* What a container was started with: any change needs a restart. */
static void
fingerprint(struct pc_node_want *want)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "%s\n%s\n", want->image_url, want->image_sha256);
    want->root_fingerprint = hash_text(&s);

    ds_init(&s);
    ds_put_format(&s, "%s\n%d\n%d\n%s\n", want->root_fingerprint, want->mode,
                  want->number, want->mac);
    put_svec(&s, &want->addresses);
    put_svec(&s, &want->gateways);
    if (want->mode == PC_MANIFEST_ROUTE && want->two_ports) {
        ds_put_cstr(&s, "two arms\n");
    }
    want->fingerprint = hash_text(&s);
}

/* A name becomes a directory and a cgroup: this is also what liblxc's side
 * accepts. */
static bool
name_is_valid(const char *name)
{
    size_t n = strlen(name);

    return (n > 0 && n <= NAME_LEN && isalnum((unsigned char) name[0])
            && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-"
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == n);
}

/* If the VI is reserved for some time: whether that is now, by our own clock, and
 * with which capacity.  This holds also while the database is away. */
static void
read_slots(const struct pcrec_vi *row, struct pc_node_want *want)
{
    int64_t now = pc_clock_now();
    struct pc_slot *slots;
    size_t n;

    if (!row->n_slots) {
        return;
    }
    want->error = pc_request_parse_slots(row->slots, row->n_slots, &slots, &n);
    const struct pc_slot *slot = pc_slots_at(slots, n, now);
    if (slot) {
        want->next_slot = slot->end;
    } else if (!want->error) {
        want->up = false;       /* Before its time, or after. */
        want->over = n && now >= slots[n - 1].end;
        want->next_slot = n && now < slots[0].begin ? slots[0].begin : 0;
        slot = &slots[n - 1];   /* Until it has stopped. */
    }
    if (slot) {
        /* What the slot does not name stays as the VI's type has it. */
        for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
            if (slot->amount.value[d]) {
                want->asked.value[d] = slot->amount.value[d];
            }
        }
    }
    free(slots);
}

/* Stores in 'want' what 'row' asks for, and what comes of it with the limits that
 * the ISP has put on the VI. */
static void
read_capacity(const struct pcrec_vi *row, struct pc_node_want *want)
{
    pc_capacity_from_arrays(&want->asked, row->key_capacity,
                            row->value_capacity, row->n_capacity);
    read_slots(row, want);
    pc_capacity_from_arrays(&want->restrictions, row->key_restrictions,
                            row->value_restrictions, row->n_restrictions);
    want->capacity = want->asked;
    for (size_t i = 0; i < PC_N_CAPACITY; i++) {
        uint64_t limit = want->restrictions.value[i];

        if (limit && (!want->asked.value[i] || limit < want->asked.value[i])) {
            want->capacity.value[i] = limit;
        }
    }
}

/* Returns what 'row' wants, or NULL if its service is gone: then what was
 * wanted before stays until the controller has taken the flows away and
 * deletes the row. */
struct pc_node_want *
pc_node_want_from_row(const struct pc_node *n, const struct pcrec_node *node,
                      const struct pcrec_vi *row)
{
    const struct pcrec_service *service = row->service;
    const struct pcrec_image *image = service ? service->image : NULL;

    if (!image) {
        return NULL;
    }

    struct pc_node_want *want = xzalloc(sizeof *want);
    want->uuid = row->header_.uuid;
    want->service = xstrdup(service->name);
    want->up = strcmp(row->admin_state, "down");
    want->released = row->released;
    want->image_name = xstrdup(image->name);
    want->image_url = xstrdup(image->url);
    want->image_sha256 = xstrdup(image->sha256);
    want->number = row->number;
    want->mac = xstrdup(row->mac);
    want->was_ready = row->ready;
    want->was_pid = row->n_pid ? *row->pid : 0;
    svec_init(&want->addresses);
    for (size_t i = 0; i < row->n_addresses; i++) {
        svec_add(&want->addresses, row->addresses[i]);
    }
    svec_init(&want->gateways);
    for (size_t i = 0; i < row->n_gateways; i++) {
        svec_add(&want->gateways, row->gateways[i]);
    }
    smap_clone(&want->health, &service->health);
    read_capacity(row, want);
    pc_node_move_read(want, row, node);
    want->mtu = smap_get_ullong(&service->options, "mtu", 0);
    want->subnet_mtu = pc_node_link_subnet_mtu(n, row);
    pc_capacity_from_arrays(&want->was_applied, row->key_applied,
                            row->value_applied, row->n_applied);
    if (!pc_manifest_mode_from_string(service->mode, &want->mode)) {
        want->error = xasprintf("mode %s is not known", service->mode);
    } else if (!name_is_valid(row->name)) {
        want->error = xasprintf("\"%s\" cannot be the name of a container",
                                row->name);
    }
    want->two_ports = (want->mode == PC_MANIFEST_INLINE
                       || (want->mode == PC_MANIFEST_ROUTE
                           && smap_get_int(&service->options, "arms", 1) == 2));
    fingerprint(want);
    return want;
}

/* From now on 'vi' is to be as in 'want', which it takes. */
void
pc_node_vi_set_want(struct pc_node_vi *vi, struct pc_node_want *want)
{
    if (vi->want && !smap_equal(&vi->want->health, &want->health)) {
        vi->probe_chosen = false;
    }
    free(vi->service);
    vi->service = xstrdup(want->service);
    pc_node_want_destroy(vi->want);
    vi->want = want;
    vi->down_at = want->up ? 0 : vi->down_at ? vi->down_at : time_msec();
}
