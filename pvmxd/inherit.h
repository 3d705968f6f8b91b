/* SPDX-License-Identifier: BSD-3-Clause */
/* What a job has from the job of its spawner, when its own request does not say: the universe size,
 * processors, a limit; and the line of jobs that it stems from. */
#ifndef INHERIT_H
#define INHERIT_H

#include "proto/messages.h"

struct spawn_req;
struct job;

enum {
    LINEAGE_MAX = 32, /* jobs in a line; of a longer one the first and the last ones are known */
};

/* Of a client's request; refuses a limit that cannot be read. */
pvmx_err inherit_request(struct spawn_req *r);
/* The job number is known: the request's own limit is about this job. */
void inherit_number(struct spawn_req *r);
/* Of a part of a request that another host carries. */
pvmx_err inherit_part(struct spawn_req *r, const struct pxp_start *m);
/* Into the message to a host that is to start a part. */
void inherit_write(const struct spawn_req *r, struct pxp_start *m);
/* The job has what the request has. */
void inherit_job(const struct spawn_req *r, struct job *j);
/* Gives up what the request, the job has. */
void inherit_drop_request(struct spawn_req *r);
void inherit_drop_job(struct job *j);

#endif
