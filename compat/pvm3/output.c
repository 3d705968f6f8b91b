/* SPDX-License-Identifier: BSD-3-Clause */
/* Output of spawned tasks. Not collected, it goes to this task's stderr: what a program writes to its own
 * stdout stays clean, as with PVM, where the output of tasks ended in a log.
 *
 * Collected (pvm_catchout, or as messages when PvmOutputTid is this task itself), a collector reads it
 * (collect.h), and children of the tasks are collected with them: PvmOutputTid of a task is who collects, and
 * a task that spawns tells that one of its children. */
#include <stdio.h>

#include "collect.h"
#include "msg.h"
#include "notify.h"
#include "output.h"
#include "pack.h"
#include <pvmx/engine/vm.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Messages between libraries: a task's children. */
enum { TELL_CTX = 524287, TELL_TAG = -0x7ffeff00, TELL_MAX = 512, EARLY_MAX = 1024 };

struct catcher {
    struct catcher *next;
    struct p3_collector *collector;
};

static FILE *collect_to;
static struct catcher *catchers;
/* What tasks have told that we do not know yet: they may be faster than the answer to our spawn, or than
 * their parents. The last EARLY_MAX. */
static struct px_list early = {&early, &early};
static int nearly;

/* ---- what becomes of tasks */

static struct catcher *catcher_of(int tid)
{
    struct catcher *k = catchers;
    while (k && !p3_collect_knows(k->collector, tid))
        k = k->next;
    return k;
}

void p3_output_ended(int tid)
{
    struct catcher *k = catcher_of(tid);
    if (k)
        p3_collect_ended(k->collector, tid);
}

/* False: its sender is not known. */
static bool take_told(struct p3_buf *b)
{
    int n = 0, tid;
    struct catcher *k = catcher_of(b->src);
    if (!k)
        return false;
    if (p3_unpack_ints(b, &n, 1) == PvmOk)
        while (n-- > 0 && p3_unpack_ints(b, &tid, 1) == PvmOk && p3_is_task(tid)) {
            p3_collect_born(k->collector, tid, b->src);
            p3_notify_output(tid);
        }
    p3_buf_free(b);
    return true;
}

static void drop_early(void)
{
    struct px_list *node = px_list_pop(&early);
    if (node) {
        nearly--;
        p3_buf_free(px_container_of(node, struct p3_buf, node));
    }
}

/* One that is known now may make others known. */
static void take_early(void)
{
    for (bool more = true; more;) {
        more = false;
        for (int i = nearly; i > 0; i--) {
            struct p3_buf *b = px_container_of(px_list_pop(&early), struct p3_buf, node);
            if (take_told(b)) {
                nearly--;
                more = true;
            } else {
                px_list_push_back(&early, &b->node);
            }
        }
    }
}

bool p3_output_told(struct p3_buf *b)
{
    if (b->ctx != TELL_CTX || b->tag != TELL_TAG || b->fetch)
        return false;
    if (take_told(b)) {
        take_early();
    } else {
        px_list_push_back(&early, &b->node);
        if (++nearly > EARLY_MAX)
            drop_early();
    }
    return true;
}

void p3_output_tell(const int *tids, int n)
{
    int to = p3.opt[PvmOutputTid];
    if (collect_to || !p3_is_task(to) || to == pvmmytid)
        return;
    for (int at = 0; at < n; at += TELL_MAX) {
        int count = n - at < TELL_MAX ? n - at : TELL_MAX;
        struct p3_buf *b = p3_buf_new(PvmDataDefault);
        if (b && p3_pack_ints(b, &count, 1) == PvmOk &&
            p3_pack_ints(b, tids + at, count) == PvmOk)
            p3_send(b, to, TELL_TAG, TELL_CTX);
        if (b)
            p3_buf_free(b);
    }
}

int p3_output_to(void)
{
    return collect_to ? pvmmytid : p3.opt[PvmOutputTid];
}

/* ---- spawning */

static pvmx_err spawn_plain(struct pvmx_spawn_args *args, struct pvmx_spawn_result *out)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int stdio[3] = {null, 2, 2};
    args->stdio = stdio;
    pvmx_err err = pvmx_engine_spawn(args, out);
    if (null >= 0)
        close(null);
    return err;
}

static bool open_pair(int fds[2])
{
    int on = 1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return false;
    setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    shutdown(fds[0], SHUT_WR); /* a task that reads its output's end sees the end */
    return true;
}

/* PvmOutputTid is this task: a message for each piece. By the collector's thread. */
static void say(const struct p3_collect_sink *s, int tid, int len, const char *text, int parent)
{
    int head[] = {tid, len, parent};
    pvmx_engine_lock();
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    int cc = b ? p3_pack_ints(b, head, len < 0 ? 3 : 2) : PvmNoMem;
    if (!cc && len > 0)
        cc = p3_pack(b, text, len, 1, PVM_BYTE);
    if (b)
        b->ctx = s->ctx;
    p3_daemon_says(b, cc, s->tag, 0);
    pvmx_engine_unlock();
    pvmx_engine_wake();
}

