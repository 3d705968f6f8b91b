/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers: finding them, connecting on first contact, queues for what has no room, their end. */
#include "msg/msg.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "transport/shm/seg.h"
#include "transport/tcp/tcp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAR_PATIENCE (2 * PX_SEC) /* for what a task has sent, after its end was told */

static bool is_self(const struct px_messenger *ms, pvmx_tid tid)
{
    return tid == 0 || tid == ms->tid;
}

static bool local_tid(const struct px_messenger *ms, pvmx_tid tid)
{
    return ms->tid > 0 && tid > 0 && (tid >> 18) == (ms->tid >> 18) && (tid & 0x3ffff) != 0;
}

static bool far_tid(const struct px_messenger *ms, pvmx_tid tid)
{
    return ms->far && ms->tid > 0 && tid > 0x3ffff && tid >> 18 <= 0xfff &&
           (tid >> 18) != (ms->tid >> 18) && (tid & 0x3ffff) != 0;
}

/* Tells the daemon (through the own slot) that this task's end matters to us. */
static void set_contact(struct px_messenger *ms, const struct pvmx_peer *p, bool on)
{
    uint32_t s = px_tid_slot(p->tid);
    if (p->far)
        return;
    _Atomic uint64_t *w = &ms->arena->slot->contacts[s / 64];
    if (on)
        atomic_fetch_or(w, 1ull << (s % 64));
    else
        atomic_fetch_and(w, ~(1ull << (s % 64)));
}

static struct pvmx_peer *new_peer(struct px_messenger *ms, pvmx_tid tid)
{
    struct pvmx_peer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->tid = tid;
    p->ms = ms;
    px_list_init(&p->out);
    px_list_init(&p->blocked);
    px_list_init(&p->dying);
    p->end.tid = tid;
    return p;
}

pvmx_err px_peer_get(struct px_messenger *ms, pvmx_tid tid, struct pvmx_peer **out)
{
    struct pvmx_peer *p =
        is_self(ms, tid) ? ms->self : px_map_get(&ms->peers, (uint64_t)tid);
    if (!p && is_self(ms, tid)) {
        p = ms->self = new_peer(ms, tid);
        if (p)
            p->self = true;
    } else if (!p) {
        if (!local_tid(ms, tid) && !far_tid(ms, tid))
            return px_fail(PVMX_ERR_NOTASK, "t%x is not a task of this virtual machine",
                           (unsigned)tid);
        p = new_peer(ms, tid);
        if (p)
            p->far = !local_tid(ms, tid);
        if (p && px_map_put(&ms->peers, (uint64_t)tid, p) != PVMX_OK) {
            free(p);
            p = NULL;
        }
        if (p && p->far)
            ms->far->watch(tid);
        if (p) {
            set_contact(ms, p, true);
            ms->check_deaths = true; /* it may have ended before we watched */
        }
    }
    if (!p)
        return px_fail(PVMX_ERR_NOMEM, "no memory for task t%x", (unsigned)tid);
    p->refs++;
    *out = p;
    return PVMX_OK;
}

static void destroy(struct pvmx_peer *p)
{
    if (p->ep)
        p->ep->tr->disconnect(p->ep);
    free(p);
}

/* A live peer that nobody names stays: its ring is warm and its messages may still come. */
void px_peer_put(struct pvmx_peer *peer)
{
    if (--peer->refs > 0 || !peer->dead || peer->self)
        return;
    px_map_remove(&peer->ms->peers, (uint64_t)peer->tid);
    destroy(peer);
}

void px_peer_release_slot(struct pvmx_peer *peer)
{
    if (--peer->keep == 0 && peer->dead)
        set_contact(peer->ms, peer, false);
}

pvmx_err px_peer_connect(struct pvmx_peer *peer)
{
    struct px_messenger *ms = peer->ms;
    if (peer->ep)
        return PVMX_OK;
    if (peer->dead)
        return px_fail(PVMX_ERR_PEER_DEAD, "task t%x has ended", (unsigned)peer->tid);
    for (unsigned i = 0; i < ms->nifaces; i++) {
        const struct px_transport *tr = ms->transports[i];
        if (!ms->ifaces[i] || !tr->reaches(ms->ifaces[i], peer->tid))
            continue;
        pvmx_err err = tr->connect(ms->ifaces[i], peer->tid, &peer->ep);
        if (!err)
            tr->caps(ms->ifaces[i], &peer->caps);
        if (err == PVMX_ERR_PEER_DEAD)
            ms->check_deaths = true;
        return err;
    }
    return px_fail(PVMX_ERR_NOTASK, "no transport reaches task t%x", (unsigned)peer->tid);
}

