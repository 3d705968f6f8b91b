/* SPDX-License-Identifier: BSD-3-Clause */
/* Intracommunicators: dup in all forms, split, create, create_group, split by type, names, info,
 * comparison; many at a time. */
#include "mtest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every process talks to its neighbours in the communicator: it works, and only there. */
static void try_out(MPI_Comm c)
{
    int rank, size, got = -1;
    OK(MPI_Comm_rank(c, &rank));
    OK(MPI_Comm_size(c, &size));
    OK(MPI_Sendrecv(&rank, 1, MPI_INT, (rank + 1) % size, 1, &got, 1, MPI_INT,
                    (rank + size - 1) % size, 1, c, MPI_STATUS_IGNORE));
    CHECK_EQ(got, (rank + size - 1) % size);
    OK(MPI_Barrier(c));
}

static void dups(MPI_Comm comm)
{
    enum { N = 40 };
    MPI_Comm dup[N];
    int result;
    for (int i = 0; i < N; i++)
        OK(MPI_Comm_dup(i ? dup[i - 1] : comm, &dup[i]));
    for (int i = N - 1; i >= 0; i--)
        try_out(dup[i]);
    /* The error handler has come along: this returns. */
    CHECK_CLASS(MPI_Send(&result, 1, MPI_INT, mt_size, 0, dup[N - 1]), MPI_ERR_RANK);
    OK(MPI_Comm_compare(comm, dup[3], &result));
    CHECK_EQ(result, MPI_CONGRUENT);
    OK(MPI_Comm_compare(comm, comm, &result));
    CHECK_EQ(result, MPI_IDENT);
    for (int i = 0; i < N; i++)
        OK(MPI_Comm_free(&dup[i]));
    CHECK(dup[0] == MPI_COMM_NULL);
}

/* Several at once; rank 0 does not start before it has heard of the last, so nobody may block. */
static void idups(MPI_Comm comm)
{
    enum { N = 5 };
    MPI_Comm dup[N];
    MPI_Request reqs[N];
    if (mt_rank == 0)
        OK(MPI_Recv(NULL, 0, MPI_INT, mt_size - 1, 5, comm, MPI_STATUS_IGNORE));
    for (int i = 0; i < N; i++)
        OK(MPI_Comm_idup(comm, &dup[i], &reqs[i]));
    if (mt_rank == mt_size - 1)
        OK(MPI_Send(NULL, 0, MPI_INT, 0, 5, comm));
    OK(MPI_Waitall(N, reqs, MPI_STATUSES_IGNORE));
    for (int i = N - 1; i >= 0; i--) {
        try_out(dup[i]);
        OK(MPI_Comm_free(&dup[i]));
    }
}

static void splits(MPI_Comm comm)
{
    MPI_Comm part;
    int rank, size, odd = (mt_size) / 2;
    /* Odd and even, ranks reversed. */
    OK(MPI_Comm_split(comm, mt_rank % 2, -mt_rank, &part));
    OK(MPI_Comm_size(part, &size));
    OK(MPI_Comm_rank(part, &rank));
    CHECK_EQ(size, mt_rank % 2 ? odd : mt_size - odd);
    CHECK_EQ(rank, size - 1 - mt_rank / 2);
    try_out(part);
    OK(MPI_Comm_free(&part));
    /* Same key: old order. Some take no part. */
    OK(MPI_Comm_split(comm, mt_rank == 1 ? MPI_UNDEFINED : 7, 0, &part));
    if (mt_rank == 1) {
        CHECK(part == MPI_COMM_NULL);
        return;
    }
    OK(MPI_Comm_rank(part, &rank));
    CHECK_EQ(rank, mt_rank == 0 ? 0 : mt_rank - 1);
    try_out(part);
    OK(MPI_Comm_free(&part));
}

/* One wrong colour is everybody's error. */
static void bad_color(MPI_Comm comm)
{
    MPI_Comm part = MPI_COMM_NULL;
    CHECK_CLASS(MPI_Comm_split(comm, mt_rank == 2 ? -5 : 0, 0, &part), MPI_ERR_ARG);
}

