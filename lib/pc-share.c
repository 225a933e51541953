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
#include "pc-share.h"

#include <math.h>
#include <stdlib.h>

#include "openvswitch/util.h"
#include "util.h"

struct share {
    uint16_t weight;
    size_t index;
};

static int
compare_weights(const void *a_, const void *b_)
{
    const struct share *a = a_, *b = b_;

    return (a->weight != b->weight ? (a->weight < b->weight ? -1 : 1)
            : a->index < b->index ? -1 : 1);
}

/* Let bucket k's score be a[k] * U, U uniform, in ascending order of a.  For
 * scores between a[k-1] and a[k] only the m = n - k + 1 buckets from k on can
 * win, and each with the same chance, so what k has more than k-1 is
 *
 *     d[k] = p[k] - p[k-1] = (a[k]^m - a[k-1]^m) / (m * a[k] * ... * a[n]).
 *
 * With a[n] = 1 this gives a[n-1], a[n-2], ...: with q = product of a[j] /
 * a[k] for j >= k, a[k-1] = a[k] * (1 - m * d[k] * q)^(1/m). */
static void
solve(const struct share *shares, size_t n, uint16_t *buckets)
{
    double sum = 0, a = 1, q = 1;

    for (size_t i = 0; i < n; i++) {
        sum += shares[i].weight;
    }
    for (size_t k = n; k-- > 0; ) {
        size_t m = n - k;

        buckets[shares[k].index] = MAX(1, lround(a * UINT16_MAX));
        if (k) {
            double d = (shares[k].weight - shares[k - 1].weight) / sum;
            double r = MAX(1 - m * d * q, 1e-12);

            a *= pow(r, 1.0 / m);
            q /= r;
        }
    }
}

void
pc_share_weights(const uint16_t *weights, size_t n, uint16_t *buckets)
{
    struct share *shares = xmalloc(MAX(n, 1) * sizeof *shares);
    bool equal = true;

    for (size_t i = 0; i < n; i++) {
        shares[i] = (struct share) { .weight = weights[i], .index = i };
        buckets[i] = weights[i];
        equal &= weights[i] == weights[0];
    }
    if (!equal) {
        qsort(shares, n, sizeof *shares, compare_weights);
        solve(shares, n, buckets);
    }
    free(shares);
}
