/* SPDX-License-Identifier: BSD-3-Clause */
/* Which tasks words mean: "t40002" or "40002", "job:3" or "3", "host:alpha", "name:REGEX",
 * "parent:t40001", "state:enrolled". */
#ifndef CONSOLE_TARGET_H
#define CONSOLE_TARGET_H

#include "cmd.h"

struct target {
    int32_t *tids;
    size_t n;
};

extern const char target_help[];

/* Tasks of this snapshot that words mean, each once. A tid is taken as it is, whether the task lives
 * or not; all other words must mean a task. A status of cmd.h; free what is found. */
int target_read(const struct pxp_status_is *status, int n, char **words, struct target *out);
void target_free(struct target *t);
/* Unless it is there already; false: no memory. */
bool target_add(struct target *t, int32_t tid);
/* In their place, what they have spawned, and what that has. */
bool target_add_children(const struct pxp_status_is *status, struct target *t);
/* "3", "job:3" or "[3]"; false: it is none. */
bool target_job(const char *word, uint32_t *job);
/* The same, but for numbers that may also be a tid. */
bool target_short_job(const char *word, uint32_t *job);
/* "t40002" or "40002"; false: it is none. */
bool target_tid(const char *word, int32_t *tid);
/* "started", "enrolled", "left", "ended"; "stopped" if usage was asked for. */
const char *target_state(const struct pxp_task_info *task);

#endif
