/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting one process: clone, the child's dozen of system calls, execve.
 *
 * The child shares our memory and we stand still until it has executed or ended (CLONE_VM |
 * CLONE_VFORK, as posix_spawn does), so nothing is copied and its errno lies in a struct on our stack.
 * Measured with 64 tasks by two threads on two busy cores, medians of four runs in turn: 14 ms by
 * memory, 21 ms with a close-on-exec pipe for the errno, 42 ms with fork and pipe. It is as robust: a
 * child that is killed before execve leaves errnum 0 and is a task that has ended.
 *
 * The daemon has two descriptors and more for each task. A child that copied all of them, to close
 * them when it executes, would take longer with each task: 5,000 tasks took 8 s instead of 5, of which
 * the last 500 took 1.6 s. So it shares our table until it takes the lowest numbers for itself; those
 * it needs have been put there before.
 *
 * The child may call only what cannot harm us: raw system calls, on a stack of its own. All signals
 * are blocked in our threads and none has a handler (they come by signalfd), so there is nothing to
 * reset but the mask. Limits and the working directory belong to the child alone: neither CLONE_THREAD
 * nor CLONE_FS is set. */
#include "exec.h"
#include "base/err.h"
#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_STACK = 64 * 1024 }; /* a few system calls; the lowest page is a guard */

struct child {
    pid_t daemon;
    const struct exec_plan *plan;
    char **envp;
    const struct exec_room *room;
    volatile int errnum;
    volatile enum exec_step step;
};

#define IN_CHILD __attribute__((no_sanitize("address", "undefined", "thread")))

IN_CHILD static int probe_main(void *arg)
{
    (void)arg;
    syscall(SYS_exit_group, 0);
    return 0;
}

/* The kernel has counted us against the daemon's limit of processes, not against the spawner's,
 * and looks at it only when a process is made. So make one under the spawner's limit, which must
 * allow one more for a moment: we are counted already. */
IN_CHILD static bool child_nproc(const struct child *c, const struct rlimit *want)
{
    struct rlimit have, probe;
    if (syscall(SYS_getrlimit, RLIMIT_NPROC, &have) != 0)
        return false;
    probe = (struct rlimit){.rlim_cur = want->rlim_cur + 1, .rlim_max = have.rlim_max};
    if (syscall(SYS_setrlimit, RLIMIT_NPROC, &probe) != 0)
        return false;
    pid_t pid = clone(probe_main, c->room->stack + c->room->stack_size / 2,
                      CLONE_VM | CLONE_VFORK, NULL);
    return pid >= 0 && syscall(SYS_wait4, pid, NULL, __WALL, NULL) == pid;
}

IN_CHILD static bool child_limits(const struct child *c)
{
    const struct exec_plan *p = c->plan;
    for (size_t i = 0; i < p->nlimits; i++) {
        struct rlimit have, want = p->limits[i].value;
        if (p->check_nproc && p->limits[i].resource == RLIMIT_NPROC && !child_nproc(c, &want))
            return false;
        if (syscall(SYS_setrlimit, p->limits[i].resource, &want) == 0)
            continue;
        if (syscall(SYS_getrlimit, p->limits[i].resource, &have) != 0)
            return false;
        /* The spawner has more than the daemon may give: as much as we have. */
        if (want.rlim_max > have.rlim_max)
            want.rlim_max = have.rlim_max;
        if (want.rlim_cur > want.rlim_max)
            want.rlim_cur = want.rlim_max;
        if (syscall(SYS_setrlimit, p->limits[i].resource, &want) != 0)
            return false;
    }
    return true;
}

IN_CHILD static bool child_fds(const struct child *c)
{
    static const int to[EXEC_FDS] = {0, 1, 2, EXEC_CTL_FD, EXEC_ARENA_FD};
    const int *from = c->room->fds;
    unsigned behind = 0;
    for (int i = 0; i < EXEC_FDS; i++)
        if ((unsigned)from[i] >= behind)
            behind = (unsigned)from[i] + 1;
    if (syscall(SYS_close_range, behind, ~0u, CLOSE_RANGE_UNSHARE) != 0 &&
        syscall(SYS_unshare, CLONE_FILES) != 0)
        return false;
    for (int i = 0; i < EXEC_FDS; i++)
        if (syscall(SYS_dup3, from[i], to[i], 0) < 0)
            return false;
    return true;
}

