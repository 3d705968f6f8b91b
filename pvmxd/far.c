/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks of other hosts. */
#include "far.h"
#include "base/err.h"
#include "base/log.h"
#include "caller.h"
#include "consent.h"
#include "drain.h"
#include "events.h"
#include "feed.h"
#include "guest.h"
#include "hosts.h"
#include "input.h"
#include "link.h"
#include "notify.h"
#include "output.h"
#include "peer.h"
#include "post.h"
#include "proto/hello.h"
#include "revoke.h"
#include "server.h"
#include "span.h"
#include "tasks.h"
#include <signal.h>
#include <stdlib.h>

struct far *far_find(struct server *sv, int32_t tid)
{
    return px_map_get(&sv->fars, (uint64_t)tid);
}

struct far *far_add(struct server *sv, int32_t tid, struct job *job, uint32_t rank,
                    uint32_t pid)
{
    struct far *f = far_find(sv, tid); /* somebody may have been quicker to watch it */
    if (f == NULL) {
        f = calloc(1, sizeof *f);
        if (f == NULL || px_map_put(&sv->fars, (uint64_t)tid, f) != PVMX_OK) {
            free(f);
            return NULL;
        }
        f->sv = sv;
        f->tid = tid;
        px_list_init(&f->in_job);
        px_list_init(&f->watches);
    }
    if (job != NULL && f->job == NULL) {
        f->job = job;
        f->rank = rank;
        f->pid = pid;
        f->watched = true; /* its daemon tells the job's owner in any case */
        px_list_push_back(&job->fars, &f->in_job);
        job->alive++;
    }
    return f;
}

static void far_free(struct far *f)
{
    struct job *j = f->job;
    struct host *h = j != NULL ? hosts_find(f->sv, far_host(f->tid)) : NULL;
    if (h != NULL && h->tasks > 0) /* until its next heart-beat says it */
        h->tasks--;
    px_map_remove(&f->sv->fars, (uint64_t)f->tid);
    px_list_remove(&f->in_job);
    free(f);
    if (j != NULL && --j->alive == 0)
        job_free(j);
}

static void far_ended(struct far *f, const struct pxp_task_end *end)
{
    struct job *j = f->job;
    drain_end(f->sv, f->tid);
    /* mpiexec leaves when it has heard of all ends. */
    if (j != NULL && j->session != NULL && drain_hold(f->sv, end))
        return;
    feed_end(f->sv, f->tid);
    guest_end(f->sv, f->tid);
    callers_end(f->sv, f->tid);
    consent_far_ended(f->sv, f->tid);
    notify_end(f->sv, end, j != NULL ? j->owner_peer : NULL,
               j != NULL ? j->session : NULL, &f->watches);
    far_free(f);
}

/* Asks its daemon to tell its end, once. */
static pvmx_err ask_end(struct far *f, struct post *to)
{
    struct pxp_watch m = {.tids = &f->tid, .n_tids = 1};
    if (f->watched)
        return PVMX_OK;
    f->watched = true;
    return post_sent(to, pxp_watch_encode(&to->kept, post_number(to), &m));
}

pvmx_err far_watch(struct server *sv, struct peer *p, int32_t tid)
{
    struct post *to = post_to(sv, far_host(tid));
    struct far *f = to != NULL ? far_add(sv, tid, NULL, 0, 0) : NULL;
    if (to == NULL)
        return PVMX_ERR_NOENT;
    if (f == NULL || !notify_add_watch(p, &f->watches))
        return px_fail(PVMX_ERR_NOMEM, "no memory for a notice");
    return ask_end(f, to);
}

void far_know(struct server *sv, int32_t tid)
{
    struct post *to = post_to(sv, far_host(tid));
    struct far *f = to != NULL ? far_add(sv, tid, NULL, 0, 0) : NULL;
    if (f != NULL)
        ask_end(f, to);
}

/* ---- jobs of which a part is elsewhere -------------------------------------------------------- */

/* Calls fn for each host that has tasks of the job: they stand in rank order, so host by host. */
static void each_host(struct job *j,
                      void (*fn)(struct job *j, struct post *to, uint32_t arg), uint32_t arg)
{
    uint32_t last = 0;
    px_list_foreach(it, &j->fars) {
        uint32_t host = far_host(px_container_of(it, struct far, in_job)->tid);
        struct post *to = host != last ? post_to(j->sv, host) : NULL;
        last = host;
        if (to != NULL)
            fn(j, to, arg);
    }
}

