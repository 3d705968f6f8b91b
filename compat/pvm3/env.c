/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM's environment variables. */
#include "env.h"

#include "state.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *p3_env(const char *name)
{
    const char *v = getenv(name);
    if (v && *v)
        return v;
    return strcmp(name, "PVM_ARCH") == 0   ? P3_ARCH
           : strcmp(name, "PVM_ROOT") == 0 ? "/usr/lib/pvm3"
                                           : "";
}

/* The variable's name at `from`; how long it is. */
static size_t take_name(const char *from, char *name, size_t size)
{
    size_t n = 0;
    while (n + 1 < size && (from[n] == '_' || isalnum((unsigned char)from[n]))) {
        name[n] = from[n];
        n++;
    }
    name[n] = 0;
    return n;
}

void p3_env_expand(const char *from, char *to, size_t size)
{
    size_t n = 0;
    while (*from && n + 1 < size) {
        char name[64];
        if (*from != '$') {
            to[n++] = *from++;
            continue;
        }
        from += 1 + take_name(from + 1, name, sizeof name);
        n += (size_t)snprintf(to + n, size - n, "%s", p3_env(name));
    }
    if (n >= size) {
        n = size - 1;
        while (n && to[n] != ':')
            n--;
    }
    to[n] = 0;
}
