/* SPDX-License-Identifier: BSD-3-Clause */
/* See sink.h. */
#include "sink.h"

#include "base/err.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FULL = 1 << 20,
    SPARE = 128 * 1024, /* room that is kept for what comes next      */
    LONG = 16 * 1024,   /* not copied first, when nothing is before it */
};

static struct sink *sink_new(int fd)
{
    struct sink *s = calloc(1, sizeof *s);
    if (s)
        s->fd = fd;
    return s;
}

/* The descriptor may be shared with others, who would be surprised to find it nonblocking: opened anew
 * it is ours alone. That works for terminals and pipes; files never block. */
struct sink *sink_std(int fd)
{
    char path[32];
    struct stat st;
    struct sink *s = sink_new(fd);
    if (s)
        s->which = fd;
    if (!s || fstat(fd, &st) != 0 || S_ISREG(st.st_mode))
        return s;
    s->careful = true;
    if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
        return s;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int mine = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (mine >= 0) {
        s->fd = mine;
        s->own = true;
        s->careful = false;
    }
    return s;
}

struct sink *sink_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        px_fail_errno(errno, "cannot write output to %s", path);
        return NULL;
    }
    struct sink *s = sink_new(fd);
    if (s)
        s->path = strdup(path);
    if (!s || !s->path) {
        close(fd);
        free(s);
        px_fail(PVMX_ERR_NOMEM, "out of memory");
        return NULL;
    }
    s->own = true;
    return s;
}

void sink_free(struct sink *s)
{
    if (s->own)
        close(s->fd);
    px_buf_free(&s->out);
    free(s->path);
    free(s);
}

static size_t allowed(const struct sink *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};
    if (!s->careful)
        return SIZE_MAX;
    return poll(&p, 1, 0) == 1 ? PIPE_BUF : 0;
}

static const char *name_of(const struct sink *s)
{
    return s->path                     ? s->path
           : s->which == STDOUT_FILENO ? "standard output"
                                       : "standard error";
}

/* As much as it takes now; 0: nothing, or it is broken. */
static size_t write_some(struct sink *s, const void *bytes, size_t n)
{
    size_t most = allowed(s);
    ssize_t done = most ? write(s->fd, bytes, n < most ? n : most) : 0;
    if (done >= 0 || errno == EAGAIN || errno == EINTR)
        return done > 0 ? (size_t)done : 0;
    s->failed = errno != EPIPE;
    if (s->failed)
        fprintf(stderr, "mpiexec: cannot write output to %s: %s\n", name_of(s),
                strerror(errno));
    s->broken = true;
    return 0;
}

void sink_put(struct sink *s, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    for (size_t done = 1; n >= LONG && px_buf_len(&s->out) == 0 && !s->broken && done > 0;
         at += done, n -= done)
        done = write_some(s, at, n);
    if (!s->broken && px_buf_append(&s->out, at, n) != PVMX_OK)
        s->broken = true;
}

void sink_flush(struct sink *s)
{
    while (!s->broken && px_buf_len(&s->out) > 0) {
        size_t done = write_some(s, px_buf_head(&s->out), px_buf_len(&s->out));
        if (done == 0)
            return;
        px_buf_consume(&s->out, done);
    }
    if (s->out.cap > SPARE)
        px_buf_free(&s->out);
}

bool sink_full(const struct sink *s)
{
    return px_buf_len(&s->out) >= FULL;
}