IN_CHILD static int child_main(void *arg)
{
    struct child *c = arg;
    const struct exec_plan *p = c->plan;
    uint64_t no_signals = 0;
    /* A group, so that a task can be ended with what it has started; not a session: with
     * autogroup scheduling each would get its own share of the processor. */
    syscall(SYS_setpgid, 0, 0);
    c->step = EXEC_STDIO;
    if (!child_fds(c))
        goto fail;
    c->step = EXEC_WDIR;
    if (syscall(SYS_chdir, p->wdir) != 0)
        goto fail;
    syscall(SYS_umask, p->umask);
    syscall(SYS_setpriority, PRIO_PROCESS, 0, p->nice); /* or as near as we may */
    c->step = EXEC_LIMITS;
    if (!child_limits(c))
        goto fail;
    c->step = EXEC_BIND;
    if (p->cpus != NULL && syscall(SYS_sched_setaffinity, 0, p->cpus_size, p->cpus) < 0)
        goto fail;
    if (p->with_us) {
        syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (syscall(SYS_getppid) != c->daemon) /* it was killed before that held */
            syscall(SYS_exit_group, 127);
    }
    c->step = EXEC_RUN;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, NULL, sizeof no_signals);
    syscall(SYS_execve, p->path, p->argv, c->envp);
fail:
    c->errnum = errno;
    syscall(SYS_exit_group, 127);
    return 127;
}

