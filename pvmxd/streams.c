/* SPDX-License-Identifier: BSD-3-Clause */
/* See streams.h. */
#include "streams.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "bind.h"
#include "drain.h"
#include "logs.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FDS_OF_TASK = 4 }; /* control connection, process, two pipes */

static struct peer *session_of(const struct spawn_req *r)
{
    if (r->owner != NULL)
        return r->owner->job != NULL ? r->owner->job->session : NULL;
    return r->peer != NULL && r->peer->role == PXP_ROLE_MPIEXEC ? r->peer : NULL;
}

void streams_close(int fds[3])
{
    for (int i = 0; i < 3; i++)
        px_fd_close(&fds[i]);
}

pvmx_err streams_take(struct spawn_req *r, struct peer *p)
{
    int *to[5] = {&r->stdio[0], &r->stdio[1], &r->stdio[2]};
    size_t n = 3;
    uint32_t streams = p->role == PXP_ROLE_MPIEXEC ? r->m.streams : 0;
    if ((streams & PXP_STREAM_OUT_TTY) != 0)
        to[n++] = &r->tty[1];
    if ((streams & PXP_STREAM_ERR_TTY) != 0)
        to[n++] = &r->tty[2];
    if (p->nfds < n)
        return px_fail(PVMX_ERR_ARG, "a spawn request must carry descriptors 0, 1 and 2%s: %zu have arrived",
                       n > 3 ? " and terminals" : "", p->nfds);
    for (size_t i = 0; i < n; i++)
        *to[i] = p->fds[i];
    p->nfds -= n;
    memmove(p->fds, p->fds + n, p->nfds * sizeof p->fds[0]);
    return PVMX_OK;
}

/* ---- which streams ---------------------------------------------------------------------------- */

static int another(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, EXEC_FIRST_FD);
}

/* mpiexec's own are kept for jobs that will outlive it, its terminals for what its tasks spawn. */
static void keep_own(struct spawn_req *r)
{
    struct peer *p = r->peer;
    for (int i = 0; i < 3; i++) {
        if (p->stdio[i] < 0)
            p->stdio[i] = another(r->stdio[i]);
        if (p->tty[i] < 0 && r->tty[i] >= 0)
            p->tty[i] = another(r->tty[i]);
    }
}

static bool same_file(int fd, const struct stat *st)
{
    struct stat own;
    return fd >= 0 && fstat(fd, &own) == 0 && own.st_dev == st->st_dev &&
           own.st_ino == st->st_ino;
}

/* A spawner hands on the session's terminal. Only children on this host that do not outlive mpiexec get
 * it: for all others what they write goes to what stands behind it. */
static void hand_on_terminal(struct spawn_req *r, int i, const struct peer *session,
                             const struct stat *st)
{
    for (int k = 1; k < 3; k++) {
        int fd = same_file(session->tty[k], st) ? another(session->stdio[k]) : -1;
        if (fd < 0)
            continue;
        if ((r->m.flags & PVMX_SPAWN_DETACHED) == 0)
            r->tty[i] = r->stdio[i];
        else
            close(r->stdio[i]);
        r->stdio[i] = fd;
        return;
    }
}

/* Of which of its own streams, 0: none. The request's descriptor i is the pipe that it has for it. */
static uint32_t own_pipe(const struct task *t, const struct stat *st)
{
    uint32_t stream = 0;
    for (uint32_t k = 1; k < 3; k++)
        if (t->pipes[k] != 0 && t->pipes[k] == st->st_ino)
            stream = k;
    return stream;
}

/* A spawner hands on descriptor i. */
static void hand_on(struct spawn_req *r, int i, struct peer *session)
{
    const struct task *t = r->owner;
    struct stat st;
    if (fstat(r->stdio[i], &st) != 0)
        return;
    if (S_ISCHR(st.st_mode))
        hand_on_terminal(r, i, session, &st);
    if (!S_ISFIFO(st.st_mode) || own_pipe(t, &st) == 0)
        return;
    if ((r->m.flags & PVMX_SPAWN_DETACHED) == 0) {
        r->m.streams |= 1u << i;
    } else if (session->stdio[i] >= 0) {
        int fd = another(session->stdio[i]);
        if (fd < 0)
            return;
        px_fd_close(&r->stdio[i]);
        r->stdio[i] = fd;
    }
}

/* Descriptors for the pipes of so many would leave few for all else. */
static bool too_many(const struct spawn_req *r, uint64_t others, uint64_t share)
{
    struct rlimit limit;
    uint64_t tasks = others;
    for (size_t i = 0; i < r->m.n_apps; i++)
        if (r->m.apps[i].count != UINT32_MAX) /* one for each place: these are not as many */
            tasks += r->m.apps[i].count;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
           tasks * FDS_OF_TASK > limit.rlim_cur / share;
}

