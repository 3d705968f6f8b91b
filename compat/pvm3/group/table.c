/* SPDX-License-Identifier: BSD-3-Clause */
/* Printing the table of all groups. */
#include "group/table.h"

#include <pvmx/engine/box.h>
#include <stdlib.h>

static void print(FILE *to, const struct pvmx_group *g)
{
    size_t size = 0;
    for (size_t i = 0; i < g->n; i++)
        size += g->tids[i] != 0;
    fprintf(to, "group: %s, size: %zu,  barrier_count %d, barrier_reached %u\ntids:\n",
            g->name, size, g->count ? (int)g->count : -1, g->reached);
    for (size_t i = 0; i < g->n; i++)
        if (g->tids[i])
            fprintf(to, "%zu 0x%x\t", i, (unsigned)g->tids[i]);
    fputc('\n', to);
}

pvmx_err p3_group_table(FILE *to, size_t *n)
{
    struct pvmx_group *list = NULL;
    *n = 0;
    pvmx_err err = pvmx_engine_group_list(&list, n);
    for (size_t i = 0; !err && i < *n; i++)
        print(to, &list[i]);
    if (!err && *n == 0)
        fputs("no groups exist\n", to);
    free(list);
    return err;
}
