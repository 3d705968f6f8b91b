/* SPDX-License-Identifier: BSD-3-Clause */
/* What several commands do with tasks. */
#ifndef CONSOLE_TASK_H
#define CONSOLE_TASK_H

#include "survey.h"
#include "target.h"

/* Ends tasks on all hosts (sig 0), or sends them a signal; *count: how many were there. A status of
 * cmd.h. */
int task_signal_all(struct console *c, const struct target *t, int sig, uint32_t *count);

/* Waits a moment before who has asked tasks to end looks again; false: they have had their time since
 * `begin` (px_now_ns), much more than their grace period. */
bool task_ends_awaited(uint64_t begin);

/* Adds up the answers (message done) of all hosts that were asked. A status too. */
int task_count_done(struct survey *s, uint32_t *count);
/* What the JSON of commands that only count says. */
extern const struct out_column task_count_columns[];

#endif
