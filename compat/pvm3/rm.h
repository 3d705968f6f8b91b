/* SPDX-License-Identifier: BSD-3-Clause */
/* Resource managers: a task that has registered as one is asked, by tasks that come after it, where to start
 * tasks, which hosts and tasks there are, and for notices. It tells the daemons what to do; what it sends to
 * them is carried out by the library in its own process. Messages are those of <pvmsdpro.h>.
 *
 * With the lock held. */
#ifndef P3_RM_H
#define P3_RM_H

#include "buf.h"

/* The process has become a task: is there a manager? */
void p3_rm_begin(bool born);
void p3_rm_end(void);
/* Must a manager be asked? */
bool p3_rm_rules(void);
/* A request to it. */
struct p3_buf *p3_rm_request(void);
/* Sends and frees the request and waits for the answer; PvmNoTask: the manager has ended, so do
 * it without. */
int p3_rm_call(struct p3_buf *request, int tag, struct p3_buf **reply);
/* The same, of what has no answer. */
int p3_rm_tell(struct p3_buf *request, int tag);
/* From the sink: takes an answer that is waited for. */
bool p3_rm_answer(struct p3_buf *b);

/* ---- in the manager */
/* A message to a daemon. */
int p3_rm_daemon(struct p3_buf *b, int tid, int tag);
/* Before a message of the daemon's is received. */
void p3_rm_seen(struct p3_buf *b);
void p3_rm_host_gone(int tid);

/* ---- spawn.c: starts n tasks on a host for another task; the tids, then errors. How many run. */
struct p3_exec {
    int parent, flags, n;
    const char *file;
    char **argv;
    const char **env; /* NULL-terminated */
    uint32_t host;    /* index */
};
int p3_spawn_for(const struct p3_exec *e, int *tids);

/* ---- host.c: adds hosts as pvm_addhosts does; infos has n entries. */
int p3_add_hosts(char **hosts, int n, int *infos);
/* This host, in memory that stays. */
int p3_own_host(struct pvmhostinfo **out);

#endif
