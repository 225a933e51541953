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

/* The list of all commands, and the help. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "pcloud-ctl.h"

#include "command-line.h"
#include "openvswitch/vlog.h"
#include "stream.h"
#include "table.h"
#include "util.h"

static const struct ctl_command_syntax *const all_commands[] = {
    ctl_infra_commands, ctl_cloudlet_commands, ctl_pop_commands,
    ctl_node_commands, ctl_vi_type_commands, ctl_benchmark_commands,
    ctl_interface_commands, ctl_route_commands,
    ctl_image_commands, ctl_service_commands,
    ctl_chain_commands, ctl_rule_commands, ctl_vi_commands,
    ctl_move_commands,
    ctl_inspect_commands, ctl_trust_commands, ctl_show_commands,
    ctl_status_commands,
    ctl_provider_commands, ctl_tariff_commands, ctl_ledger_commands, ctl_payment_commands,
    ctl_reserve_commands, ctl_reservation_commands,
    ctl_event_commands, ctl_top_commands, ctl_explain_commands,
    ctl_rbac_commands,
};

void
ctl_register_all(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(all_commands); i++) {
        ctl_register_commands(all_commands[i]);
    }
}

/* Is 'syntax' one of PacketCloud's, not a generic one of db-ctl-base? */
bool
ctl_command_is_ours(const struct ctl_command_syntax *syntax)
{
    for (size_t i = 0; i < ARRAY_SIZE(all_commands); i++) {
        for (const struct ctl_command_syntax *p = all_commands[i]; p->name;
             p++) {
            if (p == syntax) {
                return true;
            }
        }
    }
    return false;
}

/* Does the agent alone answer this command? */
bool
ctl_command_needs_no_db(const struct ctl_command_syntax *syntax)
{
    return ctl_command_is_ours(syntax) && !syntax->prerequisites;
}

static void
usage_of_infrastructure(void)
{
    printf("\
%s: PacketCloud management utility\n\
usage: %s [OPTIONS] COMMAND [ARG...] [-- COMMAND [ARG...]]...\n\
\n\
Infrastructure:\n\
  init [bridge=BR] [cloudlet=C] [router=R] [node=N] [table-base=T]\n\
                              cloudlet of this machine on bridge BR (br0)\n\
  cloudlet-add|set CLOUDLET [pop=POP] [policy=least-loaded|best-fit]\n\
               [report-interval=MS] [suspect-after=MS] [down-after=MS]\n\
  cloudlet-del CLOUDLET       cloudlet-list\n\
  pop-add|del POP             pop-list\n\
  link-add POP POP cost=N     link-del POP POP    link-list\n\
  prefix-add|del POP PREFIX   prefix-list\n\
  router-add ROUTER bridge=BR|target=METHOD [cloudlet=C] [table-base=T]\n\
  router-del ROUTER           router-list\n\
  node-add NODE [cloudlet=C] [bridge=BR] [data-port=PORT] [isp-share=P%%]\n\
                [cpu=..] [memory=..] [disk=..] [network=..] [pids=..]\n\
                [io=..] [iops=..]\n\
  node-set NODE KEY=VALUE...  node-del NODE       node-list\n\
  interface-add ROUTER NAME ADDR/LEN... [port=PORT] [mac=MAC] [mtu=BYTES]\n\
  interface-del ROUTER NAME   interface-list [ROUTER]\n\
  route-add ROUTER PREFIX NEXTHOP|blackhole|unreachable\n\
  route-del ROUTER PREFIX     route-list [ROUTER]\n\
  vi-type-add TYPE cpu=.. memory=.. disk=.. network=.. pids=..\n\
              io=.. iops=..\n\
  vi-type-del TYPE            vi-type-list\n\
  vi-type-suggest IMAGE RATE [cloudlet=C]\n\
                              cheapest type that carries RATE\n\
  vi-type-benchmark TYPE IMAGE [duration=SECS] [loss=P%%] [traffic=udp|http]\n\
                              measure IMAGE on this machine, record it\n\
  vi-type-benchmark TYPE IMAGE [bps=RATE] [pps=RATE]\n\
                              record what was measured elsewhere\n\
\n\
Images and services:\n\
  image-add IMAGE host|DIR|URL [sha256=DIGITS]\n\
  image-del IMAGE             image-list\n\
  service-add SERVICE transparent|visible image=IMAGE\n\
              [mode=route|inline|tap|host] [type=TYPE] [replicas=N]\n\
              [on-failure=open|close] [affinity=client[/N[,N6]]|connection]\n\
              [health=TYPE[:PORT][,KEY=VALUE]...] [provider=PROVIDER]\n\
              [address=ADDR[,ADDR]...] [gateway=ADDR[,ADDR]] [arms=1|2]\n\
              [mtu=BYTES|none] [drain-timeout=SECONDS] [cloudlet=C]\n\
  service-set SERVICE KEY=VALUE...\n\
  service-scale SERVICE N     service-del SERVICE  service-list\n\
\n\
Chains:\n\
  chain-add CHAIN SERVICE...  chain-set CHAIN SERVICE...\n\
  chain-del CHAIN             chain-list\n",
           program_name, program_name);
}

