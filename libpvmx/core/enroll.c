/* SPDX-License-Identifier: BSD-3-Clause */
/* Becoming a task: by the birth record that a daemon left, or by asking a daemon. */
#include "core/ctx.h"
#include "core/range.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "proto/hello.h"
#include "proto/messages.h"
#include "proto/start.h"
#include "transport/shm/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECT_MS = 5000, /* a daemon that does not greet within this time is not well */
    ROUNDS = 20,       /* how often a daemon that is just leaving makes us start over */
};

/* This process is now task tid with the VM's arena in px_ctx.arena. */
static pvmx_err become(struct px_arena *arena, pvmx_tid tid)
{
    char name[32];
    px_ctx.lone = px_ctx.arena;
    px_ctx.arena = *arena;
    px_ctx.tid = tid;
    px_ctx.ctl.seq_seen = atomic_load(&arena->slot->ctl_seq) - 1; /* look once */
    px_ctx.ctl.up = true;
    atomic_store(&arena->slot->pid, getpid());
    px_bell_open(arena->slot);
    snprintf(name, sizeof name, "t%x", (unsigned)tid);
    px_log_set_name(name);
    return px_messenger_open(&px_ctx.ms, &px_ctx.arena, tid);
}

static pvmx_err read_birth(struct px_arena *arena)
{
    struct pxp_birth m;
    struct pxp_zone z = {0};
    uint32_t len = arena->slot->birth_len;
    pvmx_err err = len <= PX_BIRTH_MAX
                       ? pxp_birth_decode(px_slot_at(arena->slot, PX_BIRTH_OFF), len, &m, &z)
                       : PVMX_ERR_PROTO;
    if (err) {
        pxp_zone_free(&z);
        return px_fail(PVMX_ERR_PROTO, "the birth record of this task cannot be read");
    }
    size_t nworld = px_ranges_total(m.world, m.n_world),
           nparents = px_ranges_total(m.parents, m.n_parents);
    pvmx_tid *tids = malloc((nworld + nparents + 1) * sizeof *tids);
    if (!tids || nworld != m.size) {
        pxp_zone_free(&z);
        free(tids);
        return tids ? px_fail(PVMX_ERR_PROTO,
                              "the birth record of this task is not consistent")
                    : px_fail(PVMX_ERR_NOMEM, "no memory for the birth record");
    }
    px_ranges_expand(px_ranges_expand(tids, m.world, m.n_world), m.parents, m.n_parents);
    px_ctx.birth_tids = tids;
    px_ctx.birth = (struct pvmx_birth){.job = m.job,
                                       .rank = (int32_t)m.rank,
                                       .size = (int32_t)m.size,
                                       .appnum = m.appnum,
                                       .world = tids,
                                       .nparents = (int32_t)nparents,
                                       .parents = tids + nworld,
                                       .root = (int32_t)m.root,
                                       .ctx = m.ctx,
                                       .no_mpi = m.no_mpi};
    snprintf(px_ctx.host, sizeof px_ctx.host, "%s", m.host);
    px_ctx.slots = m.slots;
    px_ctx.born = true;
    pxp_zone_free(&z);
    return PVMX_OK;
}

/* Are the descriptors of the variable those that the daemon left? */
static bool inherited_ok(const char *env, int *ctl, int *arena, pvmx_tid *tid)
{
    unsigned long long inode;
    unsigned t;
    struct stat st;
    if (sscanf(env, "%d,%d,%llu,%x", ctl, arena, &inode, &t) != 4)
        return false;
    *tid = (pvmx_tid)t;
    return fstat(*arena, &st) == 0 && (unsigned long long)st.st_ino == inode &&
           (uint64_t)st.st_size == PX_ARENA_SIZE && fcntl(*ctl, F_GETFD) >= 0;
}

/* Makes the task that a daemon has started ours; the arena is given back where it is not to be. */
static pvmx_err claim(struct px_arena *arena, bool *mine)
{
    uint32_t state = PX_SLOT_BORN;
    *mine = atomic_compare_exchange_strong(&arena->slot->state, &state, PX_SLOT_LIVE);
    if (*mine) {
        atomic_store(&arena->slot->inited, 1);
        return PVMX_OK;
    }
    px_arena_detach(arena); /* claimed before: we are a child of that task */
    return state == PX_SLOT_DEAD
               ? px_fail(PVMX_ERR_STATE,
                         "this task was given up because it did not call init "
                         "in time (setting PVMX_INIT_TIMEOUT)")
               : PVMX_OK;
}

/* The connection is there. */
static pvmx_err be_born(struct px_arena *arena, pvmx_tid tid)
{
    pvmx_err err = read_birth(arena);
    if (err)
        return err;
    px_progress_busy_host(&px_ctx.progress); /* with our siblings */
    return become(arena, tid);
}

static pvmx_err by_descriptors(const char *env, bool *born)
{
    int ctl, fd;
    pvmx_tid tid;
    struct px_arena arena;
    if (!inherited_ok(env, &ctl, &fd, &tid))
        return PVMX_OK;
    px_fd_set_cloexec(fd, true);
    if (px_arena_attach(&arena, fd, tid) != PVMX_OK)
        return PVMX_OK; /* another's */
    pvmx_err err = claim(&arena, born);
    if (*born)
        pxp_client_adopt(&px_ctx.ctl.client, ctl);
    else
        px_fd_close(&ctl);
    return *born ? be_born(&arena, tid) : err;
}

