/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the process stands: the world model between MPI_Init and MPI_Finalize, how many use the
 * library (the world model and each session count), and the thread level. */
#ifndef XMPI_STATE_H
#define XMPI_STATE_H

#include <stdbool.h>

enum xmpi_state_value {
    XMPI_STATE_NONE,     /* before MPI_Init                               */
    XMPI_STATE_STARTING, /* inside it                                     */
    XMPI_STATE_UP,
    XMPI_STATE_FINALIZED,
};

/* Of the world model. Written by rt/init.c only. */
extern int xmpi_state;
/* Written by rt/life.c only; int so that every entry point tests it with one plain load. */
extern int xmpi_users;
extern int xmpi_thread_level; /* MPI_THREAD_* that was provided */
/* The level to provide: what the program asks for, or more when its spawner has asked for that (info key
 * thread_level) or MPI_Init_thread has provided it already. */
int xmpi_thread_level_for(int required);

/* Communication is possible. */
static inline bool xmpi_is_up(void)
{
    return __atomic_load_n(&xmpi_users, __ATOMIC_RELAXED) != 0;
}

/* MPI_COMM_WORLD and MPI_COMM_SELF exist. */
static inline bool xmpi_world_is_up(void)
{
    return xmpi_state == XMPI_STATE_UP;
}

/* Begins one use of the library; the first one starts the engine and makes what all share.
 * for_session: sessions can come again, so a process that a daemon has started then stays a task
 * until it exits. MPI_SUCCESS or a class with its sentence. */
int xmpi_life_begin(bool threads, bool for_session);
/* Ends one use; the last one gives everything back. */
void xmpi_life_end(void);

#endif
