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

#ifndef PC_EXPLAIN_H
#define PC_EXPLAIN_H 1

/* What the controller does, in words: the unixctl commands
 *
 *     controller/status               cloudlet, routers, acknowledgement
 *     controller/counters             mods, bundles, errors, compile times
 *     controller/recompute [resync]   compile everything anew and compare
 *     controller/flows [--diff]       our flows as the switch has them
 *     controller/stats [SERVICE]      packets and bytes by service and rule
 *     controller/evaluate FLOW...     what the desired tables do to packets
 *     controller/overlap RULE...      what rules share with others
 *     controller/trace FLOW           what happens to a packet, and why
 *
 * each with "-f json" for JSON instead of text.  The reply is the finished
 * text.  Nothing blocks: replies that need the switch come when it has
 * answered.
 *
 * Thread-safety: none; everything is called from the main loop. */

struct pc_controller;
struct pc_explain;

struct pc_explain *pc_explain_create(struct pc_controller *);
void pc_explain_destroy(struct pc_explain *);
void pc_explain_run(struct pc_explain *);
void pc_explain_wait(struct pc_explain *);

#endif /* pc-explain.h */
