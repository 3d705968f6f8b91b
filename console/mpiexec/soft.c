/* SPDX-License-Identifier: BSD-3-Clause */
/* See soft.h. */
#include "soft.h"

#include <errno.h>
#include <stdlib.h>

enum { MOST = 10000000 }; /* more than there can be processes: no walk takes long */

/* Reads a number and steps over the colon behind it. */
static bool read_int(const char **at, long long *out)
{
    char *end;
    errno = 0;
    *out = strtoll(*at, &end, 10);
    if (end == *at || errno)
        return false;
    *at = end;
    return *out >= -MOST && *out <= MOST;
}

static bool read_triplet(const char **at, long long t[3])
{
    if (!read_int(at, &t[0]))
        return false;
    t[1] = t[0];
    t[2] = 1;
    for (int i = 1; i < 3 && **at == ':'; i++) {
        ++*at;
        if (!read_int(at, &t[i]))
            return false;
    }
    return t[2] != 0 && (t[0] == t[1] || (t[0] < t[1]) == (t[2] > 0));
}

static void mark(bool *allowed, uint32_t most, const long long t[3])
{
    for (long long v = t[0]; t[2] > 0 ? v <= t[1] && v <= most : v >= t[1] && v >= 0;
         v += t[2])
        if (v >= 0 && v <= most)
            allowed[v] = true;
}

bool *soft_read(const char *text, uint32_t most)
{
    bool *allowed = calloc((size_t)most + 1, sizeof *allowed);
    while (allowed) {
        long long t[3];
        if (!read_triplet(&text, t) || (*text && *text != ','))
            break;
        mark(allowed, most, t);
        if (!*text)
            return allowed;
        text++;
    }
    free(allowed);
    return NULL;
}
