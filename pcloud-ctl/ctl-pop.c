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

/* Commands: pop-*, link-*, prefix-*: the ISP's network, from which distances are
 * counted. */

#include <config.h>

#include "pcloud-ctl.h"

#include "ctl-prefix.h"
#include "pc-name.h"
#include "util.h"

static void
pre_pop(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_pop_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_pop_col_prefixes);
    ovsdb_idl_add_column(ctx->idl, &pcrec_pop_col_links);
}

static void
pre_pop_with_cloudlets(struct ctl_context *ctx)
{
    pre_pop(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_pop);
}

static bool
option_given(const struct ctl_context *ctx, const char *option)
{
    return shash_find(&ctx->options, option) != NULL;
}

/* For the commands that delete something. */
static enum ctl_must
must_exist(const struct ctl_context *ctx)
{
    return option_given(ctx, "--if-exists") ? CTL_MAY_EXIST : CTL_MUST_EXIST;
}

/* Links: kept at one of their ends, or at both. */

/* Sets '*cost' to that of the cheapest link between 'a' and 'b', if any. */
static bool
find_link(const struct pcrec_pop *a, const struct pcrec_pop *b, int64_t *cost)
{
    bool found = false;

    for (int end = 0; end < 2; end++) {
        const struct pcrec_pop *from = end ? b : a;
        const struct pcrec_pop *to = end ? a : b;

        for (size_t i = 0; i < from->n_links; i++) {
            if (from->key_links[i] == to
                && (!found || from->value_links[i] < *cost)) {
                *cost = from->value_links[i];
                found = true;
            }
        }
    }
    return found;
}

/* Takes the links to 'to' out of those of 'from', and adds one with 'cost', unless
 * that is negative. */
static void
set_link(const struct pcrec_pop *from, const struct pcrec_pop *to,
         int64_t cost)
{
    struct pcrec_pop **keys = xmalloc((from->n_links + 1) * sizeof *keys);
    int64_t *values = xmalloc((from->n_links + 1) * sizeof *values);
    size_t n = 0;

    for (size_t i = 0; i < from->n_links; i++) {
        if (from->key_links[i] != to) {
            keys[n] = from->key_links[i];
            values[n++] = from->value_links[i];
        }
    }
    if (cost >= 0) {
        keys[n] = CONST_CAST(struct pcrec_pop *, to);
        values[n++] = cost;
    }
    if (cost >= 0 || n < from->n_links) {
        pcrec_pop_verify_links(from);
        pcrec_pop_set_links(from, keys, values, n);
    }
    free(keys);
    free(values);
}

/* Finds the two PoPs of a link, the command's first arguments. */
static bool
find_ends(struct ctl_context *ctx, enum ctl_must must,
          const struct pcrec_pop **a, const struct pcrec_pop **b)
{
    *a = ctl_find_pop(ctx, ctx->argv[1], must);
    *b = *a ? ctl_find_pop(ctx, ctx->argv[2], must) : NULL;
    if (*a && *a == *b) {
        ctl_error(ctx, "a link from PoP \"%s\" to itself leads nowhere",
                  (*a)->name);
        *b = NULL;
    }
    return *a && *b;
}

static void
cmd_link_add(struct ctl_context *ctx)
{
    struct ctl_arg cost_arg = { .key = "cost" };
    const struct pcrec_pop *a, *b;
    int64_t cost, old;

    if (!ctl_parse_args(ctx, 3, &cost_arg, 1)) {
        return;
    } else if (!cost_arg.value) {
        ctl_error(ctx, "say what the link costs: cost=N");
        return;
    } else if (!ctl_parse_int(ctx, "cost", cost_arg.value, 0, UINT32_MAX,
                              &cost)
               || !find_ends(ctx, CTL_MUST_EXIST, &a, &b)) {
        return;
    }

    if (!find_link(a, b, &old)) {
        set_link(a, b, cost);
        /* Two who add it at once, from either end, are to meet. */
        pcrec_pop_verify_links(b);
    } else if (!option_given(ctx, "--may-exist") || old != cost) {
        ctl_error(ctx, "there is a link between PoPs \"%s\" and \"%s\" "
                  "already, cost=%"PRId64, a->name, b->name, old);
    }
}

