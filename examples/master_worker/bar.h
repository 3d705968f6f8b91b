/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user sees on stderr: a progress bar on a terminal, a line now and then elsewhere, and
 * messages that do not tear the bar. One per process. */
#ifndef BAR_H
#define BAR_H

#include <stdbool.h>
#include <stdint.h>

double bar_now(void); /* seconds of a monotonic clock */

/* total: bytes to do, 0 when not known. quiet: draw nothing. */
void bar_start(uint64_t total, bool quiet);
/* Draws if it is time to. */
void bar_update(uint64_t done, int workers);
/* Draws the last state and leaves the bar's line; calls after that do nothing. */
void bar_finish(uint64_t done, int workers);
/* One line "master: ..." on stderr. */
void bar_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "12.3 MiB"; static storage for the last 4 results. */
const char *bar_bytes(double n);

#endif
