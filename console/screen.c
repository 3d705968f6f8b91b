/* SPDX-License-Identifier: BSD-3-Clause */
/* See screen.h. Sequences are those that every terminal of today knows. */
#include "screen.h"
#include "beside.h"
#include "text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* The other screen, no cursor; and back. */
static const char enter_text[] = "\033[?1049h\033[?25l",
                  leave_text[] = "\033[?25h\033[?1049l";

static const int ends[] = {SIGTERM, SIGHUP, SIGQUIT};
static struct sigaction before_ends[3];
static struct termios before;
static volatile sig_atomic_t entered;

bool screen_there(void)
{
    const char *term = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
           strcmp(term, "dumb") != 0;
}

/* Calls only what a signal handler may. */
static void restore(void)
{
    if (!entered)
        return;
    entered = 0;
    size_t done = 0, len = sizeof leave_text - 1;
    while (done < len) { /* Ctrl-C may come again */
        ssize_t n = write(STDOUT_FILENO, leave_text + done, len - done);
        if (n <= 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void on_end(int sig)
{
    restore();
    signal(sig, SIG_DFL);
    raise(sig);
}

bool screen_enter(void)
{
    struct termios raw;
    struct sigaction act = {.sa_handler = on_end};
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C stays a signal */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped program would leave the terminal so */
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        sigaction(ends[i], &act, &before_ends[i]);
    fflush(stdout);
    entered = 1;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) {
        screen_leave();
        return false;
    }
    beside_hold(true);
    fputs(enter_text, stdout);
    return true;
}

void screen_leave(void)
{
    fflush(stdout);
    restore();
    beside_hold(false);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        sigaction(ends[i], &before_ends[i], NULL);
}

void screen_size(size_t *rows, size_t *columns)
{
    struct winsize w;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 && w.ws_col > 0;
    *rows = known ? w.ws_row : 24;
    *columns = known ? w.ws_col : 80;
}

void screen_show(const char *text, size_t marked)
{
    size_t rows, columns;
    screen_size(&rows, &columns);
    fputs("\033[H", stdout);
    for (size_t row = 0; row < rows && *text; row++) {
        size_t len = strcspn(text, "\n"), shown = text_fit(text, len, columns);
        printf("%s%.*s\033[K%s%s", row == marked ? "\033[7m" : "", (int)shown, text,
               row == marked ? "\033[0m" : "", row + 1 < rows ? "\n" : "");
        text += len + (text[len] == '\n');
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* The next byte of a sequence, which has come with the one before. */
static int next_byte(void)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    unsigned char c;
    return poll(&p, 1, 50) > 0 && read(STDIN_FILENO, &c, 1) == 1 ? c : -1;
}

int screen_key(void)
{
    unsigned char c;
    if (read(STDIN_FILENO, &c, 1) != 1)
        return -1;
    if (c != '\033')
        return c;
    int kind = next_byte(), what = kind == '[' || kind == 'O' ? next_byte() : -1;
    switch (what) {
    case 'A':
        return SCREEN_UP;
    case 'B':
        return SCREEN_DOWN;
    case '5':
    case '6':
        next_byte(); /* ~ */
        return what == '5' ? SCREEN_PAGE_UP : SCREEN_PAGE_DOWN;
    default:
        return SCREEN_NONE;
    }
}
