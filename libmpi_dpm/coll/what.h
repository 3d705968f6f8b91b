/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process does in a collective, as a word that processes compare: the function, and of what all
 * have to give alike the root, the operation and the elements that it combines. And what went wrong
 * in one process, for those that hear of it. */
#ifndef XMPI_COLL_WHAT_H
#define XMPI_COLL_WHAT_H

#include "comm/comm.h"
#include <stddef.h>

enum {
    XMPI_WHAT_BITS = 24,   /* of the word      */
    XMPI_WHAT_UNKNOWN = 0, /* of another process */
    XMPI_WHAT_TEXT = 160,
    /* Its fields, lowest first. */
    XMPI_WHAT_KIND_BITS = 5,
    XMPI_WHAT_OP_BITS = 5,
    XMPI_WHAT_ROOT_BITS = 6,
    XMPI_WHAT_ELEM_BITS = 6,
    XMPI_WHAT_OP_AT = XMPI_WHAT_KIND_BITS,
    XMPI_WHAT_ROOT_AT = XMPI_WHAT_OP_AT + XMPI_WHAT_OP_BITS,
    XMPI_WHAT_ELEM_AT = XMPI_WHAT_ROOT_AT + XMPI_WHAT_ROOT_BITS,
    XMPI_WHAT_VALID_AT = XMPI_WHAT_ELEM_AT + XMPI_WHAT_ELEM_BITS,
    XMPI_WHAT_USERS_OP = 31, /* no predefined one has this number */
    XMPI_WHAT_ANOTHER = 1 << XMPI_WHAT_VALID_AT | 31, /* some function that is not this one */
};

/* "MPI_Reduce with MPI_SUM of MPI_INT to root 2", in out[XMPI_WHAT_TEXT]. Returns out. */
const char *xmpi_what_text(uint32_t what, char *out);
/* The class for two words that differ: MPI_ERR_ROOT, MPI_ERR_OP, MPI_ERR_TYPE when the function is the
 * same; else MPI_ERR_OTHER. */
int xmpi_what_class(uint32_t a, uint32_t b);
/* xmpi_what_class with its sentence: `rank` does `its` where this process does `mine`. */
int xmpi_what_differs(int rank, uint32_t its, uint32_t mine);

/* Two processes that do not agree, as one of them has found. Ranks are those of the communicator. */
struct xmpi_reason {
    uint64_t got;  /* bytes that `rank` has given (words: what it does)             */
    uint64_t want; /* bytes that `finder` expects of it, or does itself             */
    int32_t cls;
    int32_t rank, finder;
    uint32_t words; /* got and want are such words */
    uint32_t sent;  /* `finder` has sent want bytes that `rank` does not expect */
};

/* Tells a process that waits for a message of this collective why it gets an empty one: before each. The
 * class MPIX_ERR_PROC_FAILED has no particulars. */
void xmpi_reason_tell(const struct xmpi_comm *comm, struct pvmx_peer *to, int own_rank,
                      int32_t tag, const struct xmpi_reason *why);
/* After each empty message. False: a process has failed. */
bool xmpi_reason_hear(const struct xmpi_comm *comm, struct pvmx_peer *from, int rank,
                      int32_t tag, struct xmpi_reason *why);
/* The class, with a sentence about the function `name`. mine: bytes that this process gives. */
int xmpi_reason_error(const struct xmpi_reason *why, const char *name, bool inter,
                      uint64_t mine);

#endif
