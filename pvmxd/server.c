/* SPDX-License-Identifier: BSD-3-Clause */
/* Start, the round, and the end of the daemon. */
#include "server.h"
#include "add.h"
#include "agree.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "book.h"
#include "conf.h"
#include "early.h"
#include "events.h"
#include "far.h"
#include "feed.h"
#include "groups.h"
#include "input.h"
#include "join.h"
#include "lead.h"
#include "lock.h"
#include "logs.h"
#include "mailbox.h"
#include "notify.h"
#include "output.h"
#include "outside.h"
#include "peer.h"
#include "post.h"
#include "relay.h"
#include "revoke.h"
#include "span.h"
#include "spawn.h"
#include "tasks.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define HALT_EXTRA                                                                       \
    (5 * PX_SEC) /* for other hosts, after the grace period of their tasks */
#define UNUSED_MAX                                                                       \
    (2 * PX_SEC) /* for hosts without tasks; a daemon that is started meanwhile waits longer */

/* ---- the round -------------------------------------------------------------------------------- */

/* Has everything that was to end ended? */
static bool halt_complete(struct server *sv)
{
    if (!sv->halting || sv->stopping || sv->nrequests > 0)
        return false;
    if (sv->hosts.halting && sv->hosts.table.count > 1 && !sv->halt_overdue)
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
    early_round(sv);
    peers_flush(sv); /* may close peers and so end tasks: before anything that counts them */
    while (helpers_round(sv))
        peers_flush(sv);
    hosts_round(sv);
    while (book_round(sv))
        peers_flush(sv);
    links_flush(sv);
    if (halt_complete(sv)) {
        answer_halts(sv);
        peers_flush(sv);
        links_flush(sv);
        server_leave(sv);
    }
    watchdog_round(sv);    /* after the flush: is anybody left? */
    peers_free_closed(sv); /* last: nothing on the stack refers to them any more */
    links_free_closed(sv);
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

static void on_halt_overdue(void *arg)
{
    struct server *sv = arg;
    sv->halt_overdue = true; /* hosts that do not answer are left to themselves */
}

static void halt_others(struct server *sv, const char *why, uint64_t limit)
{
    if (!hosts_halt(sv, why))
        loop_timer_start(&sv->loop, &sv->halt_limit, limit, on_halt_overdue, sv);
}

/* Ends the whole virtual machine, beginning with the other hosts. */
static void halt_all(struct server *sv)
{
    struct host *leader = hosts_find(sv, sv->hosts.leader);
    struct pxp_halt m = {0};
    if (!hosts_leading(sv) && leader != NULL && leader->link != NULL &&
        pxp_halt_encode(link_out(leader->link), 0, &m) == PVMX_OK)
        return; /* it will tell us to end, as all others */
    halt_others(sv, "halted", (uint64_t)conf.grace + HALT_EXTRA);
    server_halt(sv, true);
}

void server_halt_unused(struct server *sv)
{
    listen_stop(sv);
    if (hosts_leading(sv))
        halt_others(sv, "nobody uses the virtual machine any more", UNUSED_MAX);
    server_halt(sv, true);
}

void server_leader_lost(struct server *sv)
{
    bool asked = false;
    px_list_foreach(it, &sv->peers)
        asked = asked || px_container_of(it, struct peer, all)->halts;
    if (asked && !sv->halting)
        halt_all(sv);
}

pvmx_err server_on_halt(struct server *sv, struct peer *p, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    (void)body;
    (void)len;
    p->halts = true; /* answered when all have ended */
    p->halt_serial = serial;
    halt_all(sv);
    return PVMX_OK;
}

pvmx_err server_on_halt_forwarded(struct server *sv, struct link *l, uint32_t serial,
                                  const uint8_t *body, size_t len)
{
    (void)l;
    (void)serial;
    (void)body;
    (void)len;
    halt_all(sv);
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
    if (hosts_leading(sv))
        halt_others(sv, "halted", (uint64_t)conf.grace + HALT_EXTRA);
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

void server_init(struct server *sv)
{
    px_list_init(&sv->all_tasks);
    px_list_init(&sv->peers);
    px_list_init(&sv->dirty_peers);
    px_list_init(&sv->closed_peers);
    px_list_init(&sv->dying);
    px_list_init(&sv->records);
    px_list_init(&sv->events);
    gates_init(&sv->gates);
    helpers_init(&sv->helpers);
    px_list_init(&sv->lookups);
    px_list_init(&sv->box_waits);
    px_list_init(&sv->errands);
    px_list_init(&sv->agreements);
    px_list_init(&sv->revocations);
    px_list_init(&sv->forwards);
    px_list_init(&sv->requests);
    px_list_init(&sv->early);
    px_list_init(&sv->spans);
    px_list_init(&sv->laters);
    output_init(sv);
    logs_init(sv);
    limits_init(sv);
    px_list_init(&sv->hosts.changed);
    px_list_init(&sv->hosts.exiles);
    px_list_init(&sv->hosts.subscribers);
}

/* The lock of the VM's directory; on a machine that has a daemon of this VM's name already, of a
 * directory with the host's name in it. */
static pvmx_err take_lock(struct server *sv, const struct server_options *o)
{
    char vm[sizeof o->join->vm + sizeof sv->host + 1];
    if (o->join == NULL)
        return lock_take(o->vm, &sv->dir, &sv->lock_fd);
    snprintf(vm, sizeof vm, "%.40s.%u", o->join->vm, o->join->index);
    pvmx_err err = PVMX_ERR_EXISTS;
    if (!o->join->apart)
        err = lock_take(o->join->vm, &sv->dir, &sv->lock_fd);
    return err == PVMX_ERR_EXISTS ? lock_take(vm, &sv->dir, &sv->lock_fd) : err;
}

void server_ready(struct server *sv, pvmx_err err)
{
    sv->status = err;
    if (sv->ready != NULL)
        sv->ready(err);
    sv->ready = NULL;
    if (err != PVMX_OK)
        server_leave(sv);
}

pvmx_err server_start(struct server *sv, const struct server_options *o)
{
    unsigned cpus = topo_cpus();
    memset(sv, 0, sizeof *sv);
    server_init(sv);
    links_init(sv);
    add_init(sv);
    relay_init(sv);
    bind_init(&sv->bind);
    sv->lock_fd = sv->signal_fd = sv->hosts.fd = sv->hosts.reserve = sv->listener.fd =
        sv->listener.reserve = sv->arena.fd = -1;
    sv->started = px_now_ns();
    sv->ephemeral = o->ephemeral;
    sv->ready = o->ready;
    sv->said = o->said;
    if (o->file != NULL) {
        sv->known = *o->file;
        *o->file = (struct pxp_hostfile){0};
    }
    if (o->join != NULL)
        snprintf(sv->host, sizeof sv->host, "%s", o->join->host);
    else if (o->host != NULL && o->host[0] != '\0')
        snprintf(sv->host, sizeof sv->host, "%s", o->host);
    else if (gethostname(sv->host, sizeof sv->host - 1) != 0 || sv->host[0] == '\0')
        snprintf(sv->host, sizeof sv->host, "localhost");
    pvmx_err err = book_init(sv) ? PVMX_OK : PVMX_ERR_NOMEM;
    if (err == PVMX_OK)
        err = px_rundir_vm(o->join != NULL ? o->join->vm : o->vm, &sv->vm);
    if (err == PVMX_OK)
        err = take_lock(sv, o);
    if (err == PVMX_OK)
        lock_sweep(&sv->dir);
    if (err == PVMX_OK)
        err = arena_open(&sv->arena, cpus, o->join != NULL ? o->join->index : 1);
    if (err == PVMX_OK && !loop_init(&sv->loop, server_before_sleep, sv))
        err = px_fail_errno(errno, "cannot make an event loop");
    if (err == PVMX_OK && o->join != NULL)
        err = own_set(&sv->own, o->join->wdir, o->join->path, o->join->wrapper,
                      o->join->debugger);
    if (err == PVMX_OK)
        err = hosts_start(sv, o->join);
    if (err == PVMX_OK && o->join == NULL)
        book_lead(sv, true);
    if (err == PVMX_OK)
        err = start_signals(sv);
    if (err == PVMX_OK)
        err = listen_start(sv);
    /* The threads start when clients can already connect: they are needed a little later. */
    if (err == PVMX_OK)
        preload_init(sv);
    if (err == PVMX_OK &&
        !pool_start(&sv->pool, &sv->loop, count_threads(cpus), spawn_finished, sv))
        err = px_fail(PVMX_ERR_LIMIT, "cannot start a thread (ulimit -u?)");
    if (err != PVMX_OK)
        server_stop(sv);
    else
        topo_start(sv);
    return err;
}

pvmx_err server_run(struct server *sv)
{
    if (!sv->hosts.joining && (sv->known.n == 0 || add_known(sv) != PVMX_OK))
        server_ready(sv, PVMX_OK);
    px_log(PX_LOG_INFO, "SERVER-START", "VM %s on host %s, %u slots, socket %s", sv->vm,
           sv->host, atomic_load(&sv->arena.head->universe), sv->dir.socket);
    loop_run(&sv->loop);
    return sv->status;
}

void server_stop(struct server *sv)
{
    bool alone = true; /* no thread is left that could use what we free */
    sv->stopping = true;
    if (sv->loop.ev != NULL) {
        listen_stop(sv); /* first of all: nobody comes any more */
        book_close(sv);
        peers_close_all(sv);
        while (!px_list_empty(&sv->all_tasks)) /* root tasks that go on without a VM */
            task_end(px_container_of(sv->all_tasks.next, struct task, all), -1, 0);
        peers_close_all(sv);
        add_stop(sv);
        relay_stop(sv); /* before the links, which would look for other ways */
        links_stop(sv);
        post_fini(sv);
        agree_fini(sv);
        revoke_fini(sv);
        far_fini(sv);
        output_fini(sv);
        input_fini(sv);
        feed_fini(sv);
        outside_stop(sv);
        lead_stop(sv);
        loop_timer_stop(&sv->loop, &sv->halt_limit);
        alone = pool_stop(&sv->pool, &sv->loop);
        if (alone)
            preload_fini(sv);
        watchdog_stop(sv);
        limits_stop(sv);
        topo_stop(sv);
        if (sv->signal_fd >= 0)
            loop_io_stop(&sv->loop, &sv->signal_io);
        if (alone)
            loop_fini(&sv->loop);
    }
    px_fd_close(&sv->signal_fd);
    px_map_free(&sv->guests);
    px_map_free(&sv->clients);
    px_map_free(&sv->stand_ins);
    span_fini(sv);
    hosts_stop(sv);
    notify_fini(sv);
    logs_fini(sv);
    limits_fini(sv);
    events_fini(sv);
    pxp_hostfile_free(&sv->known);
    px_map_free(&sv->tasks);
    px_map_free(&sv->jobs);
    px_map_free(&sv->ports);
    px_map_free(&sv->names);
    px_map_free(&sv->errand_numbers);
    boxes_fini(sv);
    groups_fini(sv);
    book_fini(sv);
    if (alone) {
        own_free(&sv->own);
        bind_fini(&sv->bind);
        arena_close(&sv->arena);
    }
    lock_drop(&sv->dir, &sv->lock_fd); /* last: from now on another daemon may start */
}
