/* SPDX-License-Identifier: BSD-3-Clause */
/* Schedules: what one process does in one collective, as a list of steps, built once by an
 * algorithm and run by one engine: blocking, as a request, or again and again as a persistent one.
 *
 * Steps of one round (up to the next fence) are started in the order they were added; sends and
 * receives of a round are in progress together, copies and reductions happen at once when they
 * are reached. A fence waits for everything before it. So a buffer that a round sends or receives
 * must not be touched by a copy or reduction of the same round after that send or receive. Steps
 * do not change while a schedule runs.
 *
 * A process that notices a failure runs its schedule to the end, with empty messages in place
 * of those whose content it no longer knows: its partners learn of the failure and nobody waits
 * for one who has given up. A message of its own says before each why it comes (coll/what.h). Every real
 * message therefore has at least one byte (steps without bytes are dropped by both sides).
 *
 * The building functions never fail; without memory the schedule is marked and running it returns
 * MPI_ERR_NO_MEM. A schedule belongs to one thread until it is started as a request, then to the
 * engine's lock. */
#ifndef XMPI_SCHED_H
#define XMPI_SCHED_H

#include "coll/coll.h"
#include "coll/span.h"
#include "coll/what.h"
#include "comm/comm.h"
#include "op/op.h"
#include <pvmx/engine/prog.h>

/* The processes that a schedule's ranks refer to. */
struct xmpi_team {
    struct xmpi_comm *comm; /* NULL: not in use                                      */
    int rank;               /* own, in the local group                               */
    int size;               /* of the group that ranks name (inter: the remote one)  */
    int32_t tag;
};

enum { XMPI_TEAM_MAIN, XMPI_TEAM_LOCAL }; /* LOCAL: an intercommunicator's own side */

enum xmpi_step_kind {
    XMPI_STEP_SEND,
    XMPI_STEP_RECV,
    XMPI_STEP_COPY,
    XMPI_STEP_REDUCE,
    XMPI_STEP_FENCE,
    XMPI_STEP_HEAR,  /* receives a word, which has to be the own one          */
    XMPI_STEP_ALARM, /* sends an empty message if anything has gone wrong     */
    XMPI_STEP_GATE,  /* a fence behind which all ends if anything went wrong  */
};

/* What processes tell each other before they choose by it. Its size is one that hardly any message
 * of a collective has. */
struct xmpi_word {
    uint64_t magic;
    uint64_t len;    /* bytes, as xmpi_coll.len */
    uint8_t what[3]; /* coll/what.h, lowest byte first */
};
enum { XMPI_WORD_BYTES = 19 };
#define XMPI_WORD_MAGIC 0x9d5be107c64f38a1u

struct xmpi_step {
    uint8_t kind; /* enum xmpi_step_kind */
    uint8_t team;
    uint8_t doubt; /* enum xmpi_doubt; engine lock */
    int32_t rank;
    char *src;  /* SEND, COPY; REDUCE: left operand                    */
    char *dst;  /* RECV, COPY; REDUCE: right operand and result        */
    size_t len; /* bytes; COPY: of the source; REDUCE: elements        */
    const struct xmpi_dtype *src_type, *dst_type; /* of spans                 */
    union {
        struct pvmx_req *req; /* SEND, RECV: in progress              */
        size_t cap;           /* COPY: what the destination holds     */
    };
};

enum {
    XMPI_SCHED_STEPS = 40, /* in the block itself: a flat collective of 16 processes */
    XMPI_SCHED_ROOM = 8 * 1024, /* temporary memory in the block itself                   */
};

/* Temporary memory beyond the block's own. */
struct xmpi_sched_more {
    struct xmpi_sched_more *next;
    _Alignas(64) char bytes[];
};

/* What has been heard about the process that a message is to or from: watch.h. */
enum xmpi_doubt { XMPI_DOUBT_NONE, XMPI_DOUBT_ENDED, XMPI_DOUBT_SURE };

/* A datatype that a request keeps alive; in temporary memory. */
struct xmpi_sched_held {
    struct xmpi_sched_held *next;
    struct xmpi_dtype *type;
};

