/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings: for people a table, for programs JSON. What a listing's columns are called, and what they
 * hold, is said once, in its columns; the manual page documents them as the schema. */
#ifndef CONSOLE_OUT_H
#define CONSOLE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum out_kind {
    OUT_TEXT,   /* JSON: a string                            */
    OUT_NUMBER, /* a number                                  */
    OUT_TID,    /* a string "t40002"; for people "-" when 0  */
    OUT_KB,     /* a number of KiB; for people "1.5G"        */
    OUT_MS,     /* a number of ms; for people "3m12s"        */
    OUT_CENTS,  /* a number with two decimals                */
    OUT_AT,     /* ms since 1970; for people a local time    */
    OUT_LIST,   /* only described: an array of objects       */
    /* Added: */
    OUT_MORE = 16, /* for people only in the long form                             */
    OUT_CUT = 32, /* the last one: on a terminal cut to its width, but in the long form */
    OUT_FLAGS = OUT_MORE | OUT_CUT,
};

struct out_column {
    const char *name; /* JSON key; in capitals a table's head */
    unsigned kind;    /* enum out_kind */
    const char *help;
};

struct out_cell {
    const char *text; /* OUT_TEXT */
    uint64_t number;  /* all others */
};

struct out {
    const struct out_column *columns; /* the last one has no name */
    bool json, wide; /* wide: the long form; to be set between out_begin and out_end */
    FILE *to;        /* of a table; NULL: standard output. Set as wide is */
    size_t ncolumns, nrows, cap;
    char **cells; /* as they are to be shown */
    bool failed;  /* no memory */
};

/* For columns that end with one without a name. */
void out_begin(struct out *o, const struct out_column *columns, bool json);
/* One row: a cell for each column. */
void out_row(struct out *o, const struct out_cell *cells);
/* Writes all of it, and frees what the listing has taken. */
void out_end(struct out *o);
/* In its place: what was interrupted is not shown. */
void out_drop(struct out *o);
/* One row alone, as a line of JSON. */
void out_object(const struct out_column *columns, const struct out_cell *cells);
/* A time as people read it. */
void out_time(uint64_t at_ms);
/* "has exited with status 3", "was killed by signal 15: Terminated". */
void out_ending(int status, int signal);
/* A text of others, without what a terminal would obey. */
void out_text(const char *text);
/* A JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD. */
void out_json_text(const char *text);
const char *out_kind_name(unsigned kind);
/* "ms", "KiB", ...; "": it has none. */
const char *out_kind_unit(unsigned kind);

#endif
