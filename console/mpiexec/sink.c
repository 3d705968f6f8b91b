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

enum { FULL = 1 << 20 };

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

void sink_put(struct sink *s, const void *bytes, size_t n)
{
    if (!s->broken && px_buf_append(&s->out, bytes, n) != PVMX_OK)
        s->broken = true;
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

void sink_flush(struct sink *s)
{
    while (!s->broken && px_buf_len(&s->out) > 0) {
        size_t n = px_buf_len(&s->out), most = allowed(s);
        if (most == 0)
            return;
        ssize_t done = write(s->fd, px_buf_head(&s->out), n < most ? n : most);
        if (done < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (done < 0) {
            s->failed = errno != EPIPE;
            if (s->failed)
                fprintf(stderr, "mpiexec: cannot write output to %s: %s\n", name_of(s),
                        strerror(errno));
            s->broken = true;
            return;
        }
        px_buf_consume(&s->out, (size_t)done);
    }
    px_buf_free(&s->out);
}

bool sink_full(const struct sink *s)
{
    return px_buf_len(&s->out) >= FULL;
}