static void send_end(struct job *j, struct post *to, uint32_t hard)
{
    struct pxp_job_end m = {.job = j->id, .hard = hard != 0};
    post_sent(to, pxp_job_end_encode(&to->kept, post_number(to), &m));
}

void far_end_job(struct job *j, bool hard)
{
    each_host(j, send_end, hard);
}

static void send_signal(struct job *j, struct post *to, uint32_t signal)
{
    struct pxp_signal m = {.jobs = &j->id, .n_jobs = 1, .signal = signal};
    post_sent(to, pxp_signal_encode(&to->kept, post_number(to), &m));
}

uint32_t far_signal_job(struct job *j, uint32_t signal)
{
    uint32_t n = 0;
    px_list_foreach(it, &j->fars)
        n++;
    each_host(j, send_signal, signal);
    return n;
}

uint32_t far_signal(struct server *sv, int32_t tid, uint32_t signal)
{
    struct post *to = tid > 0 ? post_to(sv, far_host(tid)) : NULL;
    struct pxp_signal m = {.tids = &tid, .n_tids = 1, .signal = signal};
    return to != NULL &&
           post_sent(to, pxp_signal_encode(&to->kept, post_number(to), &m)) == PVMX_OK;
}

static void send_release(struct job *j, struct post *to, uint32_t unused)
{
    struct pxp_release m = {.job = j->id};
    (void)unused;
    post_sent(to, pxp_release_encode(&to->kept, post_number(to), &m));
}

void far_release(struct job *j)
{
    each_host(j, send_release, 0);
}

bool far_terminate(struct server *sv, int32_t tid)
{
    struct post *to = tid > 0 ? post_to(sv, far_host(tid)) : NULL;
    struct pxp_abort m = {.tids = &tid, .n_tids = 1};
    return to != NULL &&
           post_sent(to, pxp_abort_encode(&to->kept, post_number(to), &m)) == PVMX_OK;
}

/* ---- what other daemons say ------------------------------------------------------------------- */

pvmx_err far_on_ended(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_ended m;
    (void)serial;
    pvmx_err err = pxp_ended_decode(body, len, &m, &zone);
    for (size_t i = 0; err == PVMX_OK && i < m.n_ends; i++) {
        struct far *f = far_find(sv, m.ends[i].tid);
        if (far_host(m.ends[i].tid) != l->host)
            err = px_fail(PVMX_ERR_PROTO,
                          "host %s tells of the end of another host's task", l->name);
        else if (f != NULL && (f->job != NULL || !span_early_end(sv, &m.ends[i])))
            far_ended(f, &m.ends[i]);
        else if (f == NULL)
            span_early_end(sv, &m.ends[i]);
    }
    pxp_zone_free(&zone);
    return err;
}

/* False: it is no host (any more). */
static bool tell_host(struct server *sv, uint32_t host, const struct pxp_task_end *end)
{
    struct pxp_ended m = {.ends = (struct pxp_task_end *)(uintptr_t)end, .n_ends = 1};
    struct post *to = post_to(sv, host);
    return to != NULL &&
           post_sent(to, pxp_ended_encode(&to->kept, post_number(to), &m)) == PVMX_OK;
}

pvmx_err far_on_watch(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_watch m;
    (void)serial;
    pvmx_err err = pxp_watch_decode(body, len, &m, &zone);
    for (size_t i = 0; err == PVMX_OK && i < m.n_tids; i++) {
        struct task *t = task_find(sv, m.tids[i]);
        struct pxp_task_end end;
        if (t != NULL && !t->told && !t->left) {
            err = task_far_host(t, l->host) ? PVMX_OK : PVMX_ERR_NOMEM;
        } else if (span_coming(sv, m.tids[i])) {
            span_watch_later(sv, m.tids[i], l->host);
        } else {
            notify_known(sv, m.tids[i], &end);
            tell_host(sv, l->host, &end);
        }
    }
    pxp_zone_free(&zone);
    return err;
}

void far_tell(struct task *t, const struct pxp_task_end *end)
{
    uint32_t origin = t->job != NULL ? t->job->origin : 0;
    bool told = origin != 0 && !t->silent && t->told && tell_host(t->sv, origin, end);
    for (size_t i = 0; i < t->nfar_hosts; i++)
        if (t->far_hosts[i] != origin || !told)
            tell_host(t->sv, t->far_hosts[i], end);
    t->nfar_hosts = 0;
}

void far_never(struct server *sv, int32_t tid, uint32_t host)
{
    struct pxp_task_end end;
    notify_known(sv, tid, &end);
    tell_host(sv, host, &end);
}