/* Pushes what waits until it is through (PVMX_OK) or there is no room (PVMX_ERR_AGAIN). */
static pvmx_err flush(struct pvmx_peer *peer)
{
    struct px_list *node;
    while ((node = px_list_pop(&peer->out)) != NULL) {
        struct px_out *out = px_container_of(node, struct px_out, node);
        pvmx_err err = out->push(peer, out);
        if (err == PVMX_ERR_AGAIN) {
            px_list_push_front(&peer->out, node);
            return err;
        }
        if (err)
            out->fail(peer, out, err);
    }
    return PVMX_OK;
}

void px_peer_post(struct pvmx_peer *peer, struct px_out *out)
{
    bool idle = px_list_empty(&peer->out);
    px_list_push_back(&peer->out, &out->node);
    if (!idle)
        return;
    peer->refs++; /* completing a send may drop the last reference */
    if (flush(peer) == PVMX_ERR_AGAIN && px_list_empty(&peer->blocked))
        px_list_push_back(&peer->ms->blocked, &peer->blocked);
    px_peer_put(peer);
}

/* Tries again what had no room. */
static unsigned retry_blocked(struct px_messenger *ms)
{
    unsigned n = 0;
    px_list_foreach(it, &ms->blocked) {
        struct pvmx_peer *p = px_container_of(it, struct pvmx_peer, blocked);
        struct px_list *head = p->out.next;
        p->refs++;
        pvmx_err err = flush(p);
        if (err != PVMX_ERR_AGAIN)
            px_list_remove(&p->blocked);
        n += err != PVMX_ERR_AGAIN || head != p->out.next;
        px_peer_put(p);
    }
    return n;
}

static bool far_finished(const struct px_messenger *ms, pvmx_tid tid)
{
    for (unsigned i = 0; i < ms->nifaces; i++)
        if (ms->ifaces[i] && ms->transports[i] == &px_transport_tcp)
            return px_tcp_finished(ms->ifaces[i], tid);
    return true;
}

/* The first line of a task's slot, read without mapping it. */
static bool read_line(struct px_messenger *ms, const struct pvmx_peer *p, struct px_slot *line)
{
    ssize_t n = offsetof(struct px_slot, birth_len);
    return pread(ms->arena->fd, line, (size_t)n,
                 (off_t)px_slot_offset(px_tid_slot(p->tid))) == n;
}

/* Another host's task: its end is told by daemons, what it has sent comes another way and may take
 * longer. A host that is lost sends no end of stream: so not for ever. */
static bool far_alive(struct px_messenger *ms, struct pvmx_peer *p)
{
    struct pvmx_end end;
    if (!ms->far->ended(p->tid, &end))
        return true;
    uint64_t now = px_now_ns();
    if (p->end_known == 0)
        p->end_known = now;
    if (now - p->end_known < FAR_PATIENCE && !far_finished(ms, p->tid)) {
        ms->check_deaths = true;
        return true;
    }
    p->end = end;
    return false;
}

/* By the arena, which the daemon keeps. */
static bool slot_alive(struct px_messenger *ms, struct pvmx_peer *p)
{
    struct px_slot line;
    if (p->far)
        return far_alive(ms, p);
    if (!read_line(ms, p, &line))
        return true;
    if (line.tid != p->tid) { /* ended before we watched; the slot has gone to another */
        p->end.left = atomic_load(&ms->arena->head->left[px_tid_slot(p->tid)]) == p->tid;
        p->end.status = p->end.left ? 0 : -1;
        p->end.inited = 1; /* not known; most have */
        return false;
    }
    if (line.state == PX_SLOT_BORN || line.state == PX_SLOT_LIVE)
        return true;
    p->end.status = line.state == PX_SLOT_LEFT ? 0 : line.exit_status;
    p->end.signal = line.exit_signal;
    p->end.inited = (int32_t)line.inited;
    p->end.left = line.state == PX_SLOT_LEFT || line.left;
    return false;
}

/* By the process itself. */
static bool process_alive(struct px_messenger *ms, struct pvmx_peer *p)
{
    struct px_slot line;
    if (!slot_alive(ms, p))
        return false;
    if (p->far)
        return true;
    if (!read_line(ms, p, &line))
        return true;
    int fd = (int)syscall(SYS_pidfd_open, line.pid, 0);
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    bool alive = fd >= 0 ? poll(&pfd, 1, 0) == 0 : errno != ESRCH;
    px_fd_close(&fd);
    if (!alive)
        p->end.status = -1;
    return alive;
}

