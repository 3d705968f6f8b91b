/* SPDX-License-Identifier: BSD-3-Clause */
/* See roff.h. */
#include "roff.h"

#include <stdio.h>

void roff_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (const char *c = text; *c; c++) {
        if (*c == '-' || *c == '\\')
            printf(*c == '-' ? "\\-" : "\\e");
        else
            putchar(*c);
    }
}

void roff_line(const char *text)
{
    roff_text(text);
    putchar('\n');
}
