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

#include "bitmap.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "pc-controller-private.h"
#include "pc-fault.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_place);

/* What the controller writes that makes others work: numbers, and VI rows.
 *
 * A service stays in 'to_place' until a look at it finds nothing to do: a
 * transaction that fails is simply made again from what the database has
 * then. */

/* Numbers. */

static bool
pc_ctl_place_number(struct pc_controller *c, struct pc_ctl_service *svc,
                    const struct pcrec_service *row)
{
    if (row->number) {
        return false;
    }
    if (!svc->placing_number) {
        size_t number = bitmap_scan(c->service_numbers, false, 1,
                                    PC_CTL_SERVICES);
        if (number >= PC_CTL_SERVICES) {
            pc_ctl_place_error(c, svc, xstrdup("no service number is free"));
            return false;
        }
        /* Not to be given to another service meanwhile. */
        bitmap_set1(c->service_numbers, number);
        svc->placing_number = number;
        pc_ctl_zone_is_new(c, number);
    }
    pcrec_service_set_number(row, svc->placing_number);
    return true;
}

/* Writes the number of a chain that has none.  Returns false if there is
 * nothing to write. */
static bool
pc_ctl_place_chain(struct pc_controller *c, struct pc_ctl_chain *chain)
{
    const struct pcrec_chain *row
        = pcrec_chain_get_for_uuid(c->idl, &chain->path.uuid);

    if (!row || row->number) {
        return false;
    }
    if (!chain->placing_number) {
        size_t number = bitmap_scan(c->chain_numbers, false, 1,
                                    PC_CTL_CHAINS);
        if (number >= PC_CTL_CHAINS) {
            return false;
        }
        bitmap_set1(c->chain_numbers, number);
        chain->placing_number = number;
    }
    pcrec_chain_set_number(row, chain->placing_number);
    return true;
}

/* Sets why 'svc' is not placed, NULL if it is.  Takes 'error'. */
void
pc_ctl_place_error(struct pc_controller *c, struct pc_ctl_service *svc,
                   char *error)
{
    if (nullable_string_is_equal(svc->place_error, error)) {
        free(error);
        return;
    }
    free(svc->place_error);
    svc->place_error = error;
    hmapx_add(&c->bad_services, svc);
}

/* Nodes. */

/* The VIs on 'node'. */
static size_t
pc_ctl_node_count_vis(const struct pc_controller *c,
                      const struct pcrec_node *node)
{
    size_t n = pc_ctl_node_n_placing(c, &node->header_.uuid);
    const struct pc_ctl_vi *vi;

    HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
        const struct pcrec_vi *row
            = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);
        n += row && row->node == node;
    }
    return n;
}

/* Stores the node of the cloudlet that has the fewest VIs, of those that are up;
 * if none is, of those that nobody has heard of yet.  Returns NULL or why there is
 * none. */
static char * OVS_WARN_UNUSED_RESULT
pc_ctl_choose_node(const struct pc_controller *c,
                   const struct pcrec_node **best)
{
    const struct pcrec_cloudlet *cloudlet
        = pcrec_cloudlet_get_for_uuid(c->idl, &c->cloudlet);
    size_t best_n = SIZE_MAX;
    int best_rank = 1;

    *best = NULL;
    if (!cloudlet || !cloudlet->n_nodes) {
        return xstrdup("the cloudlet has no node");
    }
    for (size_t i = 0; i < cloudlet->n_nodes; i++) {
        const struct pcrec_node *node = cloudlet->nodes[i];
        int rank = pc_ctl_node_rank(c, &node->header_.uuid);

        if (rank >= best_rank) {
            size_t n = (cloudlet->n_nodes > 1
                        ? pc_ctl_node_count_vis(c, node) : 0);

            if (!*best || rank > best_rank || n < best_n
                || (n == best_n && strcmp(node->name, (*best)->name) < 0)) {
                *best = node;
                best_n = n;
                best_rank = rank;
            }
        }
    }
    return *best ? NULL : xstrdup("no node of the cloudlet is up");
}

/* VIs. */

/* The K of a VI called "SERVICE-K", 0 if it is called otherwise. */
static unsigned int
pc_ctl_vi_index(const struct pc_ctl_service *svc, const char *name)
{
    size_t len = strlen(svc->s.name);
    unsigned int k;

    return (!strncmp(name, svc->s.name, len) && name[len] == '-'
            && str_to_uint(name + len + 1, 10, &k) ? k : 0);
}

