/* SPDX-License-Identifier: BSD-3-Clause */
/* What has happened on all hosts. */
#ifndef CONSOLE_EVENTS_H
#define CONSOLE_EVENTS_H

#include "survey.h"
#include "target.h"

/* Asks all hosts for what they remember; follow: and for what will happen. The answers are messages
 * events_are. To be ended by survey_end also after a failure. */
pvmx_err events_ask(struct survey *s, struct link *l, bool follow);

/* Adds the tasks of a job whose start or end is remembered, those that have ended already included. A status
 * of cmd.h. */
int events_of_job(struct console *c, uint32_t job, struct target *t);

#endif
