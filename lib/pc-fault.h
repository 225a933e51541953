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
 * that the next start ends in the wanted state, or stop, to kill something else
 * meanwhile.  Nothing happens unless it was configured (PCLOUD_FAULT in the
 * agent's environment):
 *
 *   POINT      The process dies when it comes to that point.
 *   stop:DIR   It stops, as by SIGSTOP, at a point for which there is a file of
 *              that name in the directory DIR; the file goes, so that it stops
 *              once each time that the test makes one.
 *
 * Thread safety: any thread. */

/* The process has come to 'point'.  'armed' is what was configured; NULL: nothing
 * was. */
void pc_fault(const char *armed, const char *point);

#endif /* pc-fault.h */