static unsigned int
pc_ctl_free_index(const struct pc_ctl_service *svc,
                  const unsigned long *reserved)
{
    unsigned long *used = bitmap_clone(reserved, PC_CTL_MAX_REPLICAS + 2);
    const struct pc_ctl_vi *vi;

    bitmap_set1(used, 0);
    LIST_FOR_EACH (vi, svc_node, &svc->vis) {
        unsigned int k = pc_ctl_vi_index(svc, vi->vi.name);
        if (k <= PC_CTL_MAX_REPLICAS) {
            bitmap_set1(used, k);
        }
    }
    unsigned int k = bitmap_scan(used, false, 1, PC_CTL_MAX_REPLICAS + 2);
    free(used);
    return k;
}

/* Marks in 'reserved' the indexes of VIs of this name that are leaving: their
 * rows still have the name. */
static void
pc_ctl_leaving_indexes(const struct pc_controller *c,
                       const struct pc_ctl_service *svc,
                       unsigned long *reserved)
{
    const struct pc_ctl_vi *vi;

    LIST_FOR_EACH (vi, leave_node, &c->leaving_vis) {
        unsigned int k = pc_ctl_vi_index(svc, vi->vi.name);
        if (k <= PC_CTL_MAX_REPLICAS) {
            bitmap_set1(reserved, k);
        }
    }
}

static void
pc_ctl_vi_set_capacity(const struct pcrec_vi *new_vi,
                       const struct pcrec_service *row)
{
    if (row->type) {
        pcrec_vi_set_capacity(new_vi,
                              (const char **) row->type->key_capacity,
                              row->type->value_capacity,
                              row->type->n_capacity);
    }
}

static void
pc_ctl_vi_write_addresses(const struct pcrec_vi *new_vi,
                          const struct pc_ctl_addresses *a)
{
    const char **addresses = sset_array(&a->addresses);
    const char **gateways = sset_array(&a->gateways);

    pcrec_vi_set_addresses(new_vi, addresses, sset_count(&a->addresses));
    pcrec_vi_set_gateways(new_vi, gateways, sset_count(&a->gateways));
    free(addresses);
    free(gateways);
}

/* Creates the row of VI number 'k' of 'svc' in 'txn', on 'node'; for
 * 'reservation', unless that is NULL.  Returns NULL or why not. */
static char * OVS_WARN_UNUSED_RESULT
pc_ctl_create_vi(struct pc_controller *c, struct pc_ctl_service *svc,
                 unsigned int k, const struct pcrec_node *node,
                 const struct pcrec_reservation *reservation,
                 struct ovsdb_idl_txn *txn)
{
    const struct pcrec_service *row
        = pcrec_service_get_for_uuid(c->idl, &svc->s.uuid);
    size_t number = bitmap_scan(c->vi_numbers, false, 1, PC_CTL_VIS);
    if (number >= PC_CTL_VIS) {
        return xstrdup("no VI number is free");
    }
    struct pc_ctl_addresses a;
    char *error = pc_ctl_allocate(c, svc, row, &a);
    if (error) {
        return error;
    }

    const struct pcrec_vi *vi = pcrec_vi_insert(txn);
    char *name = xasprintf("%s-%u", svc->s.name, k);
    char *mac = pc_ctl_vi_mac(c, number);
    pcrec_vi_set_name(vi, name);
    pcrec_vi_set_service(vi, row);
    pcrec_vi_set_node(vi, node);
    pcrec_vi_set_node_name(vi, node->name);
    pcrec_vi_set_number(vi, number);
    pcrec_vi_set_admin_state(vi, "up");
    pcrec_vi_set_weight(vi, 100);
    pcrec_vi_set_mac(vi, mac);
    pc_ctl_vi_write_addresses(vi, &a);
    pc_ctl_vi_set_capacity(vi, row);
    if (reservation) {
        pcrec_vi_set_reservation(vi, reservation);
        pcrec_vi_set_slots(vi, (const char **) reservation->slots,
                           reservation->n_slots);
        /* Not for one that has ended meanwhile: nobody would charge that. */
        pcrec_reservation_verify_state(reservation);
        pcrec_reservation_verify_node(reservation);
        pcrec_reservation_verify_proposed_node(reservation);
        pcrec_reservation_set_metered(reservation, true);
    }
    pc_ctl_node_add_placing(c, &node->header_.uuid);
    bitmap_set1(c->placing_numbers, number);
    bitmap_set1(c->vi_numbers, number);
    VLOG_INFO("%s: placed on node %s", name, node->name);
    free(mac);
    free(name);
    pc_ctl_addresses_destroy(&a);
    return NULL;
}

/* Marks in 'reserved' the indexes of all rows that have names of 'svc', also of
 * those that this transaction has made so far. */
