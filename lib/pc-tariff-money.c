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

/* Money as people write it. */

#include <config.h>
#include "pc-tariff.h"

#include <inttypes.h>
#include <string.h>

#include "pc-name.h"
#include "util.h"

#define MICRO 1000000
#define N_DECIMALS 6

char *
pc_money_format(int64_t microunits)
{
    uint64_t magnitude = microunits;
    uint64_t value = microunits < 0 ? -magnitude : magnitude;

    return xasprintf("%s%"PRIu64".%06"PRIu64, microunits < 0 ? "-" : "",
                     value / MICRO, value % MICRO);
}

/* Parses 'text', without a sign, into at most 'max'.  Returns what is wrong. */
static const char *
parse(const char *text, uint64_t max, uint64_t *value)
{
    static const char digits[] = "0123456789";
    size_t n_whole = strspn(text, digits);
    size_t n_fraction = 0;
    unsigned __int128 v = 0;

    if (text[n_whole] == '.') {
        n_fraction = strspn(text + n_whole + 1, digits);
    }
    if (!n_whole || text[n_whole + !!n_fraction + n_fraction]) {
        return "a number is expected";
    } else if (n_fraction > N_DECIMALS) {
        return "at most six digits after the point";
    }

    for (size_t i = 0; i < n_whole + N_DECIMALS; i++) {
        size_t at = i < n_whole ? i : i + 1;
        int digit = i < n_whole + n_fraction ? text[at] - '0' : 0;

        v = v * 10 + digit;
        if (v > max) {
            return "too much";
        }
    }
    *value = v;
    return NULL;
}

char *
pc_money_parse(const char *text, int64_t *microunits)
{
    bool negative = text[0] == '-';
    uint64_t value = 0;
    const char *why = parse(text + negative, (uint64_t) INT64_MAX + negative,
                            &value);

    *microunits = negative ? -value : value;
    if (why) {
        char *quoted = pc_name_quote(text);
        char *error = xasprintf("%s is not an amount of money: %s (examples: "
                                "12, 0.05)", quoted, why);

        free(quoted);
        return error;
    }
    return NULL;
}
