/* SPDX-License-Identifier: BSD-3-Clause */
/* What the info object of a spawn asks for. Keys that are not known are ignored, values of known
 * keys that mean nothing are MPI_ERR_INFO_VALUE. */
#ifndef XMPI_SPAWN_INFO_H
#define XMPI_SPAWN_INFO_H

#include <stdbool.h>

struct xmpi_info;

/* Key "soft" (MPI 5.0 §11.8.1): the numbers of processes that are acceptable, as a union of
 * first:last:step. */
struct xmpi_soft {
    int n; /* 0: not given */
    struct xmpi_triplet {
        int first, last, step;
    } * triplets;
};

struct xmpi_spawn_hints {
    const char *wdir, *path; /* NULL: not given; the info object's memory */
    const char **env;        /* NULL-terminated "NAME=value"; never NULL  */
    char *env_text;
    struct xmpi_soft soft;
    int detached;      /* pvmx_lifetime: -1 not given, 0 connected, 1 detached */
    int oversubscribe; /* -1 not given, 0 no, 1 yes                            */
};

/* MPI_SUCCESS, or the class with its sentence and nothing to free. info may be NULL. */
int xmpi_spawn_hints_read(const struct xmpi_info *info, struct xmpi_spawn_hints *hints);
void xmpi_spawn_hints_free(struct xmpi_spawn_hints *hints);

/* Largest acceptable number that is not above limit; -1: none. Without "soft" only limit itself. */
int xmpi_soft_largest(const struct xmpi_soft *soft, int limit);
bool xmpi_soft_allows(const struct xmpi_soft *soft, int number);
/* All of 1..number are acceptable, so that whatever number comes about will do. */
bool xmpi_soft_dense(const struct xmpi_soft *soft, int number);

#endif
