/* SPDX-License-Identifier: BSD-3-Clause */
/* The request that starts a job. */
#ifndef MPIEXEC_SUBMIT_H
#define MPIEXEC_SUBMIT_H

#include "heritage.h"
#include "input.h"
#include "opts.h"
#include "output.h"
#include "proto/client.h"

/* A closed descriptor 0, 1 or 2 becomes /dev/null, so that they can always be passed. */
pvmx_err submit_open_stdio(void);
/* Makes the spawn request, which goes to the daemon with the next rounds. *serial: that of the answer. */
pvmx_err submit(struct pxp_client *c, const struct opts *opts, struct heritage *h,
                const struct input *in, const struct output *out, uint32_t *serial);
/* After a failure, whose errors are known: asks for fewer processes as -soft allows. false: nothing is
 * left to be tried. */
bool submit_fewer(struct opts *opts, const int32_t *errors, size_t n);

#endif
