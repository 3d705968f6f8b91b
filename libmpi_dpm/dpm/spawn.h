/* SPDX-License-Identifier: BSD-3-Clause */
/* A spawn in five steps: gather (arguments -> request, at the root), ask (the engine, perhaps in several
 * rounds), tell (the outcome, to all), build (the intercommunicator), report (the error codes). Only
 * the waiting differs between the blocking (spawn.c) and the nonblocking form (ispawn.c). */
#ifndef XMPI_SPAWN_H
#define XMPI_SPAWN_H

#include "dpm/outcome.h"
#include "dpm/spawn_info.h"
#include <pvmx/engine/dyn.h>

/* One program of the request to the daemon. */
struct xmpi_program {
    const struct xmpi_soft *soft;
    int maxprocs;
    int limit; /* no more than that is tried from now on */
};

/* The root's part. */
struct xmpi_spawn {
    struct xmpi_comm *comm;
    int root;
    /* what the caller gave */
    int given;
    struct xmpi_spawn_hints *hints;
    struct xmpi_schema_line **schemas; /* NULL entries: the program that was given */
    int total;                         /* sum of maxprocs: how many error codes    */
    bool fixed;                        /* there is a schema: its numbers count     */
    /* what is asked for */
    int napps;
    struct pvmx_app *apps; /* count: how many are asked for in this round */
    struct xmpi_program *programs;
    uint32_t flags;
    int stdio[3]; /* descriptors for the children; files: ours to close */
    bool opened[3];
    pvmx_tid *parents;
    struct pvmx_wanting *wanting; /* hosts are added; NULL: all are there */
    int round;
    bool asked; /* op is this round's */
    struct pvmx_spawning *op;
    struct xmpi_outcome out;
};

/* What MPI_Comm_spawn_multiple is given; MPI_Comm_spawn: arrays of one. */
struct xmpi_spawn_args {
    int count;
    char **commands;
    char ***argvs; /* NULL: no arguments */
    const int *maxprocs;
    const MPI_Info *infos;
};

/* What is wrong with a communicator to spawn over; in every process. */
int xmpi_spawn_check(struct xmpi_comm *comm);

/* ---- spawn_gather.c */

/* Free s in any case. */
int xmpi_spawn_gather(struct xmpi_spawn *s, const struct xmpi_spawn_args *args);
void xmpi_spawn_free(struct xmpi_spawn *s);

/* ---- spawn_try.c */

/* Begins the first round, or the adding of hosts before it. A failure: nothing was asked. */
int xmpi_spawn_begin(struct xmpi_spawn *s);
/* The round's answer is there; xmpi_spawn_next would not wait. Only looks. */
bool xmpi_spawn_answered(const struct xmpi_spawn *s);
/* Takes it. *again: another round was begun; else s->out says what has come of it and the class is
 * that of the spawn. */
int xmpi_spawn_next(struct xmpi_spawn *s, bool *again);
/* Fixes class, sentence and error codes of the outcome. */
void xmpi_spawn_settle(struct xmpi_spawn *s, int cls);

/* ---- spawn.c: build and report, in every process that has heard the outcome */
int xmpi_spawn_conclude(const struct xmpi_outcome *out, struct xmpi_comm *comm,
                        MPI_Comm *intercomm, int errcodes[]);

#endif