static void
pc_ctl_row_indexes(const struct pc_controller *c,
                   const struct pc_ctl_service *svc, unsigned long *reserved)
{
    const struct pcrec_vi *row;

    PCREC_VI_FOR_EACH (row, c->idl) {
        unsigned int k = pc_ctl_vi_index(svc, row->name);
        if (k <= PC_CTL_MAX_REPLICAS) {
            bitmap_set1(reserved, k);
        }
    }
}

/* Creates in 'txn' the VI of 'svc' for 'reservation', on its node.  Returns true if
 * it did; if not, Service.error says why. */
bool
pc_ctl_place_reserved(struct pc_controller *c, struct pc_ctl_service *svc,
                      const struct pcrec_reservation *reservation,
                      struct ovsdb_idl_txn *txn)
{
    unsigned long *reserved = bitmap_allocate(PC_CTL_MAX_REPLICAS + 2);
    char *error = NULL;
    unsigned int k;

    pc_ctl_row_indexes(c, svc, reserved);
    k = pc_ctl_free_index(svc, reserved);
    free(reserved);
    if (k > PC_CTL_MAX_REPLICAS) {
        error = xstrdup("it has too many VIs");
    } else {
        error = pc_ctl_create_vi(c, svc, k, reservation->node, reservation,
                                 txn);
    }
    bool created = !error;
    pc_ctl_place_error(c, svc, error);
    return created;
}

/* The VIs of 'svc' that are to stay, without those that have a reservation. */
static size_t
pc_ctl_count_vis(const struct pc_controller *c,
                 const struct pc_ctl_service *svc)
{
    const struct pc_ctl_vi *vi;
    size_t n = 0;

    LIST_FOR_EACH (vi, svc_node, &svc->vis) {
        n += !vi->reserved && !pc_ctl_vi_is_retired(c, vi);
    }
    return n;
}

/* Creates the rows that 'svc' lacks.  Returns true if there was one. */
static bool
pc_ctl_create_vis(struct pc_controller *c, struct pc_ctl_service *svc,
                  const struct pcrec_service *row, struct ovsdb_idl_txn *txn)
{
    unsigned long *reserved = bitmap_allocate(PC_CTL_MAX_REPLICAS + 2);
    size_t n = pc_ctl_count_vis(c, svc);
    char *error = NULL;
    bool changed = false;

    pc_ctl_leaving_indexes(c, svc, reserved);
    while (!error && n < (size_t) row->replicas) {
        unsigned int k = pc_ctl_free_index(svc, reserved);
        if (k > PC_CTL_MAX_REPLICAS) {
            break;              /* Until those that leave are gone. */
        }
        bitmap_set1(reserved, k);
        const struct pcrec_node *node;

        error = pc_ctl_choose_node(c, &node);
        if (!error) {
            error = pc_ctl_create_vi(c, svc, k, node, NULL, txn);
        }
        if (!error) {
            changed = true;
            n++;
        }
    }
    pc_ctl_place_error(c, svc, error);
    free(reserved);
    return changed;
}

/* Returns the VI of 'svc' with the highest index of those that stay or, if
 * 'retired', with the lowest of those that are on their way out.  NULL if there
 * is none. */
static struct pc_ctl_vi *
pc_ctl_end_vi(const struct pc_controller *c, const struct pc_ctl_service *svc,
              bool retired)
{
    struct pc_ctl_vi *vi, *end = NULL;

    LIST_FOR_EACH (vi, svc_node, &svc->vis) {
        unsigned int k = pc_ctl_vi_index(svc, vi->vi.name);

        if (!vi->reserved && pc_ctl_vi_is_retired(c, vi) == retired
            && (!end || (k > pc_ctl_vi_index(svc, end->vi.name)) != retired)) {
            end = vi;
        }
    }
    return end;
}

/* Sends the VIs away that 'svc' has too many, those with the highest index
 * first, or takes some back.  Returns true if a row was changed for that. */
static bool
pc_ctl_drop_vis(struct pc_controller *c, struct pc_ctl_service *svc,
                const struct pcrec_service *row)
{
    size_t n = pc_ctl_count_vis(c, svc);
    struct pc_ctl_vi *vi;
    bool changed = false;

    while (n > (size_t) row->replicas
           && (vi = pc_ctl_end_vi(c, svc, false)) != NULL) {
        changed |= pc_ctl_retire_vi(c, vi, row);
        n--;
    }
    while (n < (size_t) row->replicas
           && (vi = pc_ctl_end_vi(c, svc, true)) != NULL) {
        pc_ctl_take_back_vi(c, vi);
        changed = true;
        n++;
    }
    return changed;
}

/* We changed VI rows in 'txn', which is an intent: nothing is acknowledged
 * until it is a part of a snapshot that the nodes have seen. */
