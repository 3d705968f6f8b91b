/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of arrays: subarray and darray. Both go from the fastest dimension to the slowest; each step
 * makes of the layout of one index that of what is chosen along the dimension, with the extent of the
 * whole dimension. */
#include "abi/handles.h"
#include "datatype/made.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stdlib.h>

/* What is chosen of one dimension: blocks of `block` indices, every `step` indices from `start` on,
 * `full` whole ones and one of `rest` behind them. */
struct slice {
    MPI_Count size, start, block, step, full, rest;
};

/* The layout of one index (consumed) becomes that of the dimension. *extent is that of one index and
 * then of all. */
static pvmx_err slice_layout(const struct slice *s, struct pvmx_layout **layout,
                             MPI_Count *extent)
{
    struct pvmx_layout *one = *layout, *parts[2] = {NULL, NULL}, *both = NULL;
    const uint64_t ones[2] = {1, 1};
    MPI_Count whole = 0;
    int64_t displs[2] = {0, 0}, stride = 0;
    pvmx_err err = PVMX_OK;
    bool fits = !__builtin_mul_overflow(s->size, *extent, &whole) &&
                !__builtin_mul_overflow(s->step, *extent, &stride) &&
                !__builtin_mul_overflow(s->start, *extent, &displs[0]) &&
                !__builtin_mul_overflow(s->start + s->full * s->step, *extent, &displs[1]);
    if (!fits)
        err = PVMX_ERR_TOOBIG;
    if (!err)
        err = pvmx_engine_layout_vector((uint64_t)s->full, (uint64_t)s->block, stride,
                                        one, &parts[0]);
    if (!err)
        err = pvmx_engine_layout_vector(1, (uint64_t)s->rest, 0, one, &parts[1]);
    if (!err)
        err = pvmx_engine_layout_struct(2, ones, displs, parts, &both);
    pvmx_engine_layout_put(one);
    if (!err)
        err = pvmx_engine_layout_resized(both, 0, whole, layout);
    pvmx_engine_layout_put(parts[0]);
    pvmx_engine_layout_put(parts[1]);
    pvmx_engine_layout_put(both);
    *extent = whole;
    return err;
}

/* slices: the fastest dimension first. Consumes made. */
static int make_array(struct xmpi_dtype_made *made, const struct slice *slices, int ndims,
                      struct xmpi_dtype *oldtype, MPI_Datatype *newtype)
{
    struct pvmx_layout *layout = pvmx_engine_layout_get(oldtype->layout);
    struct xmpi_bounds b = {.align = oldtype->align};
    struct xmpi_dtype *t;
    MPI_Count extent = oldtype->extent;
    pvmx_err err = PVMX_OK;
    xmpi_made_type(made, oldtype);
    for (int k = 0; k < ndims && !err; k++)
        err = slice_layout(&slices[k], &layout, &extent);
    if (err == PVMX_ERR_TOOBIG) {
        xmpi_made_free(made);
        return xmpi_err(MPI_ERR_VALUE_TOO_LARGE, "the array does not fit an MPI_Aint");
    }
    xmpi_bounds_set(&b, 0, extent);
    int cls = xmpi_dtype_make(made, err, layout, &b, &t);
    if (!cls)
        *newtype = xmpi_dtype_handle(t);
    return cls;
}

/* Dimension number k from the fastest one on. */
static int dimension(int order, int ndims, int k)
{
    return order == MPI_ORDER_FORTRAN ? k : ndims - 1 - k;
}

static int check_shape(int ndims, int order)
{
    if (ndims < 1)
        return xmpi_err(MPI_ERR_ARG, "ndims is %d; it must be 1 or more", ndims);
    if (order != MPI_ORDER_C && order != MPI_ORDER_FORTRAN)
        return xmpi_err(MPI_ERR_ARG,
                        "order is %d, neither MPI_ORDER_C nor MPI_ORDER_FORTRAN", order);
    return MPI_SUCCESS;
}

static int no_memory(void)
{
    return xmpi_err(MPI_ERR_NO_MEM, "no memory for a datatype");
}

/* -- subarray */

static int sub_slice(int i, MPI_Count size, MPI_Count sub, MPI_Count start, struct slice *out)
{
    if (size < 1)
        return xmpi_err(MPI_ERR_ARG, "array_of_sizes[%d] is %lld; it must be 1 or more",
                        i, (long long)size);
    if (sub < 1 || sub > size)
        return xmpi_err(MPI_ERR_ARG, "array_of_subsizes[%d] is %lld; it must be 1 to %lld",
                        i, (long long)sub, (long long)size);
    if (start < 0 || start > size - sub)
        return xmpi_err(MPI_ERR_ARG, "array_of_starts[%d] is %lld; it must be 0 to %lld",
                        i, (long long)start, (long long)(size - sub));
    *out = (struct slice){.size = size, .start = start, .rest = sub};
    return MPI_SUCCESS;
}

int xmpi_type_create_subarray(int ndims, struct xmpi_cvec array_of_sizes,
                              struct xmpi_cvec array_of_subsizes,
                              struct xmpi_cvec array_of_starts, int order,
                              struct xmpi_dtype *oldtype, MPI_Datatype *newtype, bool large)
{
    int cls = check_shape(ndims, order);
    if (cls)
        return cls;
    struct slice *slices = malloc((size_t)ndims * sizeof(*slices));
    struct xmpi_dtype_made *m =
        xmpi_made_new(MPI_COMBINER_SUBARRAY, large, 2, 3 * (MPI_Count)ndims, 0, 1);
    if (!slices || !m)
        cls = no_memory();
    for (int k = 0; k < ndims && !cls; k++) {
        int i = dimension(order, ndims, k);
        cls = sub_slice(i, xmpi_cvec_at(array_of_sizes, i),
                        xmpi_cvec_at(array_of_subsizes, i),
                        xmpi_cvec_at(array_of_starts, i), &slices[k]);
    }
    if (cls) {
        free(slices);
        xmpi_made_free(m);
        return cls;
    }
    const struct xmpi_cvec all[] = {array_of_sizes, array_of_subsizes, array_of_starts};
    xmpi_made_int(m, ndims);
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < ndims; i++)
            xmpi_made_count(m, xmpi_cvec_at(all[a], i));
    xmpi_made_int(m, order);
    cls = make_array(m, slices, ndims, oldtype, newtype);
    free(slices);
    return cls;
}

