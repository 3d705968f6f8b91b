/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading what tasks have written, from the daemons of all hosts: first what is kept, in the order of
 * time, then what comes. */
#ifndef CONSOLE_LOGS_H
#define CONSOLE_LOGS_H

#include "survey.h"
#include "target.h"

struct logs_task {
    int32_t tid;
    uint32_t job, rank;
    char *program;
    uint64_t next;
    bool ended, input;
};

/* Tasks of an mpiexec that write to a terminal have one log together. */
bool logs_of_terminal(int32_t tid);

struct logs_piece {
    int32_t tid;
    uint32_t stream;
    uint64_t at_ms, offset;
    size_t len;
    uint8_t *bytes;
};

struct logs {
    struct link *link;
    struct survey survey;
    struct target wanted; /* tasks; none: */
    uint32_t job;         /* all of a job */
    struct logs_task *tasks;
    size_t ntasks;
    struct logs_piece *pieces; /* that are to be shown */
    size_t npieces, cap;
    uint64_t lost; /* bytes that are not kept any more */
};

/* Reads all that is kept. false: the connection is lost, Ctrl-C, no memory. To be ended in any case. */
bool logs_read(struct logs *g, struct link *l);
/* From now on more is waited for. */
bool logs_follow(struct logs *g);
/* What has come next, in g->pieces. SURVEY_DONE: all tasks have ended. */
enum survey_got logs_next(struct logs *g);
struct logs_task *logs_task(struct logs *g, int32_t tid);
/* They have been shown. */
void logs_drop_pieces(struct logs *g);
void logs_end(struct logs *g);

#endif
