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

#ifndef PCLOUD_CTL_H
#define PCLOUD_CTL_H 1

/* What the files of pcloud-ctl share.
 *
 * A run goes through these steps, in pcloud-ctl.c:
 *
 *     1. The options and the commands are parsed (ctl-options.c).
 *
 *     2. Each command's prerequisites() asks for the tables and columns that
 *        it reads, and for the rows of the large tables, Rule, VI, Ledger and
 *        Reservation, that it is about (ctl-filter.c).
 *
 *     3. Connected, each command's run() checks its arguments and changes the
 *        one transaction that all commands share.  The first error ends the
 *        program, and nothing was changed.
 *
 *     4. The transaction is committed, the commands' output printed.
 *
 *     5. With --wait=applied, the agents' acknowledgement is awaited and the
 *        error columns of the new rows are looked at (ctl-wait.c).
 *
 * One thread, no locks. */

#include "db-ctl-base.h"
#include "ovsdb-idl.h"
#include "pc-capacity.h"
#include "svec.h"
#include "table.h"
#include "lib/pc-idl.h"

/* Exit status: the change was made, but what was added has an error. */
#define CTL_APPLIED_WITH_ERRORS 2

/* Rows of the large tables that commands want; see
 * ctl-filter.c. */
struct ctl_filter {
    bool everything;            /* A generic command may look at any row. */
    /* Are they monitored at all? */
    bool use_rules, use_vis, use_ledger, use_reservations;
    bool all_rules, all_vis, all_ledger, all_reservations;
    struct ovsdb_idl_condition rules, vis, ledger, reservations;
    unsigned int seqno;         /* Expected condition sequence number. */
};

/* A row that a command added or resized, whose error column matters. */
struct ctl_watch {
    const struct ovsdb_idl_table_class *table;
    struct uuid uuid;           /* As inserted, before the commit. */
    bool resized, restricted;   /* A VI that was there before... */
    struct pc_capacity capacity; /* ...that shall have, or be held to, this. */
    bool drain;                 /* A VI that was there before: to drain. */
    struct uuid move_to;        /* One: to go to this node.  Else zeros... */
    struct uuid reservation;    /* ...by its reservation, unless zeros. */
    int64_t request;            /* Reservation: that is to be answered. */
    char *what;                 /* For example: service "squid". */
};

/* How long a VI may drain, in seconds. */
#define CTL_MAX_DRAIN_TIMEOUT (30 * 24 * 60 * 60)

/* One run of the program. */
struct ctl_run {
    /* Options. */
    char *db;                   /* --db. */
    char *run_dir;              /* PacketCloud's run directory. */
    bool oneline;
    bool dry_run;
    bool retry;
    bool wait_applied;          /* --wait=applied. */
    bool wait_drained;          /* --wait=drained: applied, and more. */
    bool wait_scheduled;        /* --wait=scheduled. */
    bool wait_active;           /* --wait=active: scheduled, and more. */
    unsigned int timeout;       /* Seconds; 0 is forever. */
    int leader_only;            /* -1: not given. */
    int shuffle_remotes;
    bool format_given;          /* -f or --bare was given. */
    struct table_style style;

    /* The commands. */
    char *args;                 /* The whole command line, for the log. */
    struct shash local_options;
    struct ctl_command *commands;
    size_t n_commands;
    struct svec words;          /* What 'commands' point into. */
    struct svec tail;           /* Of vi-exec: what to run in the VI. */
    int exit_status;            /* Of vi-exec and ledger-check. */
    struct svec program;        /* What to become at the end; or empty. */

    /* The database. */
    long long int deadline;     /* time_msec() of the timeout. */
    struct ovsdb_idl *idl;
    struct ovsdb_idl_txn *txn;
    struct ctl_filter filter;
    struct ctl_stale *stale;    /* See ctl-stale.c. */
    struct jsonrpc *query;      /* See ctl-query.c. */
    struct jsonrpc *leader;     /* Likewise. */
    bool leader_unknown;        /* It was looked for in vain. */
    struct uuid *deleted;       /* Rules that this transaction deletes. */
    size_t n_deleted, allocated_deleted;
    bool changed;               /* The commit changed something. */
    bool doubtful;              /* The connection was lost during a commit. */
    int64_t cfg_before;         /* PacketCloud.next_cfg before it; -1: none. */
    unsigned int first_name;    /* Of reservations without one; 0: not yet. */
    bool sync;                  /* Raise next_cfg even if nothing changed. */
    struct ctl_watch *watches;
    size_t n_watches, allocated_watches;
    struct svec asked;          /* Rules added; see ctl-overlap.c. */
};

