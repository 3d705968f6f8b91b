/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that leaves one object of each kind (leak), none (clean), or leaves some in a session
 * that outlives the world model (session). env_test.py looks at what PVMX_LEAKS says of it. */
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void on_error(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    (void)code;
}

static void add(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)in, (void)inout, (void)n, (void)type;
}

/* Makes one of each twice and frees every first one; the second ones if all. */
static void objects(bool all)
{
    for (int i = 0; i < 2; i++) {
        MPI_Comm comm;
        MPI_Group group;
        MPI_Info info;
        MPI_Errhandler eh;
        MPI_Op op;
        MPI_Request request;
        int keyval;
        static int data;
        MPI_Comm_dup(MPI_COMM_WORLD, &comm);
        MPI_Comm_set_name(comm, "forgotten");
        MPI_Comm_group(comm, &group);
        MPI_Info_create(&info);
        MPI_Info_set(info, "a", "b");
        MPI_Comm_create_errhandler(on_error, &eh);
        MPI_Op_create(add, 1, &op);
        MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &keyval, NULL);
        MPI_Recv_init(&data, 1, MPI_INT, 0, 77, MPI_COMM_WORLD, &request);
        if (i == 1 && !all)
            return;
        MPI_Request_free(&request);
        MPI_Comm_free_keyval(&keyval);
        MPI_Op_free(&op);
        MPI_Errhandler_free(&eh);
        MPI_Info_free(&info);
        MPI_Group_free(&group);
        MPI_Comm_free(&comm);
    }
}

static void with_session(void)
{
    MPI_Session session;
    MPI_Group group;
    MPI_Comm comm;
    MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_ARE_FATAL, &session);
    MPI_Group_from_session_pset(session, "mpi://SELF", &group);
    MPI_Comm_create_from_group(group, "x", MPI_INFO_NULL, MPI_ERRORS_ARE_FATAL, &comm);
    MPI_Comm_set_name(comm, "of the session");
    MPI_Finalize();
    fputs("finalized\n", stderr);
    MPI_Barrier(comm);
    MPI_Comm_free(&comm);
    MPI_Session_finalize(&session);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    MPI_Init(&argc, &argv);
    if (strcmp(how, "session") == 0) {
        with_session();
        return 0;
    }
    objects(strcmp(how, "clean") == 0);
    MPI_Finalize();
    return 0;
}
