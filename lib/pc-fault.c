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
#include "pc-fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

static void
stop_once(const char *dir, const char *point)
{
    char *file = xasprintf("%s/%s", dir, point);

    if (!unlink(file)) {
        /* Not kill(), after which this thread might go on for a moment. */
        raise(SIGSTOP);
    }
    free(file);
}

void
pc_fault(const char *armed, const char *point)
{
    static const char stop[] = "stop:";

    if (!armed) {
        return;
    } else if (!strcmp(armed, point)) {
        kill(getpid(), SIGKILL);
        for (;;) {
            pause();
        }
    } else if (!strncmp(armed, stop, strlen(stop))) {
        stop_once(armed + strlen(stop), point);
    }
}
