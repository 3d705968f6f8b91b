/* SPDX-License-Identifier: BSD-3-Clause */
/* The leader's side of the book. */
#include "book.h"
#include "base/err.h"
#include "base/log.h"
#include "caller.h"
#include "errand.h"
#include "groups.h"
#include "hosts.h"
#include "link.h"
#include "mailbox.h"
#include "names.h"
#include "proto/hello.h"
#include "server.h"
#include <stdlib.h>
#include <string.h>

/* An answer that waits for the keepers. */
struct held {
    struct px_list node;
    uint64_t version; /* 0: of this round */
    uint32_t host, number;
    size_t len;
    uint8_t frame[];
};

struct early {
    struct px_list node;
    uint32_t host;
    struct pxp_errand m;
    uint8_t frame[];
};

/* ---- changes ---------------------------------------------------------------------------------- */

/* What is written here goes to the keepers at the end of the round, as parts of one version. */
static void log_fact(struct server *sv, struct pxp_fact m, bool gone)
{
    struct book *b = &sv->book;
    m.gone = gone;
    b->changed = b->changed || m.kind != FACT_SETTLED;
    if (gone)
        m.data_len = 0;
    struct pxp_book part = {.term = b->own->term,
                            .version = b->own->version + 1,
                            .facts = &m,
                            .n_facts = 1,
                            .more = true};
    if (b->nkeepers > 0 && pxp_book_encode(&b->log, 0, &part) != PVMX_OK) {
        px_log(PX_LOG_ERROR, "BOOK-NOMEM", "no memory to tell the keepers: they fetch all");
        b->table = 0;
        b->nkeepers = 0;
        px_buf_free(&b->log);
    }
}

struct fact *book_put(struct server *sv, const struct pxp_fact *m)
{
    struct fact *f = facts_put(sv->book.own, m);
    if (f != NULL)
        log_fact(sv, *m, false);
    return f;
}

void book_del(struct server *sv, struct fact *f)
{
    if (!sv->book.open)
        return;
    log_fact(sv, facts_write(f), true);
    facts_remove(sv->book.own, f);
}

void book_set(struct server *sv, struct fact *f, int32_t owner, uint32_t flags)
{
    if (!sv->book.open)
        return;
    f->owner = owner;
    f->flags = flags;
    facts_touch(sv->book.own, f);
    log_fact(sv, facts_write(f), false);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static void hold(struct server *sv, uint32_t host, uint32_t number, const uint8_t *body,
                 size_t len)
{
    struct held *h = malloc(sizeof *h + len);
    if (h == NULL) {
        px_log(PX_LOG_ERROR, "BOOK-NOMEM", "no memory for an answer to host %u", host);
        return;
    }
    *h = (struct held){.host = host, .number = number, .len = len};
    memcpy(h->frame, body, len);
    px_list_push_back(&sv->book.answers, &h->node);
}

void book_answer(struct server *sv, uint32_t host, uint32_t number, bool did,
                 const uint8_t *body, size_t len)
{
    struct pxp_fact m = {.kind = FACT_ANSWER,
                         .name = "",
                         .number = number,
                         .owner = (int32_t)host,
                         .data = body,
                         .data_len = len};
    if (!sv->book.open)
        return;
    if (did && number % 2 == 1 && sv->hosts.table.count > 1 && book_put(sv, &m) == NULL)
        px_log(PX_LOG_ERROR, "BOOK-NOMEM", "no memory to keep an answer for host %u", host);
    hold(sv, host, number, body, len);
}

bool book_done_before(struct server *sv, uint32_t host, uint32_t number)
{
    const struct fact *f = facts_find(sv->book.own, FACT_ANSWER, "", number, (int32_t)host);
    if (f != NULL)
        hold(sv, host, number, f->data, f->len);
    return f != NULL;
}

void book_settle(struct server *sv, uint32_t host, uint32_t before, bool all)
{
    struct book *b = &sv->book;
    struct pxp_fact m = {.kind = FACT_SETTLED,
                         .name = "",
                         .number = before,
                         .owner = (int32_t)host};
    if (!b->open || px_list_empty(&b->own->answers))
        return;
    if (all) { /* whatever it has asked so far */
        const struct fact *last = NULL;
        px_list_foreach(it, &b->own->answers) {
            const struct fact *f = px_container_of(it, struct fact, in_answers);
            if (f->owner == m.owner &&
                (last == NULL || (int32_t)(f->number - last->number) > 0))
                last = f;
        }
        if (last == NULL)
            return;
        m.number = last->number + 1;
    }
    if (facts_settle(b->own, m.owner, m.number))
        log_fact(sv, m, false);
}

static void give(struct server *sv, const struct held *a)
{
    struct pxp_errand_done m = {.number = a->number, .frame = a->frame, .frame_len = a->len};
    struct host *h = hosts_find(sv, a->host);
    if (a->host == sv->hosts.self) {
        errand_answered(sv, a->number, a->frame, a->len);
        return;
    }
    struct link *l = h != NULL && h->state == PXP_HOST_UP ? hosts_link(sv, h) : NULL;
    if (l != NULL && pxp_errand_done_encode(link_out(l), 0, &m) != PVMX_OK)
        link_close(l, "no memory for an answer");
}

/* Gives what all keepers have; true: some of it to this host. */
static bool release(struct server *sv)
{
    bool here = false;
    struct book *b = &sv->book;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < b->nkeepers; i++)
        if (!b->keepers[i].whole)
            least = 0;
        else if (b->keepers[i].kept < least)
            least = b->keepers[i].kept;
    while (!px_list_empty(&b->answers)) {
        struct held *a = px_container_of(b->answers.next, struct held, node);
        if (a->version == 0 || (b->nkeepers > 0 && a->version > least))
            break;
        px_list_remove(&a->node);
        here = here || a->host == sv->hosts.self;
        give(sv, a);
        free(a);
    }
    return here;
}

