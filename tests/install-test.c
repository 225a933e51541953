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

/* A program of somebody else's: it has only what `make install' installed (and
 * the headers of libopenvswitch-dev), and turns a rule into flow mods. */

#include <stdio.h>
#include <stdlib.h>
#include <pc-compile.h>
#include <pc-flow-table.h>
#include <pc-match.h>
#include <pc-units.h>

static void
print_rule(const char *text)
{
    struct pc_rule_match match;
    char *error = pc_rule_match_parse(text, NULL, &match);
    if (error) {
        printf("%s\n", error);
        free(error);
        return;
    }

    struct pc_flow_table *table = pc_flow_table_create();
    const struct pc_path path = { .number = 7 };
    struct pc_rule rule = {
        .uuid = { .parts = { 0xabcdef12, 0x34000000, 0, 1 } },
        .match = &match,
        .priority = 1000,
        .direction = PC_RULE_BOTH,
        .path = &path,
    };
    pc_compile_rule(table, 200, &rule);

    struct ovs_list mods;
    struct pc_mod *mod;
    ovs_list_init(&mods);
    pc_flow_table_take_changes(table, &mods);
    LIST_FOR_EACH (mod, node, &mods) {
        char *s = pc_mod_format(mod);
        printf("%s\n", s);
        free(s);
    }
    pc_mods_destroy(&mods);
    pc_flow_table_destroy(table);
    pc_rule_match_destroy(&match);
}

int
main(void)
{
    uint64_t millicores;
    char *error = pc_units_parse_cpu("1.5", &millicores);
    if (error) {
        printf("%s\n", error);
        free(error);
        return EXIT_FAILURE;
    }
    printf("%llu millicores\n", (unsigned long long int) millicores);
    print_rule("tcp,tp_dst=80");
    print_rule("tcp_port=80");
    return EXIT_SUCCESS;
}
