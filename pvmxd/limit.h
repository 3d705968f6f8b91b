/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules for runaway tasks. The leader keeps the table of rules, numbers them and tells all hosts, also
 * those that come later; every daemon applies them to its own tasks. A job can have a rule of its own, which
 * came with its spawn request (mpiexec -timeout) and goes with what it spawns: see inherit.h.
 *
 * A rule with a job is about that job's family: its own tasks and all that they have spawned, directly or
 * not, whether their spawners still live or not. Its job.* are then sums over the family, and job.elapsed is
 * the time since that job has begun. In other rules job.* are sums over the task's own job. vm.* are sums
 * over the virtual machine.
 *
 * A rule that refuses is applied to spawn requests, by the daemon that has got them: see refuse.c. All others
 * are applied to tasks.
 *
 * A rule is applied to a task when it comes to hold; again only after it has not held meanwhile. So a task
 * that was stopped can be continued. */
#ifndef LIMIT_H
#define LIMIT_H

#include "base/list.h"
#include "loop.h"
#include "proto/messages.h"
#include "rule.h"

struct server;
struct peer;
struct link;
struct job;
struct spawn_req;

enum { LIMITS_MAX = 256 };

struct sum {
    uint64_t tasks, cpu_ms, memory;
};

struct limit {
    uint32_t number, action, job;
    struct rule *rule;
    char *expr;
    uint64_t began; /* of job, in our clock */
    uint64_t hits;
    unsigned refs;
    bool told;         /* mpiexec was told that it was reached */
    uint64_t looked;   /* number of the last look; 0: none yet */
    struct sum family; /* what it then used */
};

struct limits {
    struct limit *table[LIMITS_MAX]; /* by number */
    size_t n;
    uint32_t last;
    struct loop_timer timer;
    uint64_t looks;
    struct px_list others; /* struct others: what other hosts use; see sums.c */
    uint64_t vm_age_ms, vm_age_at;
};

void limits_init(struct server *sv);
void limits_fini(struct server *sv);

/* A rule as it was sent. *out on success only: one reference. */
pvmx_err limit_new(const struct pxp_limit_rule *m, struct limit **out);
struct limit *limit_ref(struct limit *l); /* NULL gives NULL */
void limit_unref(struct limit *l);        /* may be NULL */
/* As it is sent; texts are not copied. */
struct pxp_limit_rule limit_write(const struct limit *l);

/* The leader's table to a host that has come, and to all (it has changed, or a new one leads). */
void limits_tell(struct server *sv, struct link *l);
void limits_tell_all(struct server *sv);

/* Messages of consoles: limit_add, limit_del, limits, limit_test. */
pvmx_err limits_add(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
pvmx_err limits_del(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
pvmx_err limits_list(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
pvmx_err limits_test(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
/* The first two as another daemon passes them on to the leader; the leader's table. */
pvmx_err limits_add_forwarded(struct server *sv, struct link *l, uint32_t serial,
                              const uint8_t *body, size_t len);
pvmx_err limits_del_forwarded(struct server *sv, struct link *l, uint32_t serial,
                              const uint8_t *body, size_t len);
pvmx_err limits_on_table(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len);

/* ---- runaway.c: applying them ------------------------------------------------------------------ */

/* There may be something to look after: a rule has come, or a job that has one. */
void limits_wake(struct server *sv);
void limits_stop(struct server *sv);
/* To which tasks of this host would it apply? */
pvmx_err limits_find(struct server *sv, struct limit *l, const struct pxp_limit_test *m,
                     struct pxp_zone *zone, struct pxp_limit_hits *out);

/* ---- refuse.c: requests ------------------------------------------------------------------------ */

/* A request whose tasks have their places: PVMX_ERR_LIMIT when a rule refuses it. */
pvmx_err limits_refuse(const struct spawn_req *r);
/* Of the request in m, on this host, what the rule would refuse. */
pvmx_err refuse_find(struct server *sv, struct limit *l, const struct pxp_limit_test *m,
                     struct pxp_zone *zone, struct pxp_limit_hits *out);

/* ---- sums.c: what jobs use -------------------------------------------------------------------- */

/* What one look at this host has found. */
struct sums {
    struct pxp_zone *zone;
    struct pxp_job_sum *own;
    size_t n_own;
    const struct pxp_job_sum *told; /* of other hosts, by a console; NULL: as they have said */
    size_t n_told;
};

/* Adds the own tasks' usage (task.cpu_ms, task.memory) up, by jobs; false: no memory. */
bool sums_take(struct server *sv, struct sums *out);
/* Its own part, for the console that asks. */
bool sums_write(const struct sums *s, struct pxp_zone *zone, struct pxp_limit_hits *out);
/* Lets the leader, or all, know. */
void sums_tell(struct server *sv, const struct sums *s);
/* Over all hosts, as far as they have told: of a job, of its family too, of everything. */
struct sum sums_job(struct server *sv, const struct sums *s, uint32_t job, bool family);
struct sum sums_vm(struct server *sv, const struct sums *s);
/* Message sums. */
pvmx_err sums_heard(struct server *sv, struct link *l, uint32_t serial,
                    const uint8_t *body, size_t len);
uint64_t sums_vm_age(struct server *sv);
void sums_fini(struct server *sv);

#endif
