/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine of this process: the one global, and the order of its start and end:
 * progress -> messenger -> arena (the VM's when a daemon has started us, else a private stand-in)
 * -> self transport -> [daemon connection, the VM's arena, shm transport], and back. A process that
 * was started by hand gets the last part at init when a daemon runs, else at the first call that
 * needs a VM. */
#ifndef PX_CTX_H
#define PX_CTX_H

#include "core/ctl.h"
#include "msg/msg.h"
#include "progress/progress.h"
#include <pthread.h>

struct px_ctx {
    pthread_mutex_t lock; /* recursive */
    bool threads;
    int inits;
    struct px_arena arena;
    struct px_arena lone; /* the private stand-in, kept when the VM's arena replaces it */
    struct px_progress progress;
    struct px_messenger ms;
    struct px_ctl ctl;
    pvmx_tid tid;
    uint32_t next_ctx;
    struct pvmx_birth birth;
    pvmx_tid *birth_tids;
    bool born;
    uint32_t slots; /* universe size that its job was given; 0: live value */
    char host[256];
};

extern struct px_ctx px_ctx;

static inline void px_lock(void)
{
    if (px_ctx.threads)
        pthread_mutex_lock(&px_ctx.lock);
}

static inline void px_unlock(void)
{
    if (px_ctx.threads) {
        px_progress_tell(&px_ctx.progress);
        pthread_mutex_unlock(&px_ctx.lock);
    }
}

static inline pvmx_err px_ctx_wait(bool (*done)(void *arg), void *arg, uint64_t deadline)
{
    return px_wait(&px_ctx.progress, done, arg, deadline);
}

/* ---- enroll.c: becoming a task. With the lock held. */
/* Takes the birth record that PVMX_TASK points to; *born tells whether there was one. */
pvmx_err px_enroll_inherited(bool *born);
/* Joins a VM whose daemon runs; PVMX_ERR_NO_VM when none does and start is false, else starts it. With start
 * false it may find the task that PVMX_TASK names unclaimed, and becomes that, birth record and all. */
pvmx_err px_enroll_connect(bool start);

/* ---- spawn.c: registers its settings; a spawn does so too. */
void px_spawn_settings(void);

/* ---- chain.c */
extern const struct px_chains px_chains;
/* Posts a record: through the ring, or the peer's chain when the ring is full. */
pvmx_err px_chain_post(struct pvmx_peer *to, const struct px_hdr *hdr, const void *bytes,
                       size_t len);

/* ---- block.c: forgets all blocks, own ones and those that are open. */
void px_blocks_fini(void);

/* ---- in a child of the task: all of it belongs to the parent. */
void px_blocks_forget(void);
void px_boards_forget(void);
void px_gates_forget(void);
void px_help_forget(void);
void px_hosts_forget(void);
void px_notify_forget(void);

#endif
