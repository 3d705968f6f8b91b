/* SPDX-License-Identifier: BSD-3-Clause */
/* See out.h. */
#include "out.h"
#include "screen.h"
#include "text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum out_kind kind_of(const struct out_column *column)
{
    return column->kind & ~(unsigned)OUT_FLAGS;
}

const char *out_kind_name(unsigned kind)
{
    kind &= ~(unsigned)OUT_FLAGS;
    return kind == OUT_LIST                      ? "list"
           : kind == OUT_TEXT || kind == OUT_TID ? "string"
                                                 : "number";
}

const char *out_kind_unit(unsigned kind)
{
    kind &= ~(unsigned)OUT_FLAGS;
    return kind == OUT_KB ? "KiB" : kind == OUT_MS || kind == OUT_AT ? "ms" : "";
}

/* ---- JSON ------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character that begins here; 0: it is none. */
static size_t utf8_len(const unsigned char *c)
{
    size_t n = c[0] < 0x80                   ? 1
               : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
               : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
               : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    bool bad = n == 3 && ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] >= 0xa0));
    bad = bad ||
          (n == 4 && ((c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] >= 0x90)));
    return bad ? 0 : n;
}

void out_json_text(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    putchar('"');
    while (*c) {
        size_t n = utf8_len(c);
        if (n == 0)
            fputs("\\ufffd", stdout);
        else if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20 || *c == 0x7f)
            printf("\\u%04x", *c);
        else
            fwrite(c, 1, n, stdout);
        c += n ? n : 1;
    }
    putchar('"');
}

static void json_row(const struct out_column *columns, const struct out_cell *cells)
{
    putchar('{');
    for (size_t i = 0; columns[i].name; i++) {
        printf("%s\"%s\":", i ? "," : "", columns[i].name);
        if (kind_of(&columns[i]) == OUT_TEXT)
            out_json_text(cells[i].text ? cells[i].text : "");
        else if (kind_of(&columns[i]) == OUT_TID)
            printf(cells[i].number ? "\"t%" PRIx64 "\"" : "null", cells[i].number);
        else if (kind_of(&columns[i]) == OUT_CENTS)
            printf("%" PRIu64 ".%02" PRIu64, cells[i].number / 100, cells[i].number % 100);
        else
            printf("%" PRIu64, cells[i].number);
    }
    putchar('}');
}

enum { CUT_LEAST = 8 };

/* ---- for people ------------------------------------------------------------------------------- */

