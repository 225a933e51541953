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
#include "pc-request.h"

#include <stdlib.h>

#include "util.h"

/* Slots as columns of the database have them: texts in any order. */

static int
compare_slots(const void *a_, const void *b_)
{
    const struct pc_slot *a = a_, *b = b_;

    return a->begin < b->begin ? -1 : a->begin > b->begin;
}

char *
pc_request_parse_slots(char *const *texts, size_t n, struct pc_slot **slots,
                       size_t *n_slots)
{
    struct pc_slot *s = xmalloc(MAX(n, 1) * sizeof *s);
    char *error = NULL;

    *slots = NULL;
    *n_slots = 0;
    for (size_t i = 0; i < n && !error; i++) {
        error = pc_request_parse_slot(texts[i], 0, NULL, &s[i]);
    }
    if (error) {
        free(s);
        return error;
    }
    qsort(s, n, sizeof *s, compare_slots);
    *slots = s;
    *n_slots = n;
    return NULL;
}

char **
pc_request_format_slots(const struct pc_slot *slots, size_t n)
{
    char **texts = xmalloc(MAX(n, 1) * sizeof *texts);

    for (size_t i = 0; i < n; i++) {
        texts[i] = pc_request_format_slot(&slots[i]);
    }
    return texts;
}
