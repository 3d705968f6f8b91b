/* SPDX-License-Identifier: BSD-3-Clause */
/* Cartesian grids: rank 0 is the origin, the last dimension runs fastest. */
#include "abi/handles.h"
#include "rt/err.h"
#include "topo/topo.h"
#include "xmpi.h"
#include <stdlib.h>

/* *nodes: the number of points of the grid, which must not be more than `most`. */
static int grid_size(int ndims, const int dims[], int most, int *nodes)
{
    int64_t n = 1;
    for (int i = 0; i < ndims; i++) {
        if (dims[i] <= 0)
            return xmpi_err(MPI_ERR_DIMS,
                            "dims[%d] is %d; a dimension has 1 or more points", i, dims[i]);
        n *= dims[i];
        if (n > most)
            return xmpi_err(MPI_ERR_DIMS,
                            "a grid of %d dimensions has more than %d points, but the "
                            "communicator has %d processes",
                            ndims, most, most);
    }
    *nodes = (int)n;
    return MPI_SUCCESS;
}

static void coords_of(const struct xmpi_topo *t, int rank, int coords[])
{
    for (int i = t->ndims - 1; i >= 0; i--) {
        coords[i] = rank % t->dims[i];
        rank /= t->dims[i];
    }
}

/* The rank that stands disp away from rank in one dimension, or MPI_PROC_NULL. */
static int shifted(const struct xmpi_topo *t, int rank, int direction, int64_t disp)
{
    int stride = 1, n = t->dims[direction];
    for (int i = direction + 1; i < t->ndims; i++)
        stride *= t->dims[i];
    int at = rank / stride % n;
    int64_t to = at + disp;
    if (t->periods[direction])
        to = (to % n + n) % n;
    else if (to < 0 || to >= n)
        return MPI_PROC_NULL;
    return rank + ((int)to - at) * stride;
}

static struct xmpi_topo *cart_new(int ndims, const int dims[], const int periods[], int rank)
{
    struct xmpi_topo *t = xmpi_topo_new(MPI_CART, 5 * (size_t)ndims);
    if (!t)
        return NULL;
    t->ndims = ndims;
    t->dims = xmpi_topo_take(t, ndims, dims);
    t->periods = xmpi_topo_take(t, ndims, NULL);
    t->coords = xmpi_topo_take(t, ndims, NULL);
    for (int i = 0; i < ndims; i++)
        t->periods[i] = periods[i] != 0;
    coords_of(t, rank, t->coords);
    t->nin = t->nout = 2 * ndims;
    t->in = t->out = xmpi_topo_take(t, 2 * ndims, NULL);
    for (int i = 0; i < ndims; i++) {
        t->in[2 * i] = shifted(t, rank, i, -1);
        t->in[2 * i + 1] = shifted(t, rank, i, 1);
    }
    return t;
}

int xmpi_cart_create(struct xmpi_comm *comm, int ndims, const int dims[],
                     const int periods[], int reorder, MPI_Comm *newcomm)
{
    uint64_t ctx;
    int nodes = 0;
    (void)reorder;
    *newcomm = MPI_COMM_NULL;
    int cls = xmpi_topo_may(comm);
    /* The exchange first: wrong numbers in one process must not leave the others waiting. */
    if (!cls)
        cls = xmpi_cid_make(comm, xmpi_cid_count(false), &ctx);
    if (!cls)
        cls = grid_size(ndims, dims, comm->size, &nodes);
    if (cls || comm->rank >= nodes)
        return cls;
    struct xmpi_topo *topo = cart_new(ndims, dims, periods, comm->rank);
    return topo ? xmpi_topo_comm_first(comm, ctx, nodes, topo, newcomm) : MPI_ERR_NO_MEM;
}

int xmpi_cart_map(struct xmpi_comm *comm, int ndims, const int dims[],
                  const int periods[], int *newrank)
{
    int nodes = 0, cls = xmpi_topo_may(comm);
    (void)periods;
    if (!cls)
        cls = grid_size(ndims, dims, comm->size, &nodes);
    if (!cls)
        *newrank = comm->rank < nodes ? comm->rank : MPI_UNDEFINED;
    return cls;
}

int xmpi_cartdim_get(struct xmpi_comm *comm, int *ndims)
{
    int cls = xmpi_topo_is(comm, MPI_CART);
    if (!cls)
        *ndims = comm->topo->ndims;
    return cls;
}

/* The arrays that the caller gave must hold all dimensions. */
static int check_room(const struct xmpi_topo *t, int maxdims)
{
    if (maxdims >= t->ndims)
        return MPI_SUCCESS;
    return xmpi_err(MPI_ERR_ARG, "maxdims is %d but the grid has %d dimensions", maxdims,
                    t->ndims);
}

int xmpi_cart_get(struct xmpi_comm *comm, int maxdims, int dims[], int periods[],
                  int coords[])
{
    const struct xmpi_topo *t = comm->topo;
    int cls = xmpi_topo_is(comm, MPI_CART);
    if (!cls)
        cls = check_room(t, maxdims);
    for (int i = 0; !cls && i < t->ndims; i++) {
        dims[i] = t->dims[i];
        periods[i] = t->periods[i];
        coords[i] = t->coords[i];
    }
    return cls;
}

