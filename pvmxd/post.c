/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that outlive links. */
#include "post.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "beat.h"
#include "hosts.h"
#include "link.h"
#include "lost.h"
#include "output.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "server.h"
#include <stdlib.h>

enum {
    UNTOLD_MAX = POST_FULL / 4, /* bytes that the other side keeps although we have them */
    UNTOLD_MESSAGES = 1024,
};

#define PAUSE (200 * PX_MS) /* before the next link: the other side may be quicker */

static struct post *find(const struct server *sv, uint32_t host)
{
    return px_map_get(&sv->posts, host);
}

static struct post *find_or_make(struct server *sv, uint32_t host)
{
    struct post *p = find(sv, host);
    if (p != NULL)
        return p;
    p = calloc(1, sizeof *p);
    if (p == NULL || px_map_put(&sv->posts, host, p) != PVMX_OK) {
        free(p);
        px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for what host %u is told", host);
        return NULL;
    }
    p->sv = sv;
    p->host = host;
    return p;
}

/* How many numbers lie between; they go round. */
static uint32_t distance(uint32_t from, uint32_t to)
{
    return (to - from) & LINK_SERIAL;
}

/* ---- sending ---------------------------------------------------------------------------------- */

static void on_again(void *arg);

/* All that is kept from byte `from` on goes out on p->link. */
static void put_out(struct post *p, size_t from)
{
    if (px_buf_append(link_out(p->link), px_buf_head(&p->kept) + from, p->whole - from) ==
        PVMX_OK)
        return;
    p->link = NULL; /* all goes out again, when there is memory */
    loop_timer_start(&p->sv->loop, &p->again, PAUSE, on_again, p);
}

/* Sees to it that there is a link on which all has been sent. */
static void connect(struct post *p, struct host *h)
{
    struct link *l = hosts_link(p->sv, h);
    bool other = l != p->link;
    p->link = l;
    if (l == NULL)
        loop_timer_start(&p->sv->loop, &p->again, PAUSE, on_again, p);
    else if (other && p->whole > 0)
        put_out(p, 0);
}

static struct host *other_host(struct server *sv, uint32_t index)
{
    struct host *h = hosts_find(sv, index);
    return h != NULL && h->state == PXP_HOST_UP && index != sv->hosts.self ? h : NULL;
}

static void on_again(void *arg)
{
    struct post *p = arg;
    struct host *h = other_host(p->sv, p->host);
    if (h != NULL && p->whole > 0)
        connect(p, h);
}

struct post *post_to(struct server *sv, uint32_t host)
{
    struct host *h = other_host(sv, host);
    struct post *p = h != NULL ? find_or_make(sv, host) : NULL;
    if (p == NULL)
        return NULL;
    connect(p, h);
    if (p->whole < POST_MAX)
        return p;
    px_log(PX_LOG_ERROR, "POST-FULL",
           "host %s has taken nothing for so long that it is not told everything", h->name);
    return NULL;
}

uint32_t post_number(const struct post *p)
{
    return LINK_NUMBERED | ((p->last + 1) & LINK_SERIAL);
}

/* Bytes of the first n frames. */
static size_t length(const struct px_buf *frames, uint32_t n)
{
    struct px_buf b = *frames;
    const uint8_t *body;
    size_t len;
    for (; n > 0 && pxp_frame_next(&b, SIZE_MAX, &body, &len) == PVMX_OK; n--)
        b.start = (size_t)(body - b.data) + len;
    return b.start - frames->start;
}

pvmx_err post_sent(struct post *p, pvmx_err err)
{
    size_t from = p->whole;
    if (err != PVMX_OK) {
        p->kept.end = p->kept.start + from;
        return err;
    }
    p->last = (p->last + 1) & LINK_SERIAL;
    p->whole = px_buf_len(&p->kept);
    if (p->link != NULL)
        put_out(p, from);
    return PVMX_OK;
}

bool post_full(const struct server *sv, uint32_t host)
{
    const struct post *p = find(sv, host);
    return p != NULL && p->whole > POST_FULL;
}

void post_acked(struct link *l, uint32_t taken)
{
    struct post *p = find(l->sv, l->host);
    uint32_t n = p != NULL ? distance(p->acked, taken) : 0;
    if (n == 0 || n > distance(p->acked, p->last)) /* nothing new, or late news of an old link */
        return;
    bool full = p->whole > POST_FULL;
    p->acked = taken;
    px_buf_consume(&p->kept, length(&p->kept, n));
    p->whole = px_buf_len(&p->kept);
    if (p->whole == 0)
        px_buf_free(&p->kept);
    if (full && p->whole <= POST_FULL)
        output_room(p->sv, p->host);
}

/* ---- receiving -------------------------------------------------------------------------------- */

bool post_take(struct link *l, uint32_t serial, size_t len)
{
    struct server *sv = l->sv;
    uint32_t number = serial & LINK_SERIAL;
    if (l->host == 0 || hosts_lost(sv, l->host))
        return false;
    struct post *p = find_or_make(sv, l->host);
    uint32_t ahead = p != NULL ? distance(p->taken, number) : 0;
    if (p == NULL || (ahead > 1 && ahead <= LINK_SERIAL / 2)) {
        link_close(l, p == NULL ? pvmx_last_error() : "a message of it is missing");
        return false;
    }
    if (ahead != 1)
        return false;
    p->taken = number;
    p->untold += len;
    if (p->untold > UNTOLD_MAX || distance(p->told, number) > UNTOLD_MESSAGES)
        beat_say(l);
    return true;
}

uint32_t post_taken(struct link *l)
{
    struct post *p = find(l->sv, l->host);
    if (p == NULL)
        return 0;
    p->told = p->taken;
    p->untold = 0;
    return p->taken;
}

bool post_owes(const struct link *l)
{
    const struct post *p = find(l->sv, l->host);
    return p != NULL && p->told != p->taken;
}

/* ---- ends ------------------------------------------------------------------------------------- */

void post_link_closed(struct link *l)
{
    struct post *p = find(l->sv, l->host);
    if (p == NULL)
        return;
    p->told = (p->taken - 1) & LINK_SERIAL; /* what we have said may be lost with it */
    if (p->link != l)
        return;
    p->link = NULL;
    if (p->whole > 0 && !l->sv->stopping)
        loop_timer_start(&l->sv->loop, &p->again, PAUSE, on_again, p);
}

static void post_free(struct post *p)
{
    loop_timer_stop(&p->sv->loop, &p->again);
    px_buf_free(&p->kept);
    free(p);
}

void post_host_lost(struct server *sv, uint32_t host)
{
    struct post *p = px_map_remove(&sv->posts, host);
    if (p != NULL)
        post_free(p);
}

void post_fini(struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->posts, &pos, &key, &value);)
        post_free(value);
    px_map_free(&sv->posts);
}