/* Waits for the answer to enrol or be and for the descriptor that comes with it. */
static pvmx_err answer(struct pxp_client *c, struct pxp_enrolled *rep, int *fd)
{
    uint32_t number, serial;
    const uint8_t *body;
    size_t len;
    pvmx_err err;
    while ((err = pxp_client_next(c, &number, &serial, &body, &len)) == PVMX_ERR_AGAIN) {
        int got = -1;
        size_t nfds = *fd < 0;
        err = pxp_client_fill(c, CONNECT_MS, &got, &nfds);
        if (err)
            return err == PVMX_ERR_AGAIN
                       ? px_fail(PVMX_ERR_TIMEDOUT,
                                 "the daemon of this host does not answer")
                       : err;
        if (nfds)
            *fd = got;
    }
    if (err)
        return err;
    if (number == PXP_REFUSE)
        return pxp_client_refused(body, len);
    struct pxp_zone z = {0};
    err = number == PXP_ENROLLED ? pxp_enrolled_decode(body, len, rep, &z) : PVMX_ERR_PROTO;
    pxp_zone_free(&z);
    pxp_client_drop(c);
    if (err || *fd < 0)
        return px_fail(PVMX_ERR_PROTO, "the daemon of this host answers with nonsense");
    return PVMX_OK;
}

/* Sends what asks for a place, and attaches to the arena that comes with the answer. */
static pvmx_err admit(struct pxp_client *c, struct pxp_enrolled *rep, struct px_arena *arena)
{
    int fd = -1;
    pvmx_err err = pxp_client_flush(c, NULL, 0);
    if (!err)
        err = answer(c, rep, &fd);
    if (err) {
        px_fd_close(&fd);
        return err;
    }
    return px_arena_attach(arena, fd, rep->tid);
}

/* Another task has started this process, which tells the daemon so. */
static pvmx_err by_code(const char *env, bool *born)
{
    struct pxp_client *c = &px_ctx.ctl.client;
    struct px_rundir dir = {.path = ""};
    struct pxp_welcome_info info;
    struct pxp_enrolled rep;
    struct px_arena arena;
    unsigned tid;
    unsigned long long code;
    int at = 0;
    if (sscanf(env, "@%x,%llx,%n", &tid, &code, &at) != 2 || at == 0)
        return PVMX_OK;
    snprintf(dir.socket, sizeof dir.socket, "%s", env + at);
    struct pxp_be be = {.tid = (int32_t)tid, .code = code};
    unsetenv(PX_TASK_ENV); /* not for what this task starts itself */
    pvmx_err err = pxp_client_open(c, &dir, PXP_ROLE_TASK, CONNECT_MS, &info);
    if (!err)
        err = pxp_be_encode(&c->out, pxp_client_serial(c), &be);
    if (!err)
        err = admit(c, &rep, &arena);
    uint32_t state = PX_SLOT_BORN;
    if (!err && !atomic_compare_exchange_strong(&arena.slot->state, &state, PX_SLOT_LIVE)) {
        px_arena_detach(&arena);
        err = px_fail(PVMX_ERR_STATE, "this task has ended");
    }
    if (err) {
        pxp_client_close(c);
        return err == PVMX_ERR_EXISTS ? PVMX_OK : err;
    }
    atomic_store(&arena.slot->inited, 1);
    *born = true;
    return be_born(&arena, rep.tid);
}

pvmx_err px_enroll_inherited(bool *born)
{
    const char *env = getenv(PX_TASK_ENV);
    *born = false;
    if (!env)
        return PVMX_OK;
    return *env == '@' ? by_code(env, born) : by_descriptors(env, born);
}

/* The tid that we were started with, whoever has that by now; 0: none. */
static pvmx_tid named_tid(void)
{
    const char *env = getenv(PX_TASK_ENV);
    unsigned tid = 0;
    return env && sscanf(env, "%*d,%*d,%*u,%x", &tid) == 1 ? (pvmx_tid)tid : 0;
}

/* Asks a daemon that has been greeted for a tid. first: no life as a lone process came before. */
static pvmx_err enrol(struct pxp_client *c, bool first)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = 0;
    struct pxp_enrol req = {.program = program, .born = first ? named_tid() : 0};
    struct pxp_enrolled rep;
    struct px_arena arena;
    pvmx_err err = pxp_enrol_encode(&c->out, pxp_client_serial(c), &req);
    if (!err)
        err = admit(c, &rep, &arena);
    if (err)
        return err;
    if (rep.born) {
        bool mine;
        err = claim(&arena, &mine);
        return mine ? be_born(&arena, rep.tid) : err ? err : PVMX_ERR_CLOSED;
    }
    atomic_store(&arena.slot->state, PX_SLOT_LIVE);
    atomic_store(&arena.slot->inited, 1);
    return become(&arena, rep.tid);
}

pvmx_err px_enroll_connect(bool start)
{
    struct pxp_client *c = &px_ctx.ctl.client;
    struct pxp_welcome_info info;
    struct px_rundir dir;
    pvmx_err err;
    for (int i = 0; i < ROUNDS; i++) {
        if (start) {
            err = pxp_client_join(c, NULL, PXP_ROLE_TASK, true, &dir, &info);
        } else {
            err = px_rundir_open(NULL, false, &dir);
            if (!err)
                err = pxp_client_open(c, &dir, PXP_ROLE_TASK, CONNECT_MS, &info);
        }
        if (err)
            return err == PVMX_ERR_NOENT && !start ? PVMX_ERR_NO_VM : err;
        err = enrol(c, !start);
        if (!err) {
            snprintf(px_ctx.host, sizeof px_ctx.host, "%s", info.host);
            return PVMX_OK;
        }
        pxp_client_close(c);
        if (err != PVMX_ERR_CLOSED) /* else the daemon was just leaving: once more */
            return err;
    }
    return px_fail(PVMX_ERR_NO_VM,
                   "the daemon ends again each time it is started; its log says why "
                   "(setting PVMX_DAEMON_LOG=FILE)");
}
