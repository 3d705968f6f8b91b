/* SPDX-License-Identifier: BSD-3-Clause */
/* Info key "soft": which numbers of processes are acceptable, and that the largest is taken. */
#include "mtest.h"
#include <stdlib.h>

static int spawn_soft(const char *soft, int n, MPI_Comm *inter, int *codes)
{
    static char mark[] = "--role", role[] = "child";
    char *argv[] = {mark, role, NULL};
    MPI_Info info;
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "soft", soft));
    int rc = MPI_Comm_spawn(mt_program(), argv, n, info, 0, MPI_COMM_SELF, inter, codes);
    OK(MPI_Info_free(&info));
    return rc;
}

/* Asking for n gives want processes; -1: an error. */
static void gives(const char *soft, int n, int want)
{
    MPI_Comm inter;
    int size = -1, codes[16], good = 0, rc = spawn_soft(soft, n, &inter, codes);
    if (want < 0) {
        CHECK_CLASS(rc, MPI_ERR_SPAWN);
        return;
    }
    if (!OK(rc))
        return;
    OK(MPI_Comm_remote_size(inter, &size));
    if (!CHECK_EQ(size, want))
        mt_fail(__FILE__, __LINE__, "soft %s, maxprocs %d", soft, n);
    for (int i = 0; i < n; i++)
        good += codes[i] == MPI_SUCCESS;
    CHECK_EQ(good, want);
    OK(MPI_Comm_disconnect(&inter));
}

/* More than a virtual machine holds: what can be started is started. */
static void as_many_as_possible(void)
{
    MPI_Comm inter;
    enum { ASKED = 100000 };
    int *codes = malloc(ASKED * sizeof(int)), size = 0;
    OK(spawn_soft("1,3", ASKED, &inter, codes));
    OK(MPI_Comm_remote_size(inter, &size));
    CHECK_EQ(size, 3);
    CHECK(codes[2] == MPI_SUCCESS && codes[3] != MPI_SUCCESS &&
          codes[ASKED - 1] != MPI_SUCCESS);
    OK(MPI_Comm_disconnect(&inter));
    free(codes);
}

int main(int argc, char **argv)
{
    const char *role;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        MPI_Comm parent;
        OK(MPI_Comm_get_parent(&parent));
        OK(MPI_Comm_disconnect(&parent));
        return mt_end();
    }
    gives("3", 3, 3);
    gives("2", 3, 2);
    gives("0:8", 4, 4);
    gives("1:9:2", 4, 3);
    gives("9:1:-4", 6, 5);
    gives("7, 2,-4", 5, 2);
    gives("0", 3, 0);
    gives("5:9", 3, -1);
    gives("-3:-1", 3, -1);
    as_many_as_possible();
    return mt_end();
}
