/* SPDX-License-Identifier: BSD-3-Clause */
/* See typed.h. It counts columns as libedit does when it draws. */
#include "typed.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

struct place {
    size_t row, column, columns; /* columns: of the terminal */
};

static void next_row(struct place *p)
{
    p->row++;
    p->column = 0;
}

static void put(struct place *p, size_t width)
{
    if (p->column + width > p->columns) /* a wide one is not broken */
        next_row(p);
    p->column += width;
    if (p->column >= p->columns)
        next_row(p);
}

static void put_char(struct place *p, wchar_t c)
{
    int width = wcwidth(c);
    size_t plain = c == L'\t'                         ? 8 - p->column % 8
                   : c < 0x100 && iswcntrl((wint_t)c) ? 2 /* ^X */
                   : c > 0xffff                       ? 8 /* \U+12345 */
                                                      : 7;
    if (c == L'\n')
        next_row(p);
    else if (c != L'\t' && iswprint((wint_t)c))
        put(p, width > 0 ? (size_t)width : 0);
    else
        for (size_t i = 0; i < plain; i++)
            put(p, 1);
}

/* Where the cursor is, and where the line ends. */
static void find(EditLine *el, struct place *cursor, struct place *end)
{
    const LineInfoW *line = el_wline(el);
    char *(*prompt)(EditLine *) = NULL;
    struct winsize w;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1;
    struct place p = {.columns = known ? w.ws_col : 80};
    el_get(el, EL_PROMPT, &prompt, NULL);
    for (size_t n = prompt ? strlen(prompt(el)) : 0; n > 0; n--)
        put(&p, 1);
    *cursor = p;
    for (const wchar_t *c = line->buffer; c < line->lastchar; c++) {
        if (c == line->cursor)
            *cursor = p;
        put_char(&p, *c);
    }
    *end = p;
    if (line->cursor == line->lastchar)
        *cursor = p;
}

/* Otherwise the cursor cannot be moved. */
static bool is_able(void)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0;
}

void typed_away(EditLine *el)
{
    struct place cursor, end;
    find(el, &cursor, &end);
    if (!is_able()) {
        putchar('\n');
        return;
    }
    putchar('\r');
    if (cursor.row > 0)
        printf("\033[%zuA", cursor.row);
    fputs("\033[J", stdout);
}

void typed_behind(EditLine *el)
{
    struct place cursor, end;
    find(el, &cursor, &end);
    if (!is_able())
        return;
    if (end.row > cursor.row)
        printf("\033[%zuB", end.row - cursor.row);
    putchar('\r');
    if (end.column > 0)
        printf("\033[%zuC", end.column);
    fflush(stdout);
}
