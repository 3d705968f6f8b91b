/* SPDX-License-Identifier: BSD-3-Clause */
/* What tasks that were spawned at the prompt write. It comes to the console first, through a pseudo-terminal
 * of its own, so that it is shown between the lines of what else is there: by whole lines, while something
 * is waited for (link_wait_for, link_wait_key), also while a line is typed. */
#ifndef CONSOLE_BESIDE_H
#define CONSOLE_BESIDE_H

#include <stdbool.h>
#include <stdint.h>

/* A descriptor for tasks to write to in the place of `fd`, to be closed; -1: there is none. */
int beside_open(int fd);
/* Takes away what stands where lines are to be shown, and draws it again; NULL: nothing does. */
void beside_typed(void (*away)(void *arg), void (*back)(void *arg), void *arg);
/* While the whole terminal is drawn on, or a question is open, nothing is shown but kept: whoever waits
 * afterwards shows it. */
void beside_hold(bool on);
/* No more can be shown: true when there are still tasks that may write. */
bool beside_end(void);

/* ---- for who waits ---------------------------------------------------------------------------- */

int beside_fd(void); /* can be read when there is something to show; -1: there is not */
uint64_t beside_due(void); /* when beside_show is to be called in any case (px_now_ns); 0: never */
void beside_show(void);
/* All that has been written up to now, which goes before what is told next. */
void beside_settle(void);

#endif
