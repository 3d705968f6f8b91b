/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that is copied: its beginning, and where it comes to lie. Everything here may block: for spawner
 * threads only. Results are errno, 0: fine. */
#ifndef LANDING_H
#define LANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LANDING_SPECIAL = -1 }; /* a result: what has this name is a pipe, a device, ... */

/* What the original is like; two that are alike hold the same. */
struct landing_file {
    uint64_t size;
    uint32_t mode, uid, mtime_nsec;
    int64_t mtime;
};

/* Opens a regular file to read. */
int landing_source(const char *path, int *fd);
/* Up to size bytes of it from offset on; fewer: it ends there. */
int landing_read(int fd, uint64_t offset, void *bytes, size_t size, size_t *n,
                 struct landing_file *file);
bool landing_alike(const struct landing_file *a, const struct landing_file *b);

/* A copy on its way; {.dir = -1, .fd = -1}: none. Nobody sees it before landing_finish. */
struct landing {
    int dir, fd;
    char name[256], temp[64]; /* in dir; temp empty: it has no name yet */
};

/* Where a file of this name lies below a working directory: the name itself, or its last part if it is
 * absolute or leads upwards. */
const char *landing_name(const char *name);
/* Begins a copy of `file` as wdir/name, and makes the folders in between, with this umask. *there: nothing is
 * to be copied, since what lies there is alike, or is the original itself (source; -1: on another host).
 * No link below wdir is followed, and only a regular file is replaced. */
int landing_begin(struct landing *l, const char *wdir, const char *name, uint32_t mask,
                  const struct landing_file *file, int source, bool *there);
int landing_write(struct landing *l, uint64_t offset, const void *bytes, size_t n);
/* Gives the copy mode, time and name of the original, in one step, and replaces what has that name. */
int landing_finish(struct landing *l, const struct landing_file *file);
/* Gives everything back; a copy that is not finished is gone. */
void landing_drop(struct landing *l);

#endif
