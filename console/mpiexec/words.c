/* SPDX-License-Identifier: BSD-3-Clause */
/* Files with words of a command line: '...', "..." and \ quote as in a shell, # begins a comment, a \
 * at the end of a line continues it. */
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 8, FILE_MAX = 16 * 1024 * 1024, WORD_MAX = 64 * 1024 };

static char *read_file(struct parse *p, const char *path)
{
    FILE *f = fopen(path, "re");
    size_t n = 0, cap = 4096, got;
    char *text = f ? malloc(cap) : NULL;
    if (!f) {
        parse_fail(p, "%s: %s", path, strerror(errno));
        return NULL;
    }
    while (text && (got = fread(text + n, 1, cap - n - 1, f)) > 0) {
        n += got;
        if (n + 1 < cap)
            continue;
        char *grown = cap < FILE_MAX ? realloc(text, cap *= 2) : NULL;
        if (!grown)
            free(text);
        text = grown;
    }
    if (!text) {
        parse_fail(p, "%s is too large", path);
    } else if (ferror(f)) {
        parse_fail(p, "%s: %s", path, strerror(errno));
        free(text);
        text = NULL;
    } else {
        text[n] = '\0';
    }
    fclose(f);
    return text;
}

/* The next word of the line at *at, unquoted, into zone memory. false: end of line (or failed). */
static bool next_word(struct parse *p, const char **at, const char *path, const char **out)
{
    const char *c = *at;
    char quote = 0, word[WORD_MAX], *to = word;
    *out = NULL;
    while (*c == ' ' || *c == '\t' || *c == '\r' || (*c == '\\' && c[1] == '\n'))
        c += 1 + (*c == '\\');
    if (*c == '#')
        c += strcspn(c, "\n");
    *at = c;
    if (!*c || *c == '\n')
        return false;
    for (; *c && (quote || !strchr(" \t\r\n", *c)); c++) {
        if (to == word + WORD_MAX - 1)
            return parse_fail(p, "%s: a word is longer than %d bytes", path, WORD_MAX - 1);
        if (quote ? *c == quote : *c == '\'' || *c == '"')
            quote = quote ? 0 : *c;
        else if (*c == '\\' && quote != '\'' && c[1])
            *to++ = *++c;
        else
            *to++ = *c;
    }
    if (quote)
        return parse_fail(p, "%s: a %c is not closed", path, quote);
    *at = c;
    *to = '\0';
    *out = parse_printf(p, "%s", word);
    return *out != NULL;
}

/* Reads words up to the end of the line (or, with all, of the text). */
static bool read_line(struct parse *p, const char **at, bool all, const char *path,
                      struct opts_list *words)
{
    const char *word;
    int before = p->status;
    for (;;) {
        p->status = -1;
        bool more = next_word(p, at, path, &word);
        if (p->status != -1)
            return false;
        p->status = before;
        if (more && !parse_push(p, words, word))
            return false;
        if (more)
            continue;
        if (!**at || !all)
            return true;
        ++*at;
    }
}

static bool each_program(struct parse *p, const char *text, const char *path)
{
    const char *at = text;
    for (;; at++) {
        struct opts_list words = {0};
        if (!read_line(p, &at, false, path, &words))
            return false;
        if (words.n && !parse_words(p, (int)words.n, (char **)words.items, false))
            return false;
        if (!*at)
            return true;
    }
}

static bool read_options(struct parse *p, const char *text, const char *path)
{
    struct opts_list words = {0};
    const char *at = text;
    return read_line(p, &at, true, path, &words) &&
           parse_words(p, (int)words.n, (char **)words.items, true);
}

static bool with_file(struct parse *p, const char *path,
                      bool (*use)(struct parse *, const char *, const char *))
{
    if (p->depth >= DEPTH_MAX)
        return parse_fail(p, "%s: files that name files are nested too deeply", path);
    char *text = read_file(p, path);
    if (!text)
        return false;
    p->depth++;
    bool ok = use(p, text, path);
    p->depth--;
    free(text);
    return ok;
}

bool words_config(struct parse *p, const char *path)
{
    return with_file(p, path, each_program);
}

bool words_options(struct parse *p, const char *path)
{
    return with_file(p, path, read_options);
}
