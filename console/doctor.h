/* SPDX-License-Identifier: BSD-3-Clause */
/* What doctor looks at: each check notes what it has found, and what to do. */
#ifndef CONSOLE_DOCTOR_H
#define CONSOLE_DOCTOR_H

#include "cmd.h"

struct checkup {
    struct out out;
    int troubles;
};

/* advice counts for trouble only. */
void doctor_note(struct checkup *k, const char *what, bool good, const char *text,
                 const char *advice);

/* ---- doctor_probe.c: a program that is run for what it says */
struct probe {
    pid_t pid;
    int fd, errnum; /* errnum: why it does not run; 0: it does, and is to be finished */
};
/* argv[0] is its path. */
void probe_start(struct probe *p, char *const *argv);
/* What it says, up to size bytes; it is ended at Ctrl-C and when it takes too long (until as in link.h).
 * Returns its exit status; 255: it was killed. */
int probe_finish(struct probe *p, uint64_t until, char *said, size_t size);

/* ---- doctor_here.c: this machine */
void doctor_daemon(struct console *c, struct checkup *k);
void doctor_limits(struct checkup *k);
void doctor_ptrace(struct checkup *k);

/* ---- doctor_hosts.c: the other hosts */

/* Hosts of the virtual machine: do they answer, with which version, can their ports be reached? */
void doctor_hosts(struct console *c, struct checkup *k);
/* The range of ports that other hosts are to reach. */
void doctor_ports(struct console *c, struct checkup *k);

/* ---- doctor_ssh.c */

/* Hosts that could be added: would ssh start a daemon there? */
void doctor_ssh(struct checkup *k, int n, char **hosts);

/* ---- doctor_left.c: what earlier virtual machines have left behind */
void doctor_left(struct console *c, struct checkup *k);

#endif