static void creates(MPI_Comm comm)
{
    MPI_Group all, g;
    MPI_Comm made;
    int three[] = {2, 0, 1}, rank;
    OK(MPI_Comm_group(comm, &all));
    OK(MPI_Group_incl(all, 3, three, &g));
    OK(MPI_Comm_create(comm, g, &made));
    if (mt_rank < 3) {
        OK(MPI_Comm_rank(made, &rank));
        CHECK_EQ(rank, mt_rank == 2 ? 0 : mt_rank + 1);
        try_out(made);
        OK(MPI_Comm_free(&made));
    } else {
        CHECK(made == MPI_COMM_NULL);
    }
    /* Only members call this one; two at once on one communicator are told apart by tag. */
    if (mt_rank < 3) {
        MPI_Comm second;
        OK(MPI_Comm_create_group(comm, g, 11, &made));
        OK(MPI_Comm_create_group(comm, g, 12, &second));
        try_out(second);
        try_out(made);
        OK(MPI_Comm_free(&made));
        OK(MPI_Comm_free(&second));
    }
    OK(MPI_Comm_create(comm, MPI_GROUP_EMPTY, &made));
    CHECK(made == MPI_COMM_NULL);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_free(&all));
}

static void by_type(MPI_Comm comm)
{
    MPI_Comm node;
    int result;
    OK(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, mt_rank, MPI_INFO_NULL, &node));
    OK(MPI_Comm_compare(comm, node, &result)); /* one host */
    CHECK_EQ(result, MPI_CONGRUENT);
    try_out(node);
    OK(MPI_Comm_free(&node));
    OK(MPI_Comm_split_type(comm, MPI_COMM_TYPE_HW_UNGUIDED, 0, MPI_INFO_NULL, &node));
    CHECK(node == MPI_COMM_NULL);
    OK(MPI_Comm_split_type(comm, MPI_UNDEFINED, 0, MPI_INFO_NULL, &node));
    CHECK(node == MPI_COMM_NULL);
}

static void names_and_info(MPI_Comm comm)
{
    char name[MPI_MAX_OBJECT_NAME], value[20];
    char too_long[MPI_MAX_OBJECT_NAME + 50];
    int len, flag, buflen = sizeof(value);
    MPI_Comm dup;
    MPI_Info info, got;
    OK(MPI_Comm_get_name(MPI_COMM_WORLD, name, &len));
    CHECK(strcmp(name, "MPI_COMM_WORLD") == 0 && len == 14);
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "colour", "red"));
    OK(MPI_Comm_dup_with_info(comm, info, &dup));
    OK(MPI_Comm_get_name(dup, name, &len));
    CHECK(len == 0 && name[0] == '\0');
    memset(too_long, 'x', sizeof(too_long));
    too_long[sizeof(too_long) - 1] = '\0';
    OK(MPI_Comm_set_name(dup, too_long));
    OK(MPI_Comm_get_name(dup, name, &len));
    CHECK_EQ(len, MPI_MAX_OBJECT_NAME - 1);
    OK(MPI_Comm_get_info(dup, &got));
    OK(MPI_Info_get_string(got, "colour", &buflen, value, &flag));
    CHECK(flag && strcmp(value, "red") == 0);
    OK(MPI_Info_free(&got));
    OK(MPI_Info_set(info, "colour", "blue"));
    OK(MPI_Comm_set_info(dup, info));
    OK(MPI_Comm_get_info(dup, &got));
    buflen = sizeof(value);
    OK(MPI_Info_get_string(got, "colour", &buflen, value, &flag));
    CHECK(flag && strcmp(value, "blue") == 0);
    OK(MPI_Info_free(&got));
    OK(MPI_Info_free(&info));
    OK(MPI_Comm_free(&dup));
}

