/* SPDX-License-Identifier: BSD-3-Clause */
/* A daemon in a runtime directory of its own, for tests that speak the control protocol. Every wait
 * has a deadline; a failure ends the test with a sentence. */
#ifndef DAEMON_LAB_H
#define DAEMON_LAB_H

#include "proto/arena.h"
#include "proto/client.h"
#include "proto/hello.h"
#include "proto/messages.h"
#include <pvmx/engine/dyn.h>
#include <stdbool.h>
#include <sys/types.h>

enum { LAB_DEADLINE_MS = 20000 };

struct lab {
    char xdg[64];
    struct px_rundir dir;
    pid_t pid; /* the daemon, our child; 0: none */
};

/* A client: connection, own slot when it has enrolled, notices that came in between. */
struct lab_client {
    struct pxp_client c;
    int32_t tid;
    int arena_fd;
    struct pxp_task_end ends[4096]; /* program is not kept */
    size_t nends;
};

void lab_open(struct lab *l); /* directory only */
/* Starts pvmxd --foreground with these extra arguments (NULL-terminated list, may be NULL) and waits
 * until it is ready. */
void lab_start(struct lab *l, const char *const *args);
/* Runs pvmxd to its end and returns its exit status; its ready line (or "") in line. */
int lab_run(struct lab *l, const char *const *args, char *line, size_t size);
/* Waits for the daemon's end; returns the status of waitpid. */
int lab_wait(struct lab *l);
/* SIGTERM, wait, and check that nothing is left. */
void lab_close(struct lab *l);
bool lab_exists(const struct lab *l, const char *what); /* below xdg */

void lab_connect(struct lab *l, struct lab_client *k, uint32_t role);
/* False: there is no daemon (any more). */
bool lab_try_connect(struct lab *l, struct lab_client *k, uint32_t role);
/* Connects and greets for another process, which is returned: it only waits for its end. */
pid_t lab_connect_puppet(struct lab *l, struct lab_client *k, uint32_t role);
void lab_enrol(struct lab_client *k);
void lab_join(struct lab *l, struct lab_client *k); /* both, as a root task */
void lab_hang_up(struct lab_client *k);
/* Sends k->c.out. */
void lab_send(struct lab_client *k, const int *fds, size_t nfds);
/* Waits for the message with this serial; notices are kept. False: the connection was closed. The
 * body is valid until pxp_client_drop. */
bool lab_reply(struct lab_client *k, uint32_t serial, uint32_t *number,
               const uint8_t **body, size_t *len);
/* Waits until n notices have come in all. */
void lab_await_ends(struct lab_client *k, size_t n);
/* True: nothing more comes within ms. */
bool lab_quiet(struct lab_client *k, int ms);

struct lab_spawn {
    const char *command;
    const char *const *args;
    uint32_t count;
    uint32_t flags;
    const char *wdir, *path;
    const char *const *env; /* of the program */
    uint32_t init_timeout_ms;
    int out_fd; /* the tasks' stdout; 0: /dev/null */
    const struct pxp_limit *limits;
    size_t nlimits;
};

struct lab_spawned {
    int32_t error;
    char text[1024];
    uint32_t job;
    int32_t tids[8192], errors[8192];
    size_t ntids, nerrors;
};

void lab_spawn(struct lab_client *k, const struct lab_spawn *s, struct lab_spawned *out);
/* The two halves of it. */
uint32_t lab_spawn_send(struct lab_client *k, const struct lab_spawn *s);
void lab_spawn_take(struct lab_client *k, uint32_t serial, struct lab_spawned *out);

struct lab_status {
    uint32_t ntasks, slots, slots_used, fds, pid;
    uint64_t rss_kb;
};
void lab_status(struct lab_client *k, struct lab_status *out);
/* Sends a request that is answered by done; returns its count, or the pvmx_err of a refusal. */
int lab_signal(struct lab_client *k, int32_t tid, uint32_t signal);
int lab_abort(struct lab_client *k, int32_t tid, uint32_t job);
int lab_watch(struct lab_client *k, int32_t tid);
void lab_leave(struct lab_client *k);
void lab_release(struct lab_client *k, uint32_t job);

/* Slot control block of a task, mapped for the rest of the process. */
struct px_slot *lab_slot(struct lab_client *k, int32_t tid);

/* Repeats a condition until it holds or the deadline is over. */
#define lab_until(cond)                                                                  \
    do {                                                                                 \
        uint64_t lab_end_ = px_now_ns() + LAB_DEADLINE_MS * PX_MS;                       \
        while (!(cond)) {                                                                \
            cr_assert(px_now_ns() < lab_end_, "not reached in time: " #cond);            \
            usleep(1000);                                                                \
        }                                                                                \
    } while (0)

#endif
