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
#undef NDEBUG

#include <stdio.h>
#include <stdlib.h>

#include "classifier.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "pc-match.h"
#include "pc-overlap.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

/* bench/overlap's program: the cost of one more rule among N, of finding what
 * it overlaps, and of removing it, beside comparing it with each of the N by
 * pc_rule_overlap() and by Open vSwitch's classifier_rule_overlaps().
 *
 *     overlap-time N      prints "NAME MICROSECONDS" lines and "bytes N"
 *
 * The rules are mixed: hosts, prefixes of several lengths, ports, both
 * protocols, both families.  They overlap a lot. */

#define N_SAMPLES 200

static char *
rule_text(unsigned int i)
{
    unsigned int a = i >> 16 & 0xff, b = i >> 8 & 0xff, c = i & 0xff;

    switch (i % 8) {
    case 0: case 1:
        return xasprintf("tcp,nw_src=10.%u.%u.%u,tp_dst=80", a, b, c);
    case 2:
        return xasprintf("ip,nw_src=11.%u.%u.0/24", a * 32 + c % 32, b);
    case 3:
        return xasprintf("udp,nw_dst=12.%u.%u.%u/30,tp_dst=53", a, b,
                         c & ~3u);
    case 4:
        return xasprintf("tcp,nw_src=13.%u.%u.0/28,nw_dst=14.0.0.%u", a, b,
                         c);
    case 5:
        return xasprintf("tcp,tp_dst=%u", 1024 + i % 60000);
    case 6:
        return xasprintf("tcp6,ipv6_src=2001:db8:%x:%x::/64,tp_dst=443", a,
                         b << 8 | c);
    default:
        return xasprintf("udp,nw_src=15.%u.%u.%u/29", a, b, c & ~7u);
    }
}

static struct pc_rule_match *matches;

static struct pc_rule
make(unsigned int i)
{
    char *text = rule_text(i);
    char *error = pc_rule_match_parse(text, NULL, &matches[i]);

    ovs_assert(!error);
    free(text);
    return (struct pc_rule) { .uuid.parts = { i + 1, i * 2654435761u, 0, 0 },
                              .match = &matches[i], .priority = 1000 };
}

static size_t
memory(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t total = 0, rss = 0;

    if (file) {
        ignore(fscanf(file, "%zu %zu", &total, &rss));
        fclose(file);
    }
    return rss * 4096;
}

static void
report(const char *name, long long int start, unsigned int n)
{
    printf("%s %.3f\n", name, (double) (time_usec() - start) / n);
}

static void
time_pairs(const struct pc_rule *rules, unsigned int n)
{
    long long int start = time_usec();
    unsigned int sum = 0;

    for (unsigned int i = 0; i < 3; i++) {
        for (unsigned int j = 0; j < n; j++) {
            sum += pc_rule_overlap(&rules[n + i], &rules[j], NULL);
        }
    }
    report("pairwise", start, 3);
    fprintf(stderr, "%u pairs overlap\n", sum);
}

/* classifier_rule_overlaps() stops at the first: the rule asked for overlaps
 * none of its priority. */
static void
time_classifier(const struct pc_rule *rules, unsigned int n)
{
    struct cls_rule *cls_rules = xmalloc(n * sizeof *cls_rules);
    struct cls_rule target;
    struct classifier cls;
    struct match match = MATCH_CATCHALL_INITIALIZER;

    classifier_init(&cls, NULL);
    for (unsigned int i = 0; i < n; i++) {
        cls_rule_init_from_minimatch(&cls_rules[i],
                                     &rules[i].match->match[PC_FORWARD],
                                     1000);
        /* Equal ones are left out. */
        if (!classifier_find_rule_exactly(&cls, &cls_rules[i],
                                          OVS_VERSION_MIN)) {
            classifier_insert(&cls, &cls_rules[i], OVS_VERSION_MIN, NULL, 0);
        }
    }
    match_set_dl_type(&match, htons(ETH_TYPE_IPV6));
    match_set_nw_proto(&match, 200);
    cls_rule_init(&target, &match, 1000);
    long long int start = time_usec();
    for (unsigned int i = 0; i < 10; i++) {
        ovs_assert(!classifier_rule_overlaps(&cls, &target,
                                             OVS_VERSION_MIN));
    }
    report("classifier_rule_overlaps", start, 10);
}

int
main(int argc, char *argv[])
{
    unsigned int n = argc > 1 ? atoi(argv[1]) : 10000;
    struct pc_overlap *o = pc_overlap_create();
    struct pc_overlap_place place;
    struct pc_overlap_found found;
    struct pc_rule *rules;

    set_program_name(argv[0]);
    matches = xcalloc(n + N_SAMPLES, sizeof *matches);
    rules = xcalloc(n + N_SAMPLES, sizeof *rules);
    for (unsigned int i = 0; i < n + N_SAMPLES; i++) {
        rules[i] = make(i);
    }

    size_t before = memory();
    long long int start = time_usec();
    for (unsigned int i = 0; i < n; i++) {
        pc_overlap_insert(o, &rules[i], PC_OVERLAP_NEW, &place);
    }
    report("insert-all", start, n);
    printf("bytes %"PRIuSIZE"\n", (memory() - before) / n);

    start = time_usec();
    for (unsigned int i = n; i < n + N_SAMPLES; i++) {
        pc_overlap_find(o, &rules[i], &found);
    }
    report("find", start, N_SAMPLES);
    start = time_usec();
    for (unsigned int i = n; i < n + N_SAMPLES; i++) {
        pc_overlap_insert(o, &rules[i], PC_OVERLAP_NEW, &place);
    }
    report("insert", start, N_SAMPLES);
    start = time_usec();
    for (unsigned int i = n; i < n + N_SAMPLES; i++) {
        pc_overlap_shadowed(o, &rules[i].uuid, &found);
    }
    report("shadowed", start, N_SAMPLES);
    start = time_usec();
    for (unsigned int i = n; i < n + N_SAMPLES; i++) {
        pc_overlap_remove(o, &rules[i].uuid);
    }
    report("remove", start, N_SAMPLES);
    time_pairs(rules, n);
    time_classifier(rules, n);
    return 0;
}
