/* SPDX-License-Identifier: BSD-3-Clause */
/* Intercommunicators from two intracommunicators, and back again by merging. */
#include "abi/handles.h"
#include "coll/coll.h"
#include "comm/comm.h"
#include "ft/ft.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stdlib.h>
#include <string.h>

/* What the leaders tell each other, and then their groups: this, then the tids. */
struct leader_word {
    int32_t cls; /* to the own group only: MPI_SUCCESS, or why there will be no communicator */
    int32_t n;
    uint64_t ctx;
};

/* Leaders swap their words, then their tids: lengths first, so that both know what comes. */
static int leaders_swap(struct xmpi_comm *local_comm, struct xmpi_comm *peer_comm,
                        int remote, int tag, struct leader_word *theirs, pvmx_tid **tids)
{
    struct xmpi_group *group = local_comm->local;
    size_t len = (size_t)group->size * sizeof(**tids);
    struct leader_word mine = {0, group->size, pvmx_engine_ctx_alloc(xmpi_cid_count(true))};
    pvmx_tid *own = malloc(len);
    int cls = own ? MPI_SUCCESS : xmpi_err(MPI_ERR_NO_MEM, "no memory for the group's tids");
    for (int i = 0; own && i < group->size; i++)
        own[i] = xmpi_tid(group->tids[i]);
    if (!cls)
        cls = xmpi_comm_send_bytes(peer_comm, remote, tag, &mine, sizeof(mine));
    if (!cls)
        cls = xmpi_comm_send_bytes(peer_comm, remote, tag, own, len);
    if (!cls)
        cls = xmpi_comm_recv_bytes(peer_comm, remote, tag, theirs, sizeof(*theirs));
    if (!cls) {
        *tids = calloc((size_t)theirs->n + 1, sizeof(**tids));
        if (!*tids)
            cls = xmpi_err(MPI_ERR_NO_MEM, "no memory for %d tids", theirs->n);
    }
    if (!cls)
        cls = xmpi_comm_recv_bytes(peer_comm, remote, tag, *tids,
                                   (size_t)theirs->n * sizeof(**tids));
    /* One of the two blocks is used: that of the leader with the smaller tid. */
    if (!cls && own[local_comm->rank] < xmpi_tid(peer_comm->remote->tids[remote]))
        theirs->ctx = mine.ctx;
    free(own);
    return cls;
}

static int check_leader(struct xmpi_comm *local_comm, struct xmpi_comm *peer_comm, int remote)
{
    if (!peer_comm)
        return xmpi_err(MPI_ERR_COMM, "peer_comm is not a communicator");
    if (remote < 0 || remote >= peer_comm->remote->size)
        return xmpi_err(MPI_ERR_RANK, "remote_leader %d is not a rank of peer_comm (0 to %d)",
                        remote, peer_comm->remote->size - 1);
    if (xmpi_tid(peer_comm->remote->tids[remote]) ==
        xmpi_tid(local_comm->local->tids[local_comm->rank]))
        return xmpi_err(MPI_ERR_RANK, "remote_leader %d is this process itself", remote);
    return MPI_SUCCESS;
}

/* What the leader learned goes to its group in two broadcasts: the word, then the tids. */
static int tell_group(struct xmpi_comm *local_comm, int leader, struct leader_word *word,
                      pvmx_tid **tids)
{
    int cls = xmpi_coll_bcast_bytes(word, sizeof(*word), leader, local_comm);
    if (cls)
        return cls;
    if (word->cls)
        return local_comm->rank == leader
                   ? word->cls
                   : xmpi_err(word->cls,
                              "rank %d, the leader, could not exchange groups with "
                              "the remote leader",
                              leader);
    if (local_comm->rank != leader) {
        *tids = calloc((size_t)word->n + 1, sizeof(**tids));
        if (!*tids)
            return xmpi_err(MPI_ERR_NO_MEM, "no memory for %d tids", word->n);
    }
    return xmpi_coll_bcast_bytes(*tids, (size_t)word->n * sizeof(**tids), leader, local_comm);
}

static int make_inter(struct xmpi_comm *local_comm, const struct leader_word *word,
                      const pvmx_tid *tids, struct xmpi_comm **out)
{
    struct xmpi_group *remote;
    bool disjoint;
    int cls = xmpi_group_make(tids, word->n, &remote);
    if (cls)
        return cls;
    cls = xmpi_group_disjoint(local_comm->local, remote, &disjoint);
    if (!cls && !disjoint)
        cls = xmpi_err(MPI_ERR_COMM,
                       "the two groups of an intercommunicator have a process in "
                       "common");
    if (!cls)
        cls = xmpi_comm_make(word->ctx, local_comm->local, remote, local_comm, out);
    xmpi_group_release(remote);
    return cls;
}

