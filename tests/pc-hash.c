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

/* Prints the hash under which lib/pc-container-config.c files the cgroups of
 * the containers in a directory, so that tests can look for leftovers. */

#include <config.h>
#include <inttypes.h>
#include <stdio.h>
#include "hash.h"

int
main(int argc, char *argv[])
{
    if (argc != 2) {
        fputs("usage: pc-hash DIRECTORY\n", stderr);
        return 1;
    }
    printf("%08"PRIx32"\n", hash_string(argv[1], 0));
    return 0;
}
