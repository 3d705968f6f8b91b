/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of tasks as they travel in the control protocol: ranges of consecutive tids. */
#ifndef PX_RANGE_H
#define PX_RANGE_H

#include "proto/messages.h"
#include <pvmx/types.h>

/* The tids as ranges (room for n of them), 0 being this process; how many there are. */
size_t px_ranges_of(const pvmx_tid *tids, int32_t n, struct pxp_range *out);
/* Number of tids in ranges; what a VM can never hold is cut off. */
size_t px_ranges_total(const struct pxp_range *r, size_t n);
/* Writes the tids one by one; returns the place behind the last. */
pvmx_tid *px_ranges_expand(pvmx_tid *to, const struct pxp_range *r, size_t n);

#endif
