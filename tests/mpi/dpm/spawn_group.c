/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawn by a group: arguments count at the root only, all get the same intercommunicator or the
 * same error; merge and disconnect of many with many. */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>

enum { CHILDREN = 5 };

static void ring(MPI_Comm all)
{
    int rank, size, got = -1;
    OK(MPI_Comm_rank(all, &rank));
    OK(MPI_Comm_size(all, &size));
    OK(MPI_Sendrecv(&rank, 1, MPI_INT, (rank + 1) % size, 1, &got, 1, MPI_INT,
                    (rank + size - 1) % size, 1, all, MPI_STATUS_IGNORE));
    CHECK_EQ(got, (rank + size - 1) % size);
}

static int child(void)
{
    MPI_Comm parent, all;
    int remote, root = -1, rank;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Comm_remote_size(parent, &remote));
    OK(MPI_Comm_rank(parent, &rank));
    OK(MPI_Recv(&root, 1, MPI_INT, MPI_ANY_SOURCE, 2, parent, MPI_STATUS_IGNORE));
    CHECK(root >= 0 && root < remote);
    OK(MPI_Intercomm_merge(parent, 0, &all));
    ring(all);
    OK(MPI_Comm_rank(all, &root));
    CHECK_EQ(root, rank);
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

/* A member may be through with the merge, and gone, before another one begins with it. */
static int brief_child(void)
{
    MPI_Comm parent, all;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Intercomm_merge(parent, 1, &all));
    return mt_end();
}

static void gone_early(MPI_Comm comm)
{
    MPI_Comm inter, all = MPI_COMM_NULL;
    int size, class = MPI_SUCCESS;
    OK(mt_spawn(comm, 0, "brief", NULL, 1, &inter));
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    if (mt_rank != 0) { /* nothing comes: the call ends when the child has */
        int rc = MPI_Recv(NULL, 0, MPI_INT, 0, 9, inter, MPI_STATUS_IGNORE);
        MPI_Error_class(rc, &class);
        CHECK_EQ(class, MT_ERR_PROC_FAILED);
    }
    OK(MPI_Intercomm_merge(inter, 0, &all));
    if (all == MPI_COMM_NULL)
        return;
    OK(MPI_Comm_size(all, &size));
    CHECK_EQ(size, mt_size + 1);
    /* Nor does it hold up a wildcard receive: it will not send, but others do. */
    OK(MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN));
    int x = mt_rank, rc = MPI_Recv(NULL, 0, MPI_INT, mt_size, 9, all, MPI_STATUS_IGNORE);
    MPI_Error_class(rc, &class);
    CHECK_EQ(class, MT_ERR_PROC_FAILED);
    if (mt_rank == 1)
        OK(MPI_Send(&x, 1, MPI_INT, 0, 3, all));
    if (mt_rank == 0) {
        OK(MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 3, all, MPI_STATUS_IGNORE));
        CHECK_EQ(x, 1);
    }
    OK(MPI_Comm_free(&all));
    OK(MPI_Comm_free(&inter));
}

static void family(MPI_Comm comm, int root)
{
    MPI_Comm inter, all;
    int rank, remote;
    OK(mt_spawn(comm, root, "child", NULL, CHILDREN, &inter));
    OK(MPI_Comm_remote_size(inter, &remote));
    CHECK_EQ(remote, CHILDREN);
    for (int i = 0; i < remote && mt_rank == root; i++)
        OK(MPI_Send(&root, 1, MPI_INT, i, 2, inter));
    OK(MPI_Intercomm_merge(inter, 1, &all));
    ring(all);
    OK(MPI_Comm_rank(all, &rank));
    CHECK_EQ(rank, CHILDREN + mt_rank);
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&inter));
}

/* What the others pass must not matter, nor keep them from hearing of the error. */
static void failure(MPI_Comm comm, int root)
{
    MPI_Comm inter = MPI_COMM_WORLD;
    int codes[3] = {1, 1, 1}, rc, len;
    char said[MPI_MAX_ERROR_STRING];
    const char *command = mt_rank == root ? "/does/not/exist" : NULL;
    rc = MPI_Comm_spawn(command, MPI_ARGV_NULL, mt_rank == root ? 3 : -7, MPI_INFO_NULL,
                        root, comm, &inter, codes);
    CHECK_CLASS(rc, MPI_ERR_SPAWN);
    CHECK(inter == MPI_COMM_NULL);
    MPI_Error_string(rc, said, &len);
    if (!CHECK(strstr(said, "/does/not/exist") != NULL))
        mt_fail(__FILE__, __LINE__, "said: %s", said);
    for (int i = 0; i < 3; i++)
        CHECK(codes[i] != MPI_SUCCESS && codes[i] != 1);
    rc = MPI_Comm_spawn(mt_program(), MPI_ARGV_NULL, mt_rank == root ? -3 : 1,
                        MPI_INFO_NULL, root, comm, &inter, MPI_ERRCODES_IGNORE);
    CHECK_CLASS(rc, MPI_ERR_ARG);
    int count = mt_rank == root ? -1 : 0;
    rc = MPI_Comm_spawn_multiple(count, NULL, NULL, NULL, NULL, root, comm, &inter,
                                 MPI_ERRCODES_IGNORE);
    CHECK_CLASS(rc, MPI_ERR_ARG);
}

int main(int argc, char **argv)
{
    const char *role;
    MPI_Comm comm = mt_begin(&argc, &argv, 3);
    if (mt_is_child(&role))
        return strcmp(role, "brief") == 0 ? brief_child() : child();
    gone_early(comm);
    for (int root = 0; root < 3; root++) {
        family(comm, root);
        failure(comm, root);
    }
    return mt_end();
}
