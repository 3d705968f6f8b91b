/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that happens because time has passed. No timer runs while nothing is due. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include "loop.h"

struct server;
struct job;

struct watchdog {
    struct loop_timer greeting, dying, linger, scan;
    uint64_t scan_delay; /* ns; doubles while slots stay in somebody's contacts */
};

/* A connection has come that must greet in time. */
void watchdog_greeting(struct server *sv);
/* A task was sent SIGTERM: SIGKILL follows after the grace period. */
void watchdog_dying(struct server *sv);
/* Tasks of this job that have not called init in time are given up. */
void watchdog_init_limit(struct job *j);
/* Once in a round: slots to look after, and an ephemeral daemon's end. */
void watchdog_round(struct server *sv);
void watchdog_stop(struct server *sv);

#endif
