/* SPDX-License-Identifier: BSD-3-Clause */
/* One process gives another length than the others, on both sides of every limit between two ways of
 * doing it. Nobody may wait for ever, somebody must say MPI_ERR_TRUNCATE or MPI_ERR_COUNT, nobody
 * anything unrelated, and the communicator works afterwards. */
#include "lab.h"

#include "rt/err.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES = 5, LONGEST = 50000, SECONDS = 100 };

/* Integers: within an entry of a board, its bulk, beyond it, beyond what is streamed. */
static const int lengths[] = {1, 20, 300, 3000, 9000, LONGEST};
enum { LENGTHS = 6 };

static int send_buf[LONGEST * PROCESSES], recv_buf[LONGEST * PROCESSES];

static const enum xmpi_coll_kind kinds[] = {XMPI_COLL_BCAST,     XMPI_COLL_REDUCE,
                                            XMPI_COLL_ALLREDUCE, XMPI_COLL_SCAN,
                                            XMPI_COLL_ALLGATHER, XMPI_COLL_ALLTOALL,
                                            XMPI_COLL_GATHER,    XMPI_COLL_SCATTER};

static int call(enum xmpi_coll_kind kind, int n, int root, MPI_Comm comm)
{
    int *s = send_buf, *r = recv_buf;
    switch (kind) {
    case XMPI_COLL_BCAST:
        return MPI_Bcast(s, n, MPI_INT, root, comm);
    case XMPI_COLL_REDUCE:
        return MPI_Reduce(s, r, n, MPI_INT, MPI_SUM, root, comm);
    case XMPI_COLL_ALLREDUCE:
        return MPI_Allreduce(s, r, n, MPI_INT, MPI_SUM, comm);
    case XMPI_COLL_SCAN:
        return MPI_Scan(s, r, n, MPI_INT, MPI_SUM, comm);
    case XMPI_COLL_ALLGATHER:
        return MPI_Allgather(s, n, MPI_INT, r, n, MPI_INT, comm);
    case XMPI_COLL_ALLTOALL:
        return MPI_Alltoall(s, n, MPI_INT, r, n, MPI_INT, comm);
    case XMPI_COLL_GATHER:
        return MPI_Gather(s, n, MPI_INT, r, n, MPI_INT, root, comm);
    default:
        return MPI_Scatter(s, n, MPI_INT, r, n, MPI_INT, root, comm);
    }
}

/* odd: the one with another length; nobody of the others knows. */
static void mismatch(enum xmpi_coll_kind kind, MPI_Comm comm, int most, int other,
                     int root, int odd)
{
    int rank, size, cls, sum, said[2];
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    lab_context("%s of %d, but %d on rank %d, root %d, %d processes",
                xmpi_algo_lists[kind].name, most, other, odd, root, size);
    int rc = call(kind, rank == odd ? other : most, root, comm);
    MPI_Error_class(rc, &cls);
    lab_check(cls == MPI_SUCCESS || cls == MPI_ERR_TRUNCATE || cls == MPI_ERR_COUNT ||
              cls == XMPI_ERR_PROC_FAILED);
    int mine[2] = {cls == MPI_ERR_TRUNCATE || cls == MPI_ERR_COUNT, cls != MPI_SUCCESS};
    lab_check(MPI_Allreduce(mine, said, 2, MPI_INT, MPI_SUM, comm) == MPI_SUCCESS);
    lab_check(said[0] > 0);
    if (!(kind == XMPI_COLL_BCAST || kind == XMPI_COLL_REDUCE ||
          kind == XMPI_COLL_GATHER || kind == XMPI_COLL_SCATTER || kind == XMPI_COLL_SCAN))
        lab_check(said[1] == size); /* the result of all depends on all */
    lab_check(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, comm) == MPI_SUCCESS);
    lab_check(sum == size * (size - 1) / 2);
}

static void all_of(MPI_Comm comm)
{
    int size;
    MPI_Comm_size(comm, &size);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int a = 0; a < LENGTHS; a++)
            for (int b = 0; b < LENGTHS; b++)
                if (a != b)
                    mismatch(kinds[k], comm, lengths[a], lengths[b], a % size,
                             (a + b) % size);
}

int main(int argc, char **argv)
{
    MPI_Comm all = lab_start(argc, argv, PROCESSES);
    int rank, size;
    alarm(SECONDS); /* nobody may hang */
    MPI_Comm_rank(all, &rank);
    MPI_Comm_size(all, &size);
    for (int p = 2; p <= size; p++) {
        MPI_Comm comm = lab_first(all, p);
        if (comm == MPI_COMM_NULL)
            continue;
        all_of(comm);
        MPI_Comm_free(&comm);
    }
    MPI_Comm_free(&all);
    if (rank == 0)
        printf("mismatched lengths are noticed\n");
    return lab_end();
}
