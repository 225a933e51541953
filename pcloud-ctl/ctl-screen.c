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
#include "ctl-screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "fatal-signal.h"
#include "latch.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "signals.h"
#include "timeval.h"
#include "util.h"

/* Terminals agree on these, so no terminfo is needed. */
#define ENTER "\033[?1049h\033[?25l\033[H\033[J"    /* No cursor. */
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

/* There is one terminal, and a signal can only be told about file scope. */
static struct {
    bool open;
    int keys;                   /* Standard input: poll loops take no fd 0. */
    struct termios old;         /* As it was, and is to be. */
    struct latch latch;         /* Set by these: */
    enum { KEY, ESCAPE, SEQUENCE } state;   /* What the next byte is. */
    volatile sig_atomic_t resized, stopped, continued;
} screen;

static void
put(const char *s)
{
    fputs(s, stdout);
    fflush(stdout);
}

static void
enter(void)
{
    struct termios raw = screen.old;

    raw.c_lflag &= ~(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VQUIT] = _POSIX_VDISABLE;  /* It would leave this mess. */
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    put(ENTER);
}

static void
leave(void)
{
    put(LEAVE);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.old);
}

/* At the end of the program, by whatever way. */
static void
leave_at_end(void *aux OVS_UNUSED)
{
    if (screen.open) {
        screen.open = false;
        leave();
    }
}

static void
on_signal(int signr)
{
    int error = errno;

    *(signr == SIGWINCH ? &screen.resized
      : signr == SIGTSTP ? &screen.stopped : &screen.continued) = 1;
    latch_set(&screen.latch);
    errno = error;
}

static void
set_handler(int signr, void (*handler)(int))
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = handler;
    sa.sa_flags = SA_RESTART;
    sigemptyset(&sa.sa_mask);
    xsigaction(signr, &sa, NULL);
}

bool
ctl_screen_is_possible(void)
{
    const char *term = getenv("TERM");

    return (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)
            && term && term[0] && strcmp(term, "dumb"));
}

char *
ctl_screen_open(void)
{
    static bool initialized;

    if (tcgetattr(STDIN_FILENO, &screen.old)) {
        return xasprintf("terminal: %s", ovs_strerror(errno));
    }
    if (!initialized) {
        screen.keys = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        if (screen.keys < 0) {
            return xasprintf("terminal: %s", ovs_strerror(errno));
        }
        latch_init(&screen.latch);
        fatal_signal_add_hook(leave_at_end, NULL, NULL, true);
        initialized = true;
    }
    set_handler(SIGWINCH, on_signal);
    set_handler(SIGTSTP, on_signal);
    set_handler(SIGCONT, on_signal);
    screen.open = true;
    enter();
    return NULL;
}

void
ctl_screen_close(void)
{
    leave_at_end(NULL);
    set_handler(SIGWINCH, SIG_DFL);
    set_handler(SIGTSTP, SIG_DFL);
    set_handler(SIGCONT, SIG_DFL);
}

static void
get_size(int *rows, int *columns)
{
    struct winsize size;

    *rows = 24;
    *columns = 80;
    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row
        && size.ws_col) {
        *rows = size.ws_row;
        *columns = size.ws_col;
    }
}

/* Appends a line without its newline.  It is cleared first: to clear behind a
 * line as wide as the window would clear its last character. */
static void
put_line(struct ds *frame, const char *line, size_t n, int columns)
{
    ds_put_cstr(frame, CLEAR_LINE);
    ds_put_buffer(frame, line, MIN(n, columns));
}

void
ctl_screen_draw(const char *text)
{
    struct ds frame = DS_EMPTY_INITIALIZER;
    int n_lines = 0, rows, columns;

    for (const char *s = text; *s; s++) {
        n_lines += *s == '\n';
    }
    get_size(&rows, &columns);
    ds_put_cstr(&frame, HOME);
    for (int i = 0; i < MIN(n_lines, rows); i++) {
        size_t n = strcspn(text, "\n");

        if (i) {
            ds_put_char(&frame, '\n');
        }
        if (i == rows - 1 && n_lines > rows && i) {
            char *more = xasprintf("... %d more", n_lines - i);

            put_line(&frame, more, strlen(more), columns);
            free(more);
        } else {
            put_line(&frame, text, n, columns);
        }
        text += n + 1;
    }
    if (n_lines < rows) {
        ds_put_cstr(&frame, "\n" CLEAR_BELOW);
    }
    put(ds_cstr(&frame));
    ds_destroy(&frame);
}

/* Does what signals have asked for.  Returns true if the window has to be drawn
 * again. */
static bool
run_signals(void)
{
    latch_poll(&screen.latch);
    if (screen.stopped) {
        screen.stopped = 0;
        leave();
        set_handler(SIGTSTP, SIG_DFL);
        raise(SIGTSTP);         /* Until "fg". */
        set_handler(SIGTSTP, on_signal);
        screen.continued = 1;
    }
    if (screen.continued) {
        screen.continued = 0;
        screen.resized = 1;
        enter();
    }
    bool resized = screen.resized;
    screen.resized = 0;
    return resized;
}

/* Returns 'c', or CTL_SCREEN_NOTHING if it belongs to what an arrow or the like
 * sends: "ESC [ 1 ; 2 A", "ESC O Q". */
static int
filter_key(unsigned char c)
{
    int state = screen.state;

    screen.state = (c == '\033' ? ESCAPE
                    : state == ESCAPE && (c == '[' || c == 'O') ? SEQUENCE
                    : state == SEQUENCE && (c < '@' || c > '~') ? SEQUENCE
                    : KEY);
    return (state == SEQUENCE || screen.state != KEY ? CTL_SCREEN_NOTHING
            : c);
}

/* Returns what has been typed, or CTL_SCREEN_NOTHING. */
static int
get_key(void)
{
    struct pollfd pfd = { .fd = screen.keys, .events = POLLIN };
    unsigned char c;

    if (poll(&pfd, 1, 0) <= 0) {
        return CTL_SCREEN_NOTHING;
    }
    ssize_t n = read(screen.keys, &c, 1);
    if (n != 1) {
        return (n < 0 && (errno == EINTR || errno == EAGAIN)
                ? CTL_SCREEN_NOTHING : CTL_SCREEN_GONE);
    }
    return filter_key(c);
}

int
ctl_screen_wait(long long int until)
{
    do {
        if (run_signals()) {
            return CTL_SCREEN_RESIZED;
        }
        int key = get_key();
        if (key != CTL_SCREEN_NOTHING) {
            return key;
        }
        latch_wait(&screen.latch);
        poll_fd_wait(screen.keys, POLLIN);
        poll_timer_wait_until(until);
        poll_block();
    } while (time_msec() < until);
    return CTL_SCREEN_NOTHING;
}
