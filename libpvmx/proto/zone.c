/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of one decoded message: a few chunks, each twice as large as the one before. */
#include "proto/zone.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CHUNK = 4 * 1024, /* most messages fit into one */
    LARGEST_CHUNK = 1024 * 1024,
    ALIGN = 16,
};

struct pxp_zone_chunk {
    struct pxp_zone_chunk *next;
    size_t used, cap;
    _Alignas(ALIGN) unsigned char bytes[];
};

void *pxp_zone_alloc(struct pxp_zone *z, size_t n)
{
    if (n > PXP_ZONE_MAX || z->total > PXP_ZONE_MAX - n)
        return NULL;
    size_t need = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct pxp_zone_chunk *c = z->chunks;
    if (c == NULL || need > c->cap - c->used) {
        size_t cap = c == NULL ? FIRST_CHUNK : c->cap * 2;
        if (cap > LARGEST_CHUNK)
            cap = LARGEST_CHUNK;
        if (cap < need)
            cap = need;
        c = malloc(sizeof *c + cap);
        if (c == NULL)
            return NULL;
        *c = (struct pxp_zone_chunk){.next = z->chunks, .cap = cap};
        z->chunks = c;
    }
    void *p = c->bytes + c->used;
    c->used += need;
    z->total += n;
    return memset(p, 0, n);
}

void pxp_zone_free(struct pxp_zone *z)
{
    while (z->chunks != NULL) {
        struct pxp_zone_chunk *c = z->chunks;
        z->chunks = c->next;
        free(c);
    }
    z->total = 0;
}