int xmpi_inter_make(struct xmpi_comm *local_comm, int local_leader, int peer_cls,
                    struct xmpi_comm *peer_comm, int remote_leader, int tag,
                    struct xmpi_comm **out)
{
    struct leader_word word = {.cls = peer_cls};
    pvmx_tid *tids = NULL;
    if (local_comm->rank == local_leader && !word.cls)
        word.cls = leaders_swap(local_comm, peer_comm, remote_leader,
                                XMPI_TAG_INTER | (tag & XMPI_TAG_USER_MASK), &word, &tids);
    int cls = tell_group(local_comm, local_leader, &word, &tids);
    if (!cls)
        cls = make_inter(local_comm, &word, tids, out);
    free(tids);
    return cls;
}

int xmpi_intercomm_create(struct xmpi_comm *local_comm, int local_leader,
                          struct xmpi_comm *peer_comm, int remote_leader, int tag,
                          MPI_Comm *newintercomm)
{
    struct xmpi_comm *made;
    int peer_cls = MPI_SUCCESS;
    if (local_comm->inter)
        return xmpi_err(MPI_ERR_COMM, "local_comm must be an intracommunicator");
    if (local_leader < 0 || local_leader >= local_comm->size)
        return xmpi_err(MPI_ERR_RANK, "local_leader %d is not a rank of local_comm (0 to %d)",
                        local_leader, local_comm->size - 1);
    if (tag < 0)
        return xmpi_err(MPI_ERR_TAG, "tag is %d, less than 0", tag);
    if (local_comm->rank == local_leader)
        peer_cls = check_leader(local_comm, peer_comm, remote_leader);
    int cls = xmpi_inter_make(local_comm, local_leader, peer_cls, peer_comm,
                              remote_leader, tag, &made);
    if (!cls)
        *newintercomm = xmpi_comm_handle(made);
    return cls;
}

/* ---- merge ------------------------------------------------------------------------- */

/* Every process needs one word of the other side: what it gave for `high`. So rank r tells those
 * remote ranks i with i mod (local size) == r, and hears from (r mod remote size): one hop, no
 * leaders, and for one parent with n children n + 1 small messages. Who knows of a failure says so
 * instead, and whatever goes wrong (cls: has gone wrong already) everyone is told something, so that
 * nobody waits for ever. */
static int swap_high(struct xmpi_comm *comm, int high, int cls, int *their_high)
{
    enum { FAILED = 2 };
    int32_t word = cls || xmpi_ft_any(comm) ? FAILED : high != 0, theirs = FAILED;
    for (int i = comm->rank; i < comm->remote->size; i += comm->size) {
        int told = xmpi_comm_send_bytes(comm, i, XMPI_TAG_MERGE, &word, sizeof(word));
        cls = cls ? cls : told;
    }
    int heard = xmpi_comm_recv_bytes(comm, comm->rank % comm->remote->size,
                                     XMPI_TAG_MERGE, &theirs, sizeof(theirs));
    *their_high = theirs;
    if (cls || heard)
        return cls ? cls : heard;
    if (word == FAILED || theirs == FAILED)
        return xmpi_err(XMPI_ERR_PROC_FAILED, "a process of the two groups has ended");
    return MPI_SUCCESS;
}

static int join_groups(struct xmpi_comm *comm, bool local_first, struct xmpi_group **out)
{
    struct xmpi_group *first = local_first ? comm->local : comm->remote;
    struct xmpi_group *second = local_first ? comm->remote : comm->local;
    size_t n = (size_t)first->size + (size_t)second->size;
    pvmx_tid *tids = malloc(n * sizeof(*tids));
    if (!tids)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a group of %zu processes", n);
    for (int i = 0; i < first->size; i++)
        tids[i] = xmpi_tid(first->tids[i]);
    for (int i = 0; i < second->size; i++)
        tids[first->size + i] = xmpi_tid(second->tids[i]);
    int cls = xmpi_group_make(tids, (int)n, out);
    free(tids);
    return cls;
}

int xmpi_intercomm_merge(struct xmpi_comm *comm, int high, MPI_Comm *newintracomm)
{
    uint64_t ctx = comm->ctx + 4;
    int their_high = !high, cls = MPI_SUCCESS;
    struct xmpi_group *group;
    struct xmpi_comm *made;
    if (!comm->inter)
        return xmpi_err(MPI_ERR_COMM, "an intracommunicator cannot be merged");
    if (comm->merge_used)
        cls = xmpi_cid_make(comm, xmpi_cid_count(false), &ctx);
    comm->merge_used = true;
    if (comm->remote->size > 0)
        cls = swap_high(comm, high, cls, &their_high);
    if (cls)
        return cls;
    /* Both said the same: the low side comes first. */
    bool first = (high != 0) == (their_high != 0) ? !comm->high : !high;
    cls = join_groups(comm, first, &group);
    if (cls)
        return cls;
    cls = xmpi_comm_make(ctx, group, NULL, comm, &made);
    if (!cls)
        *newintracomm = xmpi_comm_handle(made);
    xmpi_group_release(group);
    return cls;
}
