/* SPDX-License-Identifier: BSD-3-Clause */
/* Constructors of derived types, but for arrays: the layout by the engine, the bounds, and the
 * arguments as they were given. Counts are checked before (pmpi). */
#include "abi/handles.h"
#include "datatype/made.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stdlib.h>

static int no_memory(void)
{
    return xmpi_err(MPI_ERR_NO_MEM, "no memory for a datatype");
}

/* The end of every constructor. */
static int finish(struct xmpi_dtype_made *made, pvmx_err err, struct pvmx_layout *layout,
                  const struct xmpi_bounds *bounds, MPI_Datatype *newtype)
{
    struct xmpi_dtype *t;
    int cls = xmpi_dtype_make(made, err, layout, bounds, &t);
    if (!cls)
        *newtype = xmpi_dtype_handle(t);
    return cls;
}

/* -- equal blocks at equal distances */

int xmpi_type_contiguous(MPI_Count count, struct xmpi_dtype *oldtype,
                         MPI_Datatype *newtype, bool large)
{
    struct xmpi_dtype_made *made = xmpi_made_new(MPI_COMBINER_CONTIGUOUS, large, 0, 1, 0, 1);
    struct xmpi_bounds b = {.any = false};
    struct pvmx_layout *layout;
    if (!made)
        return no_memory();
    xmpi_made_count(made, count);
    xmpi_made_type(made, oldtype);
    xmpi_bounds_add(&b, 0, count, oldtype);
    pvmx_err err =
        pvmx_engine_layout_vector(1, (uint64_t)count, 0, oldtype->layout, &layout);
    return finish(made, err, layout, &b, newtype);
}

/* stride in bytes. */
static int make_vector(struct xmpi_dtype_made *made, MPI_Count count, MPI_Count blocklength,
                       MPI_Count stride, struct xmpi_dtype *oldtype, MPI_Datatype *newtype)
{
    struct xmpi_bounds b = {.any = false};
    struct pvmx_layout *layout;
    xmpi_made_type(made, oldtype);
    xmpi_bounds_add(&b, 0, blocklength, oldtype);
    xmpi_bounds_repeat(&b, count, stride);
    pvmx_err err = pvmx_engine_layout_vector((uint64_t)count, (uint64_t)blocklength,
                                             stride, oldtype->layout, &layout);
    return finish(made, err, layout, &b, newtype);
}

int xmpi_type_vector(MPI_Count count, MPI_Count blocklength, MPI_Count stride,
                     struct xmpi_dtype *oldtype, MPI_Datatype *newtype, bool large)
{
    MPI_Count bytes;
    if (__builtin_mul_overflow(stride, (MPI_Count)oldtype->extent, &bytes))
        return xmpi_err(MPI_ERR_ARG, "stride is %lld elements of extent %td: too far",
                        (long long)stride, oldtype->extent);
    struct xmpi_dtype_made *made = xmpi_made_new(MPI_COMBINER_VECTOR, large, 0, 3, 0, 1);
    if (!made)
        return no_memory();
    xmpi_made_count(made, count);
    xmpi_made_count(made, blocklength);
    xmpi_made_count(made, stride);
    return make_vector(made, count, blocklength, bytes, oldtype, newtype);
}

int xmpi_type_create_hvector(MPI_Count count, MPI_Count blocklength, MPI_Count stride,
                             struct xmpi_dtype *oldtype, MPI_Datatype *newtype, bool large)
{
    struct xmpi_dtype_made *made = xmpi_made_new(MPI_COMBINER_HVECTOR, large, 0, 2, 1, 1);
    if (!made)
        return no_memory();
    xmpi_made_count(made, count);
    xmpi_made_count(made, blocklength);
    xmpi_made_address(made, stride);
    return make_vector(made, count, blocklength, stride, oldtype, newtype);
}

/* -- blocks anywhere */

/* What an indexed type or a struct is made of. */
struct blocks {
    MPI_Count n;
    uint64_t *lens;
    int64_t *displs; /* bytes */
    struct xmpi_bounds bounds;
};

static bool blocks_init(struct blocks *k, MPI_Count n)
{
    *k = (struct blocks){.n = n};
    if ((uint64_t)n > SIZE_MAX / 32)
        return false;
    k->lens = malloc((size_t)n * 16 + 1);
    k->displs = (int64_t *)(k->lens + n);
    return k->lens != NULL;
}

