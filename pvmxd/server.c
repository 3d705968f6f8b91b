/* SPDX-License-Identifier: BSD-3-Clause */
/* Start, the round, and the end of the daemon. */
#include "server.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "conf.h"
#include "events.h"
#include "groups.h"
#include "lock.h"
#include "mailbox.h"
#include "notify.h"
#include "peer.h"
#include "spawn.h"
#include "tasks.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* ---- the round -------------------------------------------------------------------------------- */

/* Has everything that was to end ended? */
static bool halt_complete(struct server *sv)
{
    if (!sv->halting || sv->stopping || sv->nrequests > 0)
        return false;
    px_list_foreach(it, &sv->all_tasks) {
        struct task *t = px_container_of(it, struct task, all);
        if (t->job != NULL || t->terminating)
            return false;
    }
    return true;
}

static void answer_halts(struct server *sv)
{
    px_list_foreach(it, &sv->peers) {
        struct peer *p = px_container_of(it, struct peer, all);
        struct pxp_done done = {.count = sv->halted};
        if (p->halts && pxp_done_encode(peer_out(p), p->halt_serial, &done) != PVMX_OK)
            px_log(PX_LOG_ERROR, "HALT-NOMEM", "no memory to answer a halt request");
    }
}

/* Everything that was put off during the events of this round. */
static void server_before_sleep(void *arg)
{
    struct server *sv = arg;
    peers_flush(sv); /* may close peers and so end tasks: before anything that counts them */
    if (halt_complete(sv)) {
        answer_halts(sv);
        peers_flush(sv);
        server_leave(sv);
    }
    watchdog_round(sv);    /* after the flush: is anybody left? */
    peers_free_closed(sv); /* last: nothing on the stack refers to them any more */
}

/* ---- halt ------------------------------------------------------------------------------------- */

void server_halt(struct server *sv, bool everyone)
{
    bool again = sv->halting;
    sv->halting = true;
    px_list_foreach(it, &sv->all_tasks) {
        struct task *t = px_container_of(it, struct task, all);
        if (t->job == NULL && (!everyone || (t->peer != NULL && t->peer->halts)))
            continue;
        sv->halted += !t->terminating && !t->killed;
        task_terminate(t, again && !everyone);
    }
}

pvmx_err server_on_halt(struct server *sv, struct peer *p, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    (void)body;
    (void)len;
    p->halts = true; /* answered when all have ended */
    p->halt_serial = serial;
    server_halt(sv, true);
    return PVMX_OK;
}

void server_leave(struct server *sv)
{
    sv->stopping = true;
    listen_stop(sv);
    loop_stop(&sv->loop);
}

static void on_signal(void *arg, unsigned events)
{
    struct server *sv = arg;
    struct signalfd_siginfo info;
    (void)events;
    if (read(sv->signal_fd, &info, sizeof info) != sizeof info)
        return;
    px_log(PX_LOG_INFO, "SERVER-SIGNAL", "%s: ending the tasks and then the daemon",
           strsignal((int)info.ssi_signo));
    server_halt(sv, false); /* a second one kills them */
}

/* ---- start and stop --------------------------------------------------------------------------- */

static pvmx_err start_signals(struct server *sv)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sv->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (sv->signal_fd < 0)
        return px_fail_errno(errno, "cannot receive signals");
    loop_io_start(&sv->loop, &sv->signal_io, sv->signal_fd, LOOP_READ, on_signal, sv);
    return PVMX_OK;
}

static unsigned count_threads(unsigned cpus)
{
    if (conf.threads > 0)
        return (unsigned)conf.threads;
    return cpus < 2 ? 2 : cpus > 4 ? 4 : cpus; /* two: one may hang */
}

static void init_lists(struct server *sv)
{
    px_list_init(&sv->all_tasks);
    px_list_init(&sv->peers);
    px_list_init(&sv->dirty_peers);
    px_list_init(&sv->closed_peers);
    px_list_init(&sv->dying);
    px_list_init(&sv->records);
    px_list_init(&sv->events);
    px_list_init(&sv->lookups);
    px_list_init(&sv->box_waits);
    px_list_init(&sv->agreements);
}

pvmx_err server_start(struct server *sv, const char *vm, bool ephemeral)
{
    unsigned cpus = topo_cpus();
    memset(sv, 0, sizeof *sv);
    init_lists(sv);
    bind_init(&sv->bind);
    sv->lock_fd = sv->signal_fd = sv->listener.fd = sv->listener.reserve = sv->arena.fd = -1;
    sv->started = px_now_ns();
    sv->ephemeral = ephemeral;
    if (gethostname(sv->host, sizeof sv->host - 1) != 0 || sv->host[0] == '\0')
        snprintf(sv->host, sizeof sv->host, "localhost");
    pvmx_err err = px_rundir_vm(vm, &sv->vm);
    if (err == PVMX_OK)
        err = lock_take(vm, &sv->dir, &sv->lock_fd);
    if (err == PVMX_OK)
        err = arena_open(&sv->arena, cpus);
    if (err == PVMX_OK && !loop_init(&sv->loop, server_before_sleep, sv))
        err = px_fail_errno(errno, "cannot make an event loop");
    if (err == PVMX_OK)
        err = start_signals(sv);
    if (err == PVMX_OK)
        err = listen_start(sv);
    /* The threads start when clients can already connect: they are needed a little later. */
    if (err == PVMX_OK &&
        !pool_start(&sv->pool, &sv->loop, count_threads(cpus), spawn_finished, sv))
        err = px_fail(PVMX_ERR_LIMIT, "cannot start a thread (ulimit -u?)");
    if (err != PVMX_OK)
        server_stop(sv);
    else
        topo_start(sv);
    return err;
}

void server_run(struct server *sv)
{
    px_log(PX_LOG_INFO, "SERVER-START", "VM %s on host %s, %u slots, socket %s", sv->vm,
           sv->host, atomic_load(&sv->arena.head->universe), sv->dir.socket);
    loop_run(&sv->loop);
}

void server_stop(struct server *sv)
{
    bool alone = true; /* no thread is left that could use what we free */
    sv->stopping = true;
    if (sv->loop.ev != NULL) {
        listen_stop(sv); /* first of all: nobody comes any more */
        peers_close_all(sv);
        while (!px_list_empty(&sv->all_tasks)) /* root tasks that go on without a VM */
            task_end(px_container_of(sv->all_tasks.next, struct task, all), -1, 0);
        peers_close_all(sv);
        alone = pool_stop(&sv->pool, &sv->loop);
        watchdog_stop(sv);
        topo_stop(sv);
        if (sv->signal_fd >= 0)
            loop_io_stop(&sv->loop, &sv->signal_io);
        if (alone)
            loop_fini(&sv->loop);
    }
    px_fd_close(&sv->signal_fd);
    notify_fini(sv);
    events_fini(sv);
    px_map_free(&sv->tasks);
    px_map_free(&sv->jobs);
    px_map_free(&sv->ports);
    px_map_free(&sv->names);
    boxes_fini(sv);
    groups_fini(sv);
    if (alone) {
        bind_fini(&sv->bind);
        arena_close(&sv->arena);
    }
    lock_drop(&sv->dir, &sv->lock_fd); /* last: from now on another daemon may start */
}
