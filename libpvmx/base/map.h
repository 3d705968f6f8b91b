/* SPDX-License-Identifier: BSD-3-Clause */
/* Hash map from a 64-bit key to a pointer; open addressing, grows and shrinks. {0} is empty. */
#ifndef PX_MAP_H
#define PX_MAP_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct px_map {
    struct px_map_cell *cells;
    size_t cap, count, dead;
};

/* A key for a text. Different texts may have the same one: the values are then chained by their owner. */
uint64_t px_map_text(const char *text);
void *px_map_get(const struct px_map *m, uint64_t key); /* NULL: not there */
/* Adds or replaces. value must not be NULL. */
pvmx_err px_map_put(struct px_map *m, uint64_t key, void *value);
/* Removes and returns the value; NULL: was not there. */
void *px_map_remove(struct px_map *m, uint64_t key);
/* Walks all entries in any order: *pos starts at 0; false at the end. No changes meanwhile, but for
 * removal of the entry just returned. */
int px_map_next(const struct px_map *m, size_t *pos, uint64_t *key, void **value);
void px_map_free(struct px_map *m);

#endif
