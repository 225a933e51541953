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

/* Lists as tables, so that -f, --no-headings and --columns work for them. */

#include <config.h>

#include <stdarg.h>

#include "pcloud-ctl.h"

#include "openvswitch/json.h"
#include "ovsdb-types.h"
#include "pc-tariff.h"
#include "util.h"

struct ctl_cell {
    char *text;                 /* NULL: an integer. */
    int64_t number;
};

/* A table that is still being filled, row by row. */
struct ctl_table {
    struct svec columns;
    struct ctl_cell *cells;     /* Row by row. */
    size_t n_cells, allocated_cells;
    bool unsorted;
};

/* Compares two rows of '*n_' cells from left to right; numbers in names count
 * as numbers. */
static int
compare_rows(const void *a_, const void *b_, void *n_)
{
    const struct ctl_cell *a = a_;
    const struct ctl_cell *b = b_;
    const size_t *n = n_;

    for (size_t i = 0; i < *n; i++) {
        int cmp = (a[i].text
                   ? strverscmp(a[i].text, b[i].text)
                   : (a[i].number > b[i].number)
                     - (a[i].number < b[i].number));
        if (cmp) {
            return cmp;
        }
    }
    return 0;
}

/* Returns a table with 'columns', separated by spaces. */
struct ctl_table *
ctl_table_create(const char *columns)
{
    struct ctl_table *t = xzalloc(sizeof *t);

    svec_init(&t->columns);
    svec_parse_words(&t->columns, columns);
    return t;
}

/* The same, with the rows in the order in which they are added. */
struct ctl_table *
ctl_table_create_unsorted(const char *columns)
{
    struct ctl_table *t = ctl_table_create(columns);

    t->unsorted = true;
    return t;
}

static struct ctl_cell *
add_cell(struct ctl_table *t)
{
    if (t->n_cells >= t->allocated_cells) {
        t->cells = x2nrealloc(t->cells, &t->allocated_cells,
                              sizeof *t->cells);
    }

    struct ctl_cell *cell = &t->cells[t->n_cells++];
    memset(cell, 0, sizeof *cell);
    return cell;
}

/* Adds a cell of text.  Rows are filled from left to right. */
void
ctl_cell(struct ctl_table *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_cell(t)->text = xvasprintf(format, args);
    va_end(args);
}

void
ctl_cell_int(struct ctl_table *t, int64_t value)
{
    add_cell(t)->number = value;
}

/* Adds a cell with money as people write it: a text, so that no reader of JSON
 * makes a floating-point number of it. */
void
ctl_cell_money(struct ctl_table *t, int64_t microunits)
{
    add_cell(t)->text = pc_money_format(microunits);
}

/* Adds a cell with the 'n' 'strings', separated by spaces. */
void
ctl_cell_strings(struct ctl_table *t, char **strings, size_t n)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&s, "%s%s", i ? " " : "", strings[i]);
    }
    add_cell(t)->text = ds_steal_cstr(&s);
}

/* Adds a cell with a capacity column as people write it. */
void
ctl_cell_capacity(struct ctl_table *t, char **keys, const int64_t *values,
                  size_t n)
{
    add_cell(t)->text = ctl_format_capacities(keys, values, n);
}

static void
copy_cell(struct table *table, const struct ctl_cell *src)
{
    struct cell *dst = table_add_cell(table);

    if (src->text) {
        dst->text = xstrdup(src->text);
    } else {
        dst->json = json_integer_create(src->number);
        dst->type = &ovsdb_type_integer;
    }
}

static void
ctl_table_destroy(struct ctl_table *t)
{
    for (size_t i = 0; i < t->n_cells; i++) {
        free(t->cells[i].text);
    }
    free(t->cells);
    svec_destroy(&t->columns);
    free(t);
}

/* Parses --columns into numbers of columns of 't'.  Returns how many, or 0
 * after an error. */
static size_t
select_columns(struct ctl_context *ctx, const struct ctl_table *t,
               size_t **indexes)
{
    const char *wanted = shash_find_data(&ctx->options, "--columns");
    struct svec names = SVEC_EMPTY_INITIALIZER;
    size_t n = 0;

    if (wanted) {
        ctl_split(&names, wanted);
    } else {
        svec_clone(&names, &t->columns);
    }
    *indexes = xmalloc((names.n + 1) * sizeof **indexes);
    for (size_t i = 0; i < names.n; i++) {
        size_t j = 0;

        while (j < t->columns.n
               && strcmp(t->columns.names[j], names.names[i])) {
            j++;
        }
        if (j >= t->columns.n) {
            char *all = svec_join(&t->columns, ", ", "");

            ctl_error(ctx, "--columns: there is no column \"%s\"; there are "
                      "%s", names.names[i], all);
            free(all);
            n = 0;
            break;
        }
        (*indexes)[n++] = j;
    }
    svec_destroy(&names);
    return n;
}

/* Sorts the rows and makes 't', which it destroys, the command's output. */
void
ctl_table_output(struct ctl_context *ctx, struct ctl_table *t)
{
    size_t width = t->columns.n;
    size_t *indexes;
    size_t n = select_columns(ctx, t, &indexes);

    if (n) {
        ctx->table = xmalloc(sizeof *ctx->table);
        table_init(ctx->table);
        for (size_t i = 0; i < n; i++) {
            table_add_column(ctx->table, "%s", t->columns.names[indexes[i]]);
        }
        if (t->n_cells && !t->unsorted) {
            qsort_r(t->cells, t->n_cells / width, width * sizeof *t->cells,
                    compare_rows, &width);
        }
        for (size_t row = 0; row < t->n_cells; row += width) {
            table_add_row(ctx->table);
            for (size_t i = 0; i < n; i++) {
                copy_cell(ctx->table, &t->cells[row + indexes[i]]);
            }
        }
    }
    free(indexes);
    ctl_table_destroy(t);
}
