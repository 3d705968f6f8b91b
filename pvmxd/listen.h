/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket that clients connect to. Running out of descriptors or memory is a state, not an
 * end: the listener sends the waiting clients away with a sentence and rests for a while. */
#ifndef LISTEN_H
#define LISTEN_H

#include "loop.h"
#include <pvmx/errors.h>

struct server;

struct listener {
    int fd;
    int reserve; /* given up for a moment to accept and refuse when no descriptor is left */
    struct loop_io io;
    struct loop_timer rest;
};

pvmx_err listen_start(struct server *sv);
/* Removes the socket and closes what is still in the backlog, so that those clients start over. */
void listen_stop(struct server *sv);

#endif