struct pcloud_context {
    struct ctl_context base;
    struct ctl_run *run;
};

static inline struct ctl_run *
ctl_run_from_context(const struct ctl_context *ctx)
{
    return CONTAINER_OF(ctx, struct pcloud_context, base)->run;
}

/* ctl-options.c */
void ctl_parse_command_line(struct ctl_run *, int argc, char *argv[]);
OVS_NO_RETURN void ctl_usage(void);

/* The commands, each list ended by an all-NULL element. */
extern const struct ctl_command_syntax ctl_infra_commands[];
extern const struct ctl_command_syntax ctl_cloudlet_commands[];
extern const struct ctl_command_syntax ctl_pop_commands[];
extern const struct ctl_command_syntax ctl_node_commands[];
extern const struct ctl_command_syntax ctl_vi_type_commands[];
extern const struct ctl_command_syntax ctl_benchmark_commands[];
extern const struct ctl_command_syntax ctl_interface_commands[];
extern const struct ctl_command_syntax ctl_route_commands[];
extern const struct ctl_command_syntax ctl_image_commands[];
extern const struct ctl_command_syntax ctl_service_commands[];
extern const struct ctl_command_syntax ctl_chain_commands[];
extern const struct ctl_command_syntax ctl_rule_commands[];
extern const struct ctl_command_syntax ctl_vi_commands[];
extern const struct ctl_command_syntax ctl_move_commands[];
extern const struct ctl_command_syntax ctl_inspect_commands[];
extern const struct ctl_command_syntax ctl_reserve_commands[];
extern const struct ctl_command_syntax ctl_reservation_commands[];
extern const struct ctl_command_syntax ctl_trust_commands[];
bool ctl_set_anti_spoof(struct ctl_context *, const struct pcrec_vi *,
                        const char *value);
extern const struct ctl_command_syntax ctl_provider_commands[];
extern const struct ctl_command_syntax ctl_tariff_commands[];
extern const struct ctl_command_syntax ctl_ledger_commands[];
extern const struct ctl_command_syntax ctl_payment_commands[];
extern const struct ctl_command_syntax ctl_rbac_commands[];
extern const struct ctl_command_syntax ctl_show_commands[];
extern const struct ctl_command_syntax ctl_status_commands[];
extern const struct ctl_command_syntax ctl_event_commands[];
extern const struct ctl_command_syntax ctl_explain_commands[];
extern const struct ctl_command_syntax ctl_top_commands[];
void ctl_register_all(void);
bool ctl_command_is_ours(const struct ctl_command_syntax *);
bool ctl_command_needs_no_db(const struct ctl_command_syntax *);

/* ctl-infra.c */
bool ctl_check_bridge(struct ctl_context *, const char *key,
                      const char *name);
struct pcrec_node *ctl_insert_node(struct ctl_context *,
                                   const struct pcrec_cloudlet *,
                                   const char *name);

/* ctl-cloudlet.c */
void ctl_pre_cloudlet_settings(struct ctl_context *);
bool ctl_cloudlet_settings(struct ctl_context *,
                           const struct pcrec_cloudlet *);

/* ctl-chain.c */
char *ctl_chain_format_services(const struct pcrec_chain *);

/* ctl-reserve.c */
void ctl_reserve_check_error(const char *);
void ctl_ledger_check_error(const char *);

/* ctl-filter.c */
void ctl_filter_init(struct ctl_filter *);
void ctl_filter_destroy(struct ctl_filter *);
void ctl_filter_start(struct ctl_run *);
void ctl_use_rules(struct ctl_run *);
void ctl_use_vis(struct ctl_run *);
void ctl_need_all_rules(struct ctl_context *);
void ctl_need_rules_by_match(struct ctl_context *, const char *match);
bool ctl_need_rules_of_service(struct ctl_context *,
                               const struct pcrec_service *);
bool ctl_need_rules_of_chain(struct ctl_context *, const struct pcrec_chain *);
void ctl_need_all_vis(struct ctl_context *);
void ctl_need_vi_by_name(struct ctl_context *, const char *name);
bool ctl_need_vis_of_service(struct ctl_context *,
                             const struct pcrec_service *);
bool ctl_need_vis_by_uuid(struct ctl_context *, const struct uuid *service);
void ctl_use_ledger(struct ctl_context *);
void ctl_need_whole_ledger(struct ctl_context *);
bool ctl_need_ledger_of_provider(struct ctl_context *,
                                 const struct pcrec_provider *);
