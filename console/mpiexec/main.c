/* SPDX-License-Identifier: BSD-3-Clause */
/* mpiexec: starts a job in this user's virtual machine (which it starts too when there is none),
 * passes signals, input and output on, waits for all processes, and exits with what they exited
 * with. */
#include "grow.h"
#include "input.h"
#include "job.h"
#include "opts.h"
#include "output.h"
#include "sig.h"
#include "submit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "proto/hello.h"
#include "proto/start.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define LEFT_BEHIND (2 * PX_SEC) /* before the user is told who is waited for */

/* Everything that a run needs; its parts know nothing of each other. */
struct run {
    struct opts opts;
    struct heritage heritage;
    struct pxp_client client;
    struct pxp_welcome_info vm;
    struct input input;
    struct output output;
    struct job job;
    struct grow grow;
    int sig_fd;
    bool stops; /* for Ctrl-Z, as soon as the daemon has been told */
    struct pollfd *polls;
    size_t npolls;
};

/* ---- the loop --------------------------------------------------------------------------------- */

static pvmx_err read_messages(struct run *r)
{
    uint32_t number, serial;
    const uint8_t *body;
    size_t len, nfds = PX_FD_PASS_MAX;
    int fds[PX_FD_PASS_MAX];
    pvmx_err err = pxp_client_fill(&r->client, 0, fds, &nfds);
    if (err == PVMX_ERR_AGAIN)
        return PVMX_OK;
    if (err == PVMX_ERR_CLOSED)
        return px_fail(err,
                       "the daemon of this host (pvmxd) has ended, and the job with it");
    if (!err)
        err = job_descriptors(&r->job, fds, nfds);
    while (!err && !(err = pxp_client_next(&r->client, &number, &serial, &body, &len))) {
        err = grow_over(&r->grow) ? job_message(&r->job, number, serial, body, len)
                                  : grow_message(&r->grow, number, serial, body, len);
        pxp_client_drop(&r->client);
    }
    return err == PVMX_ERR_AGAIN ? PVMX_OK : err;
}

static pvmx_err read_signals(struct run *r)
{
    pvmx_err err = PVMX_OK;
    for (int sig; !err && (sig = sig_next(r->sig_fd)) != 0;) {
        if (sig == SIGWINCH)
            output_resize(&r->output);
        err = job_signal(&r->job, sig);
        if (sig == SIGTSTP && r->stops) /* the user does not want to wait for the daemon */
            sig_stop_self();
        r->stops = sig == SIGTSTP ? !r->stops : r->stops && sig != SIGCONT;
    }
    return err;
}

static bool room_for_polls(struct run *r, size_t n)
{
    if (n <= r->npolls)
        return true;
    struct pollfd *grown = realloc(r->polls, n * 2 * sizeof *grown);
    if (!grown)
        return false;
    r->polls = grown;
    r->npolls = n * 2;
    return true;
}

/* One round: sleeps until something is to be done, -1: however long that takes, and does it. */
static pvmx_err run_round(struct run *r, int timeout_ms)
{
    size_t nin = input_polls(&r->input), nout = output_polls(&r->output), n = 2 + nin + nout;
    if (!room_for_polls(r, n))
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    pvmx_err err = job_clock(&r->job, &timeout_ms);
    output_rest(&r->output, &timeout_ms);
    output_tell(&r->output, &timeout_ms);
    if (!err && (err = pxp_client_push(&r->client)) == PVMX_ERR_AGAIN)
        err = PVMX_OK;
    if (err == PVMX_ERR_CLOSED) /* reading tells what that means */
        err = PVMX_OK;
    if (!err && r->stops && px_buf_len(&r->client.out) == 0) {
        r->stops = false;
        sig_stop_self(); /* not before the daemon knows: the job would go on */
    }
    r->polls[0] =
        (struct pollfd){.fd = r->client.fd,
                        .events = (short)(px_buf_len(&r->client.out) > 0 ? POLLIN | POLLOUT
                                                                         : POLLIN)};
    r->polls[1] = (struct pollfd){.fd = r->sig_fd, .events = POLLIN};
    input_poll(&r->input, r->polls + 2, &timeout_ms);
    output_poll(&r->output, r->polls + 2 + nin);
    if (!err && poll(r->polls, n, timeout_ms) < 0)
        return errno == EINTR ? PVMX_OK : px_fail_errno(errno, "poll");
    if (!err) { /* before messages, which may add to both */
        input_ready(&r->input, r->polls + 2);
        output_ready(&r->output, r->polls + 2 + nin);
    }
    if (!err && r->polls[1].revents)
        err = read_signals(r);
    if (!err && (r->polls[0].revents & ~POLLOUT) != 0)
        err = read_messages(r);
    return err;
}