/* Takes fd over. */
static void start(int fd, const struct pvmx_spawn_result *res)
{
    struct catcher *k = calloc(1, sizeof *k);
    int n = 0, *tids = calloc((size_t)res->count + 1, 2 * sizeof *tids);
    int *pids = tids ? tids + res->count : NULL;
    for (int i = 0; tids && res->tids && i < res->count; i++)
        if (res->tids[i]) {
            pids[n] = pvmx_engine_pid_of(res->tids[i]);
            tids[n++] = res->tids[i];
        }
    struct p3_collect_args args = {.fd = fd,
                                   .ntids = n,
                                   .host = pvmmytid & P3_HOST_MASK,
                                   .daemon = pvmx_engine_daemon_pid(),
                                   .tids = tids,
                                   .pids = pids,
                                   .to = collect_to,
                                   .self = pvmmytid,
                                   .sink = {say, p3.opt[PvmOutputCode],
                                            p3.opt[PvmOutputContext]},
                                   .labels = p3.opt[PvmShowTids]};
    struct p3_collector *c = k && n ? p3_collect_start(&args) : NULL;
    if (c) {
        k->collector = c;
        k->next = catchers;
        catchers = k;
        for (int i = 0; i < n; i++)
            p3_notify_output(tids[i]);
    } else {
        close(fd);
        free(k);
    }
    free(tids);
}

/* Collectors whose tasks have ended. */
static void reap(void)
{
    for (struct catcher **at = &catchers; *at;) {
        struct catcher *k = *at;
        if (!p3_collect_done(k->collector)) {
            at = &k->next;
            continue;
        }
        *at = k->next;
        p3_collect_finish(k->collector, true);
        free(k);
    }
}

pvmx_err p3_output_spawn(struct pvmx_spawn_args *args, struct pvmx_spawn_result *out)
{
    int pair[2];
    bool messages = !collect_to && p3.opt[PvmOutputTid] == pvmmytid;
    reap();
    if ((!collect_to && !messages) || !open_pair(pair))
        return spawn_plain(args, out);
    if (messages) { /* their thread takes the lock */
        pvmx_engine_unlock();
        p3_go_threaded();
        pvmx_engine_lock();
    }
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int stdio[3] = {null, pair[1], pair[1]};
    args->stdio = stdio;
    args->flags |= PVMX_SPAWN_TAGGED;
    pvmx_err err = pvmx_engine_spawn(args, out);
    close(pair[1]);
    if (null >= 0)
        close(null);
    start(pair[0], out);
    take_early();
    return err;
}

/* ---- the end */

/* A process of its own reads on, for the tasks would be stopped if nobody did. Between fork and its end:
 * async-signal-safe calls only. */
__attribute__((noreturn)) static void swallow(struct pollfd *p, nfds_t n)
{
    char text[16384];
    int null = open("/dev/null", O_RDWR);
    if (chdir("/") != 0)
        _exit(1);
    for (int fd = 0; fd < 3; fd++) /* no socket is one of these */
        dup2(null, fd);
    for (nfds_t i = 0; i <= n; i++) /* sorted */
        close_range(i ? (unsigned)p[i - 1].fd + 1 : 3,
                    i < n ? (unsigned)p[i].fd - 1 : ~0u, 0);
    for (nfds_t open = n; open > 0;) {
        poll(p, n, -1);
        for (nfds_t i = 0; i < n; i++)
            if (p[i].fd >= 0 && p[i].revents && read(p[i].fd, text, sizeof text) == 0) {
                p[i].fd = -1;
                open--;
            }
    }
    _exit(0);
}

static int by_fd(const void *a, const void *b)
{
    return ((const struct pollfd *)a)->fd - ((const struct pollfd *)b)->fd;
}

static void leave_swallowing(struct pollfd *p, nfds_t n)
{
    qsort(p, n, sizeof *p, by_fd);
    while (n > 0 && p->fd < 3) { /* the program has closed its own: no room to stand on */
        close(p->fd);
        p++, n--;
    }
    pid_t middle = n ? fork() : -1;
    if (middle == 0) {
        setsid();
        pid_t pid = fork();
        if (pid == 0)
            swallow(p, n);
        _exit(0);
    }
    if (middle > 0)
        waitpid(middle, NULL, 0);
    for (nfds_t i = 0; i < n; i++)
        close(p[i].fd);
}

/* Waits until nobody can write any more. */
static void await_output(struct p3_collector *c)
{
    if (p3_collect_open(c))
        fprintf(stderr, "libpvm [t%x]: waiting for the output of tasks that still run\n",
                (unsigned)pvmmytid);
    pvmx_engine_unlock(); /* tasks may need answers of ours until they end */
    int fd = p3_collect_finish(c, false);
    if (fd >= 0)
        close(fd);
    pvmx_engine_lock();
}

void p3_output_finish(void)
{
    size_t n = 0, count = 0;
    for (struct catcher *k = catchers; k; k = k->next)
        count++;
    struct pollfd *left = collect_to ? NULL : calloc(count + 1, sizeof *left);
    struct catcher *k;
    while ((k = catchers) != NULL) {
        catchers = k->next;
        if (!left) {
            await_output(k->collector);
        } else {
            pvmx_engine_unlock();
            int fd = p3_collect_finish(k->collector, true);
            pvmx_engine_lock();
            if (fd >= 0)
                left[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
        free(k);
    }
    while (nearly)
        drop_early();
    if (n)
        leave_swallowing(left, n);
    free(left);
}

void p3_output_forget(void)
{
    catchers = NULL; /* their threads are the parent's */
    collect_to = NULL;
    while (nearly)
        drop_early();
}

P3_PUBLIC int pvm_catchout(FILE *ff)
{
    int cc = p3_enter();
    collect_to = ff;
    return p3_leave("pvm_catchout", cc);
}
