/* SPDX-License-Identifier: BSD-3-Clause */
/* Graphs of which every process knows its own edges. */
#include "abi/handles.h"
#include "coll/coll.h"
#include "rt/err.h"
#include "topo/topo.h"
#include "xmpi.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* One process's edges; weights NULL: unweighted. */
struct ends {
    int n;
    const int *ranks, *weights;
};

static int check_ends(const struct xmpi_comm *comm, const char *what, struct ends e)
{
    for (int i = 0; i < e.n; i++) {
        if (e.ranks[i] < 0 || e.ranks[i] >= comm->size)
            return xmpi_err(MPI_ERR_RANK,
                            "%s[%d] is %d but the communicator has ranks 0 to %d", what,
                            i, e.ranks[i], comm->size - 1);
        if (e.weights && e.weights[i] < 0)
            return xmpi_err(MPI_ERR_ARG,
                            "the weight of %s[%d] is %d; it must not be negative", what,
                            i, e.weights[i]);
    }
    return MPI_SUCCESS;
}

/* What weights say about the graph. For no edges they say nothing unless they are one of the two
 * constants: nobody has to know there whether the others have weights. A graph of which nobody says
 * anything is weighted, since it is not MPI_UNWEIGHTED. */
enum { SAYS_UNWEIGHTED = -1, SAYS_NOTHING, SAYS_WEIGHTED };

static int weights_say(bool edges, const int *given)
{
    if (given == MPI_UNWEIGHTED)
        return SAYS_UNWEIGHTED;
    return edges || given == MPI_WEIGHTS_EMPTY ? SAYS_WEIGHTED : SAYS_NOTHING;
}

/* An array of n weights as the caller gave it -> NULL when unweighted. */
static int read_weights(const char *arg, int n, const int *given, const int **weights)
{
    *weights = n > 0 && given != MPI_UNWEIGHTED ? given : NULL;
    if (n > 0 && (!given || given == MPI_WEIGHTS_EMPTY))
        return xmpi_err(MPI_ERR_ARG, "%s is %s but there are %d edges", arg,
                        given ? "MPI_WEIGHTS_EMPTY" : "a null pointer", n);
    return MPI_SUCCESS;
}

static struct xmpi_topo *dist_new(struct ends in, struct ends out, bool weighted)
{
    size_t each = weighted ? 2 : 1;
    struct xmpi_topo *t =
        xmpi_topo_new(MPI_DIST_GRAPH, each * ((size_t)in.n + (size_t)out.n));
    if (!t)
        return NULL;
    t->nin = in.n;
    t->nout = out.n;
    t->weighted = weighted;
    t->in = xmpi_topo_take(t, in.n, in.ranks);
    t->out = xmpi_topo_take(t, out.n, out.ranks);
    if (weighted) {
        t->in_weights = xmpi_topo_take(t, in.n, in.weights);
        t->out_weights = xmpi_topo_take(t, out.n, out.weights);
    }
    return t;
}

static int dist_make(struct xmpi_comm *comm, uint64_t ctx, struct xmpi_topo *topo,
                     struct xmpi_info *info, MPI_Comm *newcomm)
{
    struct xmpi_comm *made;
    if (!topo)
        return MPI_ERR_NO_MEM;
    int cls = xmpi_topo_comm(comm, ctx, comm->local, topo, &made);
    if (cls)
        return cls;
    cls = info ? xmpi_comm_set_info(made, info) : MPI_SUCCESS;
    if (cls)
        xmpi_comm_release(made);
    else
        *newcomm = xmpi_comm_handle(made);
    return cls;
}

static int adjacent_check(struct xmpi_comm *comm, struct ends *in, const int *inw,
                          struct ends *out, const int *outw, bool *weighted)
{
    int win = weights_say(in->n > 0, inw), wout = weights_say(out->n > 0, outw);
    int cls = read_weights("sourceweights", in->n, inw, &in->weights);
    if (!cls)
        cls = read_weights("destweights", out->n, outw, &out->weights);
    if (!cls)
        cls = check_ends(comm, "sources", *in);
    if (!cls)
        cls = check_ends(comm, "destinations", *out);
    if (!cls && in->n > 0 && out->n > 0 && win != wout)
        cls =
            xmpi_err(MPI_ERR_ARG,
                     "one of sourceweights and destweights is MPI_UNWEIGHTED, the other "
                     "is not");
    if (!cls)
        *weighted = win == SAYS_WEIGHTED || wout == SAYS_WEIGHTED || win + wout == 0;
    return cls;
}

