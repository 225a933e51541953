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

/* pcloud-vi-hook: liblxc's "start-host" hook
 * ==========================================
 *
 * Runs on the host as root when a VI's namespaces exist and before its init is
 * executed, with $LXC_PID.  It enters the VI's network namespace and sets what
 * cannot be set from within an unprivileged container.  It runs nothing of the
 * image and reads nothing of it: all it does is in its arguments, which
 * pc-container.c has checked:
 *
 *     --sysctl NAME=VALUE  --offload-off IF  --address6 IF ADDRESS/LENGTH
 *     --gateway6 IF ADDRESS  --cross IF OTHER-IF GATEWAY
 *
 * What fails is reported on stderr (in the VI's lxc.log) and ends the start. */

#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pc-netns.h"

int
main(int argc, char *argv[])
{
    const char *pid = getenv("LXC_PID");
    int error;

    if (!pid || atoi(pid) <= 1) {
        fprintf(stderr, "pcloud-vi-hook: LXC_PID is not set\n");
        return EXIT_FAILURE;
    }
    error = pc_netns_enter(atoi(pid));
    if (error) {
        fprintf(stderr, "pcloud-vi-hook: cannot enter network namespace of "
                "process %s (%s)\n", pid, strerror(error));
        return EXIT_FAILURE;
    }

    for (int i = 1; i < argc; ) {
        const char *option = argv[i];
        const char *a = i + 1 < argc ? argv[i + 1] : NULL;
        const char *b = i + 2 < argc ? argv[i + 2] : NULL;
        const char *c = i + 3 < argc ? argv[i + 3] : NULL;

        if (!strcmp(option, "--sysctl") && a) {
            error = pc_netns_set_sysctl(a);
            i += 2;
        } else if (!strcmp(option, "--offload-off") && a) {
            error = pc_netns_offload_off(a);
            i += 2;
        } else if (!strcmp(option, "--address6") && b) {
            error = pc_netns_add_address6(a, b);
            i += 3;
        } else if (!strcmp(option, "--gateway6") && b) {
            error = pc_netns_add_gateway6(a, b);
            i += 3;
        } else if (!strcmp(option, "--cross") && c) {
            error = pc_netns_cross(a, b, c);
            i += 4;
        } else if (!strcmp(option, "--")) {
            break;              /* liblxc's own arguments follow. */
        } else {
            error = EINVAL;
            a = "unknown option";
        }
        if (error) {
            fprintf(stderr, "pcloud-vi-hook: %s %s: %s\n", option, a,
                    strerror(error));
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
