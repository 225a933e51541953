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

#ifndef PC_MATCH_PRIVATE_H
#define PC_MATCH_PRIVATE_H 1

/* Between pc-match.c and pc-match-parse.c. */

#include "pc-match.h"

void pc_rule_match_init__(struct pc_rule_match *, const struct match *);

#endif /* pc-match-private.h */
