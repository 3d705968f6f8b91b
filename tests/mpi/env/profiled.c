/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls MPI functions a known number of times under a profiling tool that was loaded before the
 * library: the tool sees each of these calls and none that the library makes for itself. */
#include "mtest.h"
#include "tool.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static int (*count)(int);
static int before[TOOL_COUNTS];

static int calls(int which)
{
    return count(which) - before[which];
}

static int child(void)
{
    int x = 0;
    MPI_Comm parent;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Bcast(&x, 1, MPI_INT, 0, parent));
    OK(MPI_Send(&x, 1, MPI_INT, 0, 1, parent));
    int seen[] = {calls(TOOL_BCAST), calls(TOOL_SEND), mt_failures()};
    OK(MPI_Send(seen, 3, MPI_INT, 0, 2, parent));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

static void own_calls(void)
{
    MPI_Comm dup, inter, split;
    int x = 42, seen[3] = {0};
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &dup));
    OK(MPI_Bcast(&x, 1, MPI_INT, 0, dup));
    OK(MPI_Comm_split(dup, 0, 0, &split));
    OK(MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_INT, MPI_SUM, split));
    OK(MPI_Comm_free(&split));
    OK(mt_spawn(MPI_COMM_SELF, 0, "child", NULL, 1, &inter));
    OK(MPI_Bcast(&x, 1, MPI_INT, MPI_ROOT, inter));
    OK(MPI_Recv(&x, 1, MPI_INT, 0, 1, inter, MPI_STATUS_IGNORE));
    CHECK_EQ(x, 42);
    OK(MPI_Recv(seen, 3, MPI_INT, 0, 2, inter, MPI_STATUS_IGNORE));
    CHECK(seen[0] == 1 && seen[1] == 1 && seen[2] == 0); /* the child's tool saw its calls */
    OK(MPI_Send(&x, 1, MPI_INT, MPI_PROC_NULL, 0, dup));
    OK(MPI_Comm_disconnect(&inter));
    OK(MPI_Comm_free(&dup));
    CHECK_EQ(calls(TOOL_SEND), 1);
    CHECK_EQ(calls(TOOL_RECV), 2);
    CHECK_EQ(calls(TOOL_SPAWN), 1);
    CHECK_EQ(calls(TOOL_BCAST), 2);
    CHECK_EQ(calls(TOOL_DUP), 1);
    CHECK_EQ(calls(TOOL_FREE), 2);
    CHECK_EQ(calls(TOOL_ERROR), 0);
}

int main(int argc, char **argv)
{
    *(void **)&count = dlsym(RTLD_DEFAULT, "tool_count");
    if (!count) {
        fprintf(stderr, "the tool is not there\n");
        return 1;
    }
    mt_begin(&argc, &argv, 0);
    for (int i = 0; i < TOOL_COUNTS; i++)
        before[i] = count(i);
    if (mt_is_child(NULL))
        return child();
    own_calls();
    int failed = mt_end();
    CHECK_EQ(calls(TOOL_FINALIZE), 1);
    return failed || mt_failures() != 0;
}