bool streams_tags(const struct spawn_req *r, uint32_t stream)
{
    return r->origin == 0 && !r->m.keep &&
           ((r->m.flags & PVMX_SPAWN_TAGGED) != 0 || r->via[stream] != 0);
}

/* The stream of the spawner by which it is collected itself, and which its children get. 0: none. */
static uint32_t collected(const struct spawn_req *r, const struct stat *st)
{
    const struct task *t = r->owner;
    uint32_t own = t != NULL && S_ISFIFO(st->st_mode) ? own_pipe(t, st) : 0;
    if (own != 0 && drain_collects(r->sv, t->tid, own, NULL))
        return own;
    for (uint32_t k = 1; t != NULL && k < 3; k++) /* it has no pipe */
        if (drain_collects(r->sv, t->tid, k, st))
            return k;
    return 0;
}

/* Pipes for what is collected: as the request says, or since its descriptors are those of its spawner, whom
 * somebody collects. Without them they are the collector's socket, or the spawner's pipe. */
static void collect(struct spawn_req *r)
{
    bool asked = (r->m.flags & PVMX_SPAWN_TAGGED) != 0;
    struct stat st[3] = {0};
    if (r->m.keep ||
        (!asked && (r->owner == NULL || r->owner->job == NULL || !r->owner->job->piped)))
        return;
    r->via_task = !asked ? r->owner->tid : 0;
    for (uint32_t i = 1; i < 3; i++)
        if (fstat(r->stdio[i], &st[i]) == 0 && !asked)
            r->via[i] = (uint8_t)collected(r, &st[i]);
    if (too_many(r, r->sv->arena.nlive, 1)) {
        px_log(PX_LOG_INFO, "STREAMS-SHARED",
               "so many tasks share the pipe or socket by which they are collected");
        return;
    }
    for (uint32_t i = 1; i < 3; i++)
        r->m.streams |= streams_tags(r, i) ? 1u << i : 0;
    if (streams_tags(r, 1) && streams_tags(r, 2) && same_file(r->stdio[2], &st[1]))
        r->m.streams |= PXP_STREAM_JOINED;
}

void streams_request(struct spawn_req *r)
{
    struct peer *session = session_of(r);
    if (session != NULL)
        r->m.keep = false; /* mpiexec reads it */
    if (r->owner == NULL && session != NULL) {
        keep_own(r);
        return;
    }
    r->m.streams = 0; /* only mpiexec and we know what to do with pipes */
    streams_keep(r);
    collect(r);
    for (int i = 1; session != NULL && i < 3; i++)
        if (!streams_tags(r, (uint32_t)i))
            hand_on(r, i, session);
}

void streams_keep(struct spawn_req *r)
{
    static struct pxp_range first = {.first = 0, .count = 1};
    struct stat st;
    if (r->m.keep && too_many(r, 0, 2)) {
        px_log(PX_LOG_WARN, "STREAMS-MANY", "the output of so many tasks is not kept");
        r->m.keep = false;
    }
    if (!r->m.keep)
        return;
    r->m.streams |= PXP_STREAM_OUT | PXP_STREAM_ERR;
    if (fstat(r->stdio[1], &st) == 0 && S_ISREG(st.st_mode) && same_file(r->stdio[2], &st))
        r->m.streams |= PXP_STREAM_JOINED;
    if (!r->m.input)
        return;
    r->m.streams |= PXP_STREAM_IN;
    r->m.stdin_some = true;
    r->m.stdin_ranks = &first;
    r->m.n_stdin_ranks = 1;
}

/* ---- the pipes of one task -------------------------------------------------------------------- */

bool streams_gets_stdin(const struct spawn_req *r, uint32_t rank)
{
    if (!r->m.stdin_some)
        return true;
    for (size_t i = 0; i < r->m.n_stdin_ranks; i++) {
        const struct pxp_range *k = &r->m.stdin_ranks[i];
        if (rank >= (uint32_t)k->first && rank - (uint32_t)k->first < k->count)
            return true;
    }
    return false;
}

/* ours: which end we keep. */
static bool make_pipe(int *ours, int *theirs, bool ours_reads)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    *ours = fds[!ours_reads];
    *theirs = fds[ours_reads];
    return true;
}

pvmx_err streams_prepare(const struct spawn_req *r, struct spawn_one *one,
                         struct exec_plan *plan, int theirs[3])
{
    uint32_t streams = r->m.streams;
    bool in = streams_gets_stdin(r, one->rank), joined = (streams & PXP_STREAM_JOINED) != 0;
    theirs[0] = theirs[1] = theirs[2] = -1;
    if (!in)
        plan->stdio[0] = EXEC_NULL_FD;
    for (int i = 0; i < 3; i++) {
        if ((streams & 1u << i) == 0 || (i == 0 && !in))
            continue;
        if (i == 2 && joined && theirs[1] >= 0) {
            plan->stdio[2] = theirs[1];
            continue;
        }
        if (i == 2 && joined && streams_tags(r, 1))
            continue;
        if (!make_pipe(&one->ends[i], &theirs[i], i > 0)) {
            int errnum = errno;
            if (i > 0 && streams_tags(r, (uint32_t)i))
                continue; /* the next best: see collect */
            streams_close(one->ends);
            streams_close(theirs);
            return px_fail_errno(errnum, "cannot make the pipes of rank %u%s", one->rank,
                                 errnum == EMFILE ? " in the daemon (ulimit -n)" : "");
        }
        plan->stdio[i] = theirs[i];
    }
    return PVMX_OK;
}

