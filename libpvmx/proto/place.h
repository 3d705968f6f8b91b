/* SPDX-License-Identifier: BSD-3-Clause */
/* What a program's tasks want of the host's processors, as text in a spawn request: words separated by
 * spaces,
 *     bind=LEVEL[:COUNT]   each task is bound to COUNT objects of this level
 *     map=packed|LEVEL     tasks fill the host in order, or go round the objects of a level
 *     cpus=COUNT           as COUNT of bind
 *     rRANK=COUNT          the same for one rank of the world
 *     procs=N,N,...        rank i begins at object number N[i mod length]; no choice is made
 * LEVEL: hwthread, core, numa, socket. Without bind nothing is bound. */
#ifndef PXP_PLACE_H
#define PXP_PLACE_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pxp_level {
    PXP_LEVEL_HWTHREAD,
    PXP_LEVEL_CORE,
    PXP_LEVEL_NUMA,
    PXP_LEVEL_SOCKET,
    PXP_LEVEL_HOST, /* map: packed */
    PXP_LEVELS,
};

struct pxp_place {
    bool bind;
    enum pxp_level level, map;
    uint32_t count;
    struct pxp_place_own {
        uint32_t rank, count;
    } * own;
    size_t nown;
    uint32_t *procs;
    size_t nprocs;
};

/* On failure (PVMX_ERR_ARG, PVMX_ERR_NOMEM) there is nothing to free. */
pvmx_err pxp_place_read(const char *text, struct pxp_place *out);
void pxp_place_free(struct pxp_place *p);
/* How many objects a rank of the world gets. */
uint32_t pxp_place_count(const struct pxp_place *p, uint32_t rank);

#endif
