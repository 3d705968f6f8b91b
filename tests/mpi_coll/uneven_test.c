/* SPDX-License-Identifier: BSD-3-Clause */
/* One block of a collective with counts for each process is empty on one side only, among processes of
 * one communicator and between two groups. Who waits for a block that nobody sends, or sends one that
 * nobody takes, must hear so; nobody may wait for ever; all works afterwards. */
#include "lab.h"

#include "coll/watch.h"
#include "rt/err.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { PROCESSES = 5, LONG = 50000, SECONDS = 20, PATIENCE_NS = 3000000 };
enum form { BLOCKING, NONBLOCKING, PERSISTENT, FORMS };
static const char form_names[FORMS][16] = {"", "nonblocking ", "persistent "};

static const enum xmpi_coll_kind kinds[] = {
    XMPI_COLL_GATHERV,   XMPI_COLL_SCATTERV,  XMPI_COLL_ALLGATHERV,
    XMPI_COLL_ALLTOALLV, XMPI_COLL_ALLTOALLW, XMPI_COLL_NEIGHBOR_ALLTOALLV};

static int send_buf[LONG * PROCESSES], recv_buf[LONG * PROCESSES];

/* Counts of this process's blocks, and where they lie. */
static struct side {
    int counts[PROCESSES], displs[PROCESSES], bytes[PROCESSES];
    MPI_Datatype types[PROCESSES];
} out, in;

#define CALL(name, i_name, ...)                                                          \
    (form == BLOCKING      ? MPI_##name(__VA_ARGS__)                                     \
     : form == NONBLOCKING ? MPI_##i_name(__VA_ARGS__, req)                              \
                           : MPI_##name##_init(__VA_ARGS__, MPI_INFO_NULL, req))

/* root: as this process gives it; block: what it sends to the root, or gets from it, or sends to all. */
static int begin(enum xmpi_coll_kind kind, enum form form, int block, int root,
                 MPI_Comm comm, MPI_Request *req)
{
    int *s = send_buf, *r = recv_buf;
    switch (kind) {
    case XMPI_COLL_GATHERV:
        return CALL(Gatherv, Igatherv, s, block, MPI_INT, r, in.counts, in.displs,
                    MPI_INT, root, comm);
    case XMPI_COLL_SCATTERV:
        return CALL(Scatterv, Iscatterv, s, out.counts, out.displs, MPI_INT, r, block,
                    MPI_INT, root, comm);
    case XMPI_COLL_ALLGATHERV:
        return CALL(Allgatherv, Iallgatherv, s, block, MPI_INT, r, in.counts, in.displs,
                    MPI_INT, comm);
    case XMPI_COLL_ALLTOALLV:
        return CALL(Alltoallv, Ialltoallv, s, out.counts, out.displs, MPI_INT, r,
                    in.counts, in.displs, MPI_INT, comm);
    case XMPI_COLL_ALLTOALLW:
        return CALL(Alltoallw, Ialltoallw, s, out.counts, out.bytes, out.types, r,
                    in.counts, in.bytes, in.types, comm);
    default:
        return CALL(Neighbor_alltoallv, Ineighbor_alltoallv, s, out.counts, out.displs,
                    MPI_INT, r, in.counts, in.displs, MPI_INT, comm);
    }
}

static int call(enum xmpi_coll_kind kind, enum form form, int block, int root, MPI_Comm comm)
{
    MPI_Request req;
    int rc = begin(kind, form, block, root, comm, &req);
    if (rc || form == BLOCKING)
        return rc;
    for (int k = 0; form == PERSISTENT && k < 2; k++) {
        lab_check(MPI_Start(&req) == MPI_SUCCESS);
        if (k == 0)
            MPI_Wait(&req, MPI_STATUS_IGNORE);
    }
    if (form == NONBLOCKING) { /* tests ask, too */
        for (int flag = 0; !flag;)
            rc = MPI_Test(&req, &flag, MPI_STATUS_IGNORE);
        return rc;
    }
    rc = MPI_Wait(&req, MPI_STATUS_IGNORE);
    MPI_Request_free(&req);
    return rc;
}

static void all_counts(struct side *side, int n, int stride)
{
    for (int k = 0; k < PROCESSES; k++) {
        side->counts[k] = n;
        side->displs[k] = k * stride;
        side->bytes[k] = k * stride * (int)sizeof(int);
        side->types[k] = MPI_INT;
    }
}

/* `giver` sends `gives` to `taker`, who expects `takes`; all other blocks are of n. me: number of this
 * process, unlike on both sides of an intercommunicator. */
struct pair {
    MPI_Comm comm, everyone;
    bool inter, same_side; /* as the taker */
    int me, giver, taker, giver_block, taker_block;
};

static int root_of(const struct pair *p, bool taker_is_root)
{
    if (!p->inter)
        return taker_is_root ? p->taker_block : p->giver_block;
    if (p->me == (taker_is_root ? p->taker : p->giver))
        return MPI_ROOT;
    if (p->same_side == taker_is_root)
        return MPI_PROC_NULL;
    return taker_is_root ? p->taker_block : p->giver_block;
}

static void uneven(const struct pair *p, enum xmpi_coll_kind kind, enum form form, int n,
                   int gives, int takes)
{
    lab_context("%s%s%s, %d ints given and %d taken, else %d", form_names[form],
                xmpi_algo_lists[kind].name, p->inter ? " between groups" : "", gives,
                takes, n);
    int stride = LONG, block = n, root = 0, cls, sum, size, said = 0, mine;
    MPI_Comm_size(p->everyone, &size);
    all_counts(&out, n, stride);
    all_counts(&in, n, stride);
    if (p->me == p->giver)
        out.counts[p->taker_block] = gives;
    if (p->me == p->taker)
        in.counts[p->giver_block] = takes;
    if (kind == XMPI_COLL_GATHERV || kind == XMPI_COLL_ALLGATHERV)
        block = p->me == p->giver ? gives : n;
    if (kind == XMPI_COLL_SCATTERV)
        block = p->me == p->taker ? takes : n;
    if (kind == XMPI_COLL_ALLGATHERV && p->me != p->taker && p->same_side)
        in.counts[p->giver_block] = gives;
    if (kind == XMPI_COLL_GATHERV || kind == XMPI_COLL_SCATTERV)
        root = root_of(p, kind == XMPI_COLL_GATHERV);
    alarm(SECONDS);
    MPI_Error_class(call(kind, form, block, root, p->comm), &cls);
    lab_check(cls == MPI_SUCCESS || cls == MPI_ERR_TRUNCATE || cls == MPI_ERR_COUNT);
    mine = cls == MPI_ERR_TRUNCATE || cls == MPI_ERR_COUNT;
    lab_check(MPI_Allreduce(&mine, &said, 1, MPI_INT, MPI_SUM, p->everyone) == MPI_SUCCESS);
    lab_check(gives == takes ? said == 0 : said > 0);
    lab_check(MPI_Allreduce(&p->me, &sum, 1, MPI_INT, MPI_SUM, p->everyone) == MPI_SUCCESS);
    lab_check(sum == size * (size - 1) / 2);
}

/* What is given in vain is noticed when it is long; a short message has left by then. */
static void all_of(const struct pair *p)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (p->inter && kinds[k] == XMPI_COLL_NEIGHBOR_ALLTOALLV)
            continue;
        for (int f = 0; f < FORMS; f++) {
            uneven(p, kinds[k], (enum form)f, 3, 3, 3);
            uneven(p, kinds[k], (enum form)f, 3, 0, 3);
            uneven(p, kinds[k], (enum form)f, 3, LONG, 0);
            uneven(p, kinds[k], (enum form)f, 0, 0, LONG);
        }
    }
}