void streams_task(const struct spawn_one *one, struct task *t)
{
    struct stat st;
    for (int i = 1; i < 3; i++)
        if (one->ends[i] >= 0 && fstat(one->ends[i], &st) == 0)
            t->pipes[i] = st.st_ino;
}

/* ---- telling mpiexec -------------------------------------------------------------------------- */

/* mpiexec is to tell what the task writes; if it runs elsewhere, its daemon there sees that anyway. */
static bool keep_told(struct server *sv, const struct spawn_one *one, struct peer *mpiexec)
{
    const struct task *t = task_find(sv, one->tid);
    unsigned streams = (one->ends[1] >= 0) + (one->ends[2] >= 0);
    return t != NULL && streams > 0 && logs_begin_told(sv, t, mpiexec, streams);
}

/* Where a task of another host runs; "": here. */
static const char *host_of(struct server *sv, const struct spawn_one *one)
{
    const struct host *h = one->host != 0 ? hosts_find(sv, one->host) : NULL;
    return h != NULL ? h->name : "";
}

/* As many tasks from *at on as one message takes; false: the session is over. */
static bool tell_some(struct spawn_req *r, struct job *j, uint32_t *at)
{
    struct pxp_world_task tasks[PX_FD_PASS_MAX];
    struct pxp_world m = {.job = j->id,
                          .world = j->world,
                          .size = j->size,
                          .tasks = tasks,
                          .detached = (j->flags & PVMX_SPAWN_DETACHED) != 0,
                          .parent = j->parent};
    int fds[PX_FD_PASS_MAX];
    size_t nfds = 0;
    struct peer *p = j->session;
    for (; *at < r->total && m.n_tasks < PX_FD_PASS_MAX && nfds + 3 <= PX_FD_PASS_MAX; ++*at) {
        struct spawn_one *one = &r->ones[*at];
        if (!one->started)
            continue;
        struct pxp_world_task *t = &tasks[m.n_tasks++];
        *t = (struct pxp_world_task){.tid = one->tid,
                                     .pid = (uint32_t)one->pid,
                                     .cpus = bind_text(one->place),
                                     .host = host_of(r->sv, one)};
        if (m.n_tasks == 1)
            m.first = one->rank;
        t->kept = keep_told(r->sv, one, p);
        for (int i = 0; i < 3; i++)
            if (one->ends[i] >= 0) {
                t->streams |= 1u << i;
                fds[nfds++] = one->ends[i];
                one->ends[i] = -1;
            }
    }
    struct px_buf *out = peer_out(p);
    if (nfds > 0 && !peer_pass(p, fds, nfds)) {
        for (size_t i = 0; i < nfds; i++)
            close(fds[i]);
        return false;
    }
    return pxp_world_encode(out, 0, &m) == PVMX_OK;
}

static void keep_terminal(struct server *sv, struct peer *mpiexec, const struct job *j)
{
    if (j->world == 0)
        logs_begin_terminal(sv, mpiexec, j);
    else
        logs_share_terminal(sv, mpiexec, j->id);
}

void streams_job(struct spawn_req *r, struct job *j)
{
    struct peer *p = session_of(r);
    bool told = true;
    if (p != NULL && !p->closed) {
        j->session = p;
        j->world = p->nworlds++;
        px_list_push_back(&p->worlds, &j->in_session);
        if (r->tty[1] >= 0 || r->tty[2] >= 0)
            keep_terminal(r->sv, p, j);
        for (uint32_t at = 0; told && at < r->total;)
            told = tell_some(r, j, &at);
        if (!told) { /* its client then knows that it knows nothing */
            px_log(PX_LOG_ERROR, "STREAMS-NOMEM", "no memory to tell mpiexec of job %u",
                   j->id);
            peer_close(p);
        }
    }
    for (uint32_t i = 0; i < r->total; i++)
        streams_close(r->ones[i].ends);
}

void streams_forget_peer(struct peer *p)
{
    px_list_foreach(it, &p->worlds) {
        struct job *j = px_container_of(it, struct job, in_session);
        px_list_remove(it);
        j->session = NULL;
        if ((j->flags & PVMX_SPAWN_DETACHED) == 0)
            job_terminate(j, false);
    }
    if (p->role == PXP_ROLE_MPIEXEC)
        logs_forget_peer(p->sv, p);
    streams_close(p->stdio);
    streams_close(p->tty);
}