/* -- darray */

/* The share of the process at `coord` of psize along a dimension. */
static int dist_slice(int i, MPI_Count size, int distrib, int darg, int psize, int coord,
                      struct slice *out)
{
    MPI_Count block = darg, share = size / psize + (size % psize != 0);
    if (distrib == MPI_DISTRIBUTE_NONE) {
        if (psize != 1)
            return xmpi_err(
                MPI_ERR_ARG,
                "array_of_psizes[%d] is %d, but the dimension is not distributed "
                "(MPI_DISTRIBUTE_NONE): it must be 1",
                i, psize);
        block = size;
    } else if (distrib == MPI_DISTRIBUTE_BLOCK) {
        if (darg == MPI_DISTRIBUTE_DFLT_DARG)
            block = share;
    } else if (distrib == MPI_DISTRIBUTE_CYCLIC) {
        if (darg == MPI_DISTRIBUTE_DFLT_DARG)
            block = 1;
    } else {
        return xmpi_err(MPI_ERR_ARG,
                        "array_of_distribs[%d] is %d, none of the MPI_DISTRIBUTE_ values",
                        i, distrib);
    }
    if (block < 1)
        return xmpi_err(MPI_ERR_ARG, "array_of_dargs[%d] is %d; it must be 1 or more", i,
                        darg);
    if (distrib == MPI_DISTRIBUTE_BLOCK && block < share)
        return xmpi_err(
            MPI_ERR_ARG,
            "array_of_dargs[%d] is %d: %d blocks of it are fewer than the %lld "
            "elements of the dimension",
            i, darg, psize, (long long)size);
    *out = (struct slice){.size = size,
                          .start = coord * block,
                          .block = block,
                          .step = block * psize};
    MPI_Count left = size - out->start; /* from the first block of this process on */
    if (left > 0) {
        out->full = left / out->step;
        MPI_Count tail = left - out->full * out->step;
        out->full += tail >= block;
        out->rest = tail >= block ? 0 : tail;
    }
    return MPI_SUCCESS;
}

static int check_grid(int size, int rank, int ndims, const int psizes[])
{
    MPI_Count product = 1;
    if (size < 1 || rank < 0 || rank >= size)
        return xmpi_err(MPI_ERR_ARG, "rank is %d and size %d: there is no such process",
                        rank, size);
    for (int i = 0; i < ndims; i++) {
        if (psizes[i] < 1)
            return xmpi_err(MPI_ERR_ARG, "array_of_psizes[%d] is %d; it must be 1 or more",
                            i, psizes[i]);
        product = product > size ? product : product * psizes[i];
    }
    if (product != size)
        return xmpi_err(
            MPI_ERR_ARG,
            "the process grid of array_of_psizes does not have %d processes (size)", size);
    return MPI_SUCCESS;
}

/* The grid of processes is in row-major order, whatever the order of the array. */
static int coord_of(int rank, int ndims, const int psizes[], int i)
{
    for (int k = ndims - 1; k > i; k--)
        rank /= psizes[k];
    return rank % psizes[i];
}

int xmpi_type_create_darray(int size, int rank, int ndims, struct xmpi_cvec array_of_gsizes,
                            const int array_of_distribs[], const int array_of_dargs[],
                            const int array_of_psizes[], int order,
                            struct xmpi_dtype *oldtype, MPI_Datatype *newtype, bool large)
{
    int cls = check_shape(ndims, order);
    if (!cls)
        cls = check_grid(size, rank, ndims, array_of_psizes);
    if (cls)
        return cls;
    struct slice *slices = malloc((size_t)ndims * sizeof(*slices));
    struct xmpi_dtype_made *m =
        xmpi_made_new(MPI_COMBINER_DARRAY, large, 4 + 3 * (MPI_Count)ndims, ndims, 0, 1);
    if (!slices || !m)
        cls = no_memory();
    for (int k = 0; k < ndims && !cls; k++) {
        int i = dimension(order, ndims, k);
        MPI_Count gsize = xmpi_cvec_at(array_of_gsizes, i);
        if (gsize < 1)
            cls = xmpi_err(MPI_ERR_ARG, "array_of_gsizes[%d] is %lld; it must be 1 or more",
                           i, (long long)gsize);
        else
            cls = dist_slice(i, gsize, array_of_distribs[i], array_of_dargs[i],
                             array_of_psizes[i],
                             coord_of(rank, ndims, array_of_psizes, i), &slices[k]);
    }
    if (cls) {
        free(slices);
        xmpi_made_free(m);
        return cls;
    }
    const int *const more[] = {array_of_distribs, array_of_dargs, array_of_psizes};
    xmpi_made_int(m, size);
    xmpi_made_int(m, rank);
    xmpi_made_int(m, ndims);
    for (int i = 0; i < ndims; i++)
        xmpi_made_count(m, xmpi_cvec_at(array_of_gsizes, i));
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < ndims; i++)
            xmpi_made_int(m, more[a][i]);
    xmpi_made_int(m, order);
    cls = make_array(m, slices, ndims, oldtype, newtype);
    free(slices);
    return cls;
}
