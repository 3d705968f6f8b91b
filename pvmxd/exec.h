/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting one process. Called by spawner threads; knows nothing of tasks and jobs. */
#ifndef EXEC_H
#define EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum {
    EXEC_CTL_FD = 6, /* the task's end of its control connection; 3 to 5 and 8, 9 are what      */
    EXEC_ARENA_FD = 7, /* shell scripts like to use, and such a script may run the program        */
    EXEC_NULL_FD = 5, /* ours, like all unused ones below: /dev/null */
    EXEC_FIRST_FD = 8, /* all descriptors of the daemon lie from here on: no dup2 hits another    */
    EXEC_FDS = 5, /* that a task inherits                                                  */
};

struct exec_limit {
    int resource;
    struct rlimit value;
};

/* What the tasks of one program share. Nothing in it changes while a thread starts one. */
struct exec_plan {
    const char *path;
    char **argv;
    char **env; /* without the task's own entries */
    size_t nenv;
    const char *wdir;
    mode_t umask;
    int nice;
    int stdio[3];
    const struct exec_limit *limits; /* those that differ from the daemon's own */
    size_t nlimits;
    bool check_nproc; /* among them the limit of processes, and lower than ours */
    const unsigned long *cpus; /* processors to run on; NULL: ours */
    size_t cpus_size;
    bool with_us; /* ends when this daemon is killed */
};

enum exec_step { EXEC_CLONE, EXEC_WDIR, EXEC_STDIO, EXEC_LIMITS, EXEC_BIND, EXEC_RUN };

struct exec_result {
    pid_t pid;
    int pidfd;
    int errnum; /* 0: started */
    enum exec_step step;
};

/* What the child of one thread works with until it executes. */
struct exec_room {
    uint8_t *stack;
    size_t stack_size;
    int fds[EXEC_FDS]; /* numbers that belong to it */
};
/* Takes the lowest free numbers, so that as few as possible lie below. false: errno. */
bool exec_room_init(struct exec_room *room);
void exec_room_fini(struct exec_room *room);

/* Starts it. own: the task's own entries of the environment; envp: room for plan->nenv + nown + 1
 * pointers. On failure no process is left. */
void exec_start(const struct exec_plan *plan, char *const *own, size_t nown, char **envp,
                int ctl_fd, int arena_fd, struct exec_room *room, struct exec_result *out);

/* One sentence on a failure: "cannot start 'x' on host h: ...", by px_fail. Returns its error. */
int exec_explain(const struct exec_plan *plan, const char *command, const char *host,
                 const struct exec_result *r);

#endif
