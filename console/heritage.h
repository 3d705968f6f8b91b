/* SPDX-License-Identifier: BSD-3-Clause */
/* What tasks inherit from the program that asks the daemon to start them. */
#ifndef CONSOLE_HERITAGE_H
#define CONSOLE_HERITAGE_H

#include "proto/messages.h"
#include <limits.h>

struct heritage {
    uint32_t umask;
    struct pxp_limit limits[16];
    char cwd[PATH_MAX], program[PATH_MAX];
    const char **env; /* without what this process may have as a task itself */
};

/* umask and limits, before this program changes its own. */
void heritage_remember(struct heritage *h);
/* Fills them into a request, with environment, directory and program of now. h->env is to be freed when
 * the request has been encoded, also after a failure. */
pvmx_err heritage_fill(struct heritage *h, struct pxp_spawn *m);

#endif
