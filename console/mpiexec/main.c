/* SPDX-License-Identifier: BSD-3-Clause */
/* mpiexec: starts a job in this user's virtual machine (which it starts too when there is none),
 * passes signals on, waits for all processes, and exits with what they exited with. */
#include "job.h"
#include "opts.h"
#include "sig.h"
#include "submit.h"

#include "base/err.h"
#include "base/log.h"
#include "proto/hello.h"
#include "proto/start.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static pvmx_err read_messages(struct job *job)
{
    uint32_t number, serial;
    const uint8_t *body;
    size_t len;
    pvmx_err err = pxp_client_fill(job->client, 0, NULL, NULL);
    if (err == PVMX_ERR_AGAIN)
        return PVMX_OK;
    if (err == PVMX_ERR_CLOSED)
        return px_fail(err,
                       "the daemon of this host (pvmxd) has ended, and the job with it");
    while (!err && !(err = pxp_client_next(job->client, &number, &serial, &body, &len))) {
        err = job_message(job, number, serial, body, len);
        pxp_client_drop(job->client);
    }
    return err == PVMX_ERR_AGAIN ? PVMX_OK : err;
}

static pvmx_err read_signals(struct job *job, int fd)
{
    pvmx_err err = PVMX_OK;
    for (int sig; !err && (sig = sig_next(fd)) != 0;) {
        err = job_signal(job, sig);
        if (!err && sig == SIGTSTP)
            sig_stop_self();
    }
    return err;
}

static pvmx_err wait_for_job(struct job *job, int sig_fd)
{
    pvmx_err err = PVMX_OK;
    while (!err && !job_over(job)) {
        struct pollfd fds[] = {{.fd = job->client->fd, .events = POLLIN},
                               {.fd = sig_fd, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return px_fail_errno(errno, "poll");
        if (fds[1].revents)
            err = read_signals(job, sig_fd);
        if (!err && fds[0].revents)
            err = read_messages(job);
    }
    return err;
}

static pvmx_err run(const struct opts *opts, struct job *job)
{
    struct px_rundir dir;
    struct pxp_client client = {.fd = -1};
    job->client = &client;
    pvmx_err err = pxp_client_join(&client, opts->vm, PXP_ROLE_MPIEXEC, true, &dir, NULL);
    if (err)
        return err;
    int sig_fd = sig_open();
    if (sig_fd < 0)
        err = px_fail_errno(errno, "signalfd");
    if (!err)
        err = submit(&client, opts, &job->serial);
    if (!err)
        err = wait_for_job(job, sig_fd);
    pxp_client_close(&client); /* a job that still runs after an error ends with this connection */
    if (sig_fd >= 0)
        close(sig_fd);
    return err;
}

int main(int argc, char **argv)
{
    struct opts opts;
    struct job job = {0};
    px_log_set_name("mpiexec");
    int status = opts_parse(argc, argv, &opts);
    if (status < 0) {
        pvmx_err err = run(&opts, &job);
        status = job.status;
        if (err == PVMX_ERR_CANCELLED && job.passed_on) {
            status = 128 + job.passed_on;
        } else if (err) {
            fprintf(stderr, "mpiexec: %s\n", pvmx_last_error());
            status = status > 0 ? status : 1;
        }
    }
    opts_free(&opts);
    return status;
}
