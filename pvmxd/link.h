/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections between daemons. A link is dialled or accepted; both sides greet and prove that they know
 * the VM's key (secure.h); then frames go both ways, sealed. What is sent before that waits. Whoever
 * connects and is no daemon of this VM costs one entry of a short table, for a short time.
 *
 * Everything runs on the loop's thread. A closed link's memory lives until the end of the round. */
#ifndef LINK_H
#define LINK_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "loop.h"
#include <pvmx/errors.h>
#include <stdbool.h>

struct server;
struct link;
struct secure;

enum {
    LINK_STRANGERS = 128, /* connections that have not proved anything yet, at one time */
    LINK_OUT_MAX = 64 * 1024 * 1024, /* waiting for a host that does not read: it is given up */
    LINK_TEXT = 80,
};
#define LINK_REPLY 0x80000000u /* bits of a serial: an answer to what we have asked */
#define LINK_NUMBERED                                                                    \
    0x40000000u /* a message that is not asked for; the rest is its number: post.h */
#define LINK_SERIAL 0x3fffffffu

enum link_state { LINK_DIALLING, LINK_GREETING, LINK_PROVING, LINK_OPEN };

struct links {
    struct px_list all, strangers, dirty, closed;
    uint64_t last_id;
    unsigned nstrangers;
    struct loop_timer beat;
    bool beating;
    uint64_t beat_due; /* when the timer is to go off */
};

struct link {
    struct server *sv;
    uint64_t id; /* no other link has had it, or will: for who may look for this one later */
    struct loop_io io;
    struct loop_timer limit; /* of dialling one address, of greeting */
    int fd;
    enum link_state state;
    bool caller, closed, draining, greeted;
    bool refused;  /* nobody listens at the address that was tried last */
    bool indirect; /* its addresses have failed: see relay.h */
    uint32_t host; /* index of the other side; 0: not known yet */
    struct secure *secure;
    struct px_buf said;       /* both greetings */
    struct px_buf in, clear;  /* as it comes; one frame, opened */
    struct px_buf plain, out; /* frames to be sealed; bytes to be written */
    uint64_t heard, said_at;
    char name[LINK_TEXT]; /* of the other side, for people */
    char **addresses;     /* to be tried; NULL-terminated */
    unsigned next_address, rounds;
    char *why;                      /* of the last failed address */
    int32_t dial_from, dial_to;     /* dialled for a task: see dial.c; 0: not */
    int32_t stream_from, stream_to; /* waits for a task of ours; 0: does not */
    uint32_t stream_serial;
    struct px_map asks;
    uint32_t last_ask;
    struct px_list all, dirty;
};

/* The answer to a question. number 0: there will be none (the link has gone, pvmx_last_error()). */
typedef void link_answer_fn(struct server *sv, void *arg, uint32_t number,
                            const uint8_t *body, size_t len);

void links_init(struct server *sv);
void links_stop(struct server *sv);
void links_flush(struct server *sv);
void links_free_closed(struct server *sv);

/* Tries the addresses one after the other. host: whom we expect there. NULL without memory. */
struct link *link_dial(struct server *sv, char *const *addresses, size_t n, uint32_t host);
/* A link that is being dialled gets a connection by other means; takes fd over. */
void link_adopt(struct link *l, int fd);
/* A connection has come from outside; takes fd over. rest: what has been read from it; NULL: nothing. */
void link_accept(struct server *sv, int fd, const char *from, const struct px_buf *rest);
/* Where to encode what is to be sent. Never NULL; what is written to a closed link is lost. */
struct px_buf *link_out(struct link *l);
/* A serial for a request whose answer calls fn once. 0 without memory. */
uint32_t link_ask(struct link *l, link_answer_fn *fn, void *arg);
/* A reply has come: calls who has asked. */
void link_answered(struct link *l, uint32_t number, uint32_t serial, const uint8_t *body,
                   size_t len);
/* An answer is not the one that was hoped for: why. The sentence is recorded. */
pvmx_err link_why_not(uint32_t host, uint32_t number, const uint8_t *body, size_t len);
/* The link that has this id; NULL: it has been closed. */
struct link *link_find(const struct server *sv, uint64_t id);
/* Nobody waits for this answer any more. */
void link_unask(struct link *l, uint32_t serial);
void link_refuse(struct link *l, uint32_t serial, pvmx_err err);
/* Closes; tells hosts.c (hosts_link_closed) why. */
void link_close(struct link *l, const char *why);
/* Writes all there is and gives the descriptor away; -1: it could not be written. The link is closed
 * either way. rest: gets what was read behind the frame that is being handled; NULL: nothing can be there. */
int link_detach(struct link *l, struct px_buf *rest);
/* Closes when everything has been written. */
void link_finish(struct link *l);

#endif
