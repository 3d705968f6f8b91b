/* SPDX-License-Identifier: BSD-3-Clause */
/* See command.h. */
#include "base/command.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the shell takes for more than letters of a name. */
static const char special[] = " \t\n'\"\\$`|&;()<>*?[]#~=";

char *px_command_here(const char *command)
{
    char here[PATH_MAX], quoted[2 * PATH_MAX], *to = quoted, *out;
    size_t len = strcspn(command, special);
    const char *slash = memchr(command, '/', len);
    bool ends = strchr(" \t\n", command[len]) != NULL; /* or at the end of all */
    if (!slash || slash == command || !ends || !getcwd(here, sizeof here) ||
        strchr(here, '\''))
        return strdup(command);
    for (const char *c = here; *c; *to++ = *c++)
        if (*c == '%')
            *to++ = '%';
    *to = '\0';
    return asprintf(&out, "'%s'/%s", quoted, command) < 0 ? NULL : out;
}
