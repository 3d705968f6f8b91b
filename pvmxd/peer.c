/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections. */
#include "peer.h"
#include "add.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "caller.h"
#include "dispatch.h"
#include "early.h"
#include "guest.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "server.h"
#include "spawn.h"
#include "standin.h"
#include "streams.h"
#include "tasks.h"
#include "waiter.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 * 1024, /* one read, so one peer's turn in a round                 */
    DRAIN_READS = 256,     /* of a task that has ended: 16 MiB, one frame at the most */
};

/* Descriptors on their way out: ours until they are sent. */
struct passing {
    struct px_list node;
    uint64_t at; /* byte of the stream that they go with */
    size_t n;
    int fds[PX_FD_PASS_MAX];
};

static void on_io(void *arg, unsigned events);

static void peer_watch(struct peer *p)
{
    unsigned events = 0;
    if (!p->paused && !p->draining)
        events |= LOOP_READ;
    if (px_buf_len(&p->out) > 0)
        events |= LOOP_WRITE;
    loop_io_events(&p->sv->loop, &p->io, events);
}

void peer_init(struct peer *p, struct server *sv, int fd, pid_t pid)
{
    p->sv = sv;
    p->fd = fd;
    p->pid = pid;
    p->since = px_now_ns();
    px_list_init(&p->jobs);
    px_list_init(&p->worlds);
    px_list_init(&p->passing);
    for (int i = 0; i < 3; i++)
        p->stdio[i] = p->tty[i] = -1;
    px_list_init(&p->watches);
    px_list_init(&p->requests);
    px_list_init(&p->waiters);
    px_list_init(&p->dirty);
    px_list_init(&p->subscribed);
    px_list_push_back(&sv->peers, &p->all);
    sv->npeers++;
}

struct peer *peer_add(struct server *sv, int fd, pid_t pid, struct task *task)
{
    struct peer *p = calloc(1, sizeof *p);
    if (p == NULL) {
        px_log(PX_LOG_ERROR, "PEER-NOMEM", "no memory for a connection");
        close(fd);
        return NULL;
    }
    peer_init(p, sv, fd, pid);
    p->task = task;
    p->role = task != NULL ? PXP_ROLE_TASK : 0;
    if (task != NULL)
        task->peer = p;
    else
        watchdog_greeting(sv);
    loop_io_start(&sv->loop, &p->io, fd, LOOP_READ, on_io, p);
    return p;
}

struct px_buf *peer_out(struct peer *p)
{
    if (!p->closed && px_list_empty(&p->dirty))
        px_list_push_back(&p->sv->dirty_peers, &p->dirty);
    return &p->out;
}

void peer_refuse(struct peer *p, uint32_t serial, pvmx_err err, const char *text)
{
    if (!p->closed && pxp_refuse(peer_out(p), serial, err, text) != PVMX_OK)
        peer_close(p);
}

bool peer_pass(struct peer *p, const int *fds, size_t n)
{
    struct passing *b = malloc(sizeof *b);
    if (b == NULL)
        return false;
    b->at = p->out_done + px_buf_len(&p->out);
    b->n = n;
    memcpy(b->fds, fds, n * sizeof *fds);
    px_list_push_back(&p->passing, &b->node);
    return true;
}

static void passing_free(struct passing *b)
{
    for (size_t i = 0; i < b->n; i++)
        close(b->fds[i]);
    px_list_remove(&b->node);
    free(b);
}

void peer_finish(struct peer *p)
{
    if (p->closed)
        return;
    p->draining = true;
    peer_out(p);
}

void peer_close(struct peer *p)
{
    struct server *sv = p->sv;
    if (p->closed)
        return;
    p->closed = true;
    loop_io_stop(&sv->loop, &p->io);
    px_fd_close(&p->fd);
    for (size_t i = 0; i < p->nfds; i++)
        close(p->fds[i]);
    p->nfds = 0;
    px_buf_free(&p->in);
    px_buf_free(&p->out);
    px_list_foreach(it, &p->passing)
        passing_free(px_container_of(it, struct passing, node));
    px_list_remove(&p->dirty);
    px_list_remove(&p->all);
    px_list_push_back(&sv->closed_peers, &p->all);
    sv->npeers--;
    early_forget_peer(p);
    notify_forget_peer(p);
    spawn_forget_peer(p);
    waiters_forget_peer(p);
    standin_forget_peer(p);
    add_forget_peer(p);
    px_list_remove(&p->subscribed);
    px_list_foreach(it, &p->jobs) {
        struct job *j = px_container_of(it, struct job, in_owner);
        bool ends = p->role == PXP_ROLE_MPIEXEC && (j->flags & PVMX_SPAWN_DETACHED) == 0;
        job_disown(j);
        if (ends)
            job_terminate(j, false);
    }
    streams_forget_peer(p);
    struct task *t = p->task;
    p->task = NULL;
    if (t != NULL) {
        /* Its jobs stay its own until its process has ended, but there is nobody to tell. */
        px_list_foreach(it, &t->jobs)
            px_container_of(it, struct job, in_owner)->owner_peer = NULL;
        t->peer = NULL;
        tasks_peer_closed(t);
    }
}

/* ---- input ------------------------------------------------------------------------------------ */

