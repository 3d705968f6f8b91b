/* SPDX-License-Identifier: BSD-3-Clause */
/* The outcome of a spawn, and the one broadcast that carries it from the root to all. Tids travel
 * as ranges and error codes as runs, so that the usual outcome has the same size for any number of
 * processes. */
#ifndef XMPI_OUTCOME_H
#define XMPI_OUTCOME_H

#include "comm/comm.h"
#include <pvmx/types.h>

struct xmpi_run {
    int32_t value, count;
};

struct xmpi_outcome {
    int cls;                         /* of the spawn as a whole            */
    char text[MPI_MAX_ERROR_STRING]; /* its sentence                       */
    uint64_t ctx;
    uint32_t job; /* at the root only                   */
    int started;
    pvmx_tid *tids;         /* of those started, in rank order    */
    struct xmpi_run *codes; /* error codes of all processes asked for */
    int ncodes;
    int tids_cap, codes_cap;
};

/* Appends one process: tid 0: not started, for the reason err. */
int xmpi_outcome_add(struct xmpi_outcome *out, pvmx_tid tid, pvmx_err err);
/* n processes of which none could be tried: all have this code. */
int xmpi_outcome_fill(struct xmpi_outcome *out, int code, int n);
/* Makes them n: the last ones are left out, or this code is that of those who lack one. */
int xmpi_outcome_fit(struct xmpi_outcome *out, int code, int n);
/* Forgets the processes. */
void xmpi_outcome_clear(struct xmpi_outcome *out);
void xmpi_outcome_free(struct xmpi_outcome *out);

/* The class of the whole, with this thread's sentence. */
void xmpi_outcome_set_class(struct xmpi_outcome *out, int cls);
/* The outcome as bytes (malloc'ed, *size of them and no less than XMPI_OUTCOME_FIRST), which the same
 * library reads again. Only the root knows how many there are, so a first message is of that size
 * whatever there is to say, which costs the same as a few bytes; size() of that tells the rest. */
enum { XMPI_OUTCOME_FIRST = 1024 };
int xmpi_outcome_pack(const struct xmpi_outcome *out, char **block, size_t *size);
/* A block that says no more than that the root has no memory. */
void xmpi_outcome_pack_failure(char block[XMPI_OUTCOME_FIRST]);
size_t xmpi_outcome_size(const char *block);
int xmpi_outcome_unpack(struct xmpi_outcome *out, const char *block);
/* Collective over comm: afterwards *out is the same everywhere. */
int xmpi_outcome_tell(struct xmpi_outcome *out, int root, struct xmpi_comm *comm);
/* Writes one error code for each process asked for. When nothing runs, nobody's is MPI_SUCCESS. */
void xmpi_outcome_codes(const struct xmpi_outcome *out, int codes[]);

#endif