/* A signal that asks to end does so at once. */
static pvmx_err leave_at_signal(struct run *r)
{
    int sig = sig_next(r->sig_fd);
    if (sig == 0 || !sig_ends(sig))
        return PVMX_OK;
    r->job.passed_on = sig;
    return px_fail(PVMX_ERR_CANCELLED, "left at the user's wish");
}

/* The last words to the daemon, for its logs only: that they cannot be written is no failure. */
static pvmx_err tell_the_rest(struct run *r)
{
    pvmx_err err = PVMX_OK;
    while (!err && pxp_client_push(&r->client) == PVMX_ERR_AGAIN) {
        struct pollfd polls[] = {{.fd = r->client.fd, .events = POLLOUT},
                                 {.fd = r->sig_fd, .events = POLLIN}};
        if (poll(polls, 2, -1) < 0 && errno != EINTR)
            return px_fail_errno(errno, "poll");
        err = leave_at_signal(r);
    }
    return err;
}

/* What processes leave behind when they end (tee in a script) may write for them: like a shell's pipe,
 * ours are read until everybody has closed them, and then terminals, which the daemon has open while we are
 * connected to it. */
static pvmx_err read_to_the_end(struct run *r)
{
    uint64_t now = px_now_ns(), say_at = now + LEFT_BEHIND,
             leave_at = r->opts.timeout_s ? r->job.limit_at : UINT64_MAX;
    int nstops = r->job.nstops;
    pvmx_err err = PVMX_OK;
    for (; !err && job_ended_itself(&r->job); now = px_now_ns()) {
        if (!output_open(&r->output)) {
            if (!output_let_go(&r->output))
                break;
            err = tell_the_rest(r);
            pxp_client_close(&r->client);
            continue;
        }
        if (now >= leave_at)
            return PVMX_OK;
        if (now >= say_at) {
            fprintf(stderr,
                    "mpiexec: the job has ended, but something that it has started "
                    "can still write for it: waiting for that (Ctrl-C leaves)\n");
            say_at = UINT64_MAX;
        }
        uint64_t ms = ((say_at < leave_at ? say_at : leave_at) - now) / PX_MS + 1;
        err = run_round(r, ms < INT_MAX ? (int)ms : -1);
    }
    if (err == PVMX_ERR_CLOSED) /* the daemon is not needed any more */
        return PVMX_OK;
    return err || r->job.nstops == nstops
               ? err
               : px_fail(PVMX_ERR_CANCELLED, "left at the user's wish");
}

/* The last words of the job may still wait for a slow reader; a signal ends that. */
static pvmx_err flush_output(struct run *r, bool daemon_too)
{
    output_finish(&r->output);
    pvmx_err err = daemon_too ? tell_the_rest(r) : PVMX_OK;
    while (!err && !output_flushed(&r->output)) {
        size_t n = output_polls(&r->output);
        if (!room_for_polls(r, n + 1))
            return px_fail(PVMX_ERR_NOMEM, "out of memory");
        output_poll(&r->output, r->polls);
        r->polls[n] = (struct pollfd){.fd = r->sig_fd, .events = POLLIN};
        if (poll(r->polls, n + 1, -1) < 0 && errno != EINTR)
            return px_fail_errno(errno, "poll");
        output_ready(&r->output, r->polls);
        err = leave_at_signal(r);
    }
    return err;
}