static void show_ms(char *text, size_t size, uint64_t ms)
{
    uint64_t s = ms / 1000;
    if (s < 60)
        snprintf(text, size, "%" PRIu64 ".%" PRIu64 "s", s, ms % 1000 / 100);
    else if (s < 3600)
        snprintf(text, size, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
    else if (s < 48 * 3600)
        snprintf(text, size, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(text, size, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
}

static void show_at(char *text, size_t size, uint64_t ms)
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    if (!localtime_r(&t, &tm) || !strftime(text, size, "%F %T", &tm))
        snprintf(text, size, "?");
}

static char *plain(const char *text)
{
    char *copy = strdup(text);
    if (copy)
        text_plain(copy);
    return copy;
}

void out_text(const char *text)
{
    char *copy = plain(text);
    if (copy)
        fputs(copy, stdout);
    free(copy);
}

/* A cell as a new string without control characters. */
static char *show(enum out_kind kind, const struct out_cell *cell)
{
    static const char units[] = "KMGTP";
    char text[64];
    double kb = (double)cell->number;
    size_t unit = 0;
    switch (kind) {
    case OUT_TEXT:
        return plain(cell->text && *cell->text ? cell->text : "-");
    case OUT_TID:
        snprintf(text, sizeof text, cell->number ? "t%" PRIx64 : "-", cell->number);
        break;
    case OUT_KB:
        for (; kb >= 1024 && units[unit + 1]; unit++)
            kb /= 1024;
        snprintf(text, sizeof text, kb < 10 && unit ? "%.1f%c" : "%.0f%c", kb, units[unit]);
        break;
    case OUT_MS:
        show_ms(text, sizeof text, cell->number);
        break;
    case OUT_AT:
        show_at(text, sizeof text, cell->number);
        break;
    case OUT_CENTS:
        snprintf(text, sizeof text, "%" PRIu64 ".%02" PRIu64, cell->number / 100,
                 cell->number % 100);
        break;
    case OUT_NUMBER:
        snprintf(text, sizeof text, "%" PRIu64, cell->number);
        break;
    default: /* only described */
        return NULL;
    }
    return strdup(text);
}

void out_object(const struct out_column *columns, const struct out_cell *cells)
{
    json_row(columns, cells);
    putchar('\n');
}

void out_time(uint64_t at_ms)
{
    char text[40];
    show_at(text, sizeof text, at_ms);
    fputs(text, stdout);
}

void out_ending(int status, int signal)
{
    if (signal)
        printf("was killed by signal %d: %s", signal, strsignal(signal));
    else if (status > 0)
        printf("has exited with status %d", status);
    else
        fputs("has ended", stdout);
}

/* ---- a whole listing -------------------------------------------------------------------------- */

void out_begin(struct out *o, const struct out_column *columns, bool json)
{
    *o = (struct out){.columns = columns, .json = json};
    while (columns[o->ncolumns].name)
        o->ncolumns++;
    if (json)
        putchar('[');
}

void out_row(struct out *o, const struct out_cell *cells)
{
    if (o->json) {
        fputs(o->nrows++ ? ",\n " : "\n ", stdout);
        json_row(o->columns, cells);
        return;
    }
    if (o->nrows == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 16;
        char **grown = realloc(o->cells, cap * o->ncolumns * sizeof *grown);
        if (!grown) {
            o->failed = true;
            return;
        }
        o->cells = grown;
        o->cap = cap;
    }
    for (size_t i = 0; i < o->ncolumns; i++)
        o->cells[o->nrows * o->ncolumns + i] = show(kind_of(&o->columns[i]), &cells[i]);
    o->nrows++;
}

static bool is_right(enum out_kind kind)
{
    return kind != OUT_TEXT && kind != OUT_TID && kind != OUT_AT;
}

static bool is_shown(const struct out *o, size_t i)
{
    return o->wide || !(o->columns[i].kind & OUT_MORE);
}

/* On terminals that have colours, unless NO_COLOR is set. */
static bool is_colourful(const struct out *o)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    return o->to == stdout && isatty(STDOUT_FILENO) && term && *term &&
           strcmp(term, "dumb") != 0 && (!no || !*no);
}

/* What a state or a result is shown in; "": as all else. */
static const char *colour_of(const struct out_column *column, const char *text)
{
    static const char good[][12] = {"up", "enrolled", "good", "PVMX_OK"},
                      middling[][12] = {"started", "silent", "leaving", "stopped"};
    if (strcmp(column->name, "state") != 0 && strcmp(column->name, "result") != 0)
        return "";
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strcmp(text, good[i]) == 0)
            return "\033[32m";
    for (size_t i = 0; i < sizeof middling / sizeof *middling; i++)
        if (strcmp(text, middling[i]) == 0)
            return "\033[33m";
    return "\033[31m";
}

struct layout {
    size_t *widths; /* of columns that are shown; 0: it is not */
    size_t last;    /* of them */
    size_t cut; /* columns that are left for the last; SIZE_MAX: as many as it wants */
};

