/* SPDX-License-Identifier: BSD-3-Clause */
/* Reaping. */
#include "reap.h"
#include "base/fd.h"
#include "base/log.h"
#include "server.h"
#include "tasks.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

static void on_exit_fd(void *arg, unsigned events)
{
    struct task *t = arg;
    siginfo_t info = {0};
    (void)events;
    if (t->job == NULL || t->helped) { /* not our child: that it has ended is all we know */
        task_end(t, -1, 0);
        return;
    }
    /* What a task that was ended had started itself goes too. Its id cannot be another's before
     * we have reaped it. */
    if (t->terminating || t->killed)
        kill(-t->pid, SIGKILL);
    if (waitid(P_PIDFD, (id_t)t->pidfd, &info, WEXITED | WNOHANG) < 0) {
        px_log(PX_LOG_ERROR, "REAP-WAIT", "cannot reap process %d: %s", (int)t->pid,
               strerror(errno));
        task_end(t, -1, 0);
    } else if (info.si_pid == 0) {
        return;
    } else if (info.si_code == CLD_EXITED) {
        task_end(t, info.si_status, 0);
    } else {
        task_end(t, -1, info.si_status);
    }
}

void reap_watch(struct task *t)
{
    if (t->pidfd >= 0)
        loop_io_start(&t->sv->loop, &t->exit, t->pidfd, LOOP_READ, on_exit_fd, t);
}

void reap_unwatch(struct task *t)
{
    if (t->pidfd >= 0)
        loop_io_stop(&t->sv->loop, &t->exit);
    px_fd_close(&t->pidfd);
}

void reap_stray(int pidfd)
{
    siginfo_t info;
    pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
        continue;
    px_fd_close(&pidfd);
}
