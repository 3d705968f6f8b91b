/* SPDX-License-Identifier: BSD-3-Clause */
/* libfpvm3: PVM's calls for Fortran as gfortran makes them: lower-case names with an underscore, all
 * arguments by address, lengths of texts behind the last argument. */
#ifndef P3_FORTRAN_H
#define P3_FORTRAN_H

#include <pvm3.h>
#include <stddef.h>

#define FORTRAN(name) __attribute__((visibility("default"))) void name##_

enum { P3_TEXT_MAX = 4096 };

/* A Fortran text without its trailing blanks, in `to` of P3_TEXT_MAX bytes. */
char *p3_from_fortran(char *to, const char *text, size_t len);
/* Fills a Fortran text up with blanks. */
void p3_to_fortran(char *text, size_t len, const char *from);

#endif