/* ---- keepers ---------------------------------------------------------------------------------- */

static struct keeper *keeper_of(struct book *b, uint32_t host)
{
    for (uint32_t i = 0; i < b->nkeepers; i++)
        if (b->keepers[i].host == host)
            return &b->keepers[i];
    return NULL;
}

static bool is_up(const struct server *sv, uint32_t host)
{
    const struct host *h = hosts_find(sv, host);
    return h != NULL && h->state == PXP_HOST_UP;
}

/* The lowest of the others: who is to lead next has the book already, most of the time. */
static uint32_t next_keeper(struct server *sv)
{
    uint64_t key;
    void *value;
    uint32_t least = 0;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        const struct host *h = value;
        if (h->state == PXP_HOST_UP && h->index != sv->hosts.self &&
            keeper_of(&sv->book, h->index) == NULL && (least == 0 || h->index < least))
            least = h->index;
    }
    return least;
}

static uint32_t count_up(const struct server *sv)
{
    uint64_t key;
    void *value;
    uint32_t n = 0;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);)
        n += ((struct host *)value)->state == PXP_HOST_UP;
    return n;
}

static void choose_keepers(struct server *sv)
{
    struct book *b = &sv->book;
    /* Those that were lost lately may be the majority, and this host the one that is cut off. */
    uint32_t want = book_keepers(count_up(sv) + sv->hosts.losses), n = 0;
    struct pxp_book_keep m = {.term = b->own->term};
    for (uint32_t i = 0; i < b->nkeepers; i++)
        if (is_up(sv, b->keepers[i].host) && n < want)
            b->keepers[n++] = b->keepers[i];
    b->nkeepers = n;
    b->table = sv->hosts.version;
    for (uint32_t i; b->nkeepers < want && (i = next_keeper(sv)) != 0;) {
        struct link *l = hosts_link(sv, hosts_find(sv, i));
        b->keepers[b->nkeepers++] = (struct keeper){.host = i};
        if (l == NULL || pxp_book_keep_encode(link_out(l), 0, &m) != PVMX_OK)
            px_log(PX_LOG_ERROR, "BOOK-NOMEM", "no memory to ask host %u to keep a copy", i);
    }
}

static void tell_keepers(struct server *sv)
{
    struct book *b = &sv->book;
    struct pxp_book last = {.term = b->own->term, .version = b->own->version};
    if (b->nkeepers > 0 && pxp_book_encode(&b->log, 0, &last) != PVMX_OK)
        b->table = 0; /* chooses and fetches anew */
    for (uint32_t i = 0; i < b->nkeepers; i++) {
        struct host *h = hosts_find(sv, b->keepers[i].host);
        struct link *l = h != NULL && h->state == PXP_HOST_UP ? hosts_link(sv, h) : NULL;
        if (l != NULL && px_buf_append(link_out(l), px_buf_head(&b->log),
                                       px_buf_len(&b->log)) != PVMX_OK)
            link_close(l, "no memory for the book");
    }
    px_buf_free(&b->log);
}

static void answer_fetches(struct server *sv)
{
    struct book *b = &sv->book;
    for (uint32_t i = 0; i < b->nkeepers; i++) {
        struct keeper *k = &b->keepers[i];
        struct link *l = k->link;
        k->link = NULL;
        if (l != NULL && !l->closed)
            copy_give(sv, l, k->ask, k->after);
    }
}

bool book_round(struct server *sv)
{
    struct book *b = &sv->book;
    if (!b->open)
        return false;
    if (b->changed) {
        b->own->version++;
        b->changed = false;
        tell_keepers(sv);
    }
    if (b->table != sv->hosts.version)
        choose_keepers(sv);
    answer_fetches(sv);
    px_list_foreach(it, &b->answers) {
        struct held *a = px_container_of(it, struct held, node);
        if (a->version == 0)
            a->version = b->own->version;
    }
    return release(sv);
}

