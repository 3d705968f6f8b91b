/* SPDX-License-Identifier: BSD-3-Clause */
/* Intercommunicators: create, point-to-point, merge in every order and repeatedly, dup, idup,
 * split, create. */
#include "mtest.h"
#include <stdlib.h>

/* Even ranks against odd ranks; leaders are the last of each side. */
static MPI_Comm make(MPI_Comm comm, MPI_Comm *side)
{
    MPI_Comm inter = MPI_COMM_NULL;
    int last, odd = mt_rank % 2, size;
    OK(MPI_Comm_split(comm, odd, mt_rank, side));
    OK(MPI_Comm_size(*side, &size));
    last = 2 * (odd ? (mt_size + 1) / 2 - 1 : mt_size / 2 - 1) + !odd;
    OK(MPI_Intercomm_create(*side, size - 1, comm, last, 17, &inter));
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    return inter;
}

/* Each process greets every process of the other side. */
static void greet(MPI_Comm inter)
{
    int rank, remote, got, flag;
    MPI_Status st;
    OK(MPI_Comm_test_inter(inter, &flag));
    CHECK(flag);
    OK(MPI_Comm_rank(inter, &rank));
    OK(MPI_Comm_remote_size(inter, &remote));
    for (int i = 0; i < remote; i++)
        OK(MPI_Send(&rank, 1, MPI_INT, i, 3, inter));
    for (int i = 0; i < remote; i++) {
        OK(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, 3, inter, &st));
        CHECK_EQ(got, st.MPI_SOURCE);
    }
    OK(MPI_Barrier(inter));
}

static void sizes(MPI_Comm inter, MPI_Comm side)
{
    int size, remote, local, result;
    MPI_Group g, mine;
    MPI_Comm_size(side, &local);
    OK(MPI_Comm_size(inter, &size));
    OK(MPI_Comm_remote_size(inter, &remote));
    CHECK_EQ(size, local);
    CHECK_EQ(remote, mt_size - local);
    OK(MPI_Comm_group(inter, &g));
    OK(MPI_Comm_group(side, &mine));
    OK(MPI_Group_compare(g, mine, &result));
    CHECK_EQ(result, MPI_IDENT);
    OK(MPI_Group_free(&g));
    OK(MPI_Comm_remote_group(inter, &g));
    OK(MPI_Group_compare(g, mine, &result));
    CHECK_EQ(result, MPI_UNEQUAL);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_free(&mine));
    OK(MPI_Comm_compare(inter, side, &result));
    CHECK_EQ(result, MPI_UNEQUAL);
    CHECK_CLASS(MPI_Comm_remote_size(side, &remote), MPI_ERR_COMM);
}

/* The rank expected when `first` says that this side comes first. */
static void merged(MPI_Comm inter, int high, bool first)
{
    MPI_Comm all;
    int rank, size, local, mine, sum = 0;
    OK(MPI_Comm_rank(inter, &mine));
    OK(MPI_Comm_size(inter, &local));
    OK(MPI_Intercomm_merge(inter, high, &all));
    OK(MPI_Comm_rank(all, &rank));
    OK(MPI_Comm_size(all, &size));
    CHECK_EQ(size, mt_size);
    CHECK_EQ(rank, first ? mine : mine + mt_size - local);
    OK(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, all));
    CHECK_EQ(sum, size * (size - 1) / 2);
    OK(MPI_Comm_free(&all));
}

/* Both sides say the same: some order, the same for all. */
static void merged_tie(MPI_Comm inter, int high)
{
    MPI_Comm all;
    int rank, sum = 0;
    OK(MPI_Intercomm_merge(inter, high, &all));
    OK(MPI_Comm_rank(all, &rank));
    OK(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, all));
    CHECK_EQ(sum, mt_size * (mt_size - 1) / 2);
    OK(MPI_Comm_free(&all));
}

static void merges(MPI_Comm inter)
{
    int odd = mt_rank % 2;
    for (int i = 0; i < 3; i++) {
        merged(inter, odd, !odd);
        merged(inter, !odd, odd);
        merged_tie(inter, 0);
        merged_tie(inter, 1);
    }
}

static void dups(MPI_Comm inter)
{
    MPI_Comm a, b;
    MPI_Request req;
    int result;
    OK(MPI_Comm_dup(inter, &a));
    OK(MPI_Comm_idup(inter, &b, &req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    OK(MPI_Comm_compare(a, b, &result));
    CHECK_EQ(result, MPI_CONGRUENT);
    greet(b);
    greet(a);
    merged_tie(b, 0);
    OK(MPI_Comm_free(&a));
    OK(MPI_Comm_free(&b));
}

static void splits(MPI_Comm inter)
{
    MPI_Comm part;
    int rank, remote, size;
    /* Rank 0 of each side, and the others. */
    OK(MPI_Comm_rank(inter, &rank));
    OK(MPI_Comm_split(inter, rank == 0, -rank, &part));
    if (CHECK(part != MPI_COMM_NULL)) {
        OK(MPI_Comm_size(part, &size));
        OK(MPI_Comm_remote_size(part, &remote));
        if (rank == 0)
            CHECK(size == 1 && remote == 1);
        greet(part);
        OK(MPI_Comm_free(&part));
    }
    /* A colour that only one side has gives nothing. */
    OK(MPI_Comm_split(inter, mt_rank % 2, 0, &part));
    CHECK(part == MPI_COMM_NULL);
}

static void creates(MPI_Comm inter)
{
    MPI_Group mine, first;
    MPI_Comm made;
    int zero = 0, rank, remote;
    OK(MPI_Comm_rank(inter, &rank));
    OK(MPI_Comm_group(inter, &mine));
    OK(MPI_Group_incl(mine, 1, &zero, &first));
    OK(MPI_Comm_create(inter, first, &made));
    CHECK((made != MPI_COMM_NULL) == (rank == 0));
    if (made != MPI_COMM_NULL) {
        OK(MPI_Comm_remote_size(made, &remote));
        CHECK_EQ(remote, 1);
        greet(made);
        OK(MPI_Comm_free(&made));
    }
    OK(MPI_Group_free(&first));
    OK(MPI_Group_free(&mine));
}

/* A process cannot face itself. */
static void facing_itself(MPI_Comm comm)
{
    MPI_Comm inter = MPI_COMM_NULL, pair;
    OK(MPI_Comm_split(comm, mt_rank < 2 ? 0 : MPI_UNDEFINED, mt_rank, &pair));
    if (pair == MPI_COMM_NULL)
        return;
    OK(MPI_Comm_set_errhandler(pair, MPI_ERRORS_RETURN));
    int rc = MPI_Intercomm_create(MPI_COMM_SELF, 0, pair, mt_rank, 4, &inter);
    CHECK_CLASS(rc, MPI_ERR_RANK);
    OK(MPI_Comm_free(&pair));
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 5), side;
    MPI_Comm inter = make(comm, &side);
    sizes(inter, side);
    greet(inter);
    merges(inter);
    dups(inter);
    splits(inter);
    creates(inter);
    facing_itself(comm);
    OK(MPI_Comm_disconnect(&inter));
    OK(MPI_Comm_free(&side));
    return mt_end();
}