static void fail_sends(struct px_messenger *ms, struct pvmx_peer *p)
{
    struct px_list *node;
    while ((node = px_list_pop(&p->out)) != NULL) {
        struct px_out *out = px_container_of(node, struct px_out, node);
        out->fail(p, out, PVMX_ERR_PEER_DEAD);
    }
    px_list_remove(&p->blocked);
    /* What waits for an answer. Each failure removes entries, so the walk starts again. */
    for (bool again = true; again;) {
        size_t pos = 0;
        uint64_t id;
        void *v;
        again = false;
        while (!again && px_map_next(&ms->ids, &pos, &id, &v)) {
            struct pvmx_req *r = v;
            if (r->kind == PX_REQ_SEND && ((struct px_send *)v)->peer == p) {
                px_send_fail(v, PVMX_ERR_PEER_DEAD);
                again = true;
            } else if (r->kind == PX_REQ_RECV && ((struct px_recv *)v)->sender == p) {
                px_recv_fail(v, PVMX_ERR_PEER_DEAD);
                again = true;
            }
        }
    }
}

static void died(struct px_messenger *ms, struct pvmx_peer *p)
{
    px_log(PX_LOG_DEBUG, "PEER-END", "t%x has ended (status %d, signal %d)",
           (unsigned)p->tid, p->end.status, p->end.signal);
    p->refs++;
    p->ended = true;
    for (unsigned i = 0; i < ms->nifaces; i++)
        if (ms->ifaces[i])
            ms->transports[i]->drain(ms->ifaces[i], p->tid);
    p->dead = true;
    fail_sends(ms, p);
    px_scopes_peer_died(ms, p->tid);
    px_recv_peer_died(ms, p);
    for (unsigned i = 0; i < ms->nifaces; i++)
        if (ms->ifaces[i])
            ms->transports[i]->forget(ms->ifaces[i], p->tid);
    if (p->ep)
        p->ep->tr->disconnect(p->ep);
    p->ep = NULL;
    if (ms->chains)
        ms->chains->forget(p);
    if (!p->keep)
        set_contact(ms, p, false);
    px_peer_put(p);
}

/* Draining may bring new peers into the map: first find who has ended, then act. */
static void check(struct px_messenger *ms,
                  bool (*alive)(struct px_messenger *, struct pvmx_peer *))
{
    struct px_list dying, *node;
    size_t pos = 0;
    uint64_t tid;
    void *v;
    px_list_init(&dying);
    while (px_map_next(&ms->peers, &pos, &tid, &v)) {
        struct pvmx_peer *p = v;
        if (!p->dead && !alive(ms, p))
            px_list_push_back(&dying, &p->dying);
    }
    while ((node = px_list_pop(&dying)) != NULL)
        died(ms, px_container_of(node, struct pvmx_peer, dying));
}

void px_peers_check(struct px_messenger *ms)
{
    ms->check_deaths = false;
    if (ms->arena->fd < 0)
        return;
    ms->deaths_seen = atomic_load(&ms->arena->head->deaths);
    check(ms, slot_alive);
}

void px_peers_check_pids(struct px_messenger *ms)
{
    check(ms, process_alive);
}

/* A sender announces itself: it is a peer as long as its ring is here. */
pvmx_err px_peer_contact(void *arg, struct px_origin *from)
{
    struct pvmx_peer *p;
    pvmx_err err = px_peer_get(arg, from->tid, &p);
    if (err)
        return err;
    from->peer = p;
    p->refs--; /* lives until it has ended and been forgotten by the transport, see died() */
    return PVMX_OK;
}

unsigned px_messenger_progress(struct px_messenger *ms)
{
    unsigned n = 0;
    for (unsigned i = 0; i < ms->nifaces; i++)
        if (ms->ifaces[i])
            n += ms->transports[i]->progress(ms->ifaces[i]);
    n += ms->chained;
    ms->chained = 0;
    if (__builtin_expect(!px_list_empty(&ms->blocked), 0))
        n += retry_blocked(ms);
    if (__builtin_expect(ms->check_deaths ||
                             atomic_load_explicit(&ms->arena->head->deaths,
                                                  memory_order_relaxed) != ms->deaths_seen,
                         0)) {
        px_peers_check(ms);
        n++;
    }
    return n;
}
