/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of a C, C++ or Fortran source: names that stand in its code, not in comments or texts. No
 * preprocessor runs, so both sides of an #if are seen. */
#ifndef CONSOLE_PORT_SCAN_H
#define CONSOLE_PORT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum port_form { PORT_FORM_C, PORT_FORM_CXX, PORT_FORM_FIXED, PORT_FORM_FREE };

enum port_use {
    PORT_USE_CALL,        /* "(" follows */
    PORT_USE_DECLARATION, /* "(" follows, a type comes before */
    PORT_USE_NAME,        /* anything else: an argument, a macro's text */
};

struct port_word {
    const char *text; /* in the source; no 0 behind it */
    size_t len;
    unsigned line;
    enum port_use use;
};

/* By the ending of the name; C when it says nothing. Fortran is in fixed form in .f, .for, .ftn, .fpp,
 * and in free form in .f90 and later. */
enum port_form port_form_of(const char *file);

typedef void port_found(void *arg, const struct port_word *word);

/* Calls found for each word of text, which ends with a 0 at text[len]; there may be others before. */
void port_scan(const char *text, size_t len, enum port_form form, port_found *found,
               void *arg);

#endif