struct xmpi_sched {
    const char *name; /* "MPI_Bcast", for sentences */
    struct xmpi_team team[2];
    const struct xmpi_op *op; /* of REDUCE steps; referenced when not NULL */
    const struct xmpi_dtype *type;
    struct xmpi_step *steps;
    size_t nsteps, cap;
    size_t first, next, wait; /* round in progress: its first step, the next one to start,
                                      * the first one that may still be incomplete */
    char sink;                /* where signals are received; nobody reads it */
    bool no_mem;
    bool failed; /* send empty messages from now on */
    bool strict; /* the result of all depends on all: a wrong length is a failure, too */
    bool empty;  /* nothing is wanted of the others: their failure is none            */
    bool doomed; /* this process has another idea of it than another one: nothing is received any more */
    struct xmpi_word word; /* this process's */
    /* What others may ask for, and what they have told: watch.h. */
    struct {
        struct xmpi_sched *next, **pprev; /* all schedules; engine lock */
        _Atomic uint32_t round;           /* started so often           */
        int kind;                         /* enum xmpi_coll_kind        */
        uint32_t what;                    /* coll/what.h                */
        uint64_t len;                     /* as xmpi_coll.len           */
        bool hooked;                      /* a request's; engine lock   */
        _Atomic bool doubted;             /* there are steps to give up */
        bool marked;                      /* steps have doubts          */
        uint64_t told;          /* the other process's length, when it is the reason */
        uint32_t told_what;     /* what it does, when that is it; else 0             */
        uint64_t due, patience; /* when to ask, and how long to wait after that */
        uint32_t looks;
    } watch;
    /* What went wrong first; the sentence is made by whoever collects the outcome. */
    struct {
        int cls;
        pvmx_err err;
        int rank;
        uint8_t team;
        bool sent;  /* it is about what this process sends */
        bool words; /* got and want are of what.h          */
        bool told;  /* by another process: `why` is it     */
        uint64_t got;
        size_t want;
        struct xmpi_reason why;
    } bad;
    _Atomic bool complete; /* of a request */
    struct pvmx_hook hook;
    struct xmpi_sched *cached; /* next in the cache */
    struct xmpi_sched_more *more;
    struct xmpi_sched_held *held;
    size_t room_used;
    struct xmpi_step own_steps[XMPI_SCHED_STEPS];
    _Alignas(64) char room[XMPI_SCHED_ROOM];
};

/* Whose number the messages of a schedule have. */
enum xmpi_turn {
    XMPI_TURN_NEXT,    /* that of the next collective                                */
    XMPI_TURN_PRESENT, /* of the one that has found over a board that it needs messages */
    XMPI_TURN_PERSISTENT, /* they count for themselves, in the order in which they are made, so
                           * they may be started in any order                           */
};

/* An empty schedule for a collective on comm (what: coll/what.h): takes its number. NULL without
 * memory. */
struct xmpi_sched *xmpi_sched_get(struct xmpi_comm *comm, const char *name, uint32_t what,
                                  enum xmpi_turn turn);
void xmpi_sched_put(struct xmpi_sched *s);

/* Building. Ranks are those of the team; messages of 0 bytes are dropped. */
void xmpi_sched_send(struct xmpi_sched *s, int team, int rank, struct xmpi_span from);
void xmpi_sched_recv(struct xmpi_sched *s, int team, int rank, struct xmpi_span to);
/* A message to oneself: notes MPI_ERR_TRUNCATE when it does not fit. Nothing when both are the same
 * place. */
void xmpi_sched_copy(struct xmpi_sched *s, struct xmpi_span to, struct xmpi_span from);
/* inout = in op inout, count elements; needs s->op and s->type. */
void xmpi_sched_reduce(struct xmpi_sched *s, const void *in, void *inout, MPI_Count count);
void xmpi_sched_fence(struct xmpi_sched *s);
/* Aligned memory that lives as long as the schedule; NULL (and the mark) without memory, and for 0
 * bytes. */
void *xmpi_sched_room(struct xmpi_sched *s, size_t len);
/* What is sent several times: a short span that does not lie in one run is packed first (now: the
 * content must be there already), so that it is not packed for each message. */
struct xmpi_span xmpi_sched_packed(struct xmpi_sched *s, struct xmpi_span from);
/* Messages without content, for barriers. */
void xmpi_sched_signal(struct xmpi_sched *s, int team, int rank);
void xmpi_sched_await(struct xmpi_sched *s, int team, int rank);
/* Words: s->word has to be what the other process tells. Main team. */
void xmpi_sched_hear(struct xmpi_sched *s, int rank, struct xmpi_word *room);
void xmpi_sched_alarm(struct xmpi_sched *s, int rank);
void xmpi_sched_gate(struct xmpi_sched *s);
/* Keeps a datatype until the schedule is given back. */
void xmpi_sched_hold(struct xmpi_sched *s, const struct xmpi_dtype *type);

/* Runs to the end, gives the schedule back, returns the outcome. */
int xmpi_sched_run(struct xmpi_sched *s);
/* Makes it a request, which owns the schedule from then on (on failure it is given back), and
 * starts it unless it is persistent. */
int xmpi_sched_start(struct xmpi_sched *s, struct xmpi_form form);

#endif