/* Block i is len children from displ * unit bytes on. */
static int blocks_set(struct blocks *k, MPI_Count i, MPI_Count len, MPI_Count displ,
                      MPI_Count unit, const struct xmpi_dtype *child)
{
    MPI_Count bytes;
    if (len < 0)
        return xmpi_err(MPI_ERR_ARG,
                        "array_of_blocklengths[%lld] is %lld; it must not be negative",
                        (long long)i, (long long)len);
    if (__builtin_mul_overflow(displ, unit, &bytes))
        return xmpi_err(MPI_ERR_ARG, "array_of_displacements[%lld] is %lld elements of %lld bytes: too far",
                        (long long)i, (long long)displ, (long long)unit);
    k->lens[i] = (uint64_t)len;
    k->displs[i] = bytes;
    xmpi_bounds_add(&k->bounds, bytes, len, child);
    return MPI_SUCCESS;
}

/* The arguments of an indexed constructor. */
struct indexed {
    int combiner;
    bool large;
    MPI_Count count;
    bool equal; /* all blocks have `blocklength` elements, else lens says how many */
    MPI_Count blocklength;
    struct xmpi_cvec lens;
    struct xmpi_cvec displs;
    bool bytes; /* displs are bytes, not elements */
    struct xmpi_dtype *oldtype;
};

static struct xmpi_dtype_made *indexed_arguments(const struct indexed *a)
{
    MPI_Count n = a->count, counts = 1 + (a->equal ? 1 : n) + (a->bytes ? 0 : n);
    struct xmpi_dtype_made *m =
        xmpi_made_new(a->combiner, a->large, 0, counts, a->bytes ? n : 0, 1);
    if (!m)
        return NULL;
    xmpi_made_count(m, n);
    if (a->equal)
        xmpi_made_count(m, a->blocklength);
    for (MPI_Count i = 0; !a->equal && i < n; i++)
        xmpi_made_count(m, xmpi_cvec_at(a->lens, i));
    for (MPI_Count i = 0; i < n; i++)
        (a->bytes ? xmpi_made_address : xmpi_made_count)(m, xmpi_cvec_at(a->displs, i));
    xmpi_made_type(m, a->oldtype);
    return m;
}

static int make_indexed(const struct indexed *a, MPI_Datatype *newtype)
{
    struct blocks k;
    struct pvmx_layout *layout = NULL;
    int cls = blocks_init(&k, a->count) ? MPI_SUCCESS : no_memory();
    for (MPI_Count i = 0; i < a->count && !cls; i++)
        cls = blocks_set(&k, i, a->equal ? a->blocklength : xmpi_cvec_at(a->lens, i),
                         xmpi_cvec_at(a->displs, i), a->bytes ? 1 : a->oldtype->extent,
                         a->oldtype);
    struct xmpi_dtype_made *made = cls ? NULL : indexed_arguments(a);
    if (!cls && !made)
        cls = no_memory();
    if (!cls) {
        pvmx_err err = pvmx_engine_layout_indexed((uint64_t)k.n, k.lens, k.displs,
                                                  a->oldtype->layout, &layout);
        cls = finish(made, err, layout, &k.bounds, newtype);
    }
    free(k.lens);
    return cls;
}

int xmpi_type_indexed(MPI_Count count, struct xmpi_cvec array_of_blocklengths,
                      struct xmpi_cvec array_of_displacements, struct xmpi_dtype *oldtype,
                      MPI_Datatype *newtype, bool large)
{
    return make_indexed(&(struct indexed){.combiner = MPI_COMBINER_INDEXED,
                                          .large = large,
                                          .count = count,
                                          .lens = array_of_blocklengths,
                                          .displs = array_of_displacements,
                                          .oldtype = oldtype},
                        newtype);
}

int xmpi_type_create_hindexed(MPI_Count count, struct xmpi_cvec array_of_blocklengths,
                              struct xmpi_cvec array_of_displacements,
                              struct xmpi_dtype *oldtype, MPI_Datatype *newtype, bool large)
{
    return make_indexed(&(struct indexed){.combiner = MPI_COMBINER_HINDEXED,
                                          .large = large,
                                          .count = count,
                                          .lens = array_of_blocklengths,
                                          .displs = array_of_displacements,
                                          .bytes = true,
                                          .oldtype = oldtype},
                        newtype);
}

