/* SPDX-License-Identifier: BSD-3-Clause */
/* A layout as its own files see it. The contract is <pvmx/engine/layout.h>. */
#ifndef PX_LAYOUT_LAYOUT_H
#define PX_LAYOUT_LAYOUT_H

#include "layout/shape.h"
#include <pvmx/engine/layout.h>

struct pvmx_layout {
    struct pvmx_layout_info info;
    _Atomic uint32_t refs;
    int64_t at;             /* where the first byte of the packed form lies */
    struct px_shape *shape; /* NULL: no bytes                               */
};

/* The shape of a whole view and where its first byte lies. *tmp is room for it, used while the walk
 * lasts. NULL: no bytes. */
const struct px_shape *px_view_shape(const struct pvmx_view *v, struct px_shape *tmp,
                                     char **mem);

#endif
