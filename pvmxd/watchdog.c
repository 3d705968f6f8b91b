/* SPDX-License-Identifier: BSD-3-Clause */
/* Time limits. */
#include "watchdog.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf.h"
#include "depart.h"
#include "peer.h"
#include "server.h"
#include "tasks.h"

#define SCAN_FIRST (50 * PX_MS) /* a death is followed by others: one look for all */
#define SCAN_LAST (60 * PX_SEC)

/* ---- greetings -------------------------------------------------------------------------------- */

static void on_greeting(void *arg)
{
    struct server *sv = arg;
    uint64_t now = px_now_ns(), next = PX_NEVER;
    px_list_foreach(it, &sv->peers) {
        struct peer *p = px_container_of(it, struct peer, all);
        uint64_t due = p->since + (uint64_t)conf.greeting;
        if (p->role != 0)
            continue;
        if (due <= now) {
            px_log(PX_LOG_INFO, "PEER-GREETING", "process %d connected and said nothing",
                   (int)p->pid);
            peer_close(p);
        } else if (due < next) {
            next = due;
        }
    }
    if (next != PX_NEVER)
        loop_timer_start(&sv->loop, &sv->watchdog.greeting, next - now, on_greeting, sv);
}

void watchdog_greeting(struct server *sv)
{
    if (!loop_timer_active(&sv->watchdog.greeting))
        loop_timer_start(&sv->loop, &sv->watchdog.greeting, (uint64_t)conf.greeting,
                         on_greeting, sv);
}

/* ---- escalation ------------------------------------------------------------------------------- */

static void on_dying(void *arg)
{
    struct server *sv = arg;
    uint64_t now = px_now_ns();
    while (!px_list_empty(&sv->dying)) {
        struct task *t = px_container_of(sv->dying.next, struct task, dying);
        if (t->kill_at > now) {
            loop_timer_start(&sv->loop, &sv->watchdog.dying, t->kill_at - now, on_dying, sv);
            return;
        }
        px_log(PX_LOG_INFO, "TASK-KILL", "t%x (process %d) did not end on SIGTERM: SIGKILL",
               (unsigned)t->tid, (int)t->pid);
        task_terminate(t, true);
    }
}

void watchdog_dying(struct server *sv)
{
    if (!loop_timer_active(&sv->watchdog.dying))
        loop_timer_start(&sv->loop, &sv->watchdog.dying, (uint64_t)conf.grace, on_dying, sv);
}

/* ---- init ------------------------------------------------------------------------------------- */

static void on_init_limit(void *arg)
{
    struct job *j = arg;
    struct server *sv = j->sv;
    px_list_foreach(it, &j->tasks) {
        struct task *t = px_container_of(it, struct task, in_job);
        if (t->told || !arena_give_up(&sv->arena, t->slot))
            continue;
        px_log(PX_LOG_WARN, "TASK-INIT",
               "t%x (%s, process %d) has not called init within %u ms: given up",
               (unsigned)t->tid, task_program(t), (int)t->pid, j->init_timeout_ms);
        t->given_up = true;
        notify_ended(sv, t, -1, 0, false);
        task_terminate(t, false);
    }
}

void watchdog_init_limit(struct job *j)
{
    loop_timer_start(&j->sv->loop, &j->init_limit, j->init_timeout_ms * PX_MS,
                     on_init_limit, j);
}

/* ---- slots ------------------------------------------------------------------------------------ */

static void on_scan(void *arg)
{
    struct server *sv = arg;
    struct watchdog *w = &sv->watchdog;
    if (arena_scan(&sv->arena) == 0)
        return;
    /* Nobody tells us when a task forgets a dead peer: look again, ever more seldom. */
    w->scan_delay = w->scan_delay * 2 < SCAN_LAST ? w->scan_delay * 2 : SCAN_LAST;
    loop_timer_start(&sv->loop, &w->scan, w->scan_delay, on_scan, sv);
}

/* ---- the round -------------------------------------------------------------------------------- */

static void on_linger(void *arg)
{
    struct server *sv = arg;
    px_log(PX_LOG_INFO, "SERVER-IDLE", "no task and no client is left: leaving");
    server_halt_unused(sv);
}

void watchdog_round(struct server *sv)
{
    struct watchdog *w = &sv->watchdog;
    if (sv->scan_slots) {
        sv->scan_slots = false;
        if (!loop_timer_active(&w->scan) || w->scan_delay > SCAN_FIRST) {
            w->scan_delay = SCAN_FIRST;
            loop_timer_start(&sv->loop, &w->scan, SCAN_FIRST, on_scan, sv);
        }
    }
    if (!depart_due(sv))
        loop_timer_stop(&sv->loop, &w->linger);
    else if (!loop_timer_active(&w->linger))
        loop_timer_start(&sv->loop, &w->linger, (uint64_t)conf.linger, on_linger, sv);
}

void watchdog_stop(struct server *sv)
{
    struct watchdog *w = &sv->watchdog;
    loop_timer_stop(&sv->loop, &w->greeting);
    loop_timer_stop(&sv->loop, &w->dying);
    loop_timer_stop(&sv->loop, &w->linger);
    loop_timer_stop(&sv->loop, &w->scan);
}
