/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of datatypes: made, duplicated, committed, named, freed; and their sizes. */
#include "abi/handles.h"
#include "datatype/elements.h"
#include "datatype/made.h"
#include "rt/attr.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- references */

/* Predefined types are not counted: all threads would write to one word. */
void xmpi_dtype_hold(struct xmpi_dtype *type)
{
    if (type->made)
        xmpi_obj_ref(&type->obj);
}

/* Types may be made of each other a million deep: no recursion. */
void xmpi_dtype_release(struct xmpi_dtype *type)
{
    if (!type->made || !xmpi_obj_unref(&type->obj))
        return;
    struct xmpi_dtype *dead = type;
    type->made->next_dead = NULL;
    while (dead) {
        struct xmpi_dtype *t = dead;
        struct xmpi_dtype_made *m = t->made;
        dead = m->next_dead;
        for (MPI_Count k = 0; k < m->ntypes; k++) {
            struct xmpi_dtype *child = m->types[k];
            if (child->made && xmpi_obj_unref(&child->obj)) {
                child->made->next_dead = dead;
                dead = child;
            }
        }
        pvmx_engine_layout_put(t->layout);
        free(t->own_name);
        free(m);
        free(t);
    }
}

MPI_Datatype xmpi_dtype_again(struct xmpi_dtype *type)
{
    if (type->made && !type->made->fixed) {
        atomic_fetch_add(&type->made->handles, 1);
        xmpi_dtype_hold(type);
    }
    return xmpi_dtype_handle(type);
}

/* -- making */

/* What basic types the parts consist of. */
static void sum_up(struct xmpi_dtype *t)
{
    struct xmpi_dtype_made *m = t->made;
    bool mixed = false;
    for (MPI_Count k = 0; k < m->ntypes; k++) {
        uint64_t n, bytes;
        const struct xmpi_dtype *child = xmpi_dtype_part(t, k, &n);
        const struct xmpi_dtype *basic = child->made ? child->made->basic
                                         : xmpi_dtype_parts(child) == 0 ? child
                                                                        : NULL;
        uint64_t elements = n * xmpi_dtype_elements(child);
        if (elements == 0)
            continue;
        mixed |= !basic || (m->elements && basic != m->basic);
        m->elements += elements;
        m->basic = mixed ? NULL : basic;
        if (__builtin_mul_overflow(n, xmpi_dtype_external(child), &bytes) ||
            __builtin_add_overflow(m->external, bytes, &m->external))
            m->external = UINT64_MAX;
    }
}

/* Gives the layout the bounds of the type, which it cannot know. */
static pvmx_err set_bounds(struct pvmx_layout **layout, ptrdiff_t lb, ptrdiff_t extent)
{
    const struct pvmx_layout_info *i = pvmx_engine_layout_info(*layout);
    struct pvmx_layout *resized;
    if (i->lb == lb && i->extent == extent)
        return PVMX_OK;
    pvmx_err err = pvmx_engine_layout_resized(*layout, lb, extent, &resized);
    if (err)
        return err;
    pvmx_engine_layout_put(*layout);
    *layout = resized;
    return PVMX_OK;
}

int xmpi_dtype_make(struct xmpi_dtype_made *made, pvmx_err err, struct pvmx_layout *layout,
                    const struct xmpi_bounds *bounds, struct xmpi_dtype **out)
{
    int cls = xmpi_err_engine(err);
    ptrdiff_t lb, extent, bare_ub;
    struct xmpi_dtype *t = cls ? NULL : calloc(1, sizeof(*t));
    if (!cls && !t)
        cls = xmpi_err(MPI_ERR_NO_MEM, "no memory for a datatype");
    else if (!cls && !xmpi_bounds_done(bounds, &lb, &extent, &bare_ub))
        cls = xmpi_err(MPI_ERR_VALUE_TOO_LARGE,
                       "the bounds of the datatype do not fit an MPI_Aint");
    else if (!cls)
        cls = xmpi_err_engine(set_bounds(&layout, lb, extent));
    if (cls) {
        if (!err)
            pvmx_engine_layout_put(layout);
        xmpi_made_free(made);
        free(t);
        return cls;
    }
    const struct pvmx_layout_info *i = pvmx_engine_layout_info(layout);
    xmpi_obj_init(&t->obj, XMPI_KIND_DTYPE);
    t->name = "";
    t->size = i->size;
    t->lb = lb;
    t->extent = extent;
    t->bare_ub = bare_ub;
    t->true_lb = i->true_lb;
    t->true_extent = i->true_extent;
    t->dense = i->dense;
    t->marked = bounds->marked;
    t->align = bounds->align;
    t->layout = layout;
    t->made = made;
    atomic_init(&made->handles, 1);
    sum_up(t);
    *out = t;
    return MPI_SUCCESS;
}

