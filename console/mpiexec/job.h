/* SPDX-License-Identifier: BSD-3-Clause */
/* The job as mpiexec sees it: its own world and those that its processes have spawned, what is said of
 * them to the user, and what mpiexec will exit with. */
#ifndef MPIEXEC_JOB_H
#define MPIEXEC_JOB_H

#include "input.h"
#include "output.h"

#include "proto/client.h"
#include <stdbool.h>
#include <stdint.h>

struct world {
    uint32_t job, number;
    uint32_t size, nended;
    bool detached; /* outlives us: nobody waits for it */
};

struct job {
    const struct opts *opts;
    struct pxp_client *client;
    struct input *input;
    struct output *output;
    uint32_t serial; /* of the spawn request                                               */
    bool started; /* the daemon has answered                                            */
    bool refused; /* it has answered that it cannot: `errors` tells of each process     */
    int32_t *errors; /* pvmx_err for each; NULL: none                                      */
    size_t nerrors;
    struct world *worlds; /* in order of their numbers; the first is our own               */
    size_t nworlds, cap;
    int *fds; /* descriptors that have come and belong to messages still to be read */
    size_t nfds, fds_cap;
    int status;  /* exit status so far                                                 */
    bool ending; /* we have had the rest ended: how those end is no news               */
    bool killed; /* a process of our own world was                                     */
    int passed_on; /* last signal of the user's that was sent to the job; 0: none        */
    int nstops; /* how many of them asked it to end                                   */
    uint64_t force_at; /* when what was asked to end is made to; 0: never                  */
    uint64_t limit_at; /* end of the time that the user allows for the start too; 0: none    */
};

/* What a job that was ended for its time limit returns, as of timeout(1). */
enum { STATUS_TIMEOUT = 124 };

void job_free(struct job *job);
/* True when there is nothing more to wait for. */
bool job_over(const struct job *job);
/* Nobody has been ended: by us, the user or anybody else. */
bool job_ended_itself(const struct job *job);
/* Handles one message from the daemon. An error means that there is no use in going on. */
pvmx_err job_message(struct job *job, uint32_t number, uint32_t serial,
                     const uint8_t *body, size_t len);
/* Descriptors that came along with bytes; the messages will say what they are. */
pvmx_err job_descriptors(struct job *job, const int *fds, size_t n);
/* Handles a signal that mpiexec got: passes it on. A second request to end kills the job; at a third
 * one (PVMX_ERR_CANCELLED) mpiexec is to leave, upon which the daemon ends the job. */
pvmx_err job_signal(struct job *job, int sig);
/* Does what is due, and lowers *timeout_ms to the next time at which something is. */
pvmx_err job_clock(struct job *job, int *timeout_ms);

#endif
