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

/* A foreign program, compiled against the installed library by a test. */

#include <inttypes.h>
#include <stdio.h>
#include "pc-units.h"

int
main(void)
{
    uint64_t millicores;
    char *error = pc_units_parse_cpu("1.5", &millicores);

    if (error) {
        puts(error);
        return 1;
    }
    printf("%"PRIu64"\n", millicores);
    return 0;
}
