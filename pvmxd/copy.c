/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of the leader's book: keeping one, fetching one, and finding the newest when a new leader begins. */
#include "base/err.h"
#include "base/log.h"
#include "book.h"
#include "hosts.h"
#include "link.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "server.h"
#include <string.h>

enum { PIECE_FACTS = 512, PIECE_BYTES = 1024 * 1024 }; /* of a copy that is fetched */

/* ---- giving ----------------------------------------------------------------------------------- */

/* They stand by stamp: the first one behind. */
static const struct px_list *behind(const struct facts *s, uint64_t stamp)
{
    const struct px_list *at = &s->all;
    while (at->prev != &s->all &&
           px_container_of(at->prev, const struct fact, node)->stamp > stamp)
        at = at->prev;
    return at;
}

void copy_give(struct server *sv, struct link *l, uint32_t serial, uint64_t after)
{
    const struct facts *own = sv->book.own;
    struct pxp_fact list[PIECE_FACTS];
    struct pxp_book_part m = {.facts = list,
                              .last = after,
                              .term = own->term,
                              .version = own->version};
    size_t bytes = 0;
    const struct px_list *at = behind(own, after);
    for (; at != &own->all && m.n_facts < PIECE_FACTS && bytes < PIECE_BYTES; at = at->next) {
        const struct fact *f = px_container_of(at, const struct fact, node);
        if (m.n_facts > 0 && f->len > PIECE_BYTES)
            break; /* goes by itself */
        list[m.n_facts++] = facts_write(f);
        bytes += f->len + strlen(f->name);
        m.last = f->stamp;
    }
    m.end = at == &own->all;
    if (pxp_book_part_encode(link_out(l), serial | LINK_REPLY, &m) != PVMX_OK)
        link_close(l, "no memory for a copy of the book");
}

pvmx_err copy_on_look(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_book_kept m = {.term = sv->book.own->term,
                              .version = sv->book.own->version,
                              .host = sv->hosts.self};
    (void)body;
    (void)len;
    return pxp_book_kept_encode(link_out(l), serial | LINK_REPLY, &m);
}

/* ---- fetching --------------------------------------------------------------------------------- */

static void on_part(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                    size_t len);

static bool ask_part(struct server *sv, uint32_t host, uint64_t after)
{
    struct pxp_book_fetch m = {.after = after};
    struct host *h = hosts_find(sv, host);
    struct link *l = h != NULL ? hosts_link(sv, h) : NULL;
    uint32_t serial =
        l != NULL ? link_ask(l, on_part, (void *)(uintptr_t)sv->book.round) : 0;
    return serial != 0 && pxp_book_fetch_encode(link_out(l), serial, &m) == PVMX_OK;
}

static void fetch_all(struct server *sv, uint32_t host)
{
    struct book *b = &sv->book;
    facts_clear(b->next);
    px_buf_free(&b->coming);
    b->source = host;
    b->pieces = 0;
    b->round++;
    if (!ask_part(sv, host, 0))
        px_log(PX_LOG_ERROR, "BOOK-NOMEM", "the book of host %u cannot be fetched", host);
}

static void tell_kept(struct server *sv)
{
    const struct facts *own = sv->book.own;
    struct host *h = hosts_find(sv, sv->hosts.leader);
    struct link *l = h != NULL ? hosts_link(sv, h) : NULL;
    struct pxp_book_kept m = {.term = own->term,
                              .version = own->version,
                              .host = sv->hosts.self};
    if (l != NULL && pxp_book_kept_encode(link_out(l), 0, &m) != PVMX_OK)
        link_close(l, "no memory for an answer");
}

/* The new copy is whole: it is the one from now on. */
static void fetched(struct server *sv, const struct pxp_book_part *m)
{
    struct book *b = &sv->book;
    struct facts *old = b->own;
    b->own = b->next;
    b->next = old;
    b->own->term = m->term;
    b->own->version = m->version;
    px_log(PX_LOG_INFO, "BOOK-COPY", "version %llu of term %llu is here, in %u pieces",
           (unsigned long long)m->version, (unsigned long long)m->term, b->pieces);
    facts_clear(old);
    b->source = 0;
    if (hosts_leading(sv))
        book_open(sv);
    else
        tell_kept(sv);
}

static void on_part(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                    size_t len)
{
    struct book *b = &sv->book;
    struct pxp_zone zone = {0};
    struct pxp_book_part m;
    if ((uint32_t)(uintptr_t)arg != b->round)
        return;
    pvmx_err err = number == PXP_BOOK_PART ? pxp_book_part_decode(body, len, &m, &zone)
                                           : PVMX_ERR_CLOSED;
    for (size_t i = 0; err == PVMX_OK && i < m.n_facts; i++)
        err = facts_apply(b->next, &m.facts[i]);
    b->pieces++;
    if (err == PVMX_OK && m.end)
        fetched(sv, &m);
    else if ((err != PVMX_OK || !ask_part(sv, b->source, m.last)) && hosts_leading(sv))
        copy_look(sv); /* it is lost: whoever has the next best one */
    pxp_zone_free(&zone);
}

