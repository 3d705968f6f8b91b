/* SPDX-License-Identifier: BSD-3-Clause */
/* Info objects: key/value texts in the order set. Usable at any time, from any thread. */
#ifndef XMPI_INFO_H
#define XMPI_INFO_H

#include "mpi.h"
#include "rt/obj.h"

struct xmpi_info_pair {
    char *key, *value;
};

struct xmpi_info {
    struct xmpi_obj obj;
    struct xmpi_info_pair *pairs;
    int n, cap;
};

/* A new empty object with one reference; NULL without memory. */
struct xmpi_info *xmpi_info_new(void);
/* Value of a key, valid until the object is changed; NULL: not set, or info is NULL. */
const char *xmpi_info_value(const struct xmpi_info *info, const char *key);
/* Adds or replaces; MPI_SUCCESS, or a class with its sentence (lengths, memory). */
int xmpi_info_put(struct xmpi_info *info, const char *key, const char *value);
/* True for "true", "yes", "1", "on" in any case; dflt when the key is not set or means nothing. */
bool xmpi_info_flag(const struct xmpi_info *info, const char *key, bool dflt);
/* A copy of all pairs (from NULL: an empty object); NULL without memory. */
struct xmpi_info *xmpi_info_copy(const struct xmpi_info *from);
void xmpi_info_release(struct xmpi_info *info);

#endif
