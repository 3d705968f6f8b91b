/* SPDX-License-Identifier: BSD-3-Clause */
/* Several programs in one spawn: one world, ranks in the order of the programs, MPI_APPNUM,
 * arguments and info of each its own. */
#include "mtest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int counts[] = {2, 1, 3};
enum { APPS = 3, ALL = 6 };

static int app_of(int rank)
{
    return rank < 2 ? 0 : rank < 3 ? 1 : 2;
}

static int child(int argc, char **argv)
{
    MPI_Comm parent;
    int rank, size, flag, *appnum;
    char want[20], *env = getenv("MTEST_APP");
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    CHECK_EQ(size, ALL);
    OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_APPNUM, &appnum, &flag));
    if (CHECK(flag))
        CHECK_EQ(*appnum, app_of(rank));
    snprintf(want, sizeof(want), "app%d", app_of(rank));
    CHECK(argc == 2 && strcmp(argv[1], want) == 0);
    CHECK(app_of(rank) == 1 ? env && strcmp(env, "one") == 0 : env == NULL);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Send(&rank, 1, MPI_INT, 0, 1, parent));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

int main(int argc, char **argv)
{
    static char mark[] = "--role", role_name[] = "child", a0[] = "app0", a1[] = "app1",
                a2[] = "app2";
    char *commands[APPS], *arg0[] = {mark, role_name, a0, NULL},
                          *arg1[] = {mark, role_name, a1, NULL},
                          *arg2[] = {mark, role_name, a2, NULL};
    char **args[] = {arg0, arg1, arg2};
    MPI_Info infos[APPS] = {MPI_INFO_NULL, MPI_INFO_NULL, MPI_INFO_NULL};
    int codes[ALL], seen[ALL] = {0}, flag, *appnum, size;
    MPI_Comm inter;
    const char *role;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role))
        return child(argc, argv);
    OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_APPNUM, &appnum, &flag));
    OK(MPI_Info_create(&infos[1]));
    OK(MPI_Info_set(infos[1], "pvmx_env", "MTEST_APP=one"));
    for (int i = 0; i < APPS; i++)
        commands[i] = (char *)(uintptr_t)mt_program();
    for (int i = 0; i < ALL; i++)
        codes[i] = -1;
    OK(MPI_Comm_spawn_multiple(APPS, commands, args, counts, infos, 0, MPI_COMM_SELF,
                               &inter, codes));
    OK(MPI_Info_free(&infos[1]));
    for (int i = 0; i < ALL; i++)
        CHECK_EQ(codes[i], MPI_SUCCESS);
    OK(MPI_Comm_remote_size(inter, &size));
    CHECK_EQ(size, ALL);
    for (int i = 0; i < ALL; i++) {
        int rank = -1;
        OK(MPI_Recv(&rank, 1, MPI_INT, MPI_ANY_SOURCE, 1, inter, MPI_STATUS_IGNORE));
        if (CHECK(rank >= 0 && rank < ALL))
            seen[rank]++;
    }
    for (int i = 0; i < ALL; i++)
        CHECK_EQ(seen[i], 1);
    OK(MPI_Comm_disconnect(&inter));

    /* All or nothing: one program that is not there keeps the others from running. */
    commands[1] = (char[]){"/no/such/program"};
    CHECK_CLASS(MPI_Comm_spawn_multiple(APPS, commands, args, counts, infos, 0,
                                        MPI_COMM_SELF, &inter, codes),
                MPI_ERR_SPAWN);
    for (int i = 0; i < ALL; i++)
        CHECK(codes[i] != MPI_SUCCESS);
    CHECK_CLASS(codes[2], MPI_ERR_NO_SUCH_FILE);
    return mt_end();
}