int xmpi_dist_graph_create_adjacent(struct xmpi_comm *comm, int indegree,
                                    const int sources[], const int *sourceweights,
                                    int outdegree, const int destinations[],
                                    const int *destweights, struct xmpi_info *info,
                                    int reorder, MPI_Comm *newcomm)
{
    struct ends in = {indegree, sources, NULL}, out = {outdegree, destinations, NULL};
    bool weighted;
    uint64_t ctx;
    (void)reorder;
    *newcomm = MPI_COMM_NULL;
    int cls = xmpi_topo_may(comm);
    if (!cls)
        cls = xmpi_cid_make(comm, xmpi_cid_count(false), &ctx);
    if (!cls)
        cls = adjacent_check(comm, &in, sourceweights, &out, destweights, &weighted);
    return cls ? cls : dist_make(comm, ctx, dist_new(in, out, weighted), info, newcomm);
}

/* ---- edges given by anyone ------------------------------------------------------------------ */

/* An edge end that one process tells another: "you have an edge to (OUT) or from (IN) rank". */
struct told {
    int32_t way, rank, weight;
};

enum { WAY_IN, WAY_OUT };

/* What a process tells each other one before: how many edge ends will come, and whether it is in
 * error (then all fail) and gave weights. */
struct notice {
    int32_t n;
    int32_t flags;
};

enum { FLAG_ERROR = 1, FLAG_WEIGHTED = 2, FLAG_UNWEIGHTED = 4 };

/* Edge ends by the rank that is to hear of them. */
struct letters {
    int size;
    struct notice *notices; /* one for each rank; then those received */
    struct told *items;     /* in the order of ranks, then as given   */
    size_t total;
};

static int check_edges(struct xmpi_comm *comm, int n, const int sources[],
                       const int degrees[], const int destinations[], const int *weights,
                       bool weighted, size_t *total)
{
    *total = 0;
    for (int i = 0; i < n; i++) {
        if (degrees[i] < 0)
            return xmpi_err(MPI_ERR_ARG, "degrees[%d] is %d; it must not be negative", i,
                            degrees[i]);
        *total += (size_t)degrees[i];
    }
    if (*total > INT_MAX)
        return xmpi_err(MPI_ERR_ARG, "%zu edges in one process are too many", *total);
    if (*total > 0 && !destinations)
        return xmpi_err(MPI_ERR_ARG,
                        "destinations is a null pointer but there are %zu edges", *total);
    if (*total > 0 && weighted && (!weights || weights == MPI_WEIGHTS_EMPTY))
        return xmpi_err(MPI_ERR_ARG, "there are no weights for %zu edges", *total);
    int cls = check_ends(comm, "sources", (struct ends){n, sources, NULL});
    if (!cls)
        cls = check_ends(comm, "destinations",
                         (struct ends){(int)*total, destinations, weighted ? weights : NULL});
    return cls;
}

/* Sorts the two ends of every edge by the rank that they are for. */
static int letters_write(struct letters *l, int n, const int sources[], const int degrees[],
                         const int destinations[], const int *weights, bool weighted)
{
    size_t *at = calloc((size_t)l->size + 1, sizeof(*at)), edge = 0;
    l->items = malloc((2 * l->total + 1) * sizeof(*l->items));
    if (!at || !l->items) {
        free(at);
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for %zu edges", l->total);
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < degrees[i]; k++, edge++) {
            l->notices[sources[i]].n++;
            l->notices[destinations[edge]].n++;
        }
    for (int r = 0; r < l->size; r++)
        at[r + 1] = at[r] + (size_t)l->notices[r].n;
    edge = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < degrees[i]; k++, edge++) {
            int from = sources[i], to = destinations[edge];
            int weight = weighted ? weights[edge] : 0;
            l->items[at[from]++] = (struct told){WAY_OUT, to, weight};
            l->items[at[to]++] = (struct told){WAY_IN, from, weight};
        }
    free(at);
    return MPI_SUCCESS;
}

