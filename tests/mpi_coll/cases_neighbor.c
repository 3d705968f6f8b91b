/* SPDX-License-Identifier: BSD-3-Clause */
/* The cases of neighborhood collectives, see cases.h: on a ring and a grid of any size (of 1 and 2
 * processes, too, where both neighbors are the same one), and on a graph with loops, several edges
 * between the same two, and processes without any. */
#include "bench.h"

#include <stdlib.h>

enum { MAX_OUT = 4 };

/* A topology with what it must bring: the block from neighbor k is the one that it sends as number
 * edge[k]. */
struct net {
    MPI_Comm comm;
    int nin, nout;
    int *in, *edge; /* MPI_PROC_NULL: no neighbor */
    int out[MAX_OUT];
};

static struct net make_grid(const struct bench *b, int dims)
{
    int size[2] = {0, 0}, periods[2] = {1, 0};
    struct net net = {.nin = 2 * dims, .nout = 2 * dims};
    net.in = malloc((size_t)net.nin * sizeof(int));
    net.edge = malloc((size_t)net.nin * sizeof(int));
    MPI_Dims_create(b->size, dims, size);
    MPI_Cart_create(b->c->comm, dims, size, periods, 0, &net.comm);
    for (int d = 0; d < dims; d++) {
        MPI_Cart_shift(net.comm, d, 1, &net.in[2 * d], &net.in[2 * d + 1]);
        for (int k = 2 * d; k < 2 * d + 2; k++) {
            net.out[k] = net.in[k];
            net.edge[k] = k ^ 1; /* what goes down comes from above */
        }
    }
    return net;
}

/* Edges of process r: those with odd ranks have none. */
static int edges_of(int r, int p, int out[MAX_OUT])
{
    out[0] = (r + 1) % p;
    out[1] = r;
    out[2] = (2 * r + 1) % p;
    out[3] = (r + 1) % p;
    return r % 3 == 1 ? 0 : MAX_OUT;
}

static struct net make_graph(const struct bench *b)
{
    struct net net = {.nin = 0};
    size_t most = (size_t)b->size * MAX_OUT;
    net.in = malloc(most * sizeof(int));
    net.edge = malloc(most * sizeof(int));
    for (int r = 0; r < b->size; r++) {
        int out[MAX_OUT], n = edges_of(r, b->size, out);
        for (int i = 0; i < n; i++)
            if (out[i] == b->rank) {
                net.in[net.nin] = r;
                net.edge[net.nin++] = i;
            }
    }
    net.nout = edges_of(b->rank, b->size, net.out);
    MPI_Dist_graph_create_adjacent(b->c->comm, net.nin, net.in, MPI_UNWEIGHTED, net.nout,
                                   net.out, MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &net.comm);
    return net;
}

static bool gathers(enum xmpi_coll_kind kind)
{
    return kind == XMPI_COLL_NEIGHBOR_ALLGATHER || kind == XMPI_COLL_NEIGHBOR_ALLGATHERV;
}

static bool varies(enum xmpi_coll_kind kind)
{
    return kind != XMPI_COLL_NEIGHBOR_ALLGATHER && kind != XMPI_COLL_NEIGHBOR_ALLTOALL;
}

/* Elements of block i of process `from`. */
static int length(const struct bench *b, enum xmpi_coll_kind kind, int from, int i)
{
    return varies(kind) ? bench_block_count(b->c->count, from, gathers(kind) ? 0 : i)
                        : b->c->count;
}

static void fill_lists(const struct bench *b, enum xmpi_coll_kind kind, const struct net *net,
                       struct bench_layout *out, struct bench_layout *in)
{
    int gap = varies(kind);
    for (int k = 0; k < net->nout; k++) {
        out->counts[k] = length(b, kind, b->rank, k);
        out->displs[k] = out->total;
        out->total += out->counts[k] + gap;
    }
    if (gathers(kind))
        out->total = length(b, kind, b->rank, 0);
    for (int k = 0; k < net->nin; k++) {
        int from = net->in[k];
        in->counts[k] =
            from == MPI_PROC_NULL ? b->c->count : length(b, kind, from, net->edge[k]);
        in->displs[k] = in->total;
        in->total += in->counts[k] + gap;
    }
}

