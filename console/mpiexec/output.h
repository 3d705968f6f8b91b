/* SPDX-License-Identifier: BSD-3-Clause */
/* What processes write, when it does not go straight to mpiexec's own descriptors: labelled, kept in
 * whole lines, sorted into files, or passed on from a terminal of ours to the user's. The daemon is told
 * of it, for its logs. */
#ifndef MPIEXEC_OUTPUT_H
#define MPIEXEC_OUTPUT_H

#include "opts.h"
#include "proto/client.h"
#include <poll.h>
#include <stddef.h>

struct output {
    const struct opts *opts;
    const char *host;
    uint32_t collect;      /* PXP_STREAM_*: asked for */
    bool several;          /* worlds: labels name them */
    struct px_buf *daemon; /* where what it is told is encoded */
    bool begun;            /* it knows our job and can be told */
    uint64_t told_at;
    size_t next_told; /* of streams: the others had their turn */
    int tty[3];       /* terminals that the processes write to; -1: none */
    struct sink *sinks;
    struct stream **streams;
    size_t nstreams, cap;
};

/* daemon: where messages to it are encoded. */
void output_init(struct output *o, const struct opts *opts, const char *host,
                 struct px_buf *daemon);
void output_free(struct output *o);
/* Which pipes to ask for, as PXP_STREAM_*. */
uint32_t output_collect(const struct output *o);
/* The size of the user's terminal has changed. */
void output_resize(const struct output *o);
/* Who writes. */
struct output_of {
    uint32_t world, rank;
    int32_t tid;
    const char *host; /* the caller's memory; "": the daemon's own */
    bool kept;        /* the daemon is to be told of what it writes */
};

/* Takes the end of a pipe over: descriptor 1 or 2 of a process. */
pvmx_err output_add(struct output *o, const struct output_of *of, int which, int fd);

/* For the loop: how many entries it needs, fills them, and looks at what poll found. */
size_t output_polls(const struct output *o);
void output_poll(struct output *o, struct pollfd *fds);
void output_ready(struct output *o, const struct pollfd *fds);
/* When it is time: passes beginnings of lines on that have waited for long, and lowers *timeout_ms to when
 * it will be. */
void output_rest(struct output *o, int *timeout_ms);
/* Somebody else can still write for the job; terminals do not count while we have them open ourselves. */
bool output_open(const struct output *o);
/* All processes have ended: no terminal will be needed for others, and the daemon is told the last of what
 * was written there. False: none was open. */
bool output_let_go(struct output *o);
/* All processes have ended: takes what is still in the pipes, and closes them, whoever may have them
 * open elsewhere. Afterwards only output_flushed is to be waited for. */
void output_finish(struct output *o);
bool output_flushed(const struct output *o);
/* Something could not be written, and was told of; a reader that has gone does not count. */
bool output_failed(const struct output *o);
/* When it is time: encodes what the daemon is to know. *timeout_ms is lowered to when it will be. */
void output_tell(struct output *o, int *timeout_ms);

#endif
