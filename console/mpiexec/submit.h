/* SPDX-License-Identifier: BSD-3-Clause */
/* The request that starts a job. */
#ifndef MPIEXEC_SUBMIT_H
#define MPIEXEC_SUBMIT_H

#include "opts.h"
#include "proto/client.h"

/* Sends the spawn request, with this process's descriptors 0, 1 and 2, environment, working directory,
 * umask and limits. *serial: that of the answer. */
pvmx_err submit(struct pxp_client *c, const struct opts *opts, uint32_t *serial);

#endif
