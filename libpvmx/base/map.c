/* SPDX-License-Identifier: BSD-3-Clause */
/* Hash map from a 64-bit key to a pointer: linear probing, removed cells are marked until the next
 * rebuild, so that a walk may remove what it has just seen. */
#include "base/map.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdlib.h>

/* value: NULL empty, &removed removed, else the user's. */
struct px_map_cell {
    uint64_t key;
    void *value;
};

enum { MIN_CAP = 16 };

static char removed;

/* Finalizer of splitmix64: tids and context ids differ in few bits only. */
static size_t hash(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return (size_t)(x ^ x >> 31);
}

static struct px_map_cell *find(const struct px_map *m, uint64_t key)
{
    if (m->count == 0)
        return NULL;
    for (size_t i = hash(key) & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct px_map_cell *c = &m->cells[i];
        if (c->value == NULL)
            return NULL;
        if (c->key == key && c->value != &removed)
            return c;
    }
}

/* Puts a key that is known to be absent; there is an empty cell. */
static void insert(struct px_map *m, uint64_t key, void *value)
{
    size_t i = hash(key) & (m->cap - 1);
    while (m->cells[i].value != NULL && m->cells[i].value != &removed)
        i = (i + 1) & (m->cap - 1);
    if (m->cells[i].value == &removed)
        m->dead--;
    m->cells[i] = (struct px_map_cell){key, value};
    m->count++;
}

/* Rebuilds at a size that leaves the map between a quarter and a half full. */
static pvmx_err rebuild(struct px_map *m)
{
    size_t cap = MIN_CAP;
    while (cap < (m->count + 1) * 2)
        cap *= 2;
    struct px_map fresh = {.cap = cap};
    fresh.cells = calloc(cap, sizeof *fresh.cells);
    if (fresh.cells == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a map of %zu entries", m->count);
    for (size_t i = 0; i < m->cap; i++)
        if (m->cells[i].value != NULL && m->cells[i].value != &removed)
            insert(&fresh, m->cells[i].key, m->cells[i].value);
    free(m->cells);
    *m = fresh;
    return PVMX_OK;
}

uint64_t px_map_text(const char *text)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (; *text != '\0'; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211u;
    return h;
}

void *px_map_get(const struct px_map *m, uint64_t key)
{
    struct px_map_cell *c = find(m, key);
    return c != NULL ? c->value : NULL;
}

pvmx_err px_map_put(struct px_map *m, uint64_t key, void *value)
{
    struct px_map_cell *c = find(m, key);
    if (c != NULL) {
        c->value = value;
        return PVMX_OK;
    }
    bool full = (m->count + m->dead + 1) * 4 > m->cap * 3;
    bool sparse = m->cap > MIN_CAP && (m->count + 1) * 8 < m->cap;
    if (full || sparse) {
        pvmx_err err = rebuild(m);
        if (err != PVMX_OK && full)
            return err;
    }
    insert(m, key, value);
    return PVMX_OK;
}

void *px_map_remove(struct px_map *m, uint64_t key)
{
    struct px_map_cell *c = find(m, key);
    if (c == NULL)
        return NULL;
    void *value = c->value;
    c->value = &removed;
    m->count--;
    m->dead++;
    return value;
}

int px_map_next(const struct px_map *m, size_t *pos, uint64_t *key, void **value)
{
    while (*pos < m->cap) {
        const struct px_map_cell *c = &m->cells[(*pos)++];
        if (c->value == NULL || c->value == &removed)
            continue;
        if (key != NULL)
            *key = c->key;
        if (value != NULL)
            *value = c->value;
        return 1;
    }
    return 0;
}

void px_map_free(struct px_map *m)
{
    free(m->cells);
    *m = (struct px_map){0};
}
