/* SPDX-License-Identifier: BSD-3-Clause */
/* See sig.h. */
#include "sig.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int passed_on[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1,
                                SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH};

int sig_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++) {
        struct sigaction act;
        /* What is ignored from outside (nohup) stays so. */
        if (sigaction(passed_on[i], NULL, &act) == 0 && act.sa_handler != SIG_IGN)
            sigaddset(&set, passed_on[i]);
    }
    signal(SIGPIPE, SIG_IGN); /* told by errno */
    signal(SIGXFSZ, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int sig_next(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

bool sig_ends(int sig)
{
    return sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT;
}

void sig_stop_self(void)
{
    raise(SIGSTOP);
}
