/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's state, and the order in which its parts start and stop. There is one server, it
 * runs on one thread; spawner threads see only what pool.h and exec.h give them. */
#ifndef SERVER_H
#define SERVER_H

#include "arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rundir.h"
#include "bind.h"
#include "book.h"
#include "gate.h"
#include "helper.h"
#include "hosts.h"
#include "limit.h"
#include "link.h"
#include "listen.h"
#include "loop.h"
#include "own.h"
#include "pool.h"
#include "preload.h"
#include "proto/hostfile.h"
#include "topo.h"
#include "watchdog.h"

struct peer;
struct join;

struct server_options {
    const char *vm, *host; /* host NULL: the name of the machine */
    bool ephemeral;
    const struct join *join;   /* NULL: the first host of a VM */
    struct pxp_hostfile *file; /* its hosts are to be added; is taken over. NULL: none */
    /* A host of the file has not come; before ready. */
    void (*said)(const char *line);
    /* Called once: the daemon can be used, or will end; the error's sentence is pvmx_last_error(). */
    void (*ready)(pvmx_err err);
};

struct server {
    struct loop loop;
    struct px_rundir dir;
    int lock_fd;
    const char *vm;
    char host[256];
    bool ephemeral;   /* the VM: see depart.h */
    bool slots_fixed; /* by who added this host */
    pvmx_err status;  /* why it ends, when it could not join */
    void (*ready)(pvmx_err err);
    void (*said)(const char *line);
    struct pxp_hostfile known; /* advice for hosts that are added; empty: none */
    struct own own;
    bool halting;    /* every task is to end, then the daemon        */
    bool stopping;   /* the socket is gone; the loop is about to end */
    bool scan_slots; /* deaths, leaves or releases since the last scan */
    uint64_t started;
    int signal_fd;
    struct loop_io signal_io;
    struct arena arena;
    struct listener listener;
    struct pool pool;
    struct preloads preloads;
    struct watchdog watchdog;
    struct topo topo;
    struct bind bind;
    struct helpers helpers;
    struct hosts hosts;
    struct limits limits;
    struct links links;
    struct px_list adds;          /* struct add_req, in progress */
    struct px_list relays, pumps; /* see relay.c, pump.c         */
    uint64_t last_relay;
    struct px_list starters;          /* launchers that run          */
    struct px_map guests;             /* see guest.c                              */
    struct px_map clients, stand_ins; /* see standin.c                              */
    struct px_map posts;              /* host -> struct post                      */
    struct px_map fars;               /* tid -> struct far                        */
    struct px_map reserved;           /* tid -> for which host; see part.c        */
    struct px_list requests;          /* struct spawn_req: all in progress        */
    struct px_list early;             /* of early.c                               */
    struct px_list spans;             /* struct span: requests over several hosts */
    struct px_list laters;            /* see part.c                               */
    struct px_map outlets, sinks;     /* see output.c, drain.c: by tid and stream */
    int gather_fd;
    struct loop_io gather_io;
    struct px_list drains;
    struct px_map logs, inlets, feeds; /* see logs.c, input.c, feed.c: by tid */
    struct px_list logs_live, logs_ended, log_waits;
    size_t logs_size;
    struct px_list forwards;  /* struct waiter: another daemon is asked */
    struct px_map tasks;      /* tid -> struct task                     */
    struct px_map jobs;       /* id -> struct job                       */
    struct px_map ended;      /* tid -> struct end_record               */
    struct px_map ports;      /* key -> struct port                     */
    struct px_map names;      /* hash -> struct name                    */
    struct px_map boxes;      /* hash -> struct box                     */
    struct px_map groups;     /* hash -> struct group                   */
    struct gates gates;       /* theirs                                 */
    struct px_list box_waits; /* struct waiter: entries that are waited for */
    uint32_t last_number, last_client;
    struct px_list agreements;  /* struct agreement, in progress       */
    struct px_list revocations; /* see revoke.c                        */
    struct book book;           /* of names, boxes and groups            */
    struct px_list errands;     /* of this host's clients; see errand.c  */
    struct px_map errand_numbers, callers;
    uint32_t last_errand;
    struct px_list lookups; /* struct waiter: names that are waited for */
    struct px_list all_tasks, peers, dirty_peers, closed_peers, dying, records;
    struct px_list events; /* what has happened; see events.h     */
    size_t nrecords, npeers, nrequests, nevents;
    uint32_t last_job;
    bool halt_overdue;
    struct loop_timer halt_limit; /* for the other hosts */
    uint32_t halted;              /* tasks ended by halt */
};

/* Empties the lists of a server whose bytes are 0; start does so too. */
void server_init(struct server *sv);
/* Starts everything up to listening. PVMX_ERR_EXISTS: another daemon runs for this VM. On failure
 * nothing is left behind. */
pvmx_err server_start(struct server *sv, const struct server_options *o);
/* The end of the start: of one that joins, when it has joined or has not. */
void server_ready(struct server *sv, pvmx_err err);
/* Runs until the daemon is to end. An error: it never joined. */
pvmx_err server_run(struct server *sv);
/* Gives everything back: socket, lock, directory, memory. */
void server_stop(struct server *sv);

/* Ends all tasks (root tasks only with everyone) and then the daemon. */
void server_halt(struct server *sv, bool everyone);
/* Whoever was asked to end the whole machine may not have done so. */
void server_leader_lost(struct server *sv);
/* Nobody uses this machine: ends it, where this host leads with all others. Who comes now starts it anew. */
void server_halt_unused(struct server *sv);
/* Leaves now: nobody may connect any more. */
void server_leave(struct server *sv);

/* Handlers: status, halt. */
pvmx_err server_on_status(struct server *sv, struct peer *p, uint32_t serial,
                          const uint8_t *body, size_t len);
pvmx_err server_on_halt(struct server *sv, struct peer *p, uint32_t serial,
                        const uint8_t *body, size_t len);
/* The same from another daemon. */
pvmx_err server_on_halt_forwarded(struct server *sv, struct link *l, uint32_t serial,
                                  const uint8_t *body, size_t len);

#endif
