/* SPDX-License-Identifier: BSD-3-Clause */
/* The head of every object that an MPI handle can name: kind, references, predefined or not.
 * It is the first member, so a dynamic handle is the object's address. */
#ifndef XMPI_OBJ_H
#define XMPI_OBJ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The values are unlikely bit patterns: they are how a wild handle is told from a real one. */
enum xmpi_kind {
    XMPI_KIND_FREED = 0x0f4eed00,
    XMPI_KIND_COMM = 0x58c00001,
    XMPI_KIND_GROUP,
    XMPI_KIND_DTYPE,
    XMPI_KIND_OP,
    XMPI_KIND_REQUEST,
    XMPI_KIND_INFO,
    XMPI_KIND_ERRHANDLER,
    XMPI_KIND_SESSION,
    XMPI_KIND_MESSAGE,
    XMPI_KIND_WIN,
    XMPI_KIND_FILE,
};

struct xmpi_obj {
    uint32_t kind; /* enum xmpi_kind                                              */
    _Atomic int32_t refs; /* the handle itself is one; predefined objects never reach 0  */
    uintptr_t predef; /* the ABI's value of a predefined handle (< 4096); 0: dynamic */
};

static inline void xmpi_obj_init(struct xmpi_obj *o, enum xmpi_kind kind)
{
    o->kind = kind;
    o->predef = 0;
    atomic_init(&o->refs, 1);
}

static inline void xmpi_obj_ref(struct xmpi_obj *o)
{
    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
}

/* True when the last reference has gone: the caller then frees the object. Its handle is invalid
 * from then on. */
static inline bool xmpi_obj_unref(struct xmpi_obj *o)
{
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return false;
    o->kind = XMPI_KIND_FREED;
    return true;
}

#endif