static void
pc_ctl_intent_changed(struct pc_controller *c, struct ovsdb_idl_txn *txn)
{
    const struct pcrec_packetcloud *pc = pcrec_packetcloud_first(c->idl);

    c->hold_pending = true;
    if (pc) {
        ovsdb_idl_txn_increment(txn, &pc->header_,
                                &pcrec_packetcloud_col_next_cfg, false);
    }
}

/* Is there nothing to create or delete? */
bool
pc_ctl_place_is_idle(const struct pc_controller *c)
{
    return (hmapx_is_empty(&c->to_place) && hmapx_is_empty(&c->to_number)
            && !c->hold_pending
            && ovs_list_is_empty(&c->leaving_vis)
            && pc_ctl_drain_is_idle(c));
}

/* Forgets the numbers of the last transaction's VIs: it has been decided, and
 * those that exist now are known by their rows. */
static void
pc_ctl_release_numbers(struct pc_controller *c)
{
    size_t number;

    BITMAP_FOR_EACH_1 (number, PC_CTL_VIS, c->placing_numbers) {
        bitmap_set0(c->placing_numbers, number);
        bitmap_set0(c->vi_numbers, number);
    }
    const struct pc_ctl_vi *vi;
    HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
        bitmap_set1(c->vi_numbers, vi->vi.number);
    }
    pc_ctl_nodes_clear_placing(c);
    c->placing = false;
}

/* VI.node_name follows VI.node, whoever has changed that, and VI.home_name
 * VI.home: the role-based access control of the database goes by it (pc-rbac.h). */
static void
pc_ctl_name_nodes(struct pc_controller *c)
{
    const struct pc_ctl_vi *vi;

    if (!c->name_nodes) {
        return;
    }
    c->name_nodes = false;
    HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
        const struct pcrec_vi *row
            = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);
        const char *name = row && row->node ? row->node->name : "";

        if (row && strcmp(row->node_name, name)) {
            pcrec_vi_set_node_name(row, name);
            c->name_nodes = true;       /* Until it is seen there. */
        }
        name = row && row->home ? row->home->name : "";
        if (row && strcmp(row->home_name, name)) {
            pcrec_vi_set_home_name(row, name);
            c->name_nodes = true;
        }
    }
}

/* Writes into 'txn' what the services marked 'to_place' and the VIs that leave
 * need.  ('txn' is nonnull only when the last transaction is decided.) */
void
pc_ctl_place_run(struct pc_controller *c, struct ovsdb_idl_txn *txn)
{
    const struct pcrec_packetcloud *pc = pcrec_packetcloud_first(c->idl);
    struct hmapx_node *node;
    bool changed = false;

    if (c->hold_pending) {
        c->hold_pending = false;
        c->hold_cfg = MAX(c->hold_cfg, pc ? pc->next_cfg : 0);
    }
    if (c->placing) {
        pc_ctl_release_numbers(c);
    }
    pc_ctl_name_nodes(c);
    HMAPX_FOR_EACH_SAFE (node, &c->to_place) {
        struct pc_ctl_service *svc = node->data;
        const struct pcrec_service *row
            = pcrec_service_get_for_uuid(c->idl, &svc->s.uuid);
        bool todo = false;

        if (row) {
            todo = pc_ctl_place_number(c, svc, row);
            todo |= pc_ctl_drop_vis(c, svc, row);
            todo |= pc_ctl_create_vis(c, svc, row, txn);
        }
        if (!todo) {
            hmapx_find_and_delete(&c->to_place, svc);
        }
        changed |= todo;
    }
    changed |= pc_ctl_reserve_run(c, txn);
    HMAPX_FOR_EACH_SAFE (node, &c->to_number) {
        bool todo = pc_ctl_place_chain(c, node->data);

        if (!todo) {
            hmapx_delete(&c->to_number, node);
        }
        changed |= todo;
    }
    if (changed) {
        c->placing = true;
        pc_ctl_intent_changed(c, txn);
    }
}

/* Deletes in 'txn' the rows of the VIs whose flows are gone from the
 * switches. */
void
pc_ctl_delete_run(struct pc_controller *c, struct ovsdb_idl_txn *txn)
{
    struct pc_ctl_vi *vi;
    bool changed = false;

    if (c->hold_pending) {
        return;                 /* One transaction at a time. */
    }
    LIST_FOR_EACH (vi, leave_node, &c->leaving_vis) {
        const struct pcrec_vi *row
            = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);
        if (row && pc_ctl_all_done(c, vi->leave_generation)
            && pc_ctl_used_close(vi, row)) {
            pc_fault(c->fault, "before-delete");
            VLOG_INFO("%s: removed", row->name);
            pcrec_vi_delete(row);
            changed = true;
        }
    }
    if (changed) {
        pc_ctl_intent_changed(c, txn);
    }
}
