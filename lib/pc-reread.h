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

#ifndef PC_REREAD_H
#define PC_REREAD_H 1

/* Was the database read anew?
 *
 * A client that connects again, to a server that does not know what it has seen
 * last (one that was started again, in a cluster any), is sent all rows.  The IDL
 * then forgets the ones that it had, and its change tracking does not say which of
 * them are gone: who follows changes has to begin again, or it keeps what others
 * have deleted meanwhile.
 *
 * Thread-safety: that of the IDL: the main loop's thread. */

#include <stdbool.h>

struct ovsdb_idl;

/* True after a run of 'idl' that has read all rows again, or for the first time.
 * 'idl' must track a column of the table PacketCloud, whose only row is as old as
 * the database. */
bool pc_reread(const struct ovsdb_idl *idl);

#endif /* pc-reread.h */