void ctl_use_reservations(struct ctl_context *);
void ctl_need_reservation_by_name(struct ctl_context *, const char *name);
bool ctl_need_reservation_called(struct ctl_context *, const char *name);
bool ctl_need_reservations_of_service(struct ctl_context *,
                                      const struct pcrec_service *);
void ctl_need_all_reservations(struct ctl_context *);
bool ctl_filter_is_complete(const struct ctl_run *);

/* ctl-query.c: rules by their UUIDs. */
#define CTL_MAX_QUERY 6         /* UUIDs that one question may name. */
struct ctl_found_rule {
    char *match, *direction, *after; /* 'after' may be NULL. */
    int64_t priority;
    struct uuid uuid;
    struct uuid service, chain; /* All zeros: none. */
    bool deleted;               /* By this transaction. */
};
void ctl_delete_rule(struct ctl_context *, const struct pcrec_rule *);
bool ctl_query_rules(struct ctl_context *, const struct uuid *, size_t *n,
                     struct ctl_found_rule[CTL_MAX_QUERY]);
void ctl_found_rules_uninit(struct ctl_found_rule *, size_t n);
char *ctl_query_rule_error(struct ctl_run *, const struct uuid *);
int ctl_query_lock(struct ctl_run *, const char *name);
void ctl_query_close(struct ctl_run *);

/* ctl-conflict.c: rules that divert the same packets. */

/* A rule as the command line gives it. */
struct ctl_rule {
    char *match;                /* Canonical. */
    char *reverse;              /* The same for the answers. */
    int64_t priority;           /* -1: not given. */
    const char *direction;      /* NULL: not given. */
    const char *after;          /* Name of a service or chain, or NULL. */
};

/* What ctl_conflict_find() has found. */
struct ctl_conflict {
    char *match, *direction;    /* NULL: no conflict. */
    const struct pcrec_service *service; /* Whose the other rule is. */
    const struct pcrec_chain *chain;
    struct uuid uuid;           /* For the new rule ... */
    bool uuid_taken;            /* ... unless another has it. */
};
enum pc_rule_direction ctl_direction_from_string(const char *);
const struct pcrec_cloudlet *ctl_cloudlet_of(const struct pcrec_service *,
                                             const struct pcrec_chain *);
bool ctl_conflict_find(struct ctl_context *, const struct ctl_rule *,
                       const struct pcrec_cloudlet *, struct ctl_conflict *);
void ctl_conflict_destroy(struct ctl_conflict *);
void ctl_conflict_report(struct ctl_context *, const struct ctl_rule *,
                         const struct ctl_conflict *);
struct pcrec_rule *ctl_rule_insert(struct ctl_context *,
                                   const struct ctl_rule *,
                                   const struct ctl_conflict *);

/* ctl-overlap.c */
void ctl_overlap_add(struct ctl_context *, const struct ctl_rule *,
                     const struct uuid *, const char *target);
void ctl_overlap_check(struct ctl_context *, const struct ctl_rule *,
                       const char *target);
void ctl_overlap_report(struct ctl_run *);

/* ctl-wait.c */
void ctl_watch_add(struct ctl_context *, const struct ovsdb_idl_row *,
                   const char *format, ...) OVS_PRINTF_FORMAT(3, 4);
void ctl_watch_resize(struct ctl_context *, const struct pcrec_vi *,
                      const char *keys[], const int64_t values[], size_t n);
void ctl_watch_restrict(struct ctl_context *, const struct pcrec_vi *,
                        const char *keys[], const int64_t values[], size_t n);
void ctl_watch_clear(struct ctl_run *);
void ctl_watch_prerequisites(struct ctl_run *);
void ctl_watch_drain(struct ctl_context *, const struct pcrec_vi *);
void ctl_watch_move(struct ctl_context *, const struct pcrec_vi *,
                    const struct pcrec_node *,
                    const struct pcrec_reservation *);
int ctl_wait_applied(struct ctl_run *, int64_t next_cfg);
void ctl_block(struct ctl_run *, const char *what);
struct ctl_watch *ctl_watch_row(struct ctl_run *,
                                const struct ovsdb_idl_row *);

/* ctl-wait-reserve.c */
void ctl_wait_reserve_prerequisites(struct ctl_context *);
void ctl_watch_reservation(struct ctl_context *,
                           const struct pcrec_reservation *, int64_t request);
int ctl_wait_scheduled(struct ctl_run *);

/* ctl-find.c: rows by their names. */
enum ctl_must { CTL_MAY_EXIST, CTL_MUST_EXIST };
const struct pcrec_packetcloud *ctl_root(struct ctl_context *);
const struct pcrec_cloudlet *ctl_find_cloudlet(struct ctl_context *,
                                               const char *name,
                                               enum ctl_must);
