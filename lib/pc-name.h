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

#ifndef PC_NAME_H
#define PC_NAME_H 1

/* Names that people give to services, nodes, images and so on.
 *
 * They become parts of file names, container names and `external_ids`, so
 * they are plain: 1 to PC_NAME_MAX letters, digits, `-`, `_` and `.`,
 * beginning with a letter or digit.
 *
 * Thread-safety: pure functions. */

#include "openvswitch/compiler.h"

#define PC_NAME_MAX 63

/* Checks 'name'.  'what' says in the error what it should name, e.g.
 * "service".  Returns null, or an error of one line that the caller frees. */
char *pc_name_check(const char *what, const char *name)
    OVS_WARN_UNUSED_RESULT;

/* Returns 's' in double quotes as an error message can show it: on one line,
 * bytes that don't print as \xNN, at most 60 of them.  The caller frees it. */
char *pc_name_quote(const char *s);

/* Makes of 's', text from outside such as an error that quotes a hostile file
 * name, what a terminal, a log and the database (UTF-8 only) can take: each byte
 * that is not printable ASCII becomes '?'. */
void pc_name_make_printable(char *s);

struct uuid;

/* Returns the name of the port to which the copies for the file of the row of
 * Inspection with 'uuid' go; the caller frees it. */
char *pc_name_capture_port(const struct uuid *);

#endif /* pc-name.h */
