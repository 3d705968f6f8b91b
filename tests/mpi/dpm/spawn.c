/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawn from a world of one: the children find their parent, their arguments, directory and
 * environment; parent and children talk and merge. */
#include "mtest.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 4 };

/* A child says who it is and waits to be told to go. */
static int child(int argc, char **argv)
{
    MPI_Comm parent, all;
    char name[MPI_MAX_OBJECT_NAME], cwd[PATH_MAX];
    int rank, size, remote, len, value[3];
    OK(MPI_Comm_get_parent(&parent));
    if (!CHECK(parent != MPI_COMM_NULL))
        return mt_end();
    OK(MPI_Comm_rank(parent, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    OK(MPI_Comm_remote_size(parent, &remote));
    OK(MPI_Comm_get_name(parent, name, &len));
    CHECK(strcmp(name, "MPI_COMM_PARENT") == 0);
    CHECK_EQ(size, N);
    CHECK_EQ(remote, 1);
    CHECK(argc == 4 && strcmp(argv[1], "two words") == 0 && strcmp(argv[2], "") == 0 &&
          strcmp(argv[3], "--last=*") == 0);
    value[0] = rank;
    value[1] = getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/usr") == 0;
    value[2] = getenv("MTEST_COLOUR") && strcmp(getenv("MTEST_COLOUR"), "deep blue") == 0 &&
               getenv("MTEST_INHERITED") != NULL;
    OK(MPI_Send(value, 3, MPI_INT, 0, 1, parent));
    /* The two ways in which a world speaks: inside and with the parent. */
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Intercomm_merge(parent, 1, &all));
    OK(MPI_Comm_rank(all, &len));
    CHECK_EQ(len, rank + 1);
    OK(MPI_Barrier(all));
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&parent));
    CHECK(parent == MPI_COMM_NULL);
    OK(MPI_Comm_get_parent(&parent));
    CHECK(parent == MPI_COMM_NULL);
    return mt_end();
}

static void hear_all(MPI_Comm inter)
{
    int seen[N] = {0};
    for (int i = 0; i < N; i++) {
        int value[3];
        MPI_Status st;
        OK(MPI_Recv(value, 3, MPI_INT, MPI_ANY_SOURCE, 1, inter, &st));
        if (CHECK(st.MPI_SOURCE >= 0 && st.MPI_SOURCE < N))
            seen[st.MPI_SOURCE]++;
        CHECK_EQ(value[0], st.MPI_SOURCE);
        CHECK(value[1]);
        CHECK(value[2]);
    }
    for (int i = 0; i < N; i++)
        CHECK_EQ(seen[i], 1);
}

static void family(void)
{
    static char role_mark[] = "--role", role[] = "child", two[] = "two words",
                none[] = "", last[] = "--last=*";
    char *argv[] = {role_mark, role, two, none, last, NULL};
    int codes[N] = {-1, -1, -1, -1}, size, flag, zero = 0, result;
    MPI_Comm inter, all;
    MPI_Info info;
    MPI_Group g;
    setenv("MTEST_INHERITED", "1", 1);
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "wdir", "/usr"));
    OK(MPI_Info_set(info, "pvmx_env", "MTEST_COLOUR=deep blue\nMTEST_OTHER="));
    OK(MPI_Info_set(info, "host", "localhost"));
    OK(MPI_Info_set(info, "unknown_key", "whatever"));
    OK(MPI_Comm_spawn(mt_program(), argv, N, info, 0, MPI_COMM_SELF, &inter, codes));
    OK(MPI_Info_free(&info));
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    for (int i = 0; i < N; i++)
        CHECK_EQ(codes[i], MPI_SUCCESS);
    OK(MPI_Comm_remote_size(inter, &size));
    CHECK_EQ(size, N);
    OK(MPI_Comm_test_inter(inter, &flag));
    CHECK(flag);
    hear_all(inter);
    OK(MPI_Intercomm_merge(inter, 0, &all));
    OK(MPI_Comm_size(all, &size));
    CHECK_EQ(size, N + 1);
    OK(MPI_Comm_group(all, &g));
    OK(MPI_Group_translate_ranks(g, 1, &zero, g, &result));
    CHECK_EQ(result, 0);
    OK(MPI_Group_free(&g));
    OK(MPI_Barrier(all));
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&inter));
    CHECK(inter == MPI_COMM_NULL);
}

int main(int argc, char **argv)
{
    const char *role;
    int *universe, flag;
    MPI_Comm parent;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role))
        return child(argc, argv);
    OK(MPI_Comm_get_parent(&parent));
    CHECK(parent == MPI_COMM_NULL);
    OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, &universe, &flag));
    CHECK(flag && *universe >= 1);
    for (int round = 0; round < 3; round++)
        family();
    return mt_end();
}