int xmpi_type_dup(struct xmpi_dtype *oldtype, MPI_Datatype *newtype)
{
    struct xmpi_dtype_made *made = xmpi_made_new(MPI_COMBINER_DUP, false, 0, 0, 0, 1);
    struct xmpi_dtype *t;
    if (!made)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a datatype");
    xmpi_made_type(made, oldtype);
    struct xmpi_bounds b = {.any = true,
                            .marked = oldtype->marked,
                            .align = oldtype->align,
                            .lb = oldtype->lb,
                            .ub = oldtype->bare_ub};
    int cls =
        xmpi_dtype_make(made, PVMX_OK, pvmx_engine_layout_get(oldtype->layout), &b, &t);
    if (cls)
        return cls;
    t->committed = oldtype->committed;
    t->elem = oldtype->elem;
    t->op_class = oldtype->op_class;
    cls = xmpi_type_attrs_copy(oldtype, t);
    if (cls)
        xmpi_dtype_release(t);
    else
        *newtype = xmpi_dtype_handle(t);
    return cls;
}

int xmpi_type_commit(MPI_Datatype *datatype)
{
    struct xmpi_dtype *t = xmpi_dtype_of(*datatype);
    if (t->size == SIZE_MAX)
        return xmpi_err(MPI_ERR_TYPE, "this platform does not have %s", t->name);
    if (!t->committed) /* others may read the flag of a type that is committed again */
        t->committed = true;
    return MPI_SUCCESS;
}

int xmpi_type_free(MPI_Datatype *datatype)
{
    struct xmpi_dtype *t = xmpi_dtype_of(*datatype);
    if (!t->made || t->made->fixed)
        return xmpi_err(MPI_ERR_TYPE, "%s is predefined and cannot be freed",
                        t->made ? "the datatype" : t->name);
    int left = atomic_fetch_sub(&t->made->handles, 1) - 1;
    int cls = MPI_SUCCESS;
    if (left < 0)
        cls = xmpi_err(MPI_ERR_TYPE,
                       "the datatype was freed already; something still uses it");
    else if (left == 0)
        cls = xmpi_type_attrs_delete_all(t);
    if (cls) {
        atomic_fetch_add(&t->made->handles, 1);
        return cls;
    }
    *datatype = MPI_DATATYPE_NULL;
    xmpi_dtype_release(t);
    return MPI_SUCCESS;
}

/* -- sizes and names */

static bool lacking(const struct xmpi_dtype *type)
{
    return type->size == SIZE_MAX;
}

int xmpi_type_size(struct xmpi_dtype *datatype, MPI_Count *size)
{
    *size = lacking(datatype) ? MPI_UNDEFINED : (MPI_Count)datatype->size;
    return MPI_SUCCESS;
}

int xmpi_type_get_extent(struct xmpi_dtype *datatype, MPI_Count *lb, MPI_Count *extent)
{
    *lb = lacking(datatype) ? MPI_UNDEFINED : (MPI_Count)datatype->lb;
    *extent = lacking(datatype) ? MPI_UNDEFINED : (MPI_Count)datatype->extent;
    return MPI_SUCCESS;
}

int xmpi_type_get_true_extent(struct xmpi_dtype *datatype, MPI_Count *true_lb,
                              MPI_Count *true_extent)
{
    *true_lb = lacking(datatype) ? MPI_UNDEFINED : (MPI_Count)datatype->true_lb;
    *true_extent = lacking(datatype) ? MPI_UNDEFINED : (MPI_Count)datatype->true_extent;
    return MPI_SUCCESS;
}

int xmpi_type_get_name(struct xmpi_dtype *datatype, char *type_name, int *resultlen)
{
    *resultlen = snprintf(type_name, MPI_MAX_OBJECT_NAME, "%s", datatype->name);
    return MPI_SUCCESS;
}

int xmpi_type_set_name(struct xmpi_dtype *datatype, const char *type_name)
{
    char *copy = strndup(type_name, MPI_MAX_OBJECT_NAME - 1);
    if (!copy)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a name");
    free(datatype->own_name);
    datatype->name = datatype->own_name = copy;
    return MPI_SUCCESS;
}
