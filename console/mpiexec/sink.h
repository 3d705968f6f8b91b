/* SPDX-License-Identifier: BSD-3-Clause */
/* Where output goes: mpiexec's own descriptor 1 or 2, or a file. What cannot be written at once waits
 * in memory, so that a terminal that was stopped or a slow reader never stops mpiexec itself; those who
 * feed a sink that is full are not read until it has room. */
#ifndef MPIEXEC_SINK_H
#define MPIEXEC_SINK_H

#include "base/buf.h"
#include <stdbool.h>

struct sink {
    struct sink *next;
    char *path; /* NULL: one of mpiexec's own */
    int which;  /* of those */
    int fd;
    bool own;     /* to be closed                                            */
    bool careful; /* the descriptor blocks: write only what poll promises    */
    bool broken;  /* nobody reads it any more, or the disk is full           */
    bool failed;  /* the latter: the job's output is not what it should be   */
    bool *open; /* where a stream with labels remembers that it has left a line open; NULL: none has */
    struct px_buf out;
};

/* For descriptor 1 or 2 of this process. NULL: no memory. */
struct sink *sink_std(int fd);
/* A file, emptied. NULL with the sentence. */
struct sink *sink_file(const char *path);
void sink_free(struct sink *s);
/* Takes bytes; what is not written at once is by sink_flush. */
void sink_put(struct sink *s, const void *bytes, size_t n);
/* Writes as much as goes without waiting. */
void sink_flush(struct sink *s);
bool sink_full(const struct sink *s);

#endif
