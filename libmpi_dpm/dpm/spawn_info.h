/* SPDX-License-Identifier: BSD-3-Clause */
/* What the info object of a spawn asks for. Keys that are not known are ignored, values of known
 * keys that mean nothing are MPI_ERR_INFO_VALUE. */
#ifndef XMPI_SPAWN_INFO_H
#define XMPI_SPAWN_INFO_H

#include <pvmx/engine/vm.h>
#include <stdbool.h>
#include <stddef.h>

struct xmpi_info;

/* Key "soft" (MPI 5.0 §11.8.1): the numbers of processes that are acceptable, as a union of
 * first:last:step. */
struct xmpi_soft {
    int n; /* 0: not given */
    struct xmpi_triplet {
        int first, last, step;
    } * triplets;
};

/* The children's descriptors 0, 1 and 2. */
struct xmpi_spawn_stdio {
    const char *path[3]; /* NULL: this process's own; the info object's memory */
};

struct xmpi_spawn_hints {
    const char *wdir, *path; /* NULL: not given; the info object's memory */
    const char *file;        /* lam_spawn_file or file; likewise          */
    const char **env;        /* NULL-terminated "NAME=value"; never NULL  */
    char *env_text;
    const char **preload; /* NULL-terminated names of files; NULL: none */
    char *preload_text;
    struct pvmx_host_list add[2]; /* hosts that have to be in the VM: add-host, add-hostfile */
    char *where;                  /* for pvmx_app; NULL: nothing was said */
    char *place;                  /* likewise */
    struct xmpi_soft soft;
    struct xmpi_spawn_stdio stdio;
    int detached;      /* pvmx_lifetime: -1 not given, 0 connected, 1 detached */
    int oversubscribe; /* -1 not given, 0 no, 1 yes                            */
};

/* MPI_SUCCESS, or the class with its sentence and nothing to free. info may be NULL. */
int xmpi_spawn_hints_read(const struct xmpi_info *info, struct xmpi_spawn_hints *hints);
void xmpi_spawn_hints_free(struct xmpi_spawn_hints *hints);

/* ---- parts of it */

/* Which processors; free hints->place. */
int xmpi_spawn_place_read(const struct xmpi_info *info, struct xmpi_spawn_hints *hints);
int xmpi_soft_read(const char *value, struct xmpi_soft *soft);
/* Largest acceptable number that is not above limit; -1: none. Without "soft" only limit itself. */
int xmpi_soft_largest(const struct xmpi_soft *soft, int limit);
bool xmpi_soft_allows(const struct xmpi_soft *soft, int number);
/* All of 1..number are acceptable, so that whatever number comes about will do. */
bool xmpi_soft_dense(const struct xmpi_soft *soft, int number);

/* spawn_env.c: what is added to the children's environment. */
int xmpi_spawn_env_read(const struct xmpi_info *info, struct xmpi_spawn_hints *hints);
/* spawn_where.c: on which hosts, and which are to be there. */
int xmpi_spawn_where_read(const struct xmpi_info *info, struct xmpi_spawn_hints *hints);

/* One program of an application schema. */
struct xmpi_schema_line {
    struct xmpi_schema_line *next;
    int count;          /* or PVMX_APP_EACH                        */
    char *where, *wdir; /* for pvmx_app; wdir may be NULL          */
    const char **env;   /* NULL-terminated; never NULL             */
    const char **words; /* the program and its arguments, likewise */
    char *text;         /* what all of these point into            */
};

/* spawn_schema.c: reads the file; MPI_ERR_INFO_VALUE names file and line. Free in any case. */
int xmpi_schema_read(const char *path, struct xmpi_schema_line **out);
void xmpi_schema_free(struct xmpi_schema_line *lines);

#endif