void far_left(struct task *t)
{
    struct pxp_task_end end = {.tid = t->tid, .inited = true, .left = true, .program = ""};
    uint32_t origin = t->job != NULL ? t->job->origin : 0;
    for (size_t i = 0; i < t->nfar_hosts; i++)
        if (t->far_hosts[i] != origin)
            tell_host(t->sv, t->far_hosts[i], &end);
}

void far_end(struct server *sv, const struct pxp_task_end *end)
{
    struct far *f = far_find(sv, end->tid);
    if (f != NULL)
        far_ended(f, end);
}

pvmx_err far_on_abort(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_abort m;
    (void)l;
    (void)serial;
    pvmx_err err = pxp_abort_decode(body, len, &m, &zone);
    for (size_t i = 0; err == PVMX_OK && i < m.n_tids; i++) {
        struct task *t = task_find(sv, m.tids[i]);
        if (t != NULL)
            task_terminate(t, false);
    }
    pxp_zone_free(&zone);
    return err;
}

pvmx_err far_on_signal(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_signal m;
    (void)l;
    (void)serial;
    pvmx_err err = pxp_signal_decode(body, len, &m, &zone);
    if (err == PVMX_OK && (m.signal < 1 || m.signal > (uint32_t)SIGRTMAX))
        err = px_fail(PVMX_ERR_PROTO, "there is no signal %u", m.signal);
    for (size_t i = 0; err == PVMX_OK && i < m.n_tids; i++) {
        struct task *t = task_find(sv, m.tids[i]);
        if (t != NULL)
            task_signal(t, (int)m.signal);
    }
    for (size_t i = 0; err == PVMX_OK && i < m.n_jobs; i++) {
        struct job *j = job_find(sv, m.jobs[i]);
        if (j != NULL)
            px_list_foreach(it, &j->tasks)
                task_signal(px_container_of(it, struct task, in_job), (int)m.signal);
    }
    pxp_zone_free(&zone);
    return err;
}

pvmx_err far_on_job_end(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_job_end m;
    (void)l;
    (void)serial;
    pvmx_err err = pxp_job_end_decode(body, len, &m, &zone);
    struct job *j = err == PVMX_OK ? job_find(sv, m.job) : NULL;
    if (j != NULL)
        job_terminate(j, m.hard);
    pxp_zone_free(&zone);
    return err;
}

pvmx_err far_on_release(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_release m;
    (void)serial;
    pvmx_err err = pxp_release_decode(body, len, &m, &zone);
    struct job *j = err == PVMX_OK ? job_find(sv, m.job) : NULL;
    if (j != NULL && j->origin == l->host)
        j->released = true;
    pxp_zone_free(&zone);
    return err;
}

/* ---- losing a host ---------------------------------------------------------------------------- */

/* Their spawner was there. */
static void end_orphans(struct server *sv, uint32_t index)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->jobs, &pos, &key, &value);) {
        struct job *j = value;
        if (j->origin != index)
            continue;
        j->origin = 0;
        if (!j->released && (j->flags & PVMX_SPAWN_DETACHED) == 0)
            job_terminate(j, false);
    }
}

void far_lost(struct server *sv, int32_t tid, const char *host)
{
    struct far *f = far_find(sv, tid);
    if (f == NULL)
        return;
    struct pxp_task_end end = {.tid = tid,
                               .status = -1,
                               .inited = true,
                               .job = f->job != NULL ? f->job->id : 0,
                               .rank = f->rank,
                               .program = "",
                               .pid = f->pid};
    if (f->job != NULL)
        events_note_lost(sv, host, &end);
    far_ended(f, &end);
}

void far_host_lost(struct server *sv, uint32_t index, const char *name)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->fars, &pos, &key, &value);)
        if (far_host((int32_t)key) == index)
            far_lost(sv, (int32_t)key, name); /* removes the entry just returned, which is allowed */
    span_tasks_lost(sv, index, name);
    end_orphans(sv, index);
    span_host_lost(sv, index);
    output_host_lost(sv, index);
    input_host_lost(sv, index);
    consent_host_lost(sv, index);
    revoke_host_lost(sv, index);
    post_host_lost(sv, index);
    callers_host_lost(sv, index);
}

void far_fini(struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->fars, &pos, &key, &value);) {
        struct far *f = value;
        while (!px_list_empty(&f->watches))
            notify_drop_watch(f->watches.next);
        far_free(f); /* with its job, when this was the last task */
    }
    px_map_free(&sv->fars);
}
