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

#ifndef PC_FAULT_H
#define PC_FAULT_H 1

/* Named points at which a test can have the process die as by kill -9, to see
 * that the next start ends in the wanted state.  Nothing happens unless the
 * point's name was configured (PCLOUD_FAULT in the agent's environment).
 *
 * Thread safety: any thread. */

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Kills this process at once if 'armed' (may be NULL) is 'point'. */
static inline void
pc_fault(const char *armed, const char *point)
{
    if (armed && !strcmp(armed, point)) {
        kill(getpid(), SIGKILL);
        for (;;) {
            pause();
        }
    }
}

#endif /* pc-fault.h */