static void
usage_of_money(void)
{
    printf("\
\n\
Money (in units of currency, up to six digits after the point):\n\
  provider-add PROVIDER [isp=yes|no]\n\
  provider-del PROVIDER       provider-list\n\
  tariff-add TARIFF [cpu=PRICE] [memory=PRICE] [disk=PRICE] [network=PRICE]\n\
             [tiers=SHARE:PERCENT[,SHARE:PERCENT]...] [fine=PERCENT]\n\
             [isp=PERCENT] [used=DIMENSION[,DIMENSION]...]\n\
  tariff-set TARIFF KEY=VALUE...\n\
  tariff-use TARIFF|none [cloudlet=C]\n\
  tariff-del TARIFF           tariff-list\n\
  payment-add PROVIDER AMOUNT [note=TEXT] [id=TEXT]\n\
  ledger-correct PROVIDER ENTRY AMOUNT reason=TEXT [id=TEXT]\n\
  bill PROVIDER [from=TIME] [to=TIME]\n\
  ledger-list [PROVIDER]      ledger-check\n");
}

static void
usage_of_traffic(void)
{
    printf("\
\n\
Rules (MATCH as for ovs-ofctl):\n\
  rule-add SERVICE|CHAIN MATCH [priority=N] [direction=both|forward|reverse]\n\
           [after=SERVICE|CHAIN]\n\
  rule-check SERVICE MATCH [priority=N] [direction=D] [after=NAME]\n\
  rule-del SERVICE MATCH [priority=N] [direction=D] [after=NAME]\n\
  rule-del --all SERVICE      rule-list [SERVICE]\n\
\n\
Virtual instances:\n\
  vi-list [SERVICE]           vi-show VI\n\
  vi-exec VI -- COMMAND...    run COMMAND in VI\n\
  vi-log VI [LINES]           print the end of VI's log\n\
  vi-drain VI [on|off] [timeout=SECONDS]\n\
                              send VI no new traffic\n\
  vi-migrate VI NODE [drain=SECONDS]\n\
                              stop VI, and go on with it on NODE\n\
  vi-set VI [weight=N] [anti-spoof=on|off|default]\n\
  vi-resize VI [cpu=..] [memory=..] [disk=..] [network=..] [pids=..]\n\
                [io=..] [iops=..]\n\
\n\
Trust:\n\
  inspect VI|SERVICE to=PORT|SERVICE|FILE.pcap [sample=1/N] [max=PACKETS/S]\n\
                     [size=BYTES]\n\
  inspect --stop VI|SERVICE [to=..]               inspect-list [VI|SERVICE]\n\
  restrict VI [cpu=..] [memory=..] [disk=..] [network=..] [pids=..] [io=..]\n\
              [iops=..]       restrict --clear VI\n\
  quarantine [--undo] VI      cut VI off, leave it running\n\
  terminate [--undo] VI       stop VI and leave it stopped\n\
\n\
Reservations (SLOT is START/END:cpu=..,memory=..,disk=..,network=..):\n\
  reserve PROVIDER|file=FILE SLOT... [name=R] [service=S] [cloudlet=C]\n\
          [from=ADDR]         quote as for reserve: what it would cost\n\
  resize RESERVATION SLOT...  resize RESERVATION [cpu=..] [memory=..] ..\n\
  cancel RESERVATION          reservation-set RESERVATION service=S\n\
  reservation-list [PROVIDER]   reservation-show RESERVATION\n\
  calendar [NODE|CLOUDLET] [from=TIME] [to=TIME]\n\
\n\
Seeing what goes on:\n\
  show                        print overview of the cloudlets\n\
  status                      print states and errors of everything\n\
  event-list [--since=AGO|TIME] [KIND|NAME]   print what has happened\n\
  flows [--diff]              print PacketCloud's flows by their meaning\n\
  [--forward] [--router=ROUTER] trace FLOW\n\
                              say what happens to a packet and its answer\n\
  stats [SERVICE]             print counters\n\
  [--interval=SECS] [--batch=N] top\n\
                              print who gets how much now\n\
  sync                        nothing, for --wait=applied\n\
\n\
Database:\n\
  rbac-init                   write the roles of the agents, for connections\n\
                              with a role\n");
}

void
ctl_usage(void)
{
    usage_of_infrastructure();
    usage_of_traffic();
    usage_of_money();
    printf("\
\n\
%s\
%s\
\n\
Options:\n\
  --db=DATABASE[,DATABASE...] connect to DATABASE, or to the leader of a\n\
                              cluster\n\
  --no-leader-only            connect to any server of a cluster, or a relay\n\
  --run-dir=DIR               where the agent keeps its sockets\n\
  --wait=applied|drained|none  wait until the agents have applied the change\n\
  --wait=scheduled|active     wait until reservations are decided, have begun\n\
  -t, --timeout=SECS          wait at most SECS seconds\n\
  --dry-run                   do not change the database\n\
  --oneline                   print exactly one line of output per command\n",
           ctl_get_db_cmd_usage(), ctl_list_db_tables_usage());
    table_usage();
    vlog_usage();
    printf("  --no-syslog                 equivalent to "
           "--verbose=*:syslog:warn\n");
    stream_usage("database", true, true, true);
    printf("\n\
Other options:\n\
  -h, --help                  display this help message\n\
  -V, --version               display version information\n");
    exit(EXIT_SUCCESS);
}
