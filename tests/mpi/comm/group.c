/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups: selection, set operations, translation, comparison; groups large enough to be hashed. */
#include "mtest.h"
#include <stdlib.h>

static void ranks_are(MPI_Group g, MPI_Group of, int n, const int *want)
{
    int size, got[64], own[64];
    OK(MPI_Group_size(g, &size));
    if (!CHECK_EQ(size, n))
        return;
    for (int i = 0; i < n; i++)
        own[i] = i;
    OK(MPI_Group_translate_ranks(g, n, own, of, got));
    for (int i = 0; i < n; i++)
        CHECK_EQ(got[i], want[i]);
}

static void selection(MPI_Group all)
{
    MPI_Group g;
    int three[] = {4, 0, 2}, rest[64], twice[] = {1, 1}, far[] = {99}, rank, n = 0;
    int ranges[][3] = {{4, 0, -2}}, both[] = {4, 2, 0}, bad[][3] = {{0, 4, 0}};
    for (int i = 0; i < mt_size; i++)
        if (i != 0 && i != 2 && i != 4)
            rest[n++] = i;
    OK(MPI_Group_incl(all, 3, three, &g));
    ranks_are(g, all, 3, three);
    OK(MPI_Group_rank(g, &rank));
    CHECK_EQ(rank, mt_rank == 4   ? 0
                   : mt_rank == 0 ? 1
                   : mt_rank == 2 ? 2
                                  : MPI_UNDEFINED);
    OK(MPI_Group_free(&g));
    CHECK(g == MPI_GROUP_NULL);
    OK(MPI_Group_excl(all, 3, three, &g));
    ranks_are(g, all, n, rest);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_range_incl(all, 1, ranges, &g));
    ranks_are(g, all, 3, both);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_range_excl(all, 1, ranges, &g));
    ranks_are(g, all, n, rest);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_incl(all, 0, NULL, &g));
    CHECK(g == MPI_GROUP_EMPTY);
    OK(MPI_Group_excl(all, 0, NULL, &g));
    OK(MPI_Group_compare(g, all, &rank));
    CHECK_EQ(rank, MPI_IDENT);
    OK(MPI_Group_free(&g));
    CHECK_CLASS(MPI_Group_incl(all, 2, twice, &g), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Group_incl(all, 1, far, &g), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Group_excl(all, 1, far, &g), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Group_range_incl(all, 1, bad, &g), MPI_ERR_ARG);
}

static void sets(MPI_Group all)
{
    MPI_Group a, b, g;
    int in_a[] = {3, 1, 0}, in_b[] = {0, 2, 3}, both[] = {3, 0}, onl[] = {1};
    int sum[] = {3, 1, 0, 2}, result, sorted[] = {0, 1, 3};
    OK(MPI_Group_incl(all, 3, in_a, &a));
    OK(MPI_Group_incl(all, 3, in_b, &b));
    OK(MPI_Group_union(a, b, &g));
    ranks_are(g, all, 4, sum);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_intersection(a, b, &g));
    ranks_are(g, all, 2, both);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_difference(a, b, &g));
    ranks_are(g, all, 1, onl);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_difference(a, a, &g));
    CHECK(g == MPI_GROUP_EMPTY);
    OK(MPI_Group_union(MPI_GROUP_EMPTY, MPI_GROUP_EMPTY, &g));
    CHECK(g == MPI_GROUP_EMPTY);
    OK(MPI_Group_compare(a, b, &result));
    CHECK_EQ(result, MPI_UNEQUAL);
    OK(MPI_Group_incl(all, 3, sorted, &g));
    OK(MPI_Group_compare(a, g, &result));
    CHECK_EQ(result, MPI_SIMILAR);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_free(&a));
    OK(MPI_Group_free(&b));
}

static void translation(MPI_Group all)
{
    MPI_Group g;
    int in[] = {2, 1}, ask[] = {0, 1, 2, MPI_PROC_NULL}, got[4], bad[] = {-4};
    OK(MPI_Group_incl(all, 2, in, &g));
    OK(MPI_Group_translate_ranks(all, 4, ask, g, got));
    CHECK(got[0] == MPI_UNDEFINED && got[1] == 1 && got[2] == 0 && got[3] == MPI_PROC_NULL);
    CHECK_CLASS(MPI_Group_translate_ranks(all, 1, bad, g, got), MPI_ERR_RANK);
    OK(MPI_Group_free(&g));
}

/* MPI_Comm_group and its lifetime: the group outlives the communicator. */
static void of_comm(MPI_Comm comm)
{
    MPI_Comm dup;
    MPI_Group g, other;
    int size, result;
    OK(MPI_Comm_dup(comm, &dup));
    OK(MPI_Comm_group(dup, &g));
    OK(MPI_Comm_free(&dup));
    OK(MPI_Group_size(g, &size));
    CHECK_EQ(size, mt_size);
    OK(MPI_Comm_group(comm, &other));
    OK(MPI_Group_compare(g, other, &result));
    CHECK_EQ(result, MPI_IDENT);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_free(&other));
    CHECK_CLASS(MPI_Comm_remote_group(comm, &g), MPI_ERR_COMM);
}

/* The group of COMM_SELF before and after this process has got a tid is the same. */
static void of_self(MPI_Group all)
{
    MPI_Group self;
    int zero = 0, got;
    OK(MPI_Comm_group(MPI_COMM_SELF, &self));
    OK(MPI_Group_translate_ranks(self, 1, &zero, all, &got));
    CHECK_EQ(got, mt_rank);
    OK(MPI_Group_free(&self));
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 20);
    MPI_Group all;
    OK(MPI_Comm_group(comm, &all));
    selection(all);
    sets(all);
    translation(all);
    of_comm(comm);
    of_self(all);
    OK(MPI_Group_free(&all));
    return mt_end();
}
