/* SPDX-License-Identifier: BSD-3-Clause */
/* See input.h. */
#include "input.h"
#include "reader.h"

#include "base/err.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 * 1024,
    /* How far the fastest reader may be ahead of the slowest. A process that waits for another, which
     * waits for its input, is not kept waiting by one that never reads, up to here. */
    AHEAD_MAX = 64 * 1024 * 1024,
    LOOK_AGAIN_MS = 50, /* a terminal's last line has not been read, or nobody waits for one */
    BACKGROUND_MS = 300, /* we may have come to the foreground: nobody tells us */
};

static bool only_one(const struct input *in)
{
    return in->nranks == 1 && in->ranks[0].count == 1;
}

/* Descriptor 0 is shared with our parent: opened anew, or read only when poll says so. */
static int open_again(bool *careful)
{
    int fd = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    *careful = fd < 0;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) { /* from where the shared one is */
        lseek(fd, lseek(STDIN_FILENO, 0, SEEK_CUR), SEEK_SET);
    }
    return fd >= 0 ? fd : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
}

pvmx_err input_init(struct input *in, const struct opts *opts)
{
    static const struct pxp_range everyone = {0, UINT32_MAX >> 1};
    struct stat st;
    *in = (struct input){.opts = opts, .fd = -1, .from = -1, .first = {0, 1}};
    in->ranks = opts->in == STDIN_ALL    ? &everyone
                : opts->in == STDIN_SOME ? opts->in_ranks
                                         : &in->first;
    in->nranks = opts->in == STDIN_SOME   ? opts->nin_ranks
                 : opts->in == STDIN_NONE ? 0
                                          : 1;
    in->terminal = isatty(STDIN_FILENO);
    bool device = fstat(STDIN_FILENO, &st) == 0 && S_ISCHR(st.st_mode) && !in->terminal;
    bool one = only_one(in) || (opts->in == STDIN_ALL && opts_total(opts) == 1);
    in->forward = in->nranks > 0 && !device && (in->terminal || !one);
    if (in->forward)
        in->from = open_again(&in->careful);
    if (in->nranks == 0 || in->forward)
        in->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    else
        in->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    if (in->fd < 0 || (in->forward && in->from < 0))
        return px_fail_errno(errno, "cannot prepare the standard input of the job");
    return PVMX_OK;
}

void input_free(struct input *in)
{
    for (size_t i = 0; i < in->ntargets; i++)
        px_fd_close(&in->targets[i].fd);
    free(in->targets);
    px_buf_free(&in->data);
    px_fd_close(&in->fd);
    px_fd_close(&in->from);
}

pvmx_err input_add(struct input *in, int fd, pid_t group)
{
    if (in->ntargets == in->cap) {
        size_t cap = in->cap ? in->cap * 2 : 8;
        struct target *grown = realloc(in->targets, cap * sizeof *grown);
        if (!grown) {
            close(fd);
            return px_fail(PVMX_ERR_NOMEM, "out of memory");
        }
        in->targets = grown;
        in->cap = cap;
    }
    px_fd_set_nonblock(fd, true);
    /* What came before has been given to others already: a job's processes all come at its start. */
    in->targets[in->ntargets++] = (struct target){.fd = fd, .at = in->done, .group = group};
    return PVMX_OK;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool foreground(void)
{
    pid_t front = tcgetpgrp(STDIN_FILENO);
    return front < 0 || front == getpgrp();
}

/* A terminal's lines are taken one by one, when the last one has been read and somebody waits for
 * more: what the job does not want stays for the shell. */
static bool all_consumed(const struct input *in)
{
    for (size_t i = 0; i < in->ntargets; i++) {
        int left = 0;
        if (in->targets[i].fd >= 0 && ioctl(in->targets[i].fd, FIONREAD, &left) == 0 &&
            left > 0)
            return false;
    }
    return px_buf_len(&in->data) == 0;
}

/* Is a line there that nobody wants now? Where the user has said who reads, somebody wants it. */
static bool unwanted(const struct input *in)
{
    struct pollfd p = {.fd = in->from, .events = POLLIN};
    if (!in->terminal || in->opts->in != STDIN_FIRST || poll(&p, 1, 0) != 1)
        return false;
    for (size_t i = 0; i < in->ntargets; i++)
        if (in->targets[i].fd >= 0 &&
            (in->targets[i].group == 0 || reader_waits(in->targets[i].group)))
            return false;
    return true;
}

static void at_most(int *timeout_ms, int ms)
{
    if (*timeout_ms < 0 || *timeout_ms > ms)
        *timeout_ms = ms;
}

static bool wants_more(const struct input *in, int *timeout_ms)
{
    if (!in->forward || in->ended || in->ntargets == 0)
        return false;
    if (in->terminal && !foreground()) {
        at_most(timeout_ms, BACKGROUND_MS);
        return false;
    }
    if (in->terminal && (!all_consumed(in) || unwanted(in))) {
        at_most(timeout_ms, LOOK_AGAIN_MS);
        return false;
    }
    return px_buf_len(&in->data) < AHEAD_MAX;
}

static void read_more(struct input *in)
{
    struct pollfd p = {.fd = in->from, .events = POLLIN};
    if ((in->careful && poll(&p, 1, 0) != 1) || unwanted(in))
        return;
    uint8_t *to = px_buf_reserve(&in->data, READ_SIZE);
    ssize_t n = to ? read(in->from, to, READ_SIZE) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        in->data.end += (size_t)n;
    else
        in->ended = true; /* an error too: a terminal that has gone */
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void write_some(struct input *in, struct target *t)
{
    uint64_t end = in->done + px_buf_len(&in->data);
    while (t->fd >= 0 && t->at < end) {
        ssize_t n = write(t->fd, px_buf_head(&in->data) + (t->at - in->done), end - t->at);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0)
            px_fd_close(&t->fd); /* it reads no more */
        else
            t->at += (uint64_t)n;
    }
    if (in->ended)
        px_fd_close(&t->fd);
}

static void drop_done(struct input *in)
{
    size_t kept = 0;
    uint64_t least = in->done + px_buf_len(&in->data);
    for (size_t i = 0; i < in->ntargets; i++) {
        if (in->targets[i].fd < 0)
            continue;
        least = in->targets[i].at < least ? in->targets[i].at : least;
        in->targets[kept++] = in->targets[i];
    }
    in->ntargets = kept;
    px_buf_consume(&in->data, (size_t)(least - in->done));
    in->done = least;
    if (px_buf_len(&in->data) == 0)
        px_buf_free(&in->data);
}

/* ---- the loop --------------------------------------------------------------------------------- */

size_t input_polls(const struct input *in)
{
    return 1 + in->ntargets;
}

void input_poll(struct input *in, struct pollfd *fds, int *timeout_ms)
{
    uint64_t end = in->done + px_buf_len(&in->data);
    fds[0] =
        (struct pollfd){.fd = wants_more(in, timeout_ms) ? in->from : -1, .events = POLLIN};
    for (size_t i = 0; i < in->ntargets; i++)
        fds[1 + i] = (struct pollfd){.fd = in->targets[i].fd,
                                     .events = in->targets[i].at < end ? POLLOUT : 0};
}

void input_ready(struct input *in, const struct pollfd *fds)
{
    for (size_t i = 0; i < in->ntargets; i++)
        if (fds[1 + i].revents & POLLERR)
            px_fd_close(&in->targets[i].fd); /* the last reader has gone */
    if (fds[0].revents)
        read_more(in);
    for (size_t i = 0; i < in->ntargets; i++)
        write_some(in, &in->targets[i]);
    drop_done(in);
}
