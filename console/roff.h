/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of manual pages, for the programs of this folder that print their own. */
#ifndef CONSOLE_ROFF_H
#define CONSOLE_ROFF_H

/* To standard output, so that nothing in it is a request or an escape. */
void roff_text(const char *text);
/* The same with the end of a line. */
void roff_line(const char *text);

#endif
