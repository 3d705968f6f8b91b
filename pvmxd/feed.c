/* SPDX-License-Identifier: BSD-3-Clause */
/* See feed.h. */
#include "feed.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "far.h"
#include "peer.h"
#include "post.h"
#include "proto/hello.h"
#include "server.h"
#include "streams.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_SIZE = 16 * 1024,
    AHEAD = 128 * 1024, /* sent and not yet written over there */
};

struct feed {
    struct server *sv;
    struct loop_io io;
    int fd;
    int32_t tid;
    size_t ahead;
};

bool feed_wanted(const struct spawn_req *r, uint32_t rank)
{
    return r->peer != NULL && r->peer->role == PXP_ROLE_MPIEXEC && r->m.stdin_some &&
           streams_gets_stdin(r, rank);
}

static void feed_free(struct feed *f)
{
    loop_io_stop(&f->sv->loop, &f->io);
    px_fd_close(&f->fd);
    px_map_remove(&f->sv->feeds, (uint64_t)f->tid);
    free(f);
}

static void look_or_wait(struct feed *f)
{
    bool wait = f->ahead > AHEAD || post_full(f->sv, far_host(f->tid));
    loop_io_events(&f->sv->loop, &f->io, wait ? 0 : LOOP_READ);
}

static void on_readable(void *arg, unsigned events)
{
    struct feed *f = arg;
    uint8_t bytes[READ_SIZE];
    (void)events;
    ssize_t n = read(f->fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    struct pxp_feed m = {.tid = f->tid,
                         .bytes = bytes,
                         .bytes_len = n > 0 ? (size_t)n : 0,
                         .eof = n <= 0};
    struct post *to = post_to(f->sv, far_host(f->tid));
    bool sent = to != NULL &&
                post_sent(to, pxp_feed_encode(&to->kept, post_number(to), &m)) == PVMX_OK;
    if (!sent)
        px_log(PX_LOG_ERROR, "FEED-NOMEM", "input of t%x is lost", (unsigned)f->tid);
    f->ahead += m.bytes_len;
    if (m.eof || !sent)
        feed_free(f);
    else
        look_or_wait(f);
}

/* A description of our own, which does not block, at the place where mpiexec's stands. Else the shared one,
 * which is read when something is there. */
static int own_description(int fd)
{
    char path[32];
    struct stat st;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0 && fstat(own, &st) == 0 && S_ISREG(st.st_mode))
        lseek(own, lseek(fd, 0, SEEK_CUR), SEEK_SET);
    return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, EXEC_FIRST_FD);
}

/* What is read: the end of a pipe whose other one mpiexec gets, or its descriptor. */
static int source_of(struct spawn_req *r, struct spawn_one *one)
{
    int fds[2];
    if ((r->m.streams & PXP_STREAM_IN) == 0)
        return own_description(r->stdio[0]);
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    px_fd_set_nonblock(fds[0], true);
    one->ends[0] = fds[1];
    return fds[0];
}

void feed_start(struct spawn_req *r, struct spawn_one *one)
{
    struct feed *f = calloc(1, sizeof *f);
    int fd = f != NULL ? source_of(r, one) : -1;
    if (fd < 0 || px_map_put(&r->sv->feeds, (uint64_t)one->tid, f) != PVMX_OK) {
        px_log(PX_LOG_ERROR, "FEED-NOMEM",
               "no memory or descriptors for the standard input of t%x", (unsigned)one->tid);
        px_fd_close(&fd);
        free(f);
        return;
    }
    *f = (struct feed){.sv = r->sv, .fd = fd, .tid = one->tid};
    loop_io_start(&f->sv->loop, &f->io, fd, LOOP_READ, on_readable, f);
}

void feed_consumed(struct server *sv, int32_t tid, uint32_t bytes)
{
    struct feed *f = px_map_get(&sv->feeds, (uint64_t)tid);
    if (f == NULL)
        return;
    f->ahead -= bytes < f->ahead ? bytes : f->ahead;
    if (bytes == 0)
        feed_free(f);
    else
        look_or_wait(f);
}

void feed_room(struct server *sv, uint32_t host)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->feeds, &pos, &key, &value);)
        if (far_host((int32_t)key) == host)
            look_or_wait(value);
}

void feed_end(struct server *sv, int32_t tid)
{
    struct feed *f = px_map_get(&sv->feeds, (uint64_t)tid);
    if (f != NULL)
        feed_free(f);
}

void feed_fini(struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->feeds, &pos, &key, &value);)
        feed_free(value);
    px_map_free(&sv->feeds);
}