const struct pcrec_router *ctl_find_router(struct ctl_context *,
                                           const char *name, enum ctl_must);

/* The router named by the command's first argument, if that is there; sets
 * '*fail' if it does not exist. */
const struct pcrec_router *ctl_optional_router(struct ctl_context *,
                                               bool *fail);
const struct pcrec_node *ctl_find_node(struct ctl_context *,
                                       const char *name, enum ctl_must);
const struct pcrec_pop *ctl_find_pop(struct ctl_context *, const char *name,
                                     enum ctl_must);
const struct pcrec_vi_type *ctl_find_vi_type(struct ctl_context *,
                                             const char *name, enum ctl_must);
const struct pcrec_image *ctl_find_image(struct ctl_context *,
                                         const char *name, enum ctl_must);
const struct pcrec_provider *ctl_find_provider(struct ctl_context *,
                                               const char *name,
                                               enum ctl_must);
const struct pcrec_tariff *ctl_find_tariff(struct ctl_context *,
                                           const char *name, enum ctl_must);
const struct pcrec_service *ctl_find_service(struct ctl_context *,
                                             const char *name, enum ctl_must);
const struct pcrec_chain *ctl_find_chain(struct ctl_context *,
                                         const char *name, enum ctl_must);
const struct pcrec_vi *ctl_find_vi(struct ctl_context *, const char *name,
                                   enum ctl_must);

/* What the ISP wants of a VI, in a word: "quarantined", which goes before it, or its
 * admin_state. */
const char *ctl_vi_admin(const struct pcrec_vi *);

/* ctl-args.c: arguments. */
struct ctl_arg {
    const char *key;
    const char *value;          /* By ctl_parse_args(); NULL: not given. */
};
/* The arguments of a capacity, for the beginning of a list of arguments. */
#define CTL_CAPACITY_ARGS                                               \
    { .key = "cpu" }, { .key = "memory" }, { .key = "disk" },           \
    { .key = "network" }, { .key = "pids" }, { .key = "io" },           \
    { .key = "iops" }
bool ctl_parse_args(struct ctl_context *, int first, struct ctl_arg *,
                    size_t n);
void ctl_split(struct svec *, const char *list);
bool ctl_check_name(struct ctl_context *, const char *what, const char *name);
bool ctl_parse_int(struct ctl_context *, const char *key, const char *value,
                   int64_t min, int64_t max, int64_t *);
bool ctl_parse_enum(struct ctl_context *, const char *key, const char *value,
                    const char *const *choices);
bool ctl_parse_capacity(struct ctl_context *, const struct ctl_arg[PC_N_CAPACITY],
                        struct smap *);
size_t ctl_capacity_to_arrays(const struct smap *, const char *keys[PC_N_CAPACITY],
                              int64_t values[PC_N_CAPACITY]);
void ctl_capacity_from_arrays(struct smap *, char **keys,
                              const int64_t *values, size_t n);
char *ctl_format_capacities(char **keys, const int64_t *values, size_t n);

/* ctl-table.c: output as a table. */
struct ctl_table;
struct ctl_table *ctl_table_create(const char *columns);
struct ctl_table *ctl_table_create_unsorted(const char *columns);
void ctl_cell(struct ctl_table *, const char *format, ...)
    OVS_PRINTF_FORMAT(2, 3);
void ctl_cell_int(struct ctl_table *, int64_t);
void ctl_cell_money(struct ctl_table *, int64_t microunits);
void ctl_cell_strings(struct ctl_table *, char **, size_t n);
void ctl_cell_capacity(struct ctl_table *, char **keys,
                       const int64_t *values, size_t n);
void ctl_table_output(struct ctl_context *, struct ctl_table *);

/* ctl-report.c: what nodes and cloudlets have. */
struct pc_amount;
void ctl_pre_report(struct ctl_context *);
void ctl_report_held(struct ctl_context *, struct shash *held);
void ctl_cell_amount(struct ctl_table *, const struct pc_amount *);
void ctl_cell_report(struct ctl_table *, char **keys, const int64_t *values,
                     size_t n);
void ctl_cell_node_total(struct ctl_table *, const struct pcrec_node *);

/* ctl-show.c */
void ctl_show_prerequisites(struct ctl_context *);

/* ctl-show-json.c */
void ctl_show_to_json(struct ds *, int flags);

/* ctl-agent.c: the agent's control socket. */
char *ctl_agent_transact(struct ctl_run *, const char *command, int argc,
                         char *argv[], char **reply)
    OVS_WARN_UNUSED_RESULT;

#endif /* pcloud-ctl.h */
