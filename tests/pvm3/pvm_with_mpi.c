/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM and MPI in one program. */
#include "check.h"

#include <mpi.h>
#include <mpix_pvmx.h>

enum { N = 4 };

/* Tasks that PVM has started compute with MPI, and go on with PVM. */
static void together(const int *tids)
{
    MPI_Comm all;
    int rank, size, sum, back[N], *own;
    MPI_Init(NULL, NULL);
    MPI_Comm_get_parent(&all);
    CHECK(all == MPI_COMM_NULL); /* pvm_spawn makes no communicator with the spawner */
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    SAME(size, pvm_mytid() == tids[0] ? 1 : N - 1); /* and one world of what it starts */
    CHECK(MPIX_Comm_from_tids(N, tids, &all) == MPI_SUCCESS);
    MPI_Comm_rank(all, &rank);
    MPI_Comm_size(all, &size);
    CHECK(size == N && tids[rank] == pvm_mytid());
    CHECK(MPIX_Comm_get_tids(all, N, back) == MPI_SUCCESS);
    CHECK(memcmp(back, tids, sizeof back) == 0);
    send_int(tids[(rank + 1) % N], 7, rank); /* under way while MPI works */
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, all);
    SAME(sum, N * (N - 1) / 2);
    SAME(recv_int(tids[(rank + N - 1) % N], 7), (rank + N - 1) % N);
    own = calloc(1 << 18, sizeof *own);
    MPI_Bcast(own, 1 << 18, MPI_INT, 0, all);
    free(own);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    CHECK(MPIX_Comm_from_tids(0, tids, &all) != MPI_SUCCESS);
    int twice[2] = {pvm_mytid(), pvm_mytid()};
    CHECK(MPIX_Comm_from_tids(2, twice, &all) != MPI_SUCCESS);
    MPI_Comm_free(&all);
    MPI_Finalize();
    SAME(pvm_barrier("mixed", N), PvmOk); /* PVM lives longer than MPI */
}

static void communicator(void)
{
    int tids[N];
    tids[0] = pvm_mytid();
    CHECK(pvm_joingroup("mixed") >= 0);
    spawn_children("communicator", N - 1, tids + 1);
    pvm_initsend(PvmDataDefault);
    pvm_pkint(tids, N, 1);
    pvm_mcast(tids + 1, N - 1, 1);
    together(tids);
}

static void communicator_child(int parent)
{
    int tids[N];
    CHECK(pvm_joingroup("mixed") >= 0);
    CHECK(pvm_recv(parent, 1) > 0);
    SAME(pvm_upkint(tids, N, 1), PvmOk);
    together(tids);
}

/* What MPI has started can be spoken to, and its end be notified. */
static void spawned_by_mpi(void)
{
    char *args[] = {"spawned_by_mpi", NULL};
    MPI_Comm child;
    int tid;
    MPI_Init(NULL, NULL);
    pvm_mytid();
    MPI_Comm_spawn(own_program, args, 1, MPI_INFO_NULL, 0, MPI_COMM_SELF, &child,
                   MPI_ERRCODES_IGNORE);
    CHECK(MPIX_Comm_get_tids(child, 1, &tid) == MPI_SUCCESS);
    SAME(pvm_notify(PvmTaskExit, 9, 1, &tid), PvmOk);
    SAME(recv_int(tid, 1), 42);
    send_int(tid, 2, 0);
    MPI_Comm_disconnect(&child);
    SAME(recv_int(-1, 9), tid);
    MPI_Finalize();
}

static void mpi_child(int parent)
{
    MPI_Comm up;
    MPI_Init(NULL, NULL);
    MPI_Comm_get_parent(&up);
    send_int(parent, 1, 42);
    recv_int(parent, 2);
    MPI_Comm_disconnect(&up);
    MPI_Finalize();
}

const struct test_case cases[] = {{"communicator", communicator, communicator_child},
                                  {"spawned_by_mpi", spawned_by_mpi, mpi_child},
                                  {0}};
