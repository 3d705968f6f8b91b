/* SPDX-License-Identifier: BSD-3-Clause */
/* The hosts of the VM. The leader orders all changes of the table and gives each a version; every
 * daemon has a copy. A VM of one host has a table of one entry, no key, no TCP socket and no timer.
 *
 * A link belongs to the host at its other end from `join` or `member` on. Members have a link to the
 * leader, and to each other as soon as they have something to say. */
#ifndef HOSTS_H
#define HOSTS_H

#include "base/list.h"
#include "base/map.h"
#include "loop.h"
#include "proto/messages.h"
#include "recent.h"
#include "secure.h"

struct server;
struct peer;
struct link;
struct join;

enum {
    HOSTS_MAX = 4095, /* 12 bits of a tid; 0 is none */
    HOST_SPEED = 1000,
    HOST_ADDRESSES = 16,
};

struct host {
    uint32_t index, state, slots, speed;
    char *name, *arch, *release, *launcher, *text;
    char *addresses[HOST_ADDRESSES];
    size_t naddresses;
    uint64_t since;
    struct link *link; /* NULL: none; what we say to it goes there */
    uint32_t tasks, load;
    uint64_t memory_kb;
    bool parting;  /* was told to end */
    uint8_t vote;  /* enum vote of lead.c */
    bool deserted; /* nobody listens there, as was found since the leader is lost */
    bool in_use;   /* has tasks or clients, as far as the leader knows: depart.h */
    bool announced; /* subscribers know that it is up: only then are they told that it has gone */
    uint64_t indirect_until; /* its addresses are not tried: see relay.h */
    struct px_list changed;  /* in hosts.changed */
};

/* What this host has told its leader of its use. */
enum told_use { TOLD_NOTHING, TOLD_IDLE, TOLD_IN_USE };

struct hosts {
    struct px_map table;   /* index -> struct host */
    uint32_t self, leader; /* leader 0: none that we know of */
    uint32_t last_index;
    uint64_t version,
        content; /* content: of the entries that we have; version may have been told since */
    uint8_t key[SECURE_KEY];
    bool keyed, joining;
    int fd; /* TCP listener; -1: none */
    int reserve;
    uint16_t port;
    char address[80]; /* of this machine that is used; empty: all */
    struct loop_io io;
    struct loop_timer rest;
    struct px_list changed;
    struct px_buf whole; /* the table as those are told who join in this round; empty: nobody yet */
    struct px_list subscribers; /* of peer.subscribed */
    bool halting;
    enum told_use told_use;
    /* see lead.c */
    bool electing, hopeless; /* hopeless: nobody can lead us, or nobody does */
    uint32_t quorum, votes, round, voted, losses;
    uint64_t round_ends, try_pause;
    uint32_t resigned; /* of so many hosts too many were lost; 0: they were not */
    uint64_t lost_at, voted_until;
    struct recent lately; /* hosts that this leader has lost */
    struct loop_timer elect;
    /* see lost.c */
    struct px_map lost; /* index -> since when it had been there */
    struct px_list exiles;
    uint64_t look_at;
};

/* join NULL: the first host of a VM. */
pvmx_err hosts_start(struct server *sv, const struct join *join);
void hosts_stop(struct server *sv);
/* Slots of this host. */
void hosts_set_slots(struct server *sv, uint32_t slots);
/* The sum of all slots has changed. */
void hosts_update_universe(struct server *sv);
/* The key, made when it is first needed. */
const uint8_t *hosts_key(struct server *sv);
bool hosts_leading(const struct server *sv);
struct host *hosts_self(const struct server *sv);
struct host *hosts_find(const struct server *sv, uint32_t index);
/* By name, or by index as a number. */
struct host *hosts_named(const struct server *sv, const char *name);
/* A new entry, leader only; NULL with the sentence. */
struct host *hosts_new(struct server *sv, const char *name, const char *launcher);
/* Leader: the host has gone, or has not come. Everybody is told; the entry is freed in this round. */
void hosts_gone(struct server *sv, struct host *h, const char *why);
/* A connection to it, dialled if need be; what is sent waits until it is open. NULL: no memory. */
struct link *hosts_link(struct server *sv, struct host *h);
/* This host leads from now on: tells all others. */
void hosts_take_over(struct server *sv);
/* depart.c. Tells a host to end; false: it cannot be told. */
bool hosts_part(struct server *sv, struct host *h, const char *why);
/* All others are to end, then this one: halt. True: there is nobody to wait for. */
bool hosts_halt(struct server *sv, const char *why);
/* Tells a daemon that was given up to end: everybody takes its tasks for ended. */
void hosts_send_home(struct link *l, uint32_t index);
/* Once in a round: tells the others and subscribers what has changed. */
void hosts_round(struct server *sv);

/* Called by link.c and greet.c. */
void hosts_link_open(struct link *l);
void hosts_link_closed(struct link *l, const char *why);

/* From other daemons: join, member, table, beat, part. */
pvmx_err hosts_on_join(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);
pvmx_err hosts_on_member(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len);
pvmx_err hosts_on_table(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len);
pvmx_err hosts_on_beat(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);
pvmx_err hosts_on_part(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);
/* From a client: hosts. */
pvmx_err hosts_list(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);

#endif
