/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines into words. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

struct splitting {
    const char *from;
    char *to;
    const char *home; /* what ~ stands for; NULL: nothing */
    char quote;       /* that is open */
};

/* ~ and ~/... at the beginning of a word. */
static void take_home(struct splitting *s)
{
    if (!s->home || *s->from != '~' || (s->from[1] && !strchr("/ \t\r\n", s->from[1])))
        return;
    s->to = stpcpy(s->to, s->home);
    s->from++;
}

/* Copies one word without its quotes. */
static void take_word(struct splitting *s)
{
    take_home(s);
    for (; *s->from && (s->quote || !strchr(" \t\r\n", *s->from)); s->from++) {
        char c = *s->from;
        if (s->quote ? c == s->quote : c == '\'' || c == '"')
            s->quote = s->quote ? '\0' : c;
        else if (c == '\\' && s->quote != '\'' && s->from[1] == '\n')
            s->from++; /* nothing goes on behind a line */
        else if (c == '\\' && s->quote != '\'' && s->from[1])
            *s->to++ = *++s->from;
        else
            *s->to++ = c;
    }
    *s->to++ = '\0';
}

static size_t count(const char *text, char c)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

char **words_split_open(const char *line, int *n, char *quote)
{
    /* At most one word for every two characters, and no more text than the line has. */
    const char *home = getenv("HOME");
    size_t len = strlen(line), most = len / 2 + 2;
    size_t homes = home ? count(line, '~') * strlen(home) : 0;
    char **words = malloc(most * sizeof *words + len + homes + 2);
    struct splitting s = {line, words ? (char *)(words + most) : NULL, home, '\0'};
    *n = 0;
    *quote = '\0';
    if (!words)
        return NULL;
    for (;;) {
        s.from += strspn(s.from, " \t\r\n");
        if (s.from[0] == '\\' && s.from[1] == '\n') {
            s.from++;
            continue;
        }
        if (!*s.from || *s.from == '#')
            break;
        words[(*n)++] = s.to;
        take_word(&s);
    }
    words[*n] = NULL;
    *quote = s.quote;
    return words;
}

char **words_split(const char *line, int *n)
{
    char quote;
    char **words = words_split_open(line, n, &quote);
    if (!words) {
        cmd_fail("out of memory");
    } else if (quote) {
        cmd_fail("a quote %c is not closed", quote);
        free(words);
        words = NULL;
        *n = 0;
    }
    return words;
}

void words_quote(const char *text, size_t len, char quote, char *to)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quote == '\'' && c == '\'') {
            to = stpcpy(to, "'\\'");
        } else if (quote == '"' ? c == '"' || c == '\\'
                                : !quote && strchr(" \t\r\n'\"\\", c)) {
            *to++ = '\\';
        }
        *to++ = c;
    }
    *to = '\0';
}
