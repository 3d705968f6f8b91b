/* SPDX-License-Identifier: BSD-3-Clause */
/* Start and end of the engine. */
#include "core/ctx.h"
#include "core/gate.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "proto/messages.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

struct px_ctx px_ctx;
bool pvmx_engine_threaded;

static unsigned messenger_source(void *arg)
{
    return px_messenger_progress(arg);
}

static pthread_once_t lock_once = PTHREAD_ONCE_INIT;

static void make_lock(void)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&px_ctx.lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

/* The first parts, which need nobody else. */
static pvmx_err start_parts(void)
{
    struct px_ctx *c = &px_ctx;
    px_log_settings();
    px_transports_check();
    c->arena = c->lone = (struct px_arena){.fd = -1};
    px_progress_init(&c->progress, &c->arena);
    pvmx_err err = px_messenger_init(&c->ms);
    c->ms.far = &px_far;
    c->ms.chains = &px_chains;
    px_progress_add(&c->progress, messenger_source, &c->ms);
    px_progress_add(&c->progress, px_ctl_progress, &c->ctl);
    c->progress.completed = &c->ms.completed;
    c->progress.check = px_ctl_probe;
    c->progress.check_arg = &c->ctl;
    c->progress.descriptor = px_messenger_descriptor;
    c->progress.descriptor_arg = &c->ms;
    c->progress.far = &c->ms.look_far;
    c->progress.sleeping = &c->ms.sleeping;
    px_list_init(&c->ctl.calls);
    px_list_init(&c->ctl.watches);
    c->ctl.client.fd = -1;
    c->next_ctx = PVMX_ENGINE_CTX_RESERVED;
    return err;
}

/* Nobody has started us: a lone process, until it joins the VM that runs here or starts one. */
static pvmx_err start_lone(void)
{
    struct px_ctx *c = &px_ctx;
    gethostname(c->host, sizeof c->host - 1);
    pvmx_err err = px_arena_private(&c->arena);
    if (!err)
        err = px_messenger_open(&c->ms, &c->arena, 0);
    if (!err)
        err = px_enroll_connect(false);
    return err == PVMX_ERR_NO_VM ? PVMX_OK : err;
}

static void stop(void)
{
    struct px_ctx *c = &px_ctx;
    px_ctl_close();
    px_blocks_fini();
    px_gates_fini();
    px_messenger_fini(&c->ms);
    px_progress_fini(&c->progress);
    px_arena_detach(&c->arena);
    px_arena_detach(&c->lone);
    free(c->birth_tids);
    c->birth_tids = NULL;
    c->born = false;
    c->tid = 0;
    c->ctl = (struct px_ctl){0};
}

pvmx_err pvmx_engine_init(bool threads)
{
    pthread_once(&lock_once, make_lock);
    if (threads && !px_ctx.threads) { /* others may be looking at it */
        px_ctx.threads = pvmx_engine_threaded = true;
        px_ctx.progress.lock = &px_ctx.lock;
    }
    px_lock();
    pvmx_err err = PVMX_OK;
    if (px_ctx.inits == 0) {
        bool born = false;
        px_log_settings();
        err = start_parts();
        if (!err)
            err = px_enroll_inherited(&born);
        if (!err && !born)
            err = start_lone();
        if (px_ctx.threads)
            px_ctx.progress.lock = &px_ctx.lock;
        if (err)
            stop();
    }
    px_ctx.inits += err == PVMX_OK;
    px_unlock();
    return err;
}

static bool all_sent(void *arg)
{
    return ((struct px_messenger *)arg)->nsends == 0;
}

bool pvmx_engine_unsent(void)
{
    px_lock();
    bool left = px_ctx.inits > 0 && px_messenger_unsent(&px_ctx.ms);
    px_unlock();
    return left;
}

/* Says good-bye: peers see LEFT, the daemon hears leave. */
static void say_leave(void)
{
    struct px_ctx *c = &px_ctx;
    atomic_store(&c->arena.slot->state, PX_SLOT_LEFT);
    struct pxp_leave m = {0};
    if (c->ctl.up && pxp_leave_encode(&c->ctl.client.out, 0, &m) == PVMX_OK)
        px_ctl_post();
}

void pvmx_engine_leave(void)
{
    px_lock();
    if (px_ctx.inits > 0 && --px_ctx.inits == 0) {
        px_ctx_wait(all_sent, &px_ctx.ms, PX_NEVER);
        if (px_ctx.tid)
            say_leave();
        stop();
    }
    px_unlock();
}

void pvmx_engine_forget(void)
{
    if (px_ctx.inits == 0)
        return;
    px_fd_close(&px_ctx.ctl.client.fd);
    px_fd_close(&px_ctx.arena.fd);
    px_blocks_forget();
    px_boards_forget();
    px_gates_forget();
    px_help_forget();
    px_hosts_forget();
    px_notify_forget();
    px_ctx = (struct px_ctx){0};
    pvmx_engine_threaded = false;
    make_lock(); /* another thread may have had it */
}

pvmx_err pvmx_engine_join_vm(void)
{
    px_lock();
    pvmx_err err = px_ctx.tid ? PVMX_OK : px_enroll_connect(true);
    px_unlock();
    return err;
}

pvmx_tid pvmx_engine_self(void)
{
    return px_ctx.tid;
}

const char *pvmx_engine_host(void)
{
    return px_ctx.host;
}

int pvmx_engine_universe_size(void)
{
    if (px_ctx.slots)
        return px_ctx.slots > INT_MAX ? INT_MAX : (int)px_ctx.slots;
    return (int)atomic_load_explicit(&px_ctx.arena.head->universe, memory_order_relaxed);
}

const struct pvmx_birth *pvmx_engine_birth(void)
{
    return px_ctx.born ? &px_ctx.birth : NULL;
}

uint64_t pvmx_engine_ctx_alloc(unsigned n)
{
    px_lock();
    uint64_t first = (uint64_t)(uint32_t)px_ctx.tid << 32 | px_ctx.next_ctx;
    px_ctx.next_ctx += n;
    px_unlock();
    return first;
}