static void within(MPI_Comm all, int rank)
{
    int edges[PROCESSES] = {0, 1, 2, 3, 4};
    struct pair p = {.everyone = all,
                     .same_side = true,
                     .me = rank,
                     .giver = 3,
                     .taker = 1,
                     .giver_block = 3,
                     .taker_block = 1};
    MPI_Dist_graph_create_adjacent(all, PROCESSES, edges, MPI_UNWEIGHTED, PROCESSES,
                                   edges, MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &p.comm);
    MPI_Comm_set_errhandler(p.comm, MPI_ERRORS_RETURN);
    all_of(&p);
    MPI_Comm_free(&p.comm);
}

/* Ranks 0 to 2, and 3 and 4. */
static void between(MPI_Comm all, int rank)
{
    enum { LOW = 3 };
    MPI_Comm side;
    struct pair p = {.everyone = all,
                     .inter = true,
                     .same_side = rank < LOW,
                     .me = rank,
                     .giver = LOW + 1,
                     .taker = 1,
                     .giver_block = 1,
                     .taker_block = 1};
    MPI_Comm_split(all, rank < LOW, rank, &side);
    MPI_Intercomm_create(side, 0, all, rank < LOW ? LOW : 0, 5, &p.comm);
    MPI_Comm_set_errhandler(p.comm, MPI_ERRORS_RETURN);
    all_of(&p);
    MPI_Comm_free(&p.comm);
    MPI_Comm_free(&side);
}

static void hung(int signo)
{
    (void)signo;
    lab_check_failed(__FILE__, __LINE__, "nobody may wait for ever");
}

int main(int argc, char **argv)
{
    MPI_Comm all = lab_start(argc, argv, PROCESSES);
    int rank;
    signal(SIGALRM, hung);
    MPI_Comm_rank(all, &rank);
    MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN);
    xmpi_watch_first = PATIENCE_NS;
    within(all, rank);
    between(all, rank);
    MPI_Comm_free(&all);
    if (rank == 0)
        printf("blocks that only one side has are noticed\n");
    return lab_end();
}
