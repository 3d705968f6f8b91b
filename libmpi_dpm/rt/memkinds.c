/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of memory. Memory is the system's here, and what MPI_Alloc_mem gives is of kind mpi. */
#include "rt/memkinds.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(const char *at, size_t len, const char *word)
{
    return strlen(word) == len && strncmp(at, word, len) == 0;
}

/* "kind" or "kind:restrictor:..." of len characters. */
static bool supported(const char *at, size_t len)
{
    size_t kind = 0;
    while (kind < len && at[kind] != ':')
        kind++;
    bool mpi = is_word(at, kind, "mpi");
    if (!mpi && !is_word(at, kind, "system"))
        return false;
    while (kind < len) {
        const char *word = at + kind + 1;
        size_t n = 0;
        while (kind + 1 + n < len && word[n] != ':')
            n++;
        if (!mpi || !is_word(word, n, "alloc_mem"))
            return false;
        kind += n + 1;
    }
    return true;
}

void xmpi_memkinds(const char *asked, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "system,mpi");
    while (asked && *asked) {
        size_t len = strcspn(asked, ",");
        bool known = is_word(asked, len, "system") || is_word(asked, len, "mpi");
        if (!known && supported(asked, len) && n + len + 2 <= size)
            n += (size_t)snprintf(out + n, size - n, ",%.*s", (int)len, asked);
        asked += len + (asked[len] == ',');
    }
}

void xmpi_memkinds_initial(char *out, size_t size)
{
    xmpi_memkinds(getenv("PVMX_MEMORY_ALLOC_KINDS"), out, size);
}