/* ---- keeping ---------------------------------------------------------------------------------- */

pvmx_err copy_on_keep(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_book_keep m;
    (void)serial;
    pvmx_err err = pxp_book_keep_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err == PVMX_OK && (l->host != sv->hosts.leader || hosts_leading(sv)))
        err = px_fail(PVMX_ERR_STATE, "host %u does not lead", l->host);
    if (err == PVMX_OK) {
        sv->book.keeps_for = l->host;
        fetch_all(sv, l->host); /* what we have stays until the new one is whole */
    }
    return err;
}

void copy_again(struct server *sv)
{
    uint32_t leader = sv->hosts.leader;
    if (leader != 0 && !hosts_leading(sv) && sv->book.keeps_for == leader)
        fetch_all(sv, leader);
}

/* All parts of a version are there. */
static pvmx_err apply_parts(struct server *sv, struct facts *to)
{
    struct book *b = &sv->book;
    const uint8_t *body;
    size_t len;
    pvmx_err err = PVMX_OK;
    while (err == PVMX_OK && pxp_frame_next(&b->coming, SIZE_MAX, &body, &len) == PVMX_OK) {
        struct pxp_zone zone = {0};
        struct pxp_book m;
        err = pxp_book_decode(body, len, &m, &zone);
        for (size_t i = 0; err == PVMX_OK && i < m.n_facts; i++)
            err = facts_apply(to, &m.facts[i]);
        to->version = m.version;
        pxp_zone_free(&zone);
        pxp_frame_drop(&b->coming);
    }
    px_buf_free(&b->coming);
    return err;
}

pvmx_err copy_on_book(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct book *b = &sv->book;
    struct pxp_zone zone = {0};
    struct pxp_book m;
    (void)serial;
    pvmx_err err = pxp_book_decode(body, len, &m, &zone);
    bool more = err == PVMX_OK && m.more, ours = err == PVMX_OK && m.term == b->own->term;
    uint64_t version = err == PVMX_OK ? m.version : 0;
    pxp_zone_free(&zone);
    if (err != PVMX_OK || l->host != sv->hosts.leader || hosts_leading(sv))
        return err != PVMX_OK ? err
                              : px_fail(PVMX_ERR_STATE, "host %u does not lead", l->host);
    if (b->source == 0 && !ours)
        return PVMX_OK; /* we were not asked to keep it */
    err = pxp_reframe(&b->coming, 0, body, len);
    if (err != PVMX_OK || more)
        return err;
    bool gap = b->source == 0 && version != b->own->version + 1;
    if (gap || apply_parts(sv, b->source != 0 ? b->next : b->own) != PVMX_OK)
        fetch_all(sv, l->host);
    else if (b->source == 0)
        tell_kept(sv);
    return PVMX_OK;
}

/* ---- the newest ------------------------------------------------------------------------------- */

static void decide(struct server *sv)
{
    struct book *b = &sv->book;
    uint32_t quorum = sv->hosts.quorum;
    /* So many have answered that at least one of those who had to keep it is among them. */
    bool enough = quorum < b->heard + 2 + book_keepers(quorum);
    if (b->asked > 0 && !enough)
        return;
    b->round++; /* what comes later counts no more */
    if (b->best == sv->hosts.self)
        book_open(sv);
    else
        fetch_all(sv, b->best);
}

static void on_looked(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                      size_t len)
{
    struct book *b = &sv->book;
    struct pxp_zone zone = {0};
    struct pxp_book_kept m;
    if ((uint32_t)(uintptr_t)arg != b->round)
        return;
    b->asked--;
    if (number == PXP_BOOK_KEPT && pxp_book_kept_decode(body, len, &m, &zone) == PVMX_OK) {
        b->heard++;
        if (m.term > b->best_term || (m.term == b->best_term && m.version > b->best_version)) {
            b->best = m.host;
            b->best_term = m.term;
            b->best_version = m.version;
        }
    }
    pxp_zone_free(&zone);
    decide(sv);
}

void copy_look(struct server *sv)
{
    struct book *b = &sv->book;
    struct pxp_book_look m = {0};
    uint64_t key;
    void *value;
    b->round++;
    b->keeps_for = 0;
    b->asked = b->heard = 0;
    b->source = 0;
    b->best = sv->hosts.self;
    b->best_term = b->own->term;
    b->best_version = b->own->version;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        struct host *h = value;
        struct link *l = h->state == PXP_HOST_UP && h->index != sv->hosts.self
                             ? hosts_link(sv, h)
                             : NULL;
        uint32_t serial =
            l != NULL ? link_ask(l, on_looked, (void *)(uintptr_t)b->round) : 0;
        if (serial != 0 && pxp_book_look_encode(link_out(l), serial, &m) == PVMX_OK)
            b->asked++;
    }
    decide(sv);
}
