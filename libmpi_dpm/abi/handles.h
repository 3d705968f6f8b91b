/* SPDX-License-Identifier: BSD-3-Clause */
/* ABI handles and the objects behind them. A predefined handle is a small number of the standard
 * ABI (below 4096), any other one is its object's address. x_of() returns NULL for a null handle, a
 * handle of another class and a freed or wild one; x_handle() turns an object (NULL: the null
 * handle) into what the application sees. Leaf functions only: they stand in every MPI call. */
#ifndef XMPI_HANDLES_H
#define XMPI_HANDLES_H

#include "datatype/dtype.h"
#include "mpi.h"
#include "op/op.h"
#include "rt/obj.h"
#include "rt/state.h"

struct xmpi_comm;
struct xmpi_errhandler;
struct xmpi_file;
struct xmpi_group;
struct xmpi_info;
struct xmpi_request;
struct xmpi_session;
struct xmpi_win;

/* Values 1..4095 are reserved for predefined handles (MPI 5.0, chapter on the ABI). */
enum { XMPI_PREDEF_LIMIT = 4096 };

/* The predefined objects, each defined by the module that owns the class. */
extern struct xmpi_comm xmpi_world, xmpi_self; /* comm/comm.h                               */
extern struct xmpi_group xmpi_group_empty; /* comm/group.c                              */
extern struct xmpi_file xmpi_file_null;    /* rt/errhandler.c                           */
extern struct xmpi_info xmpi_info_env;     /* rt/info.c                                 */
extern struct xmpi_op xmpi_op_table[32];   /* op/op.c, by value & 0x1f; kind 0: no such */
extern struct xmpi_dtype xmpi_dtype_table[]; /* datatype/basic.c                          */
extern const uint8_t xmpi_dtype_index[256]; /* value & 0xff -> table row, 0: no such     */

/* The object of a dynamic handle when it is one of this kind. Its head is read only when it can be
 * an object at all. */
static inline void *xmpi_obj_of(uintptr_t v, enum xmpi_kind kind)
{
    struct xmpi_obj *o = (struct xmpi_obj *)v;
    if (v < XMPI_PREDEF_LIMIT || (v & 7) != 0 || o->kind != (uint32_t)kind)
        return NULL;
    return o;
}

static inline uintptr_t xmpi_obj_handle(const void *obj, uintptr_t null)
{
    const struct xmpi_obj *o = obj;
    if (!o)
        return null;
    return o->predef ? o->predef : (uintptr_t)o;
}

static inline struct xmpi_comm *xmpi_comm_of(MPI_Comm h)
{
    if (h == MPI_COMM_WORLD)
        return xmpi_world_is_up() ? &xmpi_world : NULL;
    if (h == MPI_COMM_SELF)
        return xmpi_world_is_up() ? &xmpi_self : NULL;
    return xmpi_obj_of((uintptr_t)h, XMPI_KIND_COMM);
}

static inline struct xmpi_dtype *xmpi_dtype_of(MPI_Datatype h)
{
    uintptr_t v = (uintptr_t)h;
    if ((v & ~(uintptr_t)0xff) == 0x200) {
        unsigned row = xmpi_dtype_index[v & 0xff];
        return row ? &xmpi_dtype_table[row] : NULL;
    }
    return xmpi_obj_of(v, XMPI_KIND_DTYPE);
}

static inline struct xmpi_op *xmpi_op_of(MPI_Op h)
{
    uintptr_t v = (uintptr_t)h;
    if ((v & ~(uintptr_t)0x1f) == 0x20) {
        struct xmpi_op *op = &xmpi_op_table[v & 0x1f];
        return op->obj.kind == XMPI_KIND_OP ? op : NULL;
    }
    return xmpi_obj_of(v, XMPI_KIND_OP);
}

static inline struct xmpi_group *xmpi_group_of(MPI_Group h)
{
    if (h == MPI_GROUP_EMPTY)
        return &xmpi_group_empty;
    return xmpi_obj_of((uintptr_t)h, XMPI_KIND_GROUP);
}

static inline struct xmpi_info *xmpi_info_of(MPI_Info h)
{
    if (h == MPI_INFO_ENV)
        return &xmpi_info_env;
    return xmpi_obj_of((uintptr_t)h, XMPI_KIND_INFO);
}

/* All requests are dynamic; MPI_REQUEST_NULL gives NULL. */
static inline struct xmpi_request *xmpi_request_of(MPI_Request h)
{
    return xmpi_obj_of((uintptr_t)h, XMPI_KIND_REQUEST);
}

/* MPI_MESSAGE_NULL and MPI_MESSAGE_NO_PROC give NULL: the caller tells them apart by value. */
static inline void *xmpi_message_of(MPI_Message h)
{
    return xmpi_obj_of((uintptr_t)h, XMPI_KIND_MESSAGE);
}

static inline struct xmpi_session *xmpi_session_of(MPI_Session h)
{
    return xmpi_obj_of((uintptr_t)h, XMPI_KIND_SESSION);
}

static inline struct xmpi_win *xmpi_win_of(MPI_Win h)
{
    return xmpi_obj_of((uintptr_t)h, XMPI_KIND_WIN);
}

/* MPI_FILE_NULL is a handle that error handlers can be set on. */
static inline struct xmpi_file *xmpi_file_of(MPI_File h)
{
    return h == MPI_FILE_NULL ? &xmpi_file_null : xmpi_obj_of((uintptr_t)h, XMPI_KIND_FILE);
}

struct xmpi_errhandler *xmpi_errhandler_of(MPI_Errhandler h);

static inline MPI_Comm xmpi_comm_handle(const struct xmpi_comm *o)
{
    return (MPI_Comm)xmpi_obj_handle(o, (uintptr_t)MPI_COMM_NULL);
}

static inline MPI_Datatype xmpi_dtype_handle(const struct xmpi_dtype *o)
{
    return (MPI_Datatype)xmpi_obj_handle(o, (uintptr_t)MPI_DATATYPE_NULL);
}

static inline MPI_Op xmpi_op_handle(const struct xmpi_op *o)
{
    return (MPI_Op)xmpi_obj_handle(o, (uintptr_t)MPI_OP_NULL);
}

static inline MPI_Group xmpi_group_handle(const struct xmpi_group *o)
{
    return (MPI_Group)xmpi_obj_handle(o, (uintptr_t)MPI_GROUP_NULL);
}

static inline MPI_Info xmpi_info_handle(const struct xmpi_info *o)
{
    return (MPI_Info)xmpi_obj_handle(o, (uintptr_t)MPI_INFO_NULL);
}

static inline MPI_Request xmpi_request_handle(const struct xmpi_request *o)
{
    return (MPI_Request)xmpi_obj_handle(o, (uintptr_t)MPI_REQUEST_NULL);
}

static inline MPI_Errhandler xmpi_errhandler_handle(const struct xmpi_errhandler *o)
{
    return (MPI_Errhandler)xmpi_obj_handle(o, (uintptr_t)MPI_ERRHANDLER_NULL);
}

#endif
