/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts to be added, as lines of PVM's host files say it: "NAME opt=value ...". */
#ifndef P3_HOSTSPEC_H
#define P3_HOSTSPEC_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct pvmx_host_spec;

struct p3_hostspec {
    char name[256], user[256], address[256], daemon[PATH_MAX];
    char launcher[PATH_MAX];
    uint32_t speed;
};

/* PvmBadParam: the line makes no sense. What it does not say comes from dflt (may be NULL). */
int p3_hostspec_read(const char *line, const struct p3_hostspec *dflt,
                     struct p3_hostspec *out);
/* What the engine wants to know. It points into spec. */
struct pvmx_host_spec p3_hostspec_view(const struct p3_hostspec *spec);

/* The hosts of a host file that are to be started; *list is to be freed. Lines that make no sense are
 * told and left out. < 0: the file cannot be read. */
int p3_hostfile_read(const char *path, struct p3_hostspec **list);

#endif
