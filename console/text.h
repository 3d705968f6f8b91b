/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts on a terminal: how many columns they take, and nothing in them that a terminal would obey. */
#ifndef CONSOLE_TEXT_H
#define CONSOLE_TEXT_H

#include <stddef.h>

/* As the user's locale has it; where that knows no characters but ASCII's, UTF-8. */
void text_locale(void);
/* Puts '?' for control characters and bytes that are no characters, in place. */
void text_plain(char *text);
/* Columns of a plain text. */
size_t text_columns(const char *text);
/* Bytes at the beginning of a plain text (of len) that fit in so many columns. */
size_t text_fit(const char *text, size_t len, size_t columns);

#endif
