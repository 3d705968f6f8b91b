/* SPDX-License-Identifier: BSD-3-Clause */
/* See pattern.h. */
#include "pattern.h"

#include <stdio.h>
#include <stdlib.h>

static void put(FILE *f, char c, const struct pattern_of *of)
{
    switch (c) {
    case 'r':
    case 'd':
        fprintf(f, "%u", of->rank);
        break;
    case 'w':
    case 'g':
        fprintf(f, "%u", of->world);
        break;
    case 'h':
        fputs(of->host, f);
        break;
    case 'p':
        fprintf(f, "%u", of->number);
        break;
    case '%':
        fputc('%', f);
        break;
    default:
        fputc('%', f);
        fputc(c, f);
    }
}

char *pattern_fill(const char *pattern, const struct pattern_of *of)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    for (const char *c = pattern; *c; c++) {
        if (*c == '%' && c[1])
            put(f, *++c, of);
        else
            fputc(*c, f);
    }
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}