bool exec_room_init(struct exec_room *room)
{
    long page = sysconf(_SC_PAGESIZE);
    memset(room->fds, -1, sizeof room->fds);
    room->stack_size = CHILD_STACK;
    room->stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (room->stack == MAP_FAILED)
        return false;
    mprotect(room->stack, (size_t)page, PROT_NONE);
    for (int i = 0; i < EXEC_FDS; i++)
        if ((room->fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0) {
            exec_room_fini(room);
            return false;
        }
    return true;
}

void exec_room_fini(struct exec_room *room)
{
    int errnum = errno;
    munmap(room->stack, room->stack_size);
    for (int i = 0; i < EXEC_FDS; i++)
        px_fd_close(&room->fds[i]);
    errno = errnum;
}

/* Puts descriptors where the child takes them, or /dev/null again: whose end of a connection we kept
 * would never see it closed. */
static bool place_fds(const struct exec_room *room, const int *fds)
{
    for (int i = 0; i < EXEC_FDS; i++)
        if (dup3(fds != NULL ? fds[i] : EXEC_NULL_FD, room->fds[i], O_CLOEXEC) < 0)
            return false;
    return true;
}

void exec_start(const struct exec_plan *plan, char *const *own, size_t nown, char **envp,
                int ctl_fd, int arena_fd, struct exec_room *room, struct exec_result *out)
{
    const int fds[EXEC_FDS] = {plan->stdio[0], plan->stdio[1], plan->stdio[2], ctl_fd,
                               arena_fd};
    struct child c = {
        .plan = plan, .envp = envp, .room = room, .daemon = getpid(), .step = EXEC_CLONE};
    if (plan->nenv > 0)
        memcpy(envp, plan->env, plan->nenv * sizeof *envp);
    memcpy(envp + plan->nenv, own, nown * sizeof *own);
    envp[plan->nenv + nown] = NULL;
    out->pidfd = -1;
    out->pid = place_fds(room, fds)
                   ? clone(child_main, room->stack + room->stack_size,
                           CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD,
                           &c, &out->pidfd)
                   : -1;
    out->errnum = out->pid < 0 ? errno : c.errnum;
    place_fds(room, NULL);
    out->step = c.step;
    if (out->pid >= 0 && out->errnum != 0) {
        siginfo_t info;
        while (waitid(P_PIDFD, (id_t)out->pidfd, &info, WEXITED) < 0 && errno == EINTR)
            continue;
    }
    if (out->errnum != 0)
        px_fd_close(&out->pidfd);
}

/* ---- why not ---------------------------------------------------------------------------------- */

/* Bytes that execve has to copy, as its limit counts them. */
static size_t args_size(const struct exec_plan *p, size_t *longest)
{
    size_t sum = 0;
    *longest = 0;
    for (size_t i = 0; p->argv[i] != NULL; i++) {
        size_t len = strlen(p->argv[i]) + 1;
        sum += len + sizeof(char *);
        *longest = len > *longest ? len : *longest;
    }
    for (size_t i = 0; i < p->nenv; i++) {
        size_t len = strlen(p->env[i]) + 1;
        sum += len + sizeof(char *);
        *longest = len > *longest ? len : *longest;
    }
    return sum;
}

static int explain_run(const struct exec_plan *p, const char *command, const char *host,
                       int errnum)
{
    size_t longest, size;
    switch (errnum) {
    case ENOENT:
        return px_fail(
            PVMX_ERR_NOENT,
            "cannot start '%s' on host %s: the interpreter that %s names (its #! line or "
            "its dynamic loader) does not exist",
            command, host, p->path);
    case EACCES:
        return px_fail(
            PVMX_ERR_PERM,
            "cannot start '%s' on host %s: %s may not be executed (its mode, a mount "
            "with noexec, or its interpreter's mode)",
            command, host, p->path);
    case ENOEXEC:
        return px_fail(
            PVMX_ERR_UNSUPPORTED,
            "cannot start '%s' on host %s: %s is no program for this machine (a script "
            "must begin with a #! line)",
            command, host, p->path);
    case E2BIG:
        size = args_size(p, &longest);
        return px_fail(
            PVMX_ERR_TOOBIG,
            "cannot start '%s' on host %s: arguments and environment of %zu bytes, the "
            "longest string %zu, are more than the system takes (131071 for one string, "
            "a quarter of the stack limit in all)",
            command, host, size, longest);
    case ETXTBSY:
        return px_fail(
            PVMX_ERR_AGAIN,
            "cannot start '%s' on host %s: %s is open for writing (is it just being "
            "compiled?)",
            command, host, p->path);
    default:
        return px_fail_errno(errnum, "cannot start '%s' on host %s: cannot execute %s",
                             command, host, p->path);
    }
}

/* The user's limit of processes as the new task would have it. */
static unsigned long long nproc_of(const struct exec_plan *p)
{
    struct rlimit rl = {.rlim_cur = 0};
    getrlimit(RLIMIT_NPROC, &rl);
    for (size_t i = 0; i < p->nlimits; i++)
        if (p->limits[i].resource == RLIMIT_NPROC)
            rl = p->limits[i].value;
    return (unsigned long long)rl.rlim_cur;
}

int exec_explain(const struct exec_plan *plan, const char *command, const char *host,
                 const struct exec_result *r)
{
    if (r->errnum == EAGAIN)
        return px_fail(PVMX_ERR_LIMIT,
                       "cannot start '%s' on host %s: the limit of processes of this "
                       "user is reached "
                       "(ulimit -u: %llu)",
                       command, host, nproc_of(plan));
    if (r->errnum == EMFILE || r->errnum == ENFILE)
        return px_fail(PVMX_ERR_LIMIT,
                       "cannot start '%s' on host %s: no descriptors are left in the %s",
                       command, host, r->errnum == EMFILE ? "daemon (ulimit -n)" : "system");
    if (r->errnum == ENOMEM)
        return px_fail(PVMX_ERR_NOMEM,
                       "cannot start '%s' on host %s: the system has no memory left",
                       command, host);
    switch (r->step) {
    case EXEC_WDIR:
        return px_fail_errno(r->errnum, "cannot start '%s' on host %s: working directory %s",
                             command, host, plan->wdir);
    case EXEC_RUN:
        return explain_run(plan, command, host, r->errnum);
    case EXEC_STDIO:
        return px_fail_errno(r->errnum,
                             "cannot start '%s' on host %s: cannot hand over descriptors",
                             command, host);
    case EXEC_LIMITS:
        return px_fail_errno(r->errnum,
                             "cannot start '%s' on host %s: cannot set resource limits",
                             command, host);
    case EXEC_BIND:
        return px_fail_errno(r->errnum,
                             "cannot start '%s' on host %s: cannot bind it to processors",
                             command, host);
    case EXEC_CLONE:
        break;
    }
    return px_fail_errno(r->errnum, "cannot start '%s' on host %s: cannot create a process",
                         command, host);
}
