/* SPDX-License-Identifier: BSD-3-Clause */
/* The job as mpiexec sees it: what the daemon tells of it, what is said to the user, and what
 * mpiexec will exit with. */
#ifndef MPIEXEC_JOB_H
#define MPIEXEC_JOB_H

#include "proto/client.h"
#include <stdbool.h>

struct job {
    struct pxp_client *client;
    uint32_t serial; /* of the spawn request                                               */
    uint32_t id;
    bool started; /* the daemon has answered                                            */
    size_t ntasks, nended;
    int status;  /* exit status so far                                                 */
    bool ending; /* we have had the rest ended: how those end is no news               */
    int passed_on; /* last signal of the user's that was sent to the job; 0: none        */
    int nstops; /* how many of them asked it to end                                   */
};

/* True when there is nothing more to wait for. */
bool job_over(const struct job *job);
/* Handles one message from the daemon. An error means that there is no use in going on. */
pvmx_err job_message(struct job *job, uint32_t number, uint32_t serial,
                     const uint8_t *body, size_t len);
/* Handles a signal that mpiexec got: passes it on. A second request to end kills the job; at a third
 * one (PVMX_ERR_CANCELLED) mpiexec is to leave, upon which the daemon ends the job. */
pvmx_err job_signal(struct job *job, int sig);

#endif
