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

#ifndef PC_PROBE_PRIVATE_H
#define PC_PROBE_PRIVATE_H 1

/* What the files of pc-probe share. */

#include <sys/types.h>

struct pc_probe;
struct pc_probe_target;

/* pc-probe.c */
int pc_probe_socket(pid_t, int family, int type, int protocol);
int pc_probe_wait_fd(int fd, short int events, long long int deadline);

/* pc-probe-icmp.c */
char *pc_probe_icmp(const struct pc_probe *, const struct pc_probe_target *);

/* pc-probe-through.c */
char *pc_probe_through(const struct pc_probe *,
                       const struct pc_probe_target *);

#endif /* pc-probe-private.h */