/* ---- start and end ---------------------------------------------------------------------------- */

/* Each process whose output is collected takes two descriptors. */
static void raise_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* Signals that ask to end do so at once: hosts that have not come are then not waited for. */
static pvmx_err add_hosts(struct run *r)
{
    r->grow = (struct grow){.opts = &r->opts, .client = &r->client};
    pvmx_err err = grow_begin(&r->grow);
    while (!err && !grow_over(&r->grow)) {
        err = run_round(r, -1);
        if (!err && r->job.nstops > 0)
            err = px_fail(PVMX_ERR_CANCELLED, "left at the user's wish");
    }
    return err;
}

static pvmx_err run_job(struct run *r)
{
    pvmx_err err = PVMX_OK;
    for (;;) {
        err = submit(&r->client, &r->opts, &r->heritage, &r->input, &r->output,
                     &r->job.serial);
        while (!err && !job_over(&r->job))
            err = run_round(r, -1);
        if (!err || !r->job.refused || !submit_fewer(&r->opts, r->job.errors, r->job.nerrors))
            break;
        r->job.started = r->job.refused = false;
    }
    return err;
}

static void say_vm(const struct run *r)
{
    fprintf(stderr, "mpiexec: VM %s on host %s, daemon %d, %u processes\n", r->vm.vm,
            r->vm.host, (int)r->vm.pid, opts_total(&r->opts));
}

static pvmx_err run(struct run *r)
{
    struct px_rundir dir;
    pvmx_err err = submit_open_stdio();
    heritage_remember(&r->heritage);
    raise_files();
    if (!err)
        err = pxp_client_join(&r->client, r->opts.vm, PXP_ROLE_MPIEXEC, true, &dir, &r->vm);
    if (!err)
        err = input_init(&r->input, &r->opts);
    if (err)
        return err;
    output_init(&r->output, &r->opts, r->vm.host, &r->client.out);
    if (r->opts.verbose)
        say_vm(r);
    if (r->opts.timeout_s)
        r->job.limit_at = px_now_ns() + r->opts.timeout_s * PX_SEC;
    r->sig_fd = sig_open();
    if (r->sig_fd < 0)
        return px_fail_errno(errno, "signalfd");
    err = add_hosts(r);
    if (!err)
        err = run_job(r);
    if (!err)
        err = read_to_the_end(r);
    pvmx_err flushed = flush_output(r, !err);
    return err ? err : flushed;
}

int main(int argc, char **argv)
{
    static struct run r = {.client.fd = -1,
                           .sig_fd = -1,
                           .input = {.fd = -1, .from = -1},
                           .output = {.tty = {-1, -1, -1}}};
    px_log_set_name("mpiexec");
    int status = opts_parse(argc, argv, &r.opts);
    if (status < 0) {
        r.job = (struct job){.opts = &r.opts,
                             .client = &r.client,
                             .input = &r.input,
                             .output = &r.output};
        pvmx_err err = run(&r);
        status = r.job.status;
        if (status == 0 && output_failed(&r.output))
            status = 1;
        if (err == PVMX_ERR_CANCELLED && r.job.passed_on) {
            status = 128 + r.job.passed_on;
        } else if (err) {
            fprintf(stderr, "mpiexec: %s\n", pvmx_last_error());
            status = status > 0 ? status : 1;
        }
    }
    pxp_client_close(&r.client); /* a job that still runs after an error ends with this connection */
    px_fd_close(&r.sig_fd);
    input_free(&r.input);
    output_free(&r.output);
    job_free(&r.job);
    free(r.polls);
    opts_free(&r.opts);
    return status;
}
