/* SPDX-License-Identifier: BSD-3-Clause */
/* The outcome of a spawn or a meeting at a port, and how the root tells it to all. Tids travel
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
/* Telling: the root sends to each of the others itself, so that nobody but the root is needed by
 * anyone, whoever ends meanwhile. (A broadcast is faster among very many, but one that ends in its
 * middle keeps the outcome from some, and from others not.) Only the root knows how much there is to
 * say, so a first message has XMPI_OUTCOME_FIRST bytes whatever there is, which costs the same as a
 * few; more comes in a second one. */
enum { XMPI_OUTCOME_FIRST = 1024 };
/* Collective over comm: afterwards *out is the same everywhere. */
int xmpi_outcome_tell(struct xmpi_outcome *out, int root, struct xmpi_comm *comm);
/* Its parts: the tag, which every process of comm takes in the same order of calls; the root's
 * sending, which waits for nobody; how many bytes there are, when the first are there; reading. */
int xmpi_outcome_tag(struct xmpi_comm *comm);
void xmpi_outcome_send(const struct xmpi_outcome *out, int tag, struct xmpi_comm *comm);
size_t xmpi_outcome_size(const char *block);
int xmpi_outcome_unpack(struct xmpi_outcome *out, const char *block);
/* Writes one error code for each process asked for. When nothing runs, nobody's is MPI_SUCCESS. */
void xmpi_outcome_codes(const struct xmpi_outcome *out, int codes[]);

#endif
