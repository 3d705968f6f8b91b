/* SPDX-License-Identifier: BSD-3-Clause */
/* The leader's book: names, boxes and groups of the whole VM, and the answers about them. What changes in
 * it in one round is one version. Some other hosts, the keepers, have a copy; an answer is given when all of
 * them have the version that it comes from, so the next leader knows whatever anybody was told, and has
 * the answers to what it is asked again. There are so many keepers that any majority of the hosts has one
 * among it, or is without the leader's host only. */
#ifndef BOOK_H
#define BOOK_H

#include "base/buf.h"
#include "facts.h"

struct server;
struct link;

enum {
    KEEPERS = 8
}; /* at most: leader and so many others would have to be lost at one time */

/* Of so many hosts, how many have a copy besides the leader? */
static inline uint32_t book_keepers(uint32_t hosts)
{
    uint32_t n = hosts > 2 ? (hosts + 1) / 2 - 1 : 0;
    return n < KEEPERS ? n : KEEPERS;
}

struct keeper {
    uint32_t host;
    bool whole;        /* has all of the version below */
    uint64_t kept;     /* version */
    struct link *link; /* on which it has asked for a piece; NULL: it has not */
    uint32_t ask;
    uint64_t after;
};

struct book {
    struct facts *own;  /* the book, or a copy of it       */
    struct facts *next; /* a newer copy, not whole yet     */
    bool open;          /* we lead, and all is there       */
    /* Leader. */
    struct px_buf log;      /* of this round, encoded for the keepers */
    bool changed;           /* by more than answers that nobody needs any more */
    struct px_list answers; /* struct held: not given yet          */
    struct px_list early;   /* errands that have come too early    */
    struct keeper keepers[KEEPERS];
    uint32_t nkeepers;
    uint64_t table; /* version of the host table for which they were chosen */
    /* Opening; see copy.c. */
    uint32_t round, asked, heard, best;
    uint64_t best_term, best_version;
    /* Keeper. */
    struct px_buf coming; /* parts of a version that is not whole yet */
    uint32_t source;      /* host that next is fetched from; 0: it is not */
    uint32_t pieces;      /* of it that have come */
    uint32_t keeps_for;   /* leader that has asked us to; 0: none         */
};

bool book_init(struct server *sv); /* false: no memory */
void book_fini(struct server *sv);

/* This host leads from now on. first: there is no other book. */
void book_lead(struct server *sv, bool first);
/* It leads no more. */
void book_close(struct server *sv);
/* All copies were looked through, own is the newest: loads it. */
void book_open(struct server *sv);
/* At the end of a round: tells the keepers, and gives answers. true: some to clients of this host. */
bool book_round(struct server *sv);

/* For names.c, mailbox.c, groups.c. NULL: no memory. While the book is not open only its owner's
 * structures change. */
struct fact *book_put(struct server *sv, const struct pxp_fact *m);
void book_del(struct server *sv, struct fact *f);
void book_set(struct server *sv, struct fact *f, int32_t owner, uint32_t flags);

/* For caller.c. May an errand be served now? If not, it is kept for later or dropped. */
bool book_ready(struct server *sv, uint32_t host, const struct pxp_errand *m);
/* It was done before, and is answered again. */
bool book_done_before(struct server *sv, uint32_t host, uint32_t number);
/* An answer to a host. did: it is no refusal. */
void book_answer(struct server *sv, uint32_t host, uint32_t number, bool did,
                 const uint8_t *body, size_t len);
/* That host has all its answers before that number. all: it has gone. */
void book_settle(struct server *sv, uint32_t host, uint32_t before, bool all);

/* From other daemons: book_kept, book_fetch (of the leader's keepers, and of a new leader). */
pvmx_err book_on_kept(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len);
pvmx_err book_on_fetch(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);

/* ---- copy.c: those who keep a copy, and a new leader that looks for the newest ------------------ */

void copy_look(struct server *sv);
/* The connection with the leader is another now. */
void copy_again(struct server *sv);
/* A piece of our copy. */
void copy_give(struct server *sv, struct link *l, uint32_t serial, uint64_t after);
pvmx_err copy_on_book(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len);
pvmx_err copy_on_keep(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len);
pvmx_err copy_on_look(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len);

#endif
