/* SPDX-License-Identifier: BSD-3-Clause */
/* See lab.h. */
#include "lab.h"

#include "base/buf.h"
#include "base/fd.h"
#include "proto/arena.h"
#include "proto/messages.h"
#include "transport/shm/wake.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_TID = 0x40001, TASKS_MAX = 64 };

struct lab {
    int fd, n;
    struct px_arena_head *head;
    struct px_slot *slot[TASKS_MAX];
    int sock[TASKS_MAX];
    pid_t pid[TASKS_MAX];
};

static void make_arena(struct lab *l, int n)
{
    l->n = n;
    l->fd = memfd_create("lab", 0);
    cr_assert_geq(l->fd, 0);
    cr_assert_eq(ftruncate(l->fd, (off_t)PX_ARENA_SIZE), 0);
    l->head = mmap(NULL, PX_ARENA_HEAD, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd, 0);
    cr_assert_neq((void *)l->head, MAP_FAILED);
    l->head->magic = PX_ARENA_MAGIC;
    l->head->version = PX_ARENA_VERSION;
    l->head->head_size = PX_ARENA_HEAD;
    l->head->nslots = PX_NSLOTS;
    l->head->slot_size = PX_SLOT_SIZE;
    l->head->ncpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    l->head->universe = l->head->ncpus;
    l->head->running = n;
    l->head->left[px_tid_slot(FIRST_TID + n)] = FIRST_TID + n;
}

static void make_slot(struct lab *l, int rank)
{
    pvmx_tid tid = FIRST_TID + rank;
    struct pxp_range world = {FIRST_TID, (uint32_t)l->n};
    struct pxp_birth birth = {.job = 1,
                              .rank = (uint32_t)rank,
                              .size = (uint32_t)l->n,
                              .world = &world,
                              .n_world = 1,
                              .host = "lab",
                              .vm = "lab"};
    struct px_buf b = {0};
    l->slot[rank] =
        mmap(NULL, PX_SLOT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
             l->fd, (off_t)px_slot_offset(px_tid_slot(tid)));
    cr_assert_neq((void *)l->slot[rank], MAP_FAILED);
    cr_assert_eq(pxp_birth_encode(&b, 0, &birth), PVMX_OK);
    l->slot[rank]->birth_len = (uint32_t)px_buf_len(&b) - 4;
    memcpy((char *)l->slot[rank] + PX_BIRTH_OFF, px_buf_head(&b) + 4, px_buf_len(&b) - 4);
    px_buf_free(&b);
    l->slot[rank]->tid = tid;
    l->slot[rank]->state = PX_SLOT_BORN;
}

static void start(struct lab *l, int rank, int (*fn)(int rank))
{
    int sv[2];
    struct stat st;
    char env[128];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
    fstat(l->fd, &st);
    snprintf(env, sizeof env, "%d,%d,%llu,%x", sv[1], l->fd,
             (unsigned long long)st.st_ino, (unsigned)(FIRST_TID + rank));
    fflush(NULL);
    l->pid[rank] = fork();
    cr_assert_geq(l->pid[rank], 0);
    if (l->pid[rank] == 0) {
        setenv(PX_TASK_ENV, env, 1);
        px_fd_close(&sv[0]);
        if (pvmx_engine_init(false) != PVMX_OK) {
            fprintf(stderr, "init: %s\n", pvmx_last_error());
            _exit(99);
        }
        int status = fn(rank);
        pvmx_engine_leave();
        fflush(NULL);
        _exit(status);
    }
    px_fd_close(&sv[1]);
    l->sock[rank] = sv[0];
}

/* What the daemon does at a task's end. */
static void mark_dead(struct lab *l, int rank, int status)
{
    struct px_slot *s = l->slot[rank];
    if (!s->asleep)
        l->head->running--;
    s->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    s->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    s->state = PX_SLOT_DEAD;
    l->head->deaths++;
    for (int i = 0; i < l->n; i++)
        px_bell_ring(l->slot[i]);
}

int lab_run(int n, int (*fn)(int rank), int kill_rank)
{
    struct lab l = {0};
    int failed = 0, status;
    make_arena(&l, n);
    for (int i = 0; i < n; i++)
        make_slot(&l, i);
    for (int i = 0; i < n; i++)
        start(&l, i, fn);
    for (int left = n; left > 0; left--) {
        pid_t pid = waitpid(-1, &status, 0);
        int rank = 0;
        while (rank < n && l.pid[rank] != pid)
            rank++;
        cr_assert_lt(rank, n);
        if (rank == kill_rank)
            failed += !WIFSIGNALED(status);
        else
            failed += status != 0;
        mark_dead(&l, rank, status);
    }
    for (int i = 0; i < n; i++) {
        munmap(l.slot[i], PX_SLOT_SIZE);
        close(l.sock[i]);
    }
    munmap(l.head, PX_ARENA_HEAD);
    close(l.fd);
    return failed;
}

struct pvmx_peer *lab_peer(int rank)
{
    struct pvmx_peer *p;
    return pvmx_engine_peer_get(FIRST_TID + rank, &p) == PVMX_OK ? p : NULL;
}
