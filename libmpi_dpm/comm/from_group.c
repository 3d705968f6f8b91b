/* SPDX-License-Identifier: BSD-3-Clause */
/* Communicators of processes that have none in common yet: made from groups. Whoever calls with the
 * same name and members meets in a context that follows from both. */
#include "abi/handles.h"
#include "comm/comm.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "xmpi.h"
#include <string.h>

enum meeting {
    MEET_GROUP,   /* all of a group, to make their communicator */
    MEET_SIDE,    /* one side of an intercommunicator           */
    MEET_LEADERS, /* the leaders of its two sides               */
};

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t h, const void *data, size_t n)
{
    for (const unsigned char *p = data; n > 0; n--, p++)
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t meeting_ctx(const struct xmpi_group *group, const char *name, enum meeting what)
{
    uint64_t h = hash_bytes(UINT64_C(0xcbf29ce484222325), name, strlen(name) + 1);
    h = hash_bytes(h, &what, sizeof(what));
    for (int i = 0; i < group->size; i++) {
        pvmx_tid tid = xmpi_tid(group->tids[i]);
        h = hash_bytes(h, &tid, sizeof(tid));
    }
    return XMPI_CTX_MEETING | (h & (XMPI_CTX_MEETING - 1) & ~UINT64_C(1));
}

/* Makes a communicator for what must be said at a meeting. Messages of two meetings of the same name
 * and members, one after the other, arrive in order: they go the same ways. */
static int meet(struct xmpi_group *group, const char *name, enum meeting what,
                struct xmpi_comm **out)
{
    return xmpi_comm_make(meeting_ctx(group, name, what), group, NULL, NULL, out);
}

static int check_name(const char *name)
{
    if (strlen(name) <= MPI_MAX_STRINGTAG_LEN)
        return MPI_SUCCESS;
    return xmpi_err(MPI_ERR_ARG, "stringtag has %zu characters; it may have %d",
                    strlen(name), MPI_MAX_STRINGTAG_LEN);
}

static int make_intra(struct xmpi_group *group, const char *name, enum meeting what,
                      struct xmpi_comm **out)
{
    struct xmpi_comm *room;
    uint64_t ctx;
    int cls = meet(group, name, what, &room);
    if (cls)
        return cls;
    cls = xmpi_cid_make(room, xmpi_cid_count(false), &ctx);
    xmpi_comm_release(room);
    return cls ? cls : xmpi_comm_make(ctx, group, NULL, NULL, out);
}

/* Gives a new communicator what the program wants it to have, and hands it out. */
static int give(struct xmpi_comm *comm, struct xmpi_info *info,
                struct xmpi_errhandler *eh, MPI_Comm *out)
{
    int cls = info ? xmpi_comm_set_info(comm, info) : MPI_SUCCESS;
    if (!cls)
        cls = xmpi_comm_set_errhandler(comm, eh);
    if (cls)
        xmpi_comm_release(comm);
    else
        *out = xmpi_comm_handle(comm);
    return cls;
}

int xmpi_comm_create_from_group(struct xmpi_group *group, const char *stringtag,
                                struct xmpi_info *info,
                                struct xmpi_errhandler *errhandler, MPI_Comm *newcomm)
{
    struct xmpi_comm *made;
    int cls = check_name(stringtag);
    if (!cls)
        cls = xmpi_errhandler_fits(errhandler, XMPI_KIND_COMM);
    *newcomm = MPI_COMM_NULL;
    if (cls || group->size == 0)
        return cls;
    if (group->rank == MPI_UNDEFINED)
        return xmpi_err(MPI_ERR_GROUP, "this process is not a member of group");
    cls = make_intra(group, stringtag, MEET_GROUP, &made);
    return cls ? cls : give(made, info, errhandler, newcomm);
}

/* The communicator of the two leaders, by tid so that both name the same one. */
static int meet_leader(struct xmpi_comm *local, struct xmpi_group *remote,
                       int remote_leader, const char *name, struct xmpi_comm **out)
{
    if (!remote)
        return xmpi_err(MPI_ERR_GROUP, "remote_group is not a group");
    if (remote_leader < 0 || remote_leader >= remote->size)
        return xmpi_err(MPI_ERR_RANK, "remote_leader is %d but remote_group has %d processes",
                        remote_leader, remote->size);
    pvmx_tid mine = xmpi_tid(local->local->tids[local->rank]);
    pvmx_tid theirs = xmpi_tid(remote->tids[remote_leader]);
    if (mine == theirs)
        return xmpi_err(MPI_ERR_RANK, "remote_leader %d is this process itself",
                        remote_leader);
    pvmx_tid both[2] = {mine < theirs ? mine : theirs, mine < theirs ? theirs : mine};
    struct xmpi_group *leaders;
    int cls = xmpi_group_make(both, 2, &leaders);
    if (cls)
        return cls;
    cls = meet(leaders, name, MEET_LEADERS, out);
    xmpi_group_release(leaders);
    return cls;
}

int xmpi_intercomm_create_from_groups(struct xmpi_group *local_group, int local_leader,
                                      struct xmpi_group *remote_group, int remote_leader,
                                      const char *stringtag, struct xmpi_info *info,
                                      struct xmpi_errhandler *errhandler,
                                      MPI_Comm *newintercomm)
{
    struct xmpi_comm *local, *leaders = NULL, *made = NULL;
    int cls = check_name(stringtag), met = MPI_SUCCESS;
    if (!cls)
        cls = xmpi_errhandler_fits(errhandler, XMPI_KIND_COMM);
    if (cls)
        return cls;
    if (local_group->rank == MPI_UNDEFINED)
        return xmpi_err(MPI_ERR_GROUP, "this process is not a member of local_group");
    if (local_leader < 0 || local_leader >= local_group->size)
        return xmpi_err(MPI_ERR_RANK, "local_leader is %d but local_group has %d processes",
                        local_leader, local_group->size);
    cls = make_intra(local_group, stringtag, MEET_SIDE, &local);
    if (cls)
        return cls;
    if (local->rank == local_leader)
        met = meet_leader(local, remote_group, remote_leader, stringtag, &leaders);
    cls = xmpi_inter_make(local, local_leader, met, leaders,
                          leaders ? 1 - leaders->rank : 0, 0, &made);
    if (leaders)
        xmpi_comm_release(leaders);
    xmpi_comm_release(local);
    return cls ? cls : give(made, info, errhandler, newintercomm);
}
