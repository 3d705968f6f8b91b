/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines into words. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

/* Copies one word without its quotes; *from and *to move on. false: a quote is not closed. */
static bool take_word(const char **from, char **to)
{
    const char *c = *from;
    char *out = *to, quote = 0;
    for (; *c && (quote || !strchr(" \t\r\n", *c)); c++) {
        if (quote ? *c == quote : *c == '\'' || *c == '"')
            quote = quote ? 0 : *c;
        else if (*c == '\\' && quote != '\'' && c[1])
            *out++ = *++c;
        else
            *out++ = *c;
    }
    *out++ = '\0';
    *from = c;
    *to = out;
    return quote == 0;
}

static char **split(const char *line, int *n, bool *open)
{
    /* At most one word for every two characters, and no more text than the line has. */
    size_t len = strlen(line), most = len / 2 + 2;
    char **words = malloc(most * sizeof *words + len + 2);
    char *to = words ? (char *)(words + most) : NULL;
    *n = 0;
    *open = false;
    if (!words)
        return NULL;
    for (;;) {
        line += strspn(line, " \t\r\n");
        if (!*line || *line == '#')
            break;
        words[*n] = to;
        *open = !take_word(&line, &to);
        ++*n;
    }
    words[*n] = NULL;
    return words;
}

char **words_split_open(const char *line, int *n, bool *open)
{
    return split(line, n, open);
}

char **words_split(const char *line, int *n)
{
    bool open;
    char **words = split(line, n, &open);
    if (!words) {
        cmd_fail("out of memory");
    } else if (open) {
        cmd_fail("a quote is not closed");
        free(words);
        words = NULL;
        *n = 0;
    }
    return words;
}
