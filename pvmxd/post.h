/* SPDX-License-Identifier: BSD-3-Clause */
/* One-way messages to another host that arrive once, in their order, as long as both hosts are in the VM,
 * whatever becomes of the connections between them. Each has a number (LINK_NUMBERED in its frame's serial)
 * and is kept until the other side has said that it has it; what is kept goes out again on the next link.
 * Whoever receives drops what it has had. Heart-beats carry how far that is, so nothing more is sent.
 *
 * Requests need none of it: who asks hears that the link has gone (link_ask). Messages between leader and
 * member do not either, since the end of their link is the end of the host. */
#ifndef POST_H
#define POST_H

#include "base/buf.h"
#include "loop.h"
#include <pvmx/errors.h>
#include <stdbool.h>
#include <stdint.h>

struct server;
struct link;

enum {
    POST_FULL = 4 * 1024 * 1024, /* kept for one host: output is not read on */
    POST_MAX = 32 * 1024 * 1024, /* kept: nothing more is taken */
};

/* What has gone to a host and come from it. */
struct post {
    struct server *sv;
    uint32_t host;
    uint32_t last,
        acked; /* numbers: given out; of which the other side has said that it has them */
    uint32_t taken, told; /* of the other side: handled here; and it knows that */
    size_t untold;        /* bytes since then */
    struct px_buf kept;   /* frames acked + 1 to last */
    size_t whole;         /* bytes of it; more while the next one is encoded */
    struct link *link;    /* on which all of kept has been sent; NULL: on none */
    struct loop_timer again;
};

/* To send: post_sent(p, pxp_..._encode(&p->kept, post_number(p), &m)), with nothing in between. NULL: this
 * is no other host of the VM (any more), or it has taken nothing for so long that memory would run out. */
struct post *post_to(struct server *sv, uint32_t host);
uint32_t post_number(const struct post *p);
/* err: of the encoder; is returned. */
pvmx_err post_sent(struct post *p, pvmx_err err);
/* So much is kept that whoever can wait should. output_room is called when that is over. */
bool post_full(const struct server *sv, uint32_t host);

/* A numbered frame has come; false: it has been here before. */
bool post_take(struct link *l, uint32_t serial, size_t len);
/* How far we are with what the link's host sends, to be told to it; and whether it does not know yet. */
uint32_t post_taken(struct link *l);
bool post_owes(const struct link *l);
/* The link's host is so far. */
void post_acked(struct link *l, uint32_t taken);

void post_link_closed(struct link *l);
void post_host_lost(struct server *sv, uint32_t host);
void post_fini(struct server *sv);

#endif
