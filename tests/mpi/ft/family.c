/* SPDX-License-Identifier: BSD-3-Clause */
/* Support of the tests of failures. */
#include "family.h"
#include <signal.h>
#include <string.h>
#include <unistd.h>

void die(void)
{
    raise(SIGKILL);
    _exit(1);
}

int ranks_of(MPI_Group *group, MPI_Comm comm, int ranks[64])
{
    MPI_Group all;
    int n, at[64];
    OK(MPI_Group_size(*group, &n));
    OK(MPI_Comm_group(comm, &all));
    for (int i = 0; i < n && i < 64; i++)
        at[i] = i;
    OK(MPI_Group_translate_ranks(*group, n, at, all, ranks));
    OK(MPI_Group_free(&all));
    if (*group != MPI_GROUP_EMPTY)
        OK(MPI_Group_free(group));
    return n;
}

/* All that are left: did anybody find a fault? */
static void settle(MPI_Comm all)
{
    MPI_Comm left;
    int good;
    OK(MPIX_Comm_shrink(all, &left));
    good = mt_failures() == 0;
    int rc = MPIX_Comm_agree(left, &good);
    CHECK(rc == MPI_SUCCESS || rc == MPIX_ERR_PROC_FAILED);
    CHECK(good);
    OK(MPI_Comm_disconnect(&left));
}

static void run(const struct family_case *c, MPI_Comm inter, int rank)
{
    MPI_Comm all;
    OK(MPI_Intercomm_merge(inter, rank > 0, &all));
    OK(MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN));
    OK(MPI_Barrier(all)); /* nobody dies while others are being born */
    c->run(all, inter, rank);
    settle(all);
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&inter));
}

int family_main(int argc, char **argv, const struct family_case *cases)
{
    const char *role;
    MPI_Comm inter;
    int rank;
    mt_begin(&argc, &argv, 0);
    for (const struct family_case *c = cases; c->name; c++) {
        if (mt_is_child(&role)) {
            if (strcmp(role, c->name) != 0)
                continue;
            MPI_Comm_get_parent(&inter);
            MPI_Comm_rank(inter, &rank);
            run(c, inter, rank + 1);
        } else if (argc < 2 || strcmp(argv[1], c->name) == 0) {
            if (OK(mt_spawn(MPI_COMM_SELF, 0, c->name, NULL, c->children, &inter)))
                run(c, inter, 0);
        }
    }
    return mt_end();
}