static void print_cell(const struct out *o, const struct layout *l, size_t i,
                       const char *text, const char *colour)
{
    size_t len = strlen(text), columns = text_columns(text), width = l->widths[i];
    int pad = columns < width ? (int)(width - columns) : 0;
    if (i == l->last && l->cut < columns)
        len = text_fit(text, len, l->cut);
    fprintf(o->to, "%s%s", i ? "  " : "", colour);
    if (is_right(kind_of(&o->columns[i])))
        fprintf(o->to, "%*s", pad, "");
    fwrite(text, 1, len, o->to);
    if (!is_right(kind_of(&o->columns[i])) && i != l->last)
        fprintf(o->to, "%*s", pad, "");
    fputs(*colour ? "\033[0m" : "", o->to);
}

/* In capitals, without the unit, which the cells have. */
static void make_head(const struct out_column *column, char *head, size_t size)
{
    size_t len = strlen(column->name);
    if (kind_of(column) == OUT_KB || kind_of(column) == OUT_MS || kind_of(column) == OUT_AT)
        len -= 3; /* _kb, _ms */
    for (size_t k = 0; k < len && k < size - 1; k++)
        head[k] = (char)toupper((unsigned char)column->name[k]);
}

/* What stands in the last column may be cut where a terminal would break the line. */
static size_t find_cut(const struct out *o, const struct layout *l)
{
    size_t rows, columns, used = 0;
    if (o->wide || !(o->columns[l->last].kind & OUT_CUT) || o->to != stdout ||
        !isatty(STDOUT_FILENO))
        return SIZE_MAX;
    screen_size(&rows, &columns);
    for (size_t i = 0; i < l->last; i++)
        used += l->widths[i] ? l->widths[i] + 2 : 0;
    return columns > used + CUT_LEAST ? columns - used : CUT_LEAST;
}

static bool lay_out(const struct out *o, struct layout *l)
{
    *l = (struct layout){.widths = calloc(o->ncolumns, sizeof *l->widths)};
    for (size_t i = 0; l->widths && i < o->ncolumns; i++) {
        char head[40] = "";
        if (!is_shown(o, i))
            continue;
        l->last = i;
        make_head(&o->columns[i], head, sizeof head);
        l->widths[i] = strlen(head);
        for (size_t r = 0; r < o->nrows; r++) {
            const char *c = o->cells[r * o->ncolumns + i];
            size_t columns = c ? text_columns(c) : 0;
            l->widths[i] = columns > l->widths[i] ? columns : l->widths[i];
        }
    }
    l->cut = l->widths ? find_cut(o, l) : 0;
    return l->widths != NULL;
}

static void print_head(const struct out *o, const struct layout *l, bool colours)
{
    fputs(colours ? "\033[1m" : "", o->to);
    for (size_t i = 0; i < o->ncolumns; i++) {
        char head[40] = "";
        make_head(&o->columns[i], head, sizeof head);
        if (l->widths[i])
            print_cell(o, l, i, head, "");
    }
    fputs(colours ? "\033[0m\n" : "\n", o->to);
}

static void print_table(struct out *o)
{
    struct layout l;
    bool colours = is_colourful(o);
    if (!lay_out(o, &l)) {
        o->failed = true;
        return;
    }
    print_head(o, &l, colours);
    for (size_t row = 0; row < o->nrows; row++) {
        for (size_t i = 0; i < o->ncolumns; i++) {
            const char *text = o->cells[row * o->ncolumns + i];
            text = text ? text : "?";
            if (l.widths[i])
                print_cell(o, &l, i, text, colours ? colour_of(&o->columns[i], text) : "");
        }
        fputc('\n', o->to);
    }
    free(l.widths);
}

void out_drop(struct out *o)
{
    for (size_t i = 0; o->cells && i < o->nrows * o->ncolumns; i++)
        free(o->cells[i]);
    free(o->cells);
}

void out_end(struct out *o)
{
    o->to = o->to ? o->to : stdout;
    if (o->json)
        puts(o->nrows ? "\n]" : "]");
    else
        print_table(o);
    out_drop(o);
    if (o->failed)
        fputs("pvmx: out of memory: rows are missing\n", stderr);
}
