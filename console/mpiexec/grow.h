/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts that the job is to run on and that are not in the virtual machine are added to it, all at the same
 * time, before the job is started. They go with a machine that was started for the job, and stay in
 * one that a person has started. */
#ifndef MPIEXEC_GROW_H
#define MPIEXEC_GROW_H

#include "opts.h"
#include "proto/client.h"

struct grow {
    struct opts *opts;
    struct pxp_client *client;
    uint32_t serial; /* of the request that is waited for; 0: none */
};

/* Asks who is there, if that matters. */
pvmx_err grow_begin(struct grow *g);
bool grow_over(const struct grow *g);
/* Handles one message from the daemon. An error: a host is not there on which a process has to run, and
 * why not was said. Others are done without: the rest of a long list is for what the processes spawn. */
pvmx_err grow_message(struct grow *g, uint32_t number, uint32_t serial,
                      const uint8_t *body, size_t len);

#endif