/* Everybody learns how much comes from whom, and fails if anybody has failed. */
static int letters_announce(struct letters *l, int cls, int flags, struct xmpi_comm *comm,
                            bool *weighted)
{
    struct xmpi_dtype *ints = xmpi_dtype_of(MPI_INT);
    struct notice *got = malloc((size_t)l->size * sizeof(*got));
    int all = 0, guilty = -1, own = cls;
    if (!got)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the edges of %d processes", l->size);
    for (int r = 0; r < l->size; r++)
        l->notices[r].flags = cls ? FLAG_ERROR : flags;
    int told = xmpi_alltoall(l->notices, 2, ints, got, 2, ints, comm,
                             (struct xmpi_form){NULL, false});
    for (int r = 0; r < l->size && !told; r++) {
        all |= got[r].flags;
        if ((got[r].flags & FLAG_ERROR) && guilty < 0)
            guilty = r;
    }
    memcpy(l->notices, got, (size_t)l->size * sizeof(*got));
    free(got);
    if (own || told)
        return own ? own : told;
    if (guilty >= 0)
        return xmpi_err(MPI_ERR_ARG, "rank %d gave wrong arguments", guilty);
    if ((all & FLAG_WEIGHTED) && (all & FLAG_UNWEIGHTED))
        return xmpi_err(MPI_ERR_ARG,
                        "some processes gave weights and others MPI_UNWEIGHTED");
    *weighted = !(all & FLAG_UNWEIGHTED);
    return MPI_SUCCESS;
}

static int letters_send(const struct letters *l, const int *counts, struct xmpi_comm *comm)
{
    int cls = MPI_SUCCESS;
    size_t at = 0;
    for (int r = 0; r < l->size && !cls; r++) {
        if (counts[r] > 0)
            cls = xmpi_comm_send_bytes(comm, r, XMPI_TAG_EDGES, l->items + at,
                                       (size_t)counts[r] * sizeof(*l->items));
        at += (size_t)counts[r];
    }
    return cls;
}

/* Received edge ends, in the order of the ranks that told them. */
static int letters_receive(const struct letters *l, struct xmpi_comm *comm,
                           struct told **out, int *n)
{
    size_t total = 0, at = 0;
    int cls = MPI_SUCCESS;
    for (int r = 0; r < l->size; r++)
        total += (size_t)l->notices[r].n;
    struct told *items = malloc((total + 1) * sizeof(*items));
    if (!items || total > INT_MAX) {
        free(items);
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for %zu edges", total);
    }
    for (int r = 0; r < l->size && !cls; r++) {
        size_t len = (size_t)l->notices[r].n;
        if (len > 0)
            cls = xmpi_comm_recv_bytes(comm, r, XMPI_TAG_EDGES, items + at,
                                       len * sizeof(*items));
        at += len;
    }
    *n = (int)total;
    *out = items;
    return cls;
}

/* The topology of this process from what it was told. */
static struct xmpi_topo *dist_from(const struct told *items, int n, bool weighted)
{
    int nin = 0, in = 0, out = 0;
    for (int i = 0; i < n; i++)
        nin += items[i].way == WAY_IN;
    struct xmpi_topo *t = dist_new((struct ends){nin, NULL, NULL},
                                   (struct ends){n - nin, NULL, NULL}, weighted);
    for (int i = 0; t && i < n; i++) {
        bool is_in = items[i].way == WAY_IN;
        int at = is_in ? in++ : out++;
        (is_in ? t->in : t->out)[at] = items[i].rank;
        if (weighted)
            (is_in ? t->in_weights : t->out_weights)[at] = items[i].weight;
    }
    return t;
}

