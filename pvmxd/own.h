/* SPDX-License-Identifier: BSD-3-Clause */
/* What whoever added this host has said about tasks here. Set before the first task, never changed: spawner
 * threads read it. */
#ifndef OWN_H
#define OWN_H

#include <pvmx/errors.h>

struct own {
    char *wdir; /* where tasks run whose spawner names no directory; NULL: in the spawner's */
    char *path;     /* where programs are looked for before PATH; NULL: nowhere */
    char *wrapper;  /* words in front of each program; NULL: none */
    char *debugger; /* for programs that are to run under one; NULL: the spawner's */
};

/* Texts may be empty. $NAME, ${NAME} and a leading ~ stand for variables of this host's environment.
 * On failure *o is empty. */
pvmx_err own_set(struct own *o, const char *wdir, const char *path, const char *wrapper,
                 const char *debugger);
void own_free(struct own *o);

#endif
