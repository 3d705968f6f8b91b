/* SPDX-License-Identifier: BSD-3-Clause */
/* Copying many pieces of one size: the inner loops of pack and unpack. */
#ifndef PX_LAYOUT_COPY_H
#define PX_LAYOUT_COPY_H

#include <stddef.h>
#include <stdint.h>

/* n pieces of `len` bytes, a step apart on either side. */
void px_copy_strided(char *to, int64_t to_step, const char *from, int64_t from_step,
                     uint64_t n, size_t len);
/* n pieces of `len` bytes at mem + at[k] to consecutive places, and back. */
void px_copy_gather(char *to, const char *mem, const int64_t *at, uint64_t n, size_t len);
void px_copy_scatter(char *mem, const int64_t *at, const char *from, uint64_t n, size_t len);

#endif
