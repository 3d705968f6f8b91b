/* SPDX-License-Identifier: BSD-3-Clause */
/* The oracle of datatypes: a type map written out, one entry for each basic element, and the bounds by
 * the words of MPI 5.0 §5.1.6. Knows nothing of how types are made in the library. */
#ifndef FLATMAP_H
#define FLATMAP_H

#include <stdbool.h>
#include <stdint.h>

struct flatmap {
    int n, room;
    struct flat {
        int64_t at;
        int size, align;
    } * list;
    bool marked; /* explicit bounds: the lowest and the highest */
    int64_t low, high;
};

void flat_basic(struct flatmap *m, int64_t at, int size, int align);
/* count copies of child from displ on, an extent apart. */
void flat_append(struct flatmap *m, const struct flatmap *child, int count, int64_t displ);
/* Replaces the bounds. */
void flat_mark(struct flatmap *m, int64_t lb, int64_t extent);
void flat_free(struct flatmap *m);

int64_t flat_size(const struct flatmap *m);
int64_t flat_lb(const struct flatmap *m);
int64_t flat_extent(const struct flatmap *m);
/* Lowest byte of data and one behind the highest; 0, 0: no data. */
void flat_touched(const struct flatmap *m, int64_t *lo, int64_t *hi);
/* Byte by byte; true when a byte is in the map twice. */
bool flat_pack(const struct flatmap *m, const char *base, char *packed);
void flat_unpack(const struct flatmap *m, char *base, const char *packed);

#endif
