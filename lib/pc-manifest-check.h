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

#ifndef PC_MANIFEST_CHECK_H
#define PC_MANIFEST_CHECK_H 1

/* What strings of a manifest may look like: the regular expressions of
 * services/manifest.schema.json as code.  Each returns NULL if 's' is fine, else a
 * constant text that says what it must be ("must be ...").  Private to
 * pc-manifest.c and tests. */

/* Of an image, a path in it, a file of its folder, an owner (as in chown(1)), an
 * octal mode, a variable's name, a capability without "CAP_", a sysctl and its
 * value, the program of a command, the path of a HTTP request. */
const char *pc_manifest_check_name(const char *s);
const char *pc_manifest_check_path(const char *s);      /* Absolute. */
const char *pc_manifest_check_source(const char *s);    /* Relative. */
const char *pc_manifest_check_owner(const char *s);
const char *pc_manifest_check_permissions(const char *s);
const char *pc_manifest_check_env(const char *s);
const char *pc_manifest_check_capability(const char *s);
const char *pc_manifest_check_sysctl(const char *s);
const char *pc_manifest_check_sysctl_value(const char *s);
const char *pc_manifest_check_program(const char *s);
const char *pc_manifest_check_http_path(const char *s);

#endif /* pc-manifest-check.h */