static void peer_frames(struct peer *p)
{
    const uint8_t *body;
    size_t len;
    while (!p->closed && !p->draining) {
        pvmx_err err = pxp_frame_next(&p->in, p->role != 0 ? PXP_FRAME_MAX : PXP_HELLO_MAX,
                                      &body, &len);
        if (err == PVMX_ERR_AGAIN)
            break;
        if (err != PVMX_OK) {
            px_log(PX_LOG_INFO, "PEER-FRAME", "process %d: %s", (int)p->pid,
                   pvmx_last_error());
            peer_refuse(p, 0, err, NULL);
            peer_finish(p);
            return;
        }
        dispatch_frame(p->sv, p, body, len);
        if (!p->closed)
            pxp_frame_drop(&p->in);
    }
    /* An idle connection keeps no buffer. */
    if (!p->closed && px_buf_len(&p->in) == 0)
        px_buf_free(&p->in);
}

/* One read and what it brought; false: nothing more for now. */
static bool peer_read(struct peer *p)
{
    size_t room = PEER_FDS_MAX - p->nfds,
           nfds = room < PX_FD_PASS_MAX ? room : PX_FD_PASS_MAX;
    uint8_t *to = px_buf_reserve(&p->in, READ_SIZE);
    if (to == NULL) {
        px_log(PX_LOG_ERROR, "PEER-NOMEM", "no memory to read from process %d", (int)p->pid);
        peer_close(p);
        return false;
    }
    ssize_t n = px_unix_recv(p->fd, to, READ_SIZE, p->fds + p->nfds, &nfds);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) {
        peer_close(p);
        return false;
    }
    p->nfds += nfds;
    p->in.end += (size_t)n;
    peer_frames(p);
    if (!p->closed && p->nfds == PEER_FDS_MAX) {
        px_log(PX_LOG_WARN, "PEER-FDS", "process %d sends descriptors without requests",
               (int)p->pid);
        peer_close(p);
    }
    return !p->closed;
}

void peer_drain(struct peer *p)
{
    for (int i = 0; i < DRAIN_READS && !p->closed && !p->draining; i++)
        if (!peer_read(p))
            break;
}

/* ---- output ----------------------------------------------------------------------------------- */

static ssize_t peer_send(struct peer *p)
{
    const uint8_t *from = px_buf_head(&p->out);
    size_t n = px_buf_len(&p->out);
    if (px_list_empty(&p->passing))
        return px_unix_send(p->fd, from, n, NULL, 0);
    struct passing *b = px_container_of(p->passing.next, struct passing, node);
    if (b->at > p->out_done) /* up to the byte that they go with */
        return px_unix_send(p->fd, from, b->at - p->out_done, NULL, 0);
    bool last = b->node.next == &p->passing;
    uint64_t next = last ? 0 : px_container_of(b->node.next, struct passing, node)->at;
    ssize_t sent = px_unix_send(p->fd, from, last ? n : next - p->out_done, b->fds, b->n);
    if (sent > 0)
        passing_free(b);
    return sent;
}

static void peer_limit(struct peer *p)
{
    size_t waiting = px_buf_len(&p->out);
    if (waiting > PEER_OUT_MAX && p->role == PXP_ROLE_CONSOLE) {
        px_log(PX_LOG_WARN, "PEER-SLOW", "console of process %d does not read: dropped",
               (int)p->pid);
        peer_close(p);
    } else if (waiting > PEER_OUT_MAX) {
        p->paused = true;
    } else if (waiting < PEER_OUT_MAX / 2) {
        p->paused = false;
    }
}

static void peer_flush(struct peer *p)
{
    bool wrote = false;
    while (px_buf_len(&p->out) > 0) {
        ssize_t n = peer_send(p);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) { /* closed over there: its last words, a leave perhaps, may still be here */
            px_buf_free(&p->out);
            peer_drain(p);
            peer_close(p);
            return;
        }
        px_buf_consume(&p->out, (size_t)n);
        p->out_done += (uint64_t)n;
        wrote = true;
    }
    if (px_buf_len(&p->out) == 0)
        px_buf_free(&p->out);
    if (wrote && p->task != NULL)
        arena_ring(&p->sv->arena, p->task->slot);
    if (p->draining && px_buf_len(&p->out) == 0) {
        peer_close(p);
        return;
    }
    peer_limit(p);
    if (!p->closed)
        peer_watch(p);
}

static void on_io(void *arg, unsigned events)
{
    struct peer *p = arg;
    if ((events & LOOP_WRITE) != 0)
        peer_out(p);
    if ((events & LOOP_READ) != 0)
        peer_read(p);
}

void peers_flush(struct server *sv)
{
    struct px_list *node;
    while ((node = px_list_pop(&sv->dirty_peers)) != NULL) {
        struct peer *p = px_container_of(node, struct peer, dirty);
        notify_encode(p);
        if (p->guest != NULL)
            guest_flush(p);
        else if (p->caller != NULL)
            caller_flush(p);
        else if (p->standin != NULL)
            standin_flush(p);
        else if (!p->closed)
            peer_flush(p);
    }
}

void peers_free_closed(struct server *sv)
{
    struct px_list *node;
    while ((node = px_list_pop(&sv->closed_peers)) != NULL) {
        struct peer *p = px_container_of(node, struct peer, all);
        free(p->ends.items);
        free(p);
    }
}

void peers_close_all(struct server *sv)
{
    while (!px_list_empty(&sv->peers))
        peer_close(px_container_of(sv->peers.next, struct peer, all));
    peers_free_closed(sv);
}
