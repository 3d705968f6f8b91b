/* SPDX-License-Identifier: BSD-3-Clause */
/* See pvmenv.h. */
#include "base/pvmenv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *px_pvm_env(const char *name)
{
    const char *v = getenv(name);
    return v != NULL && *v != '\0'         ? v
           : strcmp(name, "PVM_ARCH") == 0 ? "LINUX64"
           : strcmp(name, "PVM_ROOT") == 0 ? "/usr/lib/pvm3"
                                           : "";
}

void px_pvm_expand(const char *from, char *to, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz0123456789";
    size_t n = 0, dir = 0; /* dir: where the last ':' is */
    while (*from != '\0' && n < size) {
        char name[64];
        if (*from != '$') {
            dir = *from == ':' ? n : dir;
            to[n++] = *from++;
            continue;
        }
        size_t len = strspn(++from, letters);
        snprintf(name, sizeof name, "%.*s", (int)len, from);
        n += (size_t)snprintf(to + n, size - n, "%s", px_pvm_env(name));
        from += len;
    }
    to[n < size ? n : dir] = '\0';
}

void px_pvm_path(char *to, size_t size)
{
    const char *path = px_pvm_env("PVM_PATH");
    px_pvm_expand(*path != '\0' ? path : "$HOME/pvm3/bin/$PVM_ARCH:$PVM_ROOT/bin/$PVM_ARCH",
                  to, size);
}

void px_pvm_wdir(char *to, size_t size)
{
    px_pvm_expand(px_pvm_env("PVM_WD"), to, size);
}

void px_pvm_debugger(char *to, size_t size)
{
    const char *debugger = px_pvm_env("PVM_DEBUGGER");
    if (*debugger != '\0')
        snprintf(to, size, "%s", debugger);
    else
        snprintf(to, size, "%s/lib/debugger", px_pvm_env("PVM_ROOT"));
}
