/* SPDX-License-Identifier: BSD-3-Clause */
/* See text.h. */
#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

void text_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

/* The character at `at`: its bytes, and the columns that it takes; -1: not to be shown. */
static size_t take(const char *at, size_t len, int *columns)
{
    mbstate_t state = {0};
    wchar_t c;
    size_t n = mbrtowc(&c, at, len, &state);
    if (n == 0 || n > len) { /* (size_t)-1 and -2 too */
        *columns = -1;
        return 1;
    }
    *columns = wcwidth(c);
    return n;
}

void text_plain(char *text)
{
    char *to = text;
    for (size_t len = strlen(text); len > 0;) {
        int columns;
        size_t n = take(text, len, &columns);
        if (columns < 0)
            *to++ = '?';
        else
            to = (char *)memmove(to, text, n) + n;
        text += n;
        len -= n;
    }
    *to = '\0';
}

size_t text_columns(const char *text)
{
    size_t sum = 0;
    for (size_t len = strlen(text); len > 0;) {
        int columns;
        size_t n = take(text, len, &columns);
        sum += columns > 0 ? (size_t)columns : columns < 0;
        text += n;
        len -= n;
    }
    return sum;
}

size_t text_fit(const char *text, size_t len, size_t columns)
{
    size_t at = 0;
    while (at < len) {
        int wide;
        size_t n = take(text + at, len - at, &wide), needs = wide < 0 ? 1 : (size_t)wide;
        if (needs > columns)
            break;
        columns -= needs;
        at += n;
    }
    return at;
}
