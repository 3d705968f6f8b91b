/* SPDX-License-Identifier: BSD-3-Clause */
/* A line on the terminal that says how far long work has come; nothing when standard error is no
 * terminal. */
#ifndef CONSOLE_PROGRESS_H
#define CONSOLE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Somebody sees it. */
bool progress_shown(void);
/* "12 of 20 hosts are up" in place of what was said before. */
void progress_say(size_t done, size_t total, const char *what);
/* The line goes. */
void progress_end(void);

#endif
