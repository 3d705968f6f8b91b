/* SPDX-License-Identifier: BSD-3-Clause */
/* One look at what tasks use, for rules: at tasks (runaway.c) and at spawn requests (refuse.c). */
#ifndef LOOK_H
#define LOOK_H

#include "limit.h"

struct look {
    struct server *sv;
    uint64_t cpu; /* of this thread when the look began */
    unsigned uses;
    uint64_t now, soonest_ms;
    struct pxp_zone zone; /* the caller's to free */
    struct sums sums;
    struct sum vm, job;
    uint32_t job_id; /* whose sum `job` is; 0: root tasks' */
    bool job_known;
};

/* Takes what expressions with k->uses want to know; false: no memory. */
bool look_begin(struct look *k);
/* What the job uses, or the family that the rule is about. */
const struct sum *look_sum(struct look *k, struct limit *l, uint32_t job);
void look_see_vm(const struct look *k, struct rule_subject *s);
uint64_t look_age_ms(const struct look *k, uint64_t since);
/* What a program is called by rules. */
const char *look_name(const char *path);

#endif