/* A copy has the hints that it was given, those of another one it does not have. */
static void idup_with_info(MPI_Comm comm)
{
    char value[20];
    int flag, buflen = sizeof(value), result;
    MPI_Comm first, second;
    MPI_Request req;
    MPI_Info info, got;
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "colour", "green"));
    OK(MPI_Comm_idup_with_info(comm, info, &first, &req));
    OK(MPI_Info_free(&info));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    OK(MPI_Comm_get_info(first, &got));
    OK(MPI_Info_get_string(got, "colour", &buflen, value, &flag));
    CHECK(flag && strcmp(value, "green") == 0 && buflen == 6);
    OK(MPI_Info_free(&got));
    OK(MPI_Comm_compare(comm, first, &result));
    CHECK_EQ(result, MPI_CONGRUENT);
    try_out(first);
    OK(MPI_Comm_idup_with_info(first, MPI_INFO_NULL, &second, &req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    OK(MPI_Comm_get_info(second, &got));
    OK(MPI_Info_get_string(got, "colour", &buflen, value, &flag));
    CHECK(!flag);
    OK(MPI_Info_free(&got));
    try_out(second);
    OK(MPI_Comm_free(&second));
    OK(MPI_Comm_free(&first));
}

static int copies, deletes;

static int copy_fn(MPI_Comm c, int key, void *extra, void *in, void *out, int *flag)
{
    (void)c, (void)key, (void)extra;
    *(void **)out = (char *)in + 1;
    *flag = 1;
    copies++;
    return MPI_SUCCESS;
}

static int delete_fn(MPI_Comm c, int key, void *value, void *extra)
{
    (void)c, (void)key, (void)value, (void)extra;
    return deletes++ == 0 ? MPI_ERR_OTHER : MPI_SUCCESS; /* refuses the first time */
}

/* Attributes go along with dup, and a delete function can keep a communicator alive. */
static void attributes(MPI_Comm comm)
{
    MPI_Comm dup;
    int key, flag;
    char cell[2], *value;
    OK(MPI_Comm_create_keyval(copy_fn, delete_fn, &key, NULL));
    OK(MPI_Comm_set_attr(comm, key, cell));
    OK(MPI_Comm_dup(comm, &dup));
    OK(MPI_Comm_set_errhandler(dup, MPI_ERRORS_RETURN));
    OK(MPI_Comm_get_attr(dup, key, &value, &flag));
    CHECK(flag && value == cell + 1 && copies == 1);
    CHECK(MPI_Comm_free(&dup) != MPI_SUCCESS && dup != MPI_COMM_NULL);
    try_out(dup);
    OK(MPI_Comm_free(&dup));
    CHECK_EQ(deletes, 2);
    OK(MPI_Comm_delete_attr(comm, key));
    OK(MPI_Comm_free_keyval(&key));
}

/* The functions of MPI 1 are the same attributes by other names. */
static void old_attributes(MPI_Comm comm)
{
    MPI_Comm dup;
    int key, dup_key, flag;
    char cell[2], *value;
    copies = deletes = 0;
    OK(MPI_Keyval_create(copy_fn, delete_fn, &key, NULL));
    OK(MPI_Keyval_create(MPI_DUP_FN, MPI_NULL_DELETE_FN, &dup_key, NULL));
    OK(MPI_Attr_get(comm, key, &value, &flag));
    CHECK(!flag);
    OK(MPI_Attr_put(comm, key, cell));
    OK(MPI_Attr_put(comm, dup_key, cell));
    OK(MPI_Comm_dup(comm, &dup));
    OK(MPI_Attr_get(dup, key, &value, &flag));
    CHECK(flag && value == cell + 1 && copies == 1);
    OK(MPI_Comm_get_attr(dup, dup_key, &value, &flag));
    CHECK(flag && value == cell);
    CHECK_CLASS(MPI_Attr_delete(dup, key), MPI_ERR_OTHER); /* refused once */
    OK(MPI_Attr_delete(dup, key));
    CHECK_EQ(deletes, 2);
    OK(MPI_Attr_get(dup, key, &value, &flag));
    CHECK(!flag);
    OK(MPI_Comm_free(&dup));
    OK(MPI_Attr_delete(comm, key));
    OK(MPI_Attr_delete(comm, dup_key));
    OK(MPI_Keyval_free(&key));
    OK(MPI_Comm_free_keyval(&dup_key));
    CHECK(key == MPI_KEYVAL_INVALID);
    OK(MPI_Attr_get(MPI_COMM_WORLD, MPI_TAG_UB, &value, &flag));
    CHECK(flag && *(int *)(void *)value >= 32767);
}

/* A communicator that is freed while operations are pending: they complete all the same. */
static void freed_early(MPI_Comm comm)
{
    enum { LONG = 300000 };
    MPI_Comm dup;
    MPI_Request req = MPI_REQUEST_NULL;
    char *buf = malloc(LONG);
    OK(MPI_Comm_dup(comm, &dup));
    mt_fill(buf, LONG, 4);
    if (mt_rank == 0)
        OK(MPI_Isend(buf, LONG, MPI_BYTE, 1, 1, dup, &req));
    if (mt_rank == 1) {
        memset(buf, 0, LONG);
        OK(MPI_Irecv(buf, LONG, MPI_BYTE, 0, 1, dup, &req));
    }
    OK(MPI_Comm_free(&dup));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    CHECK(mt_filled(buf, LONG, 4));
    free(buf);
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 5);
    dups(comm);
    idups(comm);
    splits(comm);
    bad_color(comm);
    creates(comm);
    by_type(comm);
    names_and_info(comm);
    idup_with_info(comm);
    attributes(comm);
    old_attributes(comm);
    freed_early(comm);
    return mt_end();
}