int xmpi_cart_coords(struct xmpi_comm *comm, int rank, int maxdims, int coords[])
{
    int cls = xmpi_topo_is(comm, MPI_CART);
    if (!cls && (rank < 0 || rank >= comm->size))
        cls = xmpi_err(MPI_ERR_RANK, "rank is %d but the grid has ranks 0 to %d", rank,
                       comm->size - 1);
    if (!cls)
        cls = check_room(comm->topo, maxdims);
    if (!cls)
        coords_of(comm->topo, rank, coords);
    return cls;
}

int xmpi_cart_rank(struct xmpi_comm *comm, const int coords[], int *rank)
{
    const struct xmpi_topo *t = comm->topo;
    int cls = xmpi_topo_is(comm, MPI_CART), at = 0;
    if (cls)
        return cls;
    if (!coords && t->ndims > 0)
        return xmpi_err(MPI_ERR_ARG, "coords is a null pointer");
    for (int i = 0; i < t->ndims; i++) {
        int n = t->dims[i], c = coords[i];
        if (t->periods[i])
            c = (c % n + n) % n;
        else if (c < 0 || c >= n)
            return xmpi_err(MPI_ERR_ARG,
                            "coords[%d] is %d; this dimension is not periodic and has "
                            "coordinates 0 to %d",
                            i, c, n - 1);
        at = at * n + c;
    }
    *rank = at;
    return MPI_SUCCESS;
}

int xmpi_cart_shift(struct xmpi_comm *comm, int direction, int disp, int *rank_source,
                    int *rank_dest)
{
    int cls = xmpi_topo_is(comm, MPI_CART);
    if (cls)
        return cls;
    if (direction < 0 || direction >= comm->topo->ndims)
        return xmpi_err(MPI_ERR_DIMS, "direction is %d but the grid has %d dimensions",
                        direction, comm->topo->ndims);
    *rank_source = shifted(comm->topo, comm->rank, direction, -(int64_t)disp);
    *rank_dest = shifted(comm->topo, comm->rank, direction, disp);
    return MPI_SUCCESS;
}

/* ---- parts of a grid --------------------------------------------------------------------- */

/* The part of the grid that this process is in, with the remaining dimensions only. */
struct slab {
    int ndims, nodes, rank; /* rank: this process's */
    int *dims, *periods;
    struct xmpi_group *group;
};

/* The processes whose coordinates in the other dimensions are this one's, in rank order. */
static int slab_group(struct xmpi_comm *comm, const int remain[], struct slab *s)
{
    const struct xmpi_topo *t = comm->topo;
    pvmx_tid *tids = malloc((size_t)s->nodes * sizeof(*tids));
    int *at = malloc(((size_t)t->ndims + 1) * sizeof(*at));
    int n = 0, cls = MPI_ERR_NO_MEM;
    for (int r = 0; tids && at && r < comm->size; r++) {
        bool in = true;
        coords_of(t, r, at);
        for (int i = 0; i < t->ndims && in; i++)
            in = remain[i] || at[i] == t->coords[i];
        if (r == comm->rank)
            s->rank = n;
        if (in)
            tids[n++] = comm->local->tids[r];
    }
    if (tids && at)
        cls = xmpi_group_make(tids, n, &s->group);
    else
        xmpi_err(cls, "no memory for a group of %d processes", s->nodes);
    free(at);
    free(tids);
    return cls;
}

static int slab_make(struct xmpi_comm *comm, uint64_t ctx, const int remain[],
                     struct slab *s, MPI_Comm *newcomm)
{
    const struct xmpi_topo *t = comm->topo;
    struct xmpi_comm *made;
    s->nodes = 1;
    for (int i = 0; i < t->ndims; i++) {
        if (!remain[i])
            continue;
        s->nodes *= t->dims[i];
        s->dims[s->ndims] = t->dims[i];
        s->periods[s->ndims++] = t->periods[i];
    }
    int cls = slab_group(comm, remain, s);
    if (cls)
        return cls;
    struct xmpi_topo *topo = cart_new(s->ndims, s->dims, s->periods, s->rank);
    cls = topo ? xmpi_topo_comm(comm, ctx, s->group, topo, &made) : MPI_ERR_NO_MEM;
    if (!cls)
        *newcomm = xmpi_comm_handle(made);
    xmpi_group_release(s->group);
    return cls;
}

/* Everybody knows the grid, so context ids are all that has to be agreed on; the parts share them. */
int xmpi_cart_sub(struct xmpi_comm *comm, const int remain_dims[], MPI_Comm *newcomm)
{
    struct slab s = {0};
    uint64_t ctx;
    int cls = xmpi_topo_is(comm, MPI_CART);
    *newcomm = MPI_COMM_NULL;
    if (!cls)
        cls = xmpi_cid_make(comm, xmpi_cid_count(false), &ctx);
    if (!cls && !remain_dims && comm->topo->ndims > 0)
        cls = xmpi_err(MPI_ERR_ARG, "remain_dims is a null pointer");
    if (cls)
        return cls;
    size_t room = (size_t)comm->topo->ndims + 1;
    s.dims = malloc(room * sizeof(*s.dims));
    s.periods = malloc(room * sizeof(*s.periods));
    if (s.dims && s.periods)
        cls = slab_make(comm, ctx, remain_dims, &s, newcomm);
    else
        cls = xmpi_err(MPI_ERR_NO_MEM, "no memory for a grid of %zu dimensions", room - 1);
    free(s.dims);
    free(s.periods);
    return cls;
}