int xmpi_type_create_indexed_block(MPI_Count count, MPI_Count blocklength,
                                   struct xmpi_cvec array_of_displacements,
                                   struct xmpi_dtype *oldtype, MPI_Datatype *newtype,
                                   bool large)
{
    return make_indexed(&(struct indexed){.combiner = MPI_COMBINER_INDEXED_BLOCK,
                                          .large = large,
                                          .count = count,
                                          .equal = true,
                                          .blocklength = blocklength,
                                          .displs = array_of_displacements,
                                          .oldtype = oldtype},
                        newtype);
}

int xmpi_type_create_hindexed_block(MPI_Count count, MPI_Count blocklength,
                                    struct xmpi_cvec array_of_displacements,
                                    struct xmpi_dtype *oldtype, MPI_Datatype *newtype,
                                    bool large)
{
    return make_indexed(&(struct indexed){.combiner = MPI_COMBINER_HINDEXED_BLOCK,
                                          .large = large,
                                          .count = count,
                                          .equal = true,
                                          .blocklength = blocklength,
                                          .displs = array_of_displacements,
                                          .bytes = true,
                                          .oldtype = oldtype},
                        newtype);
}

/* Type i of a struct. */
static int find_type(const MPI_Datatype types[], MPI_Count i, struct xmpi_dtype **out)
{
    struct xmpi_dtype *t = xmpi_dtype_of(types[i]);
    *out = t;
    if (!t)
        return xmpi_err(MPI_ERR_TYPE, "array_of_types[%lld] is %s", (long long)i,
                        types[i] == MPI_DATATYPE_NULL
                            ? "MPI_DATATYPE_NULL"
                            : "not the handle of a datatype; was it freed?");
    if (t->size == SIZE_MAX)
        return xmpi_err(MPI_ERR_TYPE,
                        "array_of_types[%lld] is %s, which this platform does not have",
                        (long long)i, t->name);
    return MPI_SUCCESS;
}

static struct xmpi_dtype_made *struct_arguments(const struct blocks *k,
                                                const MPI_Datatype types[], bool large)
{
    struct xmpi_dtype_made *m =
        xmpi_made_new(MPI_COMBINER_STRUCT, large, 0, 1 + k->n, k->n, k->n);
    if (!m)
        return NULL;
    xmpi_made_count(m, k->n);
    for (MPI_Count i = 0; i < k->n; i++)
        xmpi_made_count(m, (MPI_Count)k->lens[i]);
    for (MPI_Count i = 0; i < k->n; i++)
        xmpi_made_address(m, k->displs[i]);
    for (MPI_Count i = 0; i < k->n; i++)
        xmpi_made_type(m, xmpi_dtype_of(types[i]));
    return m;
}

int xmpi_type_create_struct(MPI_Count count, struct xmpi_cvec array_of_blocklengths,
                            struct xmpi_cvec array_of_displacements,
                            const MPI_Datatype array_of_types[], MPI_Datatype *newtype,
                            bool large)
{
    struct blocks k;
    struct pvmx_layout *layout = NULL,
                       **children = malloc((size_t)count * sizeof(*children) + 1);
    int cls = blocks_init(&k, count) && children ? MPI_SUCCESS : no_memory();
    for (MPI_Count i = 0; i < count && !cls; i++) {
        struct xmpi_dtype *child;
        cls = find_type(array_of_types, i, &child);
        if (!cls)
            cls = blocks_set(&k, i, xmpi_cvec_at(array_of_blocklengths, i),
                             xmpi_cvec_at(array_of_displacements, i), 1, child);
        if (!cls)
            children[i] = child->layout;
    }
    struct xmpi_dtype_made *made = cls ? NULL : struct_arguments(&k, array_of_types, large);
    if (!cls && !made)
        cls = no_memory();
    if (!cls) {
        pvmx_err err =
            pvmx_engine_layout_struct((uint64_t)count, k.lens, k.displs, children, &layout);
        cls = finish(made, err, layout, &k.bounds, newtype);
    }
    free(k.lens);
    free(children);
    return cls;
}

int xmpi_type_create_resized(struct xmpi_dtype *oldtype, MPI_Count lb, MPI_Count extent,
                             MPI_Datatype *newtype, bool large)
{
    struct xmpi_dtype_made *made = xmpi_made_new(MPI_COMBINER_RESIZED, large, 0, 0, 2, 1);
    struct xmpi_bounds b = {.align = oldtype->align};
    if (!made)
        return no_memory();
    xmpi_made_address(made, lb);
    xmpi_made_address(made, extent);
    xmpi_made_type(made, oldtype);
    xmpi_bounds_set(&b, lb, extent);
    return finish(made, PVMX_OK, pvmx_engine_layout_get(oldtype->layout), &b, newtype);
}