static void
cmd_link_del(struct ctl_context *ctx)
{
    const struct pcrec_pop *a, *b;
    enum ctl_must must = must_exist(ctx);
    int64_t cost;

    if (!find_ends(ctx, must, &a, &b)) {
        return;
    } else if (find_link(a, b, &cost)) {
        set_link(a, b, -1);
        set_link(b, a, -1);
    } else if (must == CTL_MUST_EXIST) {
        ctl_error(ctx, "there is no link between PoPs \"%s\" and \"%s\"",
                  a->name, b->name);
    }
}

static void
cmd_link_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("pop peer cost");
    const struct pcrec_pop *a, *b;

    PCREC_POP_FOR_EACH (a, ctx->idl) {
        PCREC_POP_FOR_EACH (b, ctx->idl) {
            int64_t cost;

            if (strverscmp(a->name, b->name) < 0 && find_link(a, b, &cost)) {
                ctl_cell(t, "%s", a->name);
                ctl_cell(t, "%s", b->name);
                ctl_cell_int(t, cost);
            }
        }
    }
    ctl_table_output(ctx, t);
}

/* Prefixes. */

/* Where the prefix 'p' is in those of 'pop', or SIZE_MAX.  Others than we may have
 * written them. */
static size_t
find_prefix(const struct pcrec_pop *pop, const struct ctl_prefix *p)
{
    for (size_t i = 0; i < pop->n_prefixes; i++) {
        struct ctl_prefix other;
        char *error = ctl_prefix_parse(pop->prefixes[i], CTL_PLEN_MUST,
                                       &other);

        if (error) {
            free(error);
        } else if (other.plen == p->plen
                   && ctl_prefix_same_address(&other, p)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Parses the prefix 's'. */
static bool
parse_prefix(struct ctl_context *ctx, const char *s, struct ctl_prefix *p)
{
    char *error = ctl_prefix_parse(s, CTL_PLEN_MUST, p);

    if (!error) {
        error = ctl_prefix_check_net(s, p);
    }
    if (!error && p->is_ipv6 && IN6_IS_ADDR_V4MAPPED(&p->addr)) {
        error = xasprintf("\"%s\" is of IPv4: write it as such", s);
    }
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        return false;
    }
    return true;
}

static void
set_prefixes(const struct pcrec_pop *pop, size_t without, const char *more)
{
    const char **all = xmalloc((pop->n_prefixes + 1) * sizeof *all);
    size_t n = 0;

    for (size_t i = 0; i < pop->n_prefixes; i++) {
        if (i != without) {
            all[n++] = pop->prefixes[i];
        }
    }
    if (more) {
        all[n++] = more;
    }
    pcrec_pop_verify_prefixes(pop);
    pcrec_pop_set_prefixes(pop, all, n);
    free(all);
}

static void
cmd_prefix_add(struct ctl_context *ctx)
{
    const struct pcrec_pop *pop = ctl_find_pop(ctx, ctx->argv[1],
                                               CTL_MUST_EXIST);
    const struct pcrec_pop *owner;
    struct ctl_prefix p;

    if (!pop || !parse_prefix(ctx, ctx->argv[2], &p)) {
        return;
    }

    char *prefix = ctl_prefix_format(&p, true);
    bool there = false;
    PCREC_POP_FOR_EACH (owner, ctx->idl) {
        if (find_prefix(owner, &p) != SIZE_MAX) {
            there = true;
            if (owner != pop || !option_given(ctx, "--may-exist")) {
                ctl_error(ctx, "PoP \"%s\" has prefix %s already",
                          owner->name, prefix);
                break;
            }
        } else if (owner != pop) {
            /* Two who give it to different PoPs at once are to meet. */
            pcrec_pop_verify_prefixes(owner);
        }
    }
    if (!there) {
        set_prefixes(pop, SIZE_MAX, prefix);
    }
    free(prefix);
}

static void
cmd_prefix_del(struct ctl_context *ctx)
{
    enum ctl_must must = must_exist(ctx);
    const struct pcrec_pop *pop = ctl_find_pop(ctx, ctx->argv[1], must);
    struct ctl_prefix p;

    if (!pop || !parse_prefix(ctx, ctx->argv[2], &p)) {
        return;
    }

    size_t i = find_prefix(pop, &p);
    if (i != SIZE_MAX) {
        set_prefixes(pop, i, NULL);
    } else if (must == CTL_MUST_EXIST) {
        char *prefix = ctl_prefix_format(&p, true);

        ctl_error(ctx, "PoP \"%s\" has no prefix %s", pop->name, prefix);
        free(prefix);
    }
}

static void
cmd_prefix_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("pop prefix");
    const struct pcrec_pop *pop;

    PCREC_POP_FOR_EACH (pop, ctx->idl) {
        for (size_t i = 0; i < pop->n_prefixes; i++) {
            ctl_cell(t, "%s", pop->name);
            ctl_cell(t, "%s", pop->prefixes[i]);
        }
    }
    ctl_table_output(ctx, t);
}

/* PoPs. */

static void
cmd_pop_add(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];

    if (!ctl_check_name(ctx, "PoP", name)) {
        return;
    } else if (ctl_find_pop(ctx, name, CTL_MAY_EXIST)) {
        if (!option_given(ctx, "--may-exist")) {
            ctl_error(ctx, "there is a PoP \"%s\" already", name);
        }
        return;
    }
    pcrec_pop_set_name(pcrec_pop_insert(ctx->txn), name);
}

