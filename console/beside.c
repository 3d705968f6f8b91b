/* SPDX-License-Identifier: BSD-3-Clause */
/* See beside.h. A pseudo-terminal rather than a pipe: a task that writes to it itself is not killed when the
 * console leaves. */
#include "beside.h"
#include "progress.h"
#include "screen.h"

#include "base/clock.h"
#include "base/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum {
    ONCE = 64 * 1024,   /* taken before keys are looked at again */
    MOST = 1024 * 1024, /* kept while nothing may be shown: then tasks wait */
};

#define QUIET (50 * PX_MS)   /* a line of which no more has come ends here */
#define SETTLE (100 * PX_MS) /* whoever writes all the time is not waited for */

static struct {
    int ours, theirs;
    char *bytes; /* room for MOST */
    size_t n;
    uint64_t last; /* when something has come */
    bool held;
    void (*away)(void *arg);
    void (*back)(void *arg);
    void *arg;
} b = {.ours = -1, .theirs = -1};

/* ---- the pseudo-terminal ---------------------------------------------------------------------- */

static bool prepare(void)
{
    struct termios raw;
    char name[64];
    if (b.ours >= 0)
        return true;
    b.bytes = malloc(MOST);
    b.ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (b.bytes && b.ours >= 0 && grantpt(b.ours) == 0 && unlockpt(b.ours) == 0 &&
        ptsname_r(b.ours, name, sizeof name) == 0)
        b.theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (b.theirs >= 0 && tcgetattr(b.theirs, &raw) == 0) {
        cfmakeraw(&raw); /* the user's terminal makes of it what it makes of all */
        if (tcsetattr(b.theirs, TCSANOW, &raw) == 0 &&
            px_fd_set_nonblock(b.ours, true) == PVMX_OK)
            return true;
    }
    beside_end();
    return false;
}

int beside_open(int fd)
{
    struct stat its, shown;
    struct winsize size;
    if (!isatty(fd) || fstat(fd, &its) != 0 || fstat(STDOUT_FILENO, &shown) != 0 ||
        its.st_rdev != shown.st_rdev || !prepare())
        return -1;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0)
        ioctl(b.theirs, TIOCSWINSZ, &size);
    return fcntl(b.theirs, F_DUPFD_CLOEXEC, 3);
}

/* ---- showing ---------------------------------------------------------------------------------- */

static void show(size_t n, bool open)
{
    progress_end();
    fflush(stdout);
    if (b.away)
        b.away(b.arg);
    fwrite(b.bytes, 1, n, stdout);
    if (open)
        putchar('\n');
    if (b.back)
        b.back(b.arg);
    fflush(stdout);
    b.n -= n;
    memmove(b.bytes, b.bytes + n, b.n);
}

static void show_lines(void)
{
    const char *nl = b.n > 0 && !b.held ? memrchr(b.bytes, '\n', b.n) : NULL;
    if (nl)
        show((size_t)(nl + 1 - b.bytes), false);
    if (b.n == MOST && !b.held)
        show(b.n, true);
}

/* What there is now; false: nothing. */
static bool take(void)
{
    size_t before = b.n;
    ssize_t n = 1;
    while (b.ours >= 0 && n > 0 && b.n < MOST && b.n - before < ONCE) {
        n = read(b.ours, b.bytes + b.n, MOST - b.n);
        b.n += n > 0 ? (size_t)n : 0;
    }
    if (b.n > before)
        b.last = px_now_ns();
    return b.n > before;
}

int beside_fd(void)
{
    return b.n < MOST ? b.ours : -1;
}

uint64_t beside_due(void)
{
    return b.n > 0 && !b.held ? b.last + QUIET : 0;
}

void beside_show(void)
{
    take();
    show_lines();
    if (b.n > 0 && !b.held && px_now_ns() >= b.last + QUIET)
        show(b.n, true);
}

void beside_settle(void)
{
    uint64_t end = px_now_ns() + SETTLE;
    struct pollfd p = {.fd = b.ours, .events = POLLIN};
    while (take() && px_now_ns() < end)
        show_lines();
    show_lines();
    while (b.n > 0 && !b.held && px_now_ns() < end) {
        poll(&p, 1, (int)(QUIET / PX_MS));
        beside_show();
    }
}

void beside_typed(void (*away)(void *arg), void (*back)(void *arg), void *arg)
{
    b.away = away;
    b.back = back;
    b.arg = arg;
}

void beside_hold(bool on)
{
    b.held = on;
}

bool beside_end(void)
{
    bool more = false;
    if (b.ours >= 0 && b.theirs >= 0) {
        struct pollfd p = {.fd = b.ours};
        beside_settle();
        px_fd_close(&b.theirs);
        more = poll(&p, 1, 0) == 0 || !(p.revents & POLLHUP); /* others have it open */
    }
    px_fd_close(&b.theirs);
    px_fd_close(&b.ours);
    free(b.bytes);
    b.bytes = NULL;
    b.n = 0;
    return more;
}
