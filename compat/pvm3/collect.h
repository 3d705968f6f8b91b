/* SPDX-License-Identifier: BSD-3-Clause */
/* A collector: the thread that reads what the tasks of one pvm_spawn write, and writes it to a file by
 * lines, with their tids, or hands it over piece by piece. By itself it calls nothing of the engine; who has
 * one calls from outside the thread. */
#ifndef P3_COLLECT_H
#define P3_COLLECT_H

#include <stdbool.h>
#include <stdio.h>

struct p3_collector;

/* PvmShowTids: lines of tasks have '|' behind the label, so that they are not taken for BEGIN and EOF, which
 * have a blank there. */
enum { P3_LABELS_MARKED = 2 };

/* What is handed over, by the thread: a length and so many bytes; 0: the task has ended; or what else there
 * is to say of it, with its parent (0: not known). */
enum { P3_SAID_BORN = -1, P3_SAID_SPAWNED = -2 };
struct p3_collect_sink {
    void (*say)(const struct p3_collect_sink *s, int tid, int len, const char *text,
                int parent);
    int tag, ctx;
};

/* Tasks of one spawn, whose parent is self; pids: 0 where the process is not known, or is on another host.
 * host: bits of the tids of this host. daemon: process that writes records (struct pvmx_output). The thread
 * has fd from now on. NULL: it could not be made. */
struct p3_collect_args {
    int fd, ntids, host, daemon, self;
    const int *tids, *pids;
    FILE *to;                    /* NULL: to the sink */
    struct p3_collect_sink sink; /* copied */
    int labels;                  /* 0: none */
};
struct p3_collector *p3_collect_start(const struct p3_collect_args *args);

/* A child of a task has been born, or a task has ended whose end does not come in the socket; everything that
 * it has written has. */
void p3_collect_born(struct p3_collector *c, int tid, int parent);
void p3_collect_ended(struct p3_collector *c, int tid);
bool p3_collect_knows(struct p3_collector *c, int tid);

/* Tasks may still write. */
bool p3_collect_open(struct p3_collector *c);
/* All has been written to the file: the collector is to be finished. */
bool p3_collect_done(struct p3_collector *c);
/* The thread ends: when nobody can write any more, or now. Then the descriptor to which tasks may still
 * write, the caller's to close, or -1. Frees the collector. */
int p3_collect_finish(struct p3_collector *c, bool now);

#endif
