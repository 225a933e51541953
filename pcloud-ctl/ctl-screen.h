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

#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H 1

/* The whole window of the terminal, for a command that shows what changes.
 *
 *     if (ctl_screen_is_possible()) {
 *         error = ctl_screen_open();
 *         ctl_screen_draw("Two\nlines\n");
 *         key = ctl_screen_wait(time_msec() + 2000);
 *         ...
 *         ctl_screen_close();
 *     }
 *
 * Between open and close what is shown is in the terminal's alternate screen,
 * without a cursor, and keys come at once and are not shown.  However the program
 * ends -- closed, exit(), Ctrl-C, SIGTERM, a lost terminal, --timeout -- the
 * terminal is then as it was; Ctrl-Z gives it back meanwhile.  (Not after a
 * SIGKILL or a crash.)
 *
 * There is one terminal, so there is no object.  Thread-safety: none. */

#include <stdbool.h>
#include "compiler.h"

/* What ctl_screen_wait() returns that is no character. */
enum {
    CTL_SCREEN_NOTHING = -1,    /* It is time. */
    CTL_SCREEN_RESIZED = -2,    /* Draw again. */
    CTL_SCREEN_GONE = -3        /* Nobody can type any more. */
};

/* Are input and output a terminal that is more than a printer? */
bool ctl_screen_is_possible(void);

/* Returns NULL, or an error that the caller frees. */
char *ctl_screen_open(void) OVS_WARN_UNUSED_RESULT;
void ctl_screen_close(void);

/* Shows 'text', in which each line ends in a newline, in place of what was
 * there.  Lines are cut at the right; if they are too many, the last says so. */
void ctl_screen_draw(const char *text);

/* Waits until that time, in ms as time_msec() has it, a key, which it returns, or
 * a change of the window. */
int ctl_screen_wait(long long int until);

#endif /* ctl-screen.h */