static int exchange(struct letters *l, struct xmpi_comm *comm, int cls, int flags,
                    struct xmpi_topo **topo)
{
    struct told *items = NULL;
    bool weighted = false;
    int n = 0;
    int *counts = malloc((size_t)l->size * sizeof(*counts));
    for (int r = 0; counts && r < l->size; r++)
        counts[r] = l->notices[r].n;
    if (!counts && !cls)
        cls = xmpi_err(MPI_ERR_NO_MEM, "no memory for the edges of %d processes", l->size);
    cls = letters_announce(l, cls, flags, comm, &weighted);
    if (!cls)
        cls = letters_send(l, counts, comm);
    if (!cls)
        cls = letters_receive(l, comm, &items, &n);
    if (!cls) {
        *topo = dist_from(items, n, weighted);
        cls = *topo ? MPI_SUCCESS : MPI_ERR_NO_MEM;
    }
    free(items);
    free(counts);
    return cls;
}

int xmpi_dist_graph_create(struct xmpi_comm *comm, int n, const int sources[],
                           const int degrees[], const int destinations[], const int *weights,
                           struct xmpi_info *info, int reorder, MPI_Comm *newcomm)
{
    struct letters l = {.size = comm->size};
    struct xmpi_topo *topo = NULL;
    bool weighted = weights != MPI_UNWEIGHTED;
    uint64_t ctx;
    (void)reorder;
    *newcomm = MPI_COMM_NULL;
    int cls = xmpi_topo_may(comm);
    if (!cls)
        cls = xmpi_cid_make(comm, xmpi_cid_count(false), &ctx);
    if (cls)
        return cls;
    l.notices = calloc((size_t)l.size, sizeof(*l.notices));
    if (!l.notices)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the edges of %d processes", l.size);
    cls = check_edges(comm, n, sources, degrees, destinations, weights, weighted, &l.total);
    if (!cls)
        cls = letters_write(&l, n, sources, degrees, destinations, weights, weighted);
    int says = weights_say(l.total > 0, weights);
    int flags = says == SAYS_UNWEIGHTED ? FLAG_UNWEIGHTED
                : says == SAYS_WEIGHTED ? FLAG_WEIGHTED
                                        : 0;
    cls = exchange(&l, comm, cls, flags, &topo);
    free(l.notices);
    free(l.items);
    return cls ? cls : dist_make(comm, ctx, topo, info, newcomm);
}

/* ---- queries --------------------------------------------------------------------------------- */

int xmpi_dist_graph_neighbors_count(struct xmpi_comm *comm, int *indegree, int *outdegree,
                                    int *weighted)
{
    int cls = xmpi_topo_is(comm, MPI_DIST_GRAPH);
    if (cls)
        return cls;
    *indegree = comm->topo->nin;
    *outdegree = comm->topo->nout;
    *weighted = comm->topo->weighted;
    return MPI_SUCCESS;
}

/* The first `room` ends; weights are left alone when there are none or nobody asks for them. */
static int give_ends(const char *arg, int n, const int *ranks, const int *weights,
                     int room, int *out, int *out_weights)
{
    if (room > n)
        room = n;
    if (room <= 0)
        return MPI_SUCCESS;
    memcpy(out, ranks, (size_t)room * sizeof(*out));
    if (!weights || out_weights == MPI_UNWEIGHTED)
        return MPI_SUCCESS;
    if (!out_weights || out_weights == MPI_WEIGHTS_EMPTY)
        return xmpi_err(MPI_ERR_ARG, "%s is no array but the graph has weights", arg);
    memcpy(out_weights, weights, (size_t)room * sizeof(*out_weights));
    return MPI_SUCCESS;
}

int xmpi_dist_graph_neighbors(struct xmpi_comm *comm, int maxindegree, int sources[],
                              int *sourceweights, int maxoutdegree, int destinations[],
                              int *destweights)
{
    const struct xmpi_topo *t = comm->topo;
    int cls = xmpi_topo_is(comm, MPI_DIST_GRAPH);
    if (!cls)
        cls = give_ends("sourceweights", t->nin, t->in, t->in_weights, maxindegree,
                        sources, sourceweights);
    if (!cls)
        cls = give_ends("destweights", t->nout, t->out, t->out_weights, maxoutdegree,
                        destinations, destweights);
    return cls;
}
