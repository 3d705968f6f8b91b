/* SPDX-License-Identifier: BSD-3-Clause */
/* Expressions over tasks: what they mean, without knowing where the values come from.
 *
 *     name =~ /worker/ and (cpu > 10m or elapsed > 1.5h) and not host = "alpha"
 *
 *   name, command, host             texts:   =  !=  "text"    =~  !~  /extended regular expression/
 *   cpu, elapsed                    times:   <  <=  >  >=  =  !=  90  250ms  90s  15m  1.5h  2d
 *   memory                          sizes:   the same with 4096  64k  512M  2G  1T
 *   job, tasks                      numbers
 *   job.cpu job.elapsed job.memory job.tasks, vm.cpu ... vm.tasks: of its job, of all tasks
 *
 * "and" binds tighter than "or", "not" tighter than both; && || ! mean the same. */
#ifndef RULE_H
#define RULE_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RULE_TEXT_MAX = 1000 }; /* characters of an expression */

enum rule_text { RULE_NAME, RULE_COMMAND, RULE_HOST, RULE_TEXTS };

/* Times are in ms, sizes in bytes. */
enum rule_number {
    RULE_CPU,
    RULE_ELAPSED,
    RULE_MEMORY,
    RULE_JOB,
    RULE_JOB_CPU,
    RULE_JOB_ELAPSED,
    RULE_JOB_MEMORY,
    RULE_JOB_TASKS,
    RULE_VM_CPU,
    RULE_VM_ELAPSED,
    RULE_VM_MEMORY,
    RULE_VM_TASKS,
    RULE_NUMBERS,
};

/* What an expression has to be told. */
enum {
    RULE_USES_USAGE = 1,   /* cpu or memory, of whatever */
    RULE_USES_COMMAND = 2, /* command */
    RULE_USES_SUMS = 4,    /* job.* or vm.*, but for elapsed */
    RULE_USES_RUN = 8,     /* cpu, elapsed, memory, job: a task has them when it runs */
};

/* Of one task. */
struct rule_subject {
    const char *texts[RULE_TEXTS];
    uint64_t numbers[RULE_NUMBERS];
};

struct rule;

/* *out on success only. The sentence of a failure names the place in the text and what was expected there. */
pvmx_err rule_read(const char *text, struct rule **out);
void rule_free(struct rule *r); /* may be NULL */
unsigned rule_uses(const struct rule *r);
/* *soonest_ms is lowered to the time after which a comparison of elapsed time will have become true. */
bool rule_holds(const struct rule *r, const struct rule_subject *s, uint64_t *soonest_ms);
/* "cpu 612.4 s, memory 2.1G": the values by which it holds, or its name where only texts count. */
void rule_explain(const struct rule *r, const struct rule_subject *s, char *text,
                  size_t size);

#endif