pvmx_err book_on_kept(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_book_kept m;
    (void)serial;
    pvmx_err err = pxp_book_kept_decode(body, len, &m, &zone);
    struct keeper *k = err == PVMX_OK ? keeper_of(&sv->book, l->host) : NULL;
    if (k != NULL && sv->book.open && m.term == sv->book.own->term) {
        k->whole = true;
        k->kept = m.version;
        release(sv);
    }
    pxp_zone_free(&zone);
    return err;
}

/* A keeper gets what there is between two rounds, never half of a change. */
pvmx_err book_on_fetch(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_book_fetch m;
    pvmx_err err = pxp_book_fetch_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    struct keeper *k = keeper_of(&sv->book, l->host);
    if (!sv->book.open) {
        copy_give(sv, l, serial, m.after);
    } else if (k != NULL) {
        k->link = l; /* for this round, until whose end it is there */
        k->ask = serial;
        k->after = m.after;
    } else {
        return px_fail(PVMX_ERR_STATE, "host %s is to keep no copy any more", l->name);
    }
    return PVMX_OK;
}

/* ---- opening and closing ---------------------------------------------------------------------- */

bool book_ready(struct server *sv, uint32_t host, const struct pxp_errand *m)
{
    struct book *b = &sv->book;
    if (b->open || !hosts_leading(sv))
        return b->open; /* not ours: it is put to who leads */
    struct early *e = malloc(sizeof *e + m->frame_len);
    if (e == NULL) {
        px_log(PX_LOG_ERROR, "BOOK-NOMEM", "no memory for a request of host %u", host);
        return false;
    }
    e->host = host;
    e->m = *m;
    e->m.frame = memcpy(e->frame, m->frame, m->frame_len);
    px_list_push_back(&b->early, &e->node);
    return false;
}

static bool load_fact(struct server *sv, struct fact *f)
{
    struct task *t =
        f->owner != 0 && f->kind != FACT_ANSWER ? caller_task(sv, f->owner) : NULL;
    if (f->kind == FACT_NAME)
        return t != NULL && name_load(sv, t, f);
    if (f->kind == FACT_BOX)
        return (t != NULL || f->owner == 0) && box_load(sv, t, f);
    if (f->kind == FACT_PLACE)
        return t != NULL && group_load(sv, t, f);
    return true;
}

static void load(struct server *sv)
{
    struct facts *own = sv->book.own;
    px_list_foreach(it, &own->all) {
        struct fact *f = px_container_of(it, struct fact, node);
        if (!load_fact(sv, f))
            px_log(PX_LOG_ERROR, "BOOK-NOMEM", "'%.200s' cannot be read from the book",
                   f->name);
    }
    px_list_foreach(it, &own->all) {
        struct fact *f = px_container_of(it, struct fact, node);
        if (f->kind == FACT_GROUP)
            group_load_flags(sv, f);
    }
}

void book_open(struct server *sv)
{
    struct book *b = &sv->book;
    struct px_list *node;
    px_log(PX_LOG_INFO, "BOOK-OPEN", "version %llu of term %llu",
           (unsigned long long)b->own->version, (unsigned long long)b->own->term);
    load(sv);
    b->own->term = sv->hosts.version;
    b->own->version++;
    b->open = true;
    callers_check(sv); /* changes what the keepers are to know */
    px_list_foreach(it, &b->own->answers) {
        struct fact *f = px_container_of(it, struct fact, in_answers);
        if (!is_up(sv, (uint32_t)f->owner))
            facts_remove(b->own, f);
    }
    while ((node = px_list_pop(&b->early)) != NULL) {
        struct early *e = px_container_of(node, struct early, node);
        caller_serve(sv, e->host, &e->m);
        free(e);
    }
}

static void forget_all(struct book *b)
{
    struct px_list *node;
    while ((node = px_list_pop(&b->answers)) != NULL)
        free(px_container_of(node, struct held, node));
    while ((node = px_list_pop(&b->early)) != NULL)
        free(px_container_of(node, struct early, node));
    px_buf_free(&b->log);
    b->nkeepers = 0;
    b->table = 0;
    b->round++;
}

void book_lead(struct server *sv, bool first)
{
    book_close(sv);
    if (first)
        book_open(sv);
    else
        copy_look(sv);
}

void book_close(struct server *sv)
{
    bool was = sv->book.open;
    sv->book.open = false;
    forget_all(&sv->book);
    if (was)
        callers_clear(sv);
}

bool book_init(struct server *sv)
{
    struct book *b = &sv->book;
    px_list_init(&b->answers);
    px_list_init(&b->early);
    b->own = malloc(sizeof *b->own);
    b->next = malloc(sizeof *b->next);
    if (b->own == NULL || b->next == NULL) {
        px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to start");
        return false;
    }
    facts_init(b->own);
    facts_init(b->next);
    return true;
}

void book_fini(struct server *sv)
{
    struct book *b = &sv->book;
    forget_all(b);
    if (b->own != NULL)
        facts_clear(b->own);
    if (b->next != NULL)
        facts_clear(b->next);
    px_buf_free(&b->coming);
    free(b->own);
    free(b->next);
    b->own = b->next = NULL;
}
