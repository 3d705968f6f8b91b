/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines as words, and words as values. */
#include "console.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One word in place, from *at on; false: a quote has no end. */
static bool take_word(char **at, char **word)
{
    char *from = *at, *to = from, quote = 0;
    *word = from;
    for (; *from && (quote || !is_blank(*from)); from++) {
        if (quote ? *from == quote : *from == '\'' || *from == '"')
            quote = quote ? 0 : *from;
        else if (*from == '\\' && !quote && from[1])
            *to++ = *++from;
        else
            *to++ = *from;
    }
    if (quote) {
        printf("unmatched %c\n", quote);
        return false;
    }
    *at = *from ? from + 1 : from;
    *to = 0;
    return true;
}

int words_split(char *line, char **words)
{
    int n = 0;
    for (;;) {
        while (is_blank(*line))
            line++;
        if (!*line)
            return n;
        if (n == WORDS_MAX || !take_word(&line, &words[n])) {
            puts("command too long");
            return -1;
        }
        n++;
    }
}

int tid_of_word(const char *word)
{
    return (int)strtoul(word + (*word == 't'), NULL, 16);
}

const char *error_text(int code)
{
    pvm_errno = code;
    return pvm_strerror();
}