static void
cmd_pop_del(struct ctl_context *ctx)
{
    const struct pcrec_pop *pop = ctl_find_pop(ctx, ctx->argv[1],
                                               must_exist(ctx));
    const struct pcrec_cloudlet *c, *user = NULL;
    const struct pcrec_pop *other;

    if (!pop) {
        return;
    }
    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        if (c->pop == pop && (!user || strcmp(c->name, user->name) < 0)) {
            user = c;
        }
    }
    if (user) {
        ctl_error(ctx, "cloudlet \"%s\" is at PoP \"%s\"", user->name,
                  pop->name);
        return;
    }
    PCREC_POP_FOR_EACH (other, ctx->idl) {
        if (other != pop) {
            set_link(other, pop, -1);
        }
    }
    pcrec_pop_delete(pop);
}

static void
cmd_pop_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name cloudlets prefixes links");
    const struct pcrec_pop *pop, *other;
    const struct pcrec_cloudlet *c;

    PCREC_POP_FOR_EACH (pop, ctx->idl) {
        struct svec cloudlets = SVEC_EMPTY_INITIALIZER;
        int64_t n_links = 0, cost;

        PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
            if (c->pop == pop) {
                svec_add(&cloudlets, c->name);
            }
        }
        svec_sort(&cloudlets);
        PCREC_POP_FOR_EACH (other, ctx->idl) {
            n_links += other != pop && find_link(pop, other, &cost);
        }
        ctl_cell(t, "%s", pop->name);
        ctl_cell_strings(t, cloudlets.names, cloudlets.n);
        ctl_cell_int(t, pop->n_prefixes);
        ctl_cell_int(t, n_links);
        svec_destroy(&cloudlets);
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_pop_commands[] = {
    {"pop-add", 1, 1, "NEW-POP", pre_pop, cmd_pop_add, NULL, "--may-exist",
     RW},
    {"pop-del", 1, 1, "POP", pre_pop_with_cloudlets, cmd_pop_del, NULL,
     "--if-exists", RW},
    {"pop-list", 0, 0, "", pre_pop_with_cloudlets, cmd_pop_list, NULL,
     "--columns=", RO},
    {"link-add", 2, INT_MAX, "POP POP [KEY=VALUE]...", pre_pop, cmd_link_add,
     NULL, "--may-exist", RW},
    {"link-del", 2, 2, "POP POP", pre_pop, cmd_link_del, NULL, "--if-exists",
     RW},
    {"link-list", 0, 0, "", pre_pop, cmd_link_list, NULL, "--columns=", RO},
    {"prefix-add", 2, 2, "POP PREFIX", pre_pop, cmd_prefix_add, NULL,
     "--may-exist", RW},
    {"prefix-del", 2, 2, "POP PREFIX", pre_pop, cmd_prefix_del, NULL,
     "--if-exists", RW},
    {"prefix-list", 0, 0, "", pre_pop, cmd_prefix_list, NULL, "--columns=",
     RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
