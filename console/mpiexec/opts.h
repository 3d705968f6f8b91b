/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of mpiexec: one table of options, which also makes the help text. */
#ifndef MPIEXEC_OPTS_H
#define MPIEXEC_OPTS_H

#include "proto/messages.h"

struct opts {
    struct pxp_app *apps; /* strings are argv's own */
    size_t napps;
    const char **genv; /* NAME=value for all apps */
    size_t ngenv;
    const char *vm; /* NULL: the default one */
    uint32_t flags; /* PVMX_SPAWN_* */
};

/* Reads argv. -1: go on with *out; else the exit status (help, version, or an error that was
 * reported on stderr). */
int opts_parse(int argc, char **argv, struct opts *out);
void opts_free(struct opts *opts);

#endif
