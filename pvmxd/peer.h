/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection: a task, the console or mpiexec. Frames in, a bounded queue out, and descriptors
 * that came along. Everything runs on the loop's thread. Output is collected and written once in a
 * round by peers_flush. A closed peer's memory lives until the end of the round, so that callers
 * on the stack may still look at `closed`. */
#ifndef PEER_H
#define PEER_H

#include "base/buf.h"
#include "base/list.h"
#include "loop.h"
#include "notify.h"
#include <sys/types.h>

struct server;
struct task;
struct stand_in;
struct caller;

enum {
    PEER_OUT_MAX = 8 * 1024 * 1024, /* more waiting output: a console is dropped, others are not read */
    PEER_FDS_MAX = 24, /* descriptors received and not yet used: 8 requests            */
};

struct peer {
    struct server *sv;
    struct loop_io io;
    int fd;
    uint32_t role; /* PXP_ROLE_*; 0 before the greeting */
    pid_t pid;     /* by the socket's credentials       */
    bool closed;
    bool draining;          /* close when out is empty           */
    bool paused;            /* out is too long: not read         */
    struct px_list passing; /* descriptors that go out with a byte of out; see peer_pass */
    uint64_t out_done;      /* bytes of out written so far */
    struct px_buf in, out;
    int fds[PEER_FDS_MAX];
    size_t nfds;
    uint64_t since;
    struct guest *guest; /* stands for a task of another host: guest.h; NULL: it does not */
    struct caller *caller; /* stands for whoever asks the leader: caller.h; NULL: it does not */
    struct stand_in *standin; /* stands for a console of another host: standin.h; NULL: it does not */
    uint32_t client, at_serial; /* role console: its number in server.clients; its last `at` */
    struct task *task;          /* role task: who this is                      */
    struct px_list jobs;        /* role mpiexec, console: of job.in_owner      */
    struct px_list worlds;      /* role mpiexec: of job.in_session             */
    uint32_t nworlds;           /* numbers given out                           */
    int stdio[3];      /* role mpiexec: its own, for jobs that outlive it; -1: none */
    int tty[3];        /* role mpiexec: terminals that its jobs get instead; -1: none */
    uint32_t terminal; /* job whose log has what is written there; 0: none */
    struct px_list watches;  /* of watch.in_peer                            */
    struct px_list requests; /* of spawn_req.in_peer                        */
    struct px_list waiters;  /* of waiter.in_peer                           */
    struct ends ends;        /* notices of this round                       */
    struct px_list all, dirty;
    struct px_list subscribed; /* in hosts.subscribers */
    bool halts;                /* waits for the end of the VM                 */
    uint32_t halt_serial;
    uint32_t events_serial; /* request whose answer goes on with what happens; 0: none */
};

/* Takes fd over. task: an inherited, greeted connection of that task; NULL: a new client. NULL
 * without memory; fd is then closed. */
struct peer *peer_add(struct server *sv, int fd, pid_t pid, struct task *task);
/* A peer in the list of all, that is not read yet; fd -1: it has no connection. */
void peer_init(struct peer *p, struct server *sv, int fd, pid_t pid);
/* Where to encode an answer; it is written at the end of the round. */
struct px_buf *peer_out(struct peer *p);
void peer_refuse(struct peer *p, uint32_t serial, pvmx_err err, const char *text);
/* Sends descriptors (at most PX_FD_PASS_MAX) with the next frame to be encoded, and closes them when
 * they are sent or the peer is closed. false without memory: nothing was done. */
bool peer_pass(struct peer *p, const int *fds, size_t n);
/* Closes after what is in the queue has been written. */
void peer_finish(struct peer *p);
void peer_close(struct peer *p);
/* Reads what is there now, as far as frames are whole; for a task that has just ended. */
void peer_drain(struct peer *p);

void peers_flush(struct server *sv);
void peers_free_closed(struct server *sv);
void peers_close_all(struct server *sv);

#endif
