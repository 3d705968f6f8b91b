/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the process stands between start and end of MPI, and the thread level. */
#ifndef XMPI_STATE_H
#define XMPI_STATE_H

#include <stdbool.h>

enum xmpi_state_value {
    XMPI_STATE_NONE,     /* before MPI_Init                               */
    XMPI_STATE_STARTING, /* inside it                                     */
    XMPI_STATE_UP,
    XMPI_STATE_FINALIZED,
};

/* Written by rt/init.c only; int so that every entry point tests it with one plain load. */
extern int xmpi_state;
extern int xmpi_thread_level; /* MPI_THREAD_* that was provided */

static inline bool xmpi_is_up(void)
{
    return xmpi_state == XMPI_STATE_UP;
}

#endif
