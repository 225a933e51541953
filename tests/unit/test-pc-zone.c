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
#include "pc-zone.h"

#include <check.h>
#include <string.h>

#include "fake-switch.h"
#include "flow.h"
#include "pc-compile.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-test.h"
#include "util.h"

#define BASE PC_TABLE_BASE_DEFAULT

/* A service with affinity=connection and two VIs. */
struct world {
    struct pc_flow_table *table;
    struct pc_service svc;
    struct pc_vi vis[2];
    struct pc_vi *vi_pointers[2];
    struct ovs_list mods;
};

static struct world w;

static void
setup(void)
{
    memset(&w, 0, sizeof w);
    w.table = pc_flow_table_create();
    ovs_list_init(&w.mods);
    w.svc = (struct pc_service) {
        .uuid.parts[0] = 0x100, .number = 5, .mode = PC_MODE_INLINE,
        .affinity.kind = PC_AFFINITY_CONNECTION, .vis = w.vi_pointers,
        .n_vis = 2,
    };
    for (int i = 0; i < 2; i++) {
        w.vi_pointers[i] = &w.vis[i];
        w.vis[i] = (struct pc_vi) {
            .uuid.parts[0] = 0x200 + i, .number = 5 + i, .service = &w.svc,
            .port = { u16_to_ofp(10 + 2 * i), u16_to_ofp(11 + 2 * i) },
            .ready = true, .weight = 100,
        };
    }
}

static void
teardown(void)
{
    pc_mods_destroy(&w.mods);
    pc_flow_table_destroy(w.table);
}

static void
compile(struct pc_flow_table *t)
{
    pc_compile_service(t, BASE, &w.svc);
    for (size_t i = 0; i < w.svc.n_vis; i++) {
        pc_compile_vi(t, BASE, &w.vis[i]);
    }
}

static void
take(void)
{
    pc_mods_destroy(&w.mods);
    pc_flow_table_take_changes(w.table, &w.mods);
}

/* Exactly one mod is about a zone, the service's; returns it. */
static const struct pc_mod *
zone_mod(void)
{
    const struct pc_mod *mod, *found = NULL;

    LIST_FOR_EACH (mod, node, &w.mods) {
        if (mod->zone) {
            ck_assert_ptr_null(found);
            found = mod;
        } else {
            ck_assert_int_eq(mod->flush, PC_FLUSH_NONE);
        }
    }
    ck_assert_ptr_nonnull(found);
    ck_assert_uint_eq(found->zone, 0x8005);
    return found;
}

/* There are others, and none of them comes after 'mod'. */
static void
check_last(const struct pc_mod *mod)
{
    ck_assert_ptr_eq(ovs_list_back(&w.mods), &mod->node);
    ck_assert_uint_gt(ovs_list_size(&w.mods), 1);
}

START_TEST(test_numbers)
{
    ck_assert_uint_eq(pc_zone_of_service(1), 0x8001);
    ck_assert_uint_eq(pc_zone_service(0xffff), 0x7fff);
    ck_assert_uint_eq(pc_zone_service(7), 0);
}
END_TEST

/* The zone's flow comes with the others, and goes after them. */
START_TEST(test_service_goes)
{
    compile(w.table);
    take();
    ck_assert_int_eq(zone_mod()->flush, PC_FLUSH_NONE);

    pc_flow_table_remove_owner(w.table, &w.svc.uuid);
    take();
    const struct pc_mod *mod = zone_mod();
    ck_assert(pc_mod_is_delete(mod));
    ck_assert_int_eq(mod->flush, PC_FLUSH_LAST);
    check_last(mod);
}
END_TEST

/* So it does when the affinity changes. */
START_TEST(test_affinity_changes)
{
    compile(w.table);
    take();
    w.svc.affinity.kind = PC_AFFINITY_CLIENT;
    compile(w.table);
    take();
    const struct pc_mod *mod = zone_mod();
    ck_assert(pc_mod_is_delete(mod));
    ck_assert_int_eq(mod->flush, PC_FLUSH_LAST);
    check_last(mod);
}
END_TEST

/* VIs come and go: nothing is flushed. */
START_TEST(test_vi_goes)
{
    const struct pc_mod *mod;

    compile(w.table);
    take();
    for (int i = 0; i < 4; i++) {
        w.svc.n_vis = i % 2 + 1;
        w.vis[0].draining = i == 2;
        w.vis[0].ready = i != 2;
        compile(w.table);
        take();
        ck_assert(!ovs_list_is_empty(&w.mods));
        LIST_FOR_EACH (mod, node, &w.mods) {
            ck_assert_uint_eq(mod->zone, 0);
            ck_assert_int_eq(mod->flush, PC_FLUSH_NONE);
        }
    }
}
END_TEST

/* Another service gets the number before the changes are taken: the flow gets
 * another owner, last. */
START_TEST(test_number_moves)
{
    compile(w.table);
    take();
    pc_flow_table_remove_owner(w.table, &w.svc.uuid);
    w.svc.uuid.parts[0] = 0x999;
    compile(w.table);
    take();
    const struct pc_mod *mod = zone_mod();
    ck_assert_int_eq(mod->fm.command, OFPFC_ADD);
    ck_assert_int_eq(mod->flush, PC_FLUSH_LAST);
    check_last(mod);
}
END_TEST

/* What an agent finds that starts again: the same service; none; another one
 * with its number. */
START_TEST(test_restart)
{
    static const enum ofputil_protocol protocols[] = {
        OFPUTIL_P_OF13_OXM, OFPUTIL_P_OF14_OXM, OFPUTIL_P_OF15_OXM
    };
    compile(w.table);
    take();
    struct pc_installed *inst = fake_switch(&w.mods, protocols[_i]);

    struct pc_flow_table *again = pc_flow_table_create();
    pc_mods_destroy(&w.mods);
    compile(again);
    pc_installed_diff(inst, again, &w.mods);
    ck_assert(ovs_list_is_empty(&w.mods));
    pc_flow_table_destroy(again);

    again = pc_flow_table_create();
    pc_installed_diff(inst, again, &w.mods);
    ck_assert(pc_mod_is_delete(zone_mod()));
    ck_assert_int_eq(zone_mod()->flush, PC_FLUSH_LAST);
    check_last(zone_mod());
    pc_flow_table_destroy(again);

    again = pc_flow_table_create();
    pc_mods_destroy(&w.mods);
    w.svc.uuid.parts[0] = 0x999;
    compile(again);
    pc_installed_diff(inst, again, &w.mods);
    ck_assert_int_eq(zone_mod()->fm.command, OFPFC_ADD);
    ck_assert_int_eq(zone_mod()->flush, PC_FLUSH_LAST);
    check_last(zone_mod());
    pc_flow_table_destroy(again);
    pc_installed_destroy(inst);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_numbers);
    tcase_add_test(tc, test_service_goes);
    tcase_add_test(tc, test_affinity_changes);
    tcase_add_test(tc, test_vi_goes);
    tcase_add_test(tc, test_number_moves);
    tcase_add_loop_test(tc, test_restart, 0, 3);
    return pc_test_run("pc-zone", tc);
}
