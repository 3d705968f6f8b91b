/* SPDX-License-Identifier: BSD-3-Clause */
/* A task for the daemon's tests: does one thing that its first argument names. It does not use the
 * library; what init would do it does by hand. */
#include "proto/arena.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _exit(99);
}

/* Everything that a child should have from its spawner, in one line. */
static int tell_all(void)
{
    char cwd[4096], line[8192];
    struct rlimit core;
    mode_t mask = umask(0);
    const char *task = getenv(PX_TASK_ENV), *lab = getenv("LAB"), *home = getenv("LAB2");
    sigset_t blocked;
    int open_fds = 0, ignored = 0, held = 0;
    getrlimit(RLIMIT_CORE, &core);
    for (int fd = 0; fd < 256; fd++)
        open_fds += fcntl(fd, F_GETFD) >= 0;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (int s = 1; s < 32; s++) {
        struct sigaction sa;
        held += sigismember(&blocked, s) == 1;
        ignored += sigaction(s, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL;
    }
    snprintf(line, sizeof line,
             "cwd=%s umask=%03o nice=%d core=%llu lab=%s lab2=%s "
             "fds=%d ignored=%d held=%d task=%d leader=%d\n",
             getcwd(cwd, sizeof cwd) != NULL ? cwd : "?", (unsigned)mask,
             getpriority(PRIO_PROCESS, 0), (unsigned long long)core.rlim_cur,
             lab != NULL ? lab : "", home != NULL ? home : "", open_fds, ignored, held,
             task != NULL, getpgrp() == getpid());
    say(line);
    return 0;
}

/* Claims the slot as init does. */
static struct px_slot *claim(int *ctl)
{
    int arena;
    unsigned long long inode;
    unsigned tid;
    struct stat st;
    uint32_t born = PX_SLOT_BORN;
    const char *env = getenv(PX_TASK_ENV);
    if (env == NULL || sscanf(env, "%d,%d,%llu,%x", ctl, &arena, &inode, &tid) != 4)
        _exit(90);
    if (fstat(arena, &st) != 0 || st.st_ino != inode || st.st_size != (off_t)PX_ARENA_SIZE)
        _exit(91);
    struct px_slot *s = mmap(NULL, PX_RINGS_OFF, PROT_READ | PROT_WRITE, MAP_SHARED,
                             arena, (off_t)px_slot_offset(px_tid_slot((int32_t)tid)));
    if (s == MAP_FAILED || atomic_load(&s->tid) != (int32_t)tid)
        _exit(92);
    if (!atomic_compare_exchange_strong(&s->state, &born, PX_SLOT_LIVE))
        _exit(93);
    atomic_store(&s->inited, 1);
    return s;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "byte";
    int ctl;
    alarm(120); /* whatever goes wrong, nothing stays */
    if (strcmp(what, "byte") == 0)
        say("x");
    else if (strcmp(what, "tell") == 0)
        return tell_all();
    else if (strcmp(what, "exit") == 0)
        return argc > 2 ? atoi(argv[2]) : 0;
    else if (strcmp(what, "signal") == 0)
        raise(argc > 2 ? atoi(argv[2]) : SIGKILL);
    else if (strcmp(what, "birth") == 0) {
        struct px_slot *s = claim(&ctl);
        if (write(1, (char *)s + PX_BIRTH_OFF, s->birth_len) != (ssize_t)s->birth_len)
            return 94;
    } else if (strcmp(what, "init") == 0) { /* claims, says so, waits for its end */
        claim(&ctl);
        say("x");
        pause();
    } else if (strcmp(what, "stay") == 0) {
        say("x");
        pause();
    } else if (strcmp(what, "stubborn") == 0) {
        signal(SIGTERM, SIG_IGN);
        say("x");
        for (;;)
            pause();
    } else if (strcmp(what, "leave") == 0) { /* a leave frame, then a bad exit status */
        static const unsigned char leave[] = {0, 0, 0, 4, 0x93, 12, 0, 0x80};
        claim(&ctl);
        if (write(ctl, leave, sizeof leave) != sizeof leave)
            return 95;
        return 7;
    } else if (strcmp(what, "family") == 0) { /* a child of its own that would outlive it */
        if (fork() == 0) {
            say("y");
            pause();
            return 0;
        }
        say("x");
        pause();
    }
    return 0;
}