static void call_w(struct bench *b, const struct net *net, const int *send, int *got,
                   const struct bench_layout *out, const struct bench_layout *in)
{
    int most = net->nin > net->nout ? net->nin : net->nout;
    MPI_Aint *od = calloc((size_t)most + 1, sizeof *od),
             *id = calloc((size_t)most + 1, sizeof *id);
    MPI_Datatype *ot = calloc((size_t)most + 1, sizeof *ot),
                 *it = calloc((size_t)most + 1, sizeof *it);
    for (int k = 0; k < most; k++) {
        ot[k] = b->out.type;
        it[k] = b->in.type;
        if (k < net->nout)
            od[k] = out->displs[k] * b->out.stride * (MPI_Aint)sizeof(int);
        if (k < net->nin)
            id[k] = in->displs[k] * b->in.stride * (MPI_Aint)sizeof(int);
    }
    CALL(b, Neighbor_alltoallw, neighbor_alltoallw, send, out->counts, od, ot, got,
         in->counts, id, it, net->comm);
    bench_finish(b);
    free(od);
    free(id);
    free(ot);
    free(it);
}

static void call(struct bench *b, enum xmpi_coll_kind kind, const struct net *net,
                 const int *send, int *got, const struct bench_layout *out,
                 const struct bench_layout *in)
{
    MPI_Datatype ot = b->out.type, it = b->in.type;
    int n = b->c->count, own = length(b, kind, b->rank, 0);
    switch (kind) {
    case XMPI_COLL_NEIGHBOR_ALLGATHER:
        CALL(b, Neighbor_allgather, neighbor_allgather, send, n, ot, got, n, it, net->comm);
        break;
    case XMPI_COLL_NEIGHBOR_ALLGATHERV:
        CALL(b, Neighbor_allgatherv, neighbor_allgatherv, send, own, ot, got, in->counts,
             in->displs, it, net->comm);
        break;
    case XMPI_COLL_NEIGHBOR_ALLTOALL:
        CALL(b, Neighbor_alltoall, neighbor_alltoall, send, n, ot, got, n, it, net->comm);
        break;
    case XMPI_COLL_NEIGHBOR_ALLTOALLV:
        CALL(b, Neighbor_alltoallv, neighbor_alltoallv, send, out->counts, out->displs,
             ot, got, in->counts, in->displs, it, net->comm);
        break;
    default:
        call_w(b, net, send, got, out, in);
        return;
    }
    bench_finish(b);
}

static void over(struct bench *b, enum xmpi_coll_kind kind, struct net net)
{
    struct bench_layout out = bench_layout_make(0, 0, net.nout, false, false);
    struct bench_layout in = bench_layout_make(0, 0, net.nin, false, false);
    out.total = in.total = 0;
    fill_lists(b, kind, &net, &out, &in);
    int *send = bench_ints(&b->out, out.total), *got = bench_ints(&b->in, in.total);
    if (gathers(kind))
        bench_fill(send, &b->out, 0, out.total, b->rank, 0, b->mine);
    for (int k = 0; !gathers(kind) && k < net.nout; k++)
        bench_fill(send, &b->out, out.displs[k], out.counts[k], b->rank, 1000 * k, b->mine);
    call(b, kind, &net, send, got, &out, &in);
    for (int k = 0; k < net.nin; k++)
        if (net.in[k] == MPI_PROC_NULL)
            bench_check_untouched(got, &b->in, in.displs[k], in.counts[k]);
        else
            bench_check(got, &b->in, in.displs[k], in.counts[k], net.in[k],
                        gathers(kind) ? 0 : 1000 * net.edge[k], b->theirs);
    if (varies(kind))
        bench_check_gaps(got, &b->in, &in, net.nin);
    bench_ints_release(send, &b->out, out.total);
    bench_ints_release(got, &b->in, in.total);
    bench_layout_free(&out);
    bench_layout_free(&in);
    free(net.in);
    free(net.edge);
    MPI_Comm_free(&net.comm);
}

void case_neighbor(struct bench *b, enum xmpi_coll_kind kind)
{
    over(b, kind, make_grid(b, 1));
    over(b, kind, make_grid(b, 2));
    over(b, kind, make_graph(b));
}
