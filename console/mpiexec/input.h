/* SPDX-License-Identifier: BSD-3-Clause */
/* Standard input of the job. One process alone gets mpiexec's own descriptor: nothing is read that it
 * does not read. Only a terminal, which processes outside of its session would read from whatever
 * stands in its foreground, and several readers need mpiexec in between. */
#ifndef MPIEXEC_INPUT_H
#define MPIEXEC_INPUT_H

#include "opts.h"
#include "proto/client.h"
#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

struct input {
    const struct opts *opts;
    struct pxp_range first;        /* STDIN_FIRST: rank 0                            */
    const struct pxp_range *ranks; /* who reads                                      */
    size_t nranks;
    int fd;       /* what processes get as descriptor 0 unless they get pipes       */
    bool forward; /* they get pipes, and we read                                    */
    bool terminal, careful, ended;
    int from; /* what we read                                                   */
    struct target {
        int fd;
        uint64_t at; /* bytes it has been given   */
        pid_t group; /* its process and its group; 0: on another host */
    } * targets;
    size_t ntargets, cap;
    struct px_buf data; /* read and not yet given to every target */
    uint64_t done;      /* bytes before data                      */
};

pvmx_err input_init(struct input *in, const struct opts *opts);
void input_free(struct input *in);
/* Takes the writing end of a process's pipe over. group 0: it runs on another host. */
pvmx_err input_add(struct input *in, int fd, pid_t group);

/* As of output.h. *timeout_ms is lowered when there is something to look after again. */
size_t input_polls(const struct input *in);
void input_poll(struct input *in, struct pollfd *fds, int *timeout_ms);
void input_ready(struct input *in, const struct pollfd *fds);

#endif
