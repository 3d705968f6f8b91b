/* SPDX-License-Identifier: BSD-3-Clause */
/* See progress.h. */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

static bool stands;

bool progress_shown(void)
{
    return isatty(STDERR_FILENO);
}

void progress_say(size_t done, size_t total, const char *what)
{
    if (!progress_shown())
        return;
    fflush(stdout);
    fprintf(stderr, "\r%zu of %zu %s\033[K", done, total, what);
    stands = true;
}

void progress_end(void)
{
    if (stands)
        fputs("\r\033[K", stderr);
    stands = false;
}
