/* SPDX-License-Identifier: BSD-3-Clause */
/* New communicators from parts of one: split by colour, by group (by hardware: split_type.c). One allgather
 * carries colours, keys and the block of context ids; groups of one split share the block, for no
 * process is in two of them. */
#include "abi/handles.h"
#include "coll/coll.h"
#include "comm/comm.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stdlib.h>

struct item {
    int32_t color, key;
    uint64_t ctx; /* from rank 0 */
};

/* One side's items in rank order. */
struct side {
    struct item *items;
    int n;
    struct xmpi_group *group; /* the members that they belong to */
};

struct place {
    int key, rank;
};

static int place_cmp(const void *va, const void *vb)
{
    const struct place *a = va, *b = vb;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* The members of a side with this colour, by key and old rank. *out may be an empty group. */
static int pick(const struct side *side, int color, struct xmpi_group **out)
{
    int n = 0;
    struct place *places = malloc(((size_t)side->n + 1) * sizeof(*places));
    pvmx_tid *tids = malloc(((size_t)side->n + 1) * sizeof(*tids));
    int cls = MPI_ERR_NO_MEM;
    if (places && tids) {
        for (int i = 0; i < side->n; i++)
            if (side->items[i].color == color)
                places[n++] = (struct place){side->items[i].key, i};
        qsort(places, (size_t)n, sizeof(*places), place_cmp);
        for (int i = 0; i < n; i++)
            tids[i] = side->group->tids[places[i].rank];
        cls = xmpi_group_make(tids, n, out);
    } else {
        xmpi_err(cls, "no memory to split a communicator of %d processes", side->n);
    }
    free(places);
    free(tids);
    return cls;
}

/* A colour that is not allowed is an error for all: nobody waits for the one who gave it. */
static int check_colors(const struct side *side)
{
    for (int i = 0; i < side->n; i++)
        if (side->items[i].color < 0 && side->items[i].color != MPI_UNDEFINED)
            return xmpi_err(MPI_ERR_ARG, "color is %d in rank %d; it must be 0 or more, or MPI_UNDEFINED",
                            side->items[i].color, i);
    return MPI_SUCCESS;
}

static int side_gather(struct xmpi_comm *comm, int color, int key, unsigned ids,
                       struct side *side)
{
    struct item mine = {color, key, comm->rank == 0 ? pvmx_engine_ctx_alloc(ids) : 0};
    side->n = comm->size;
    side->group = comm->local;
    side->items = calloc((size_t)comm->size, sizeof(*side->items));
    if (!side->items)
        return xmpi_err(MPI_ERR_NO_MEM,
                        "no memory to split a communicator of %d processes", comm->size);
    if (comm->size == 1) {
        side->items[0] = mine;
        return MPI_SUCCESS;
    }
    return xmpi_coll_allgather_bytes(&mine, sizeof(mine), side->items,
                                     comm->inter ? comm->local_comm : comm);
}

/* The first processes of the two groups exchange what they gathered and tell their own. */
static int side_exchange(struct xmpi_comm *comm, const struct side *mine, struct side *theirs)
{
    int cls = MPI_SUCCESS;
    size_t len = (size_t)comm->remote->size * sizeof(*theirs->items);
    theirs->n = comm->remote->size;
    theirs->group = comm->remote;
    theirs->items = calloc((size_t)theirs->n + 1, sizeof(*theirs->items));
    if (!theirs->items)
        return xmpi_err(MPI_ERR_NO_MEM,
                        "no memory to split a communicator of %d processes", theirs->n);
    if (theirs->n == 0)
        return MPI_SUCCESS;
    if (comm->rank == 0) {
        cls = xmpi_comm_send_bytes(comm, 0, XMPI_TAG_LEADERS, mine->items,
                                   (size_t)mine->n * sizeof(*mine->items));
        int got = xmpi_comm_recv_bytes(comm, 0, XMPI_TAG_LEADERS, theirs->items, len);
        cls = cls ? cls : got;
        /* A colour that nobody may give tells the own group of the failure. */
        if (cls)
            theirs->items[0].color = INT32_MIN;
    }
    int told = xmpi_coll_bcast_bytes(theirs->items, len, 0, comm->local_comm);
    return cls ? cls : told;
}

static int make_from(struct xmpi_comm *comm, uint64_t ctx, struct xmpi_group *local,
                     struct xmpi_group *remote, MPI_Comm *newcomm)
{
    struct xmpi_comm *made;
    int cls = xmpi_comm_make(ctx, local, remote, comm, &made);
    if (!cls)
        *newcomm = xmpi_comm_handle(made);
    return cls;
}

static int split_intra(struct xmpi_comm *comm, int color, int key, MPI_Comm *newcomm)
{
    struct side side = {0};
    struct xmpi_group *local;
    int cls = side_gather(comm, color, key, xmpi_cid_count(false), &side);
    if (!cls)
        cls = check_colors(&side);
    if (!cls && color != MPI_UNDEFINED) {
        cls = pick(&side, color, &local);
        if (!cls) {
            cls = make_from(comm, side.items[0].ctx, local, NULL, newcomm);
            xmpi_group_release(local);
        }
    }
    free(side.items);
    return cls;
}

/* Each colour becomes an intercommunicator, when both groups have it. */
static int split_inter_make(struct xmpi_comm *comm, int color, const struct side *mine,
                            const struct side *theirs, MPI_Comm *newcomm)
{
    struct xmpi_group *local, *remote;
    uint64_t ctx = comm->high ? theirs->items[0].ctx : mine->items[0].ctx;
    int cls = pick(mine, color, &local);
    if (cls)
        return cls;
    cls = pick(theirs, color, &remote);
    if (!cls) {
        if (remote->size > 0)
            cls = make_from(comm, ctx, local, remote, newcomm);
        xmpi_group_release(remote);
    }
    xmpi_group_release(local);
    return cls;
}

static int split_inter(struct xmpi_comm *comm, int color, int key, MPI_Comm *newcomm)
{
    struct side mine = {0}, theirs = {0};
    int cls = side_gather(comm, color, key, xmpi_cid_count(true), &mine);
    if (!cls)
        cls = side_exchange(comm, &mine, &theirs);
    if (!cls)
        cls = check_colors(&mine);
    if (!cls)
        cls = check_colors(&theirs);
    if (!cls && color != MPI_UNDEFINED)
        cls = split_inter_make(comm, color, &mine, &theirs, newcomm);
    free(mine.items);
    free(theirs.items);
    return cls;
}

int xmpi_comm_split(struct xmpi_comm *comm, int color, int key, MPI_Comm *newcomm)
{
    *newcomm = MPI_COMM_NULL;
    return comm->inter ? split_inter(comm, color, key, newcomm)
                       : split_intra(comm, color, key, newcomm);
}

static int create_intra(struct xmpi_comm *comm, struct xmpi_group *group, MPI_Comm *newcomm)
{
    uint64_t ctx;
    int *ranks;
    /* The exchange first: a wrong group in one process must not leave the others waiting. */
    int cls = xmpi_cid_make(comm, xmpi_cid_count(false), &ctx);
    if (cls)
        return cls;
    cls = xmpi_group_ranks_in(group, comm->local, &ranks);
    if (cls)
        return cls;
    free(ranks);
    return group->rank == MPI_UNDEFINED ? MPI_SUCCESS
                                        : make_from(comm, ctx, group, NULL, newcomm);
}

int xmpi_comm_create(struct xmpi_comm *comm, struct xmpi_group *group, MPI_Comm *newcomm)
{
    bool member = group->rank != MPI_UNDEFINED;
    *newcomm = MPI_COMM_NULL;
    if (!comm->inter)
        return create_intra(comm, group, newcomm);
    return split_inter(comm, member ? 0 : MPI_UNDEFINED, member ? group->rank : 0, newcomm);
}

/* The block of context ids goes down a binomial tree over the group's ranks; log2(n) hops. Only
 * members take part, so the tree is made of messages with the caller's tag. */
static int group_tree(struct xmpi_comm *comm, const int *ranks, int n, int me, int tag,
                      uint64_t *ctx)
{
    int mask = 1, cls = MPI_SUCCESS;
    while (mask < n && !(me & mask))
        mask <<= 1;
    if (me > 0)
        cls = xmpi_comm_recv_bytes(comm, ranks[me - mask], tag, ctx, sizeof(*ctx));
    for (mask >>= 1; mask > 0; mask >>= 1) {
        if (me + mask >= n)
            continue;
        int sent = xmpi_comm_send_bytes(comm, ranks[me + mask], tag, ctx, sizeof(*ctx));
        cls = cls ? cls : sent;
    }
    return cls;
}

int xmpi_comm_create_group(struct xmpi_comm *comm, struct xmpi_group *group, int tag,
                           MPI_Comm *newcomm)
{
    uint64_t ctx = 0;
    int *ranks;
    *newcomm = MPI_COMM_NULL;
    if (comm->inter)
        return xmpi_err(MPI_ERR_COMM, "MPI_Comm_create_group takes an intracommunicator");
    if (group->rank == MPI_UNDEFINED)
        return MPI_SUCCESS;
    int cls = xmpi_group_ranks_in(group, comm->local, &ranks);
    if (cls)
        return cls;
    if (group->rank == 0)
        ctx = pvmx_engine_ctx_alloc(xmpi_cid_count(false));
    cls = group_tree(comm, ranks, group->size, group->rank,
                     XMPI_TAG_GROUP | (tag & XMPI_TAG_USER_MASK), &ctx);
    free(ranks);
    if (!cls && ctx == 0)
        cls = xmpi_err(XMPI_ERR_PROC_FAILED, "a process of the group has failed");
    return cls ? cls : make_from(comm, ctx, group, NULL, newcomm);
}
