/* SPDX-License-Identifier: BSD-3-Clause */
/* One process gives another length than the others, on both sides of every limit between two ways of
 * doing it, in a blocking call, a nonblocking and a persistent one. Nobody may wait for ever, somebody
 * must say MPI_ERR_TRUNCATE or MPI_ERR_COUNT, nobody anything else, and the communicator works
 * afterwards. The same numbers in other types are no mismatch. Then one gives another operation, type or
 * root, or calls another function. */
#include "lab.h"

#include "coll/watch.h"
#include "rt/err.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES = 5, MANY = 18, LONGEST = 50000, SECONDS = 20, PATIENCE_NS = 3000000 };

/* Integers: nothing; within an entry of a board, its bulk, beyond it, beyond what is streamed. */
static const int lengths[] = {0, 1, 20, 300, 3000, 9000, LONGEST};
enum { LENGTHS = 7 };
enum form { BLOCKING, NONBLOCKING, PERSISTENT, FORMS };
static const char form_names[FORMS][16] = {"", "nonblocking ", "persistent "};

static int send_buf[LONGEST * MANY], recv_buf[LONGEST * MANY];

static const enum xmpi_coll_kind kinds[] = {
    XMPI_COLL_BCAST,     XMPI_COLL_REDUCE, XMPI_COLL_ALLREDUCE,
    XMPI_COLL_SCAN,      XMPI_COLL_EXSCAN, XMPI_COLL_REDUCE_SCATTER_BLOCK,
    XMPI_COLL_ALLGATHER, XMPI_COLL_GATHER, XMPI_COLL_SCATTER,
    XMPI_COLL_ALLTOALL};

/* The function in each form; req is not used by the blocking one. */
#define CALL(name, i_name, ...)                                                          \
    (form == BLOCKING      ? MPI_##name(__VA_ARGS__)                                     \
     : form == NONBLOCKING ? MPI_##i_name(__VA_ARGS__, req)                              \
                           : MPI_##name##_init(__VA_ARGS__, MPI_INFO_NULL, req))

/* What this process gives its numbers as; so many are one element. */
static MPI_Datatype own_type = MPI_INT;
static int own_block = 1;

static int begin(enum xmpi_coll_kind kind, enum form form, int n, int root, MPI_Comm comm,
                 MPI_Request *req)
{
    int *s = send_buf, *r = recv_buf, m = n / own_block;
    MPI_Datatype own = own_type;
    switch (kind) {
    case XMPI_COLL_BCAST:
        return CALL(Bcast, Ibcast, s, m, own, root, comm);
    case XMPI_COLL_REDUCE:
        return CALL(Reduce, Ireduce, s, r, n, MPI_INT, MPI_SUM, root, comm);
    case XMPI_COLL_ALLREDUCE:
        return CALL(Allreduce, Iallreduce, s, r, n, MPI_INT, MPI_SUM, comm);
    case XMPI_COLL_SCAN:
        return CALL(Scan, Iscan, s, r, n, MPI_INT, MPI_SUM, comm);
    case XMPI_COLL_EXSCAN:
        return CALL(Exscan, Iexscan, s, r, n, MPI_INT, MPI_SUM, comm);
    case XMPI_COLL_REDUCE_SCATTER_BLOCK:
        return CALL(Reduce_scatter_block, Ireduce_scatter_block, s, r, n, MPI_INT,
                    MPI_SUM, comm);
    case XMPI_COLL_ALLGATHER:
        return CALL(Allgather, Iallgather, s, m, own, r, n, MPI_INT, comm);
    case XMPI_COLL_ALLTOALL:
        return CALL(Alltoall, Ialltoall, s, m, own, r, n, MPI_INT, comm);
    case XMPI_COLL_GATHER:
        return CALL(Gather, Igather, s, m, own, r, n, MPI_INT, root, comm);
    default:
        return CALL(Scatter, Iscatter, s, m, own, r, n, MPI_INT, root, comm);
    }
}

static int call(enum xmpi_coll_kind kind, enum form form, int n, int root, MPI_Comm comm)
{
    MPI_Request req;
    int rc = begin(kind, form, n, root, comm, &req);
    if (rc || form == BLOCKING)
        return rc;
    for (int k = 0; form == PERSISTENT && k < 2; k++) {
        lab_check(MPI_Start(&req) == MPI_SUCCESS);
        if (k == 0) /* of two rounds each fails */
            MPI_Wait(&req, MPI_STATUS_IGNORE);
    }
    rc = MPI_Wait(&req, MPI_STATUS_IGNORE);
    if (req != MPI_REQUEST_NULL)
        MPI_Request_free(&req);
    return rc;
}

/* odd: the one with another length; nobody of the others knows. */
static void mismatch(enum xmpi_coll_kind kind, enum form form, MPI_Comm comm, int most,
                     int other, int root, int odd)
{
    int rank, size, cls, sum, said[2];
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    lab_context("%s%s of %d, but %d on rank %d, root %d, %d processes", form_names[form],
                xmpi_algo_lists[kind].name, most, other, odd, root, size);
    alarm(SECONDS);
    int rc = call(kind, form, rank == odd ? other : most, root, comm);
    MPI_Error_class(rc, &cls);
    lab_check(cls == MPI_SUCCESS || cls == MPI_ERR_TRUNCATE || cls == MPI_ERR_COUNT);
    int mine[2] = {cls == MPI_ERR_TRUNCATE || cls == MPI_ERR_COUNT, cls != MPI_SUCCESS};
    lab_check(MPI_Allreduce(mine, said, 2, MPI_INT, MPI_SUM, comm) == MPI_SUCCESS);
    bool all_on_all = !(kind == XMPI_COLL_BCAST || kind == XMPI_COLL_REDUCE ||
                        kind == XMPI_COLL_GATHER || kind == XMPI_COLL_SCATTER ||
                        kind == XMPI_COLL_SCAN || kind == XMPI_COLL_EXSCAN);
    /* Of many, who has nothing to give or take asks nobody, nor is a short message missed by whom it was
     * sent to in vain. */
    bool silent = size == MANY && other == 0;
    lab_check(said[0] > 0 || (silent && !all_on_all));
    if (all_on_all)
        lab_check(said[1] >= (size == MANY && most == 0 ? 1 : size - silent));
    lab_check(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, comm) == MPI_SUCCESS);
    lab_check(sum == size * (size - 1) / 2);
}

/* The same numbers in elements of another type are no mismatch. */
static void same_signature(enum xmpi_coll_kind kind, enum form form, MPI_Comm comm, int n,
                           int root)
{
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    lab_context("%s%s of %d, root %d, %d processes, two types", form_names[form],
                xmpi_algo_lists[kind].name, n, root, size);
    if (rank % 2) {
        own_block = n / 2;
        MPI_Type_contiguous(own_block, MPI_INT, &own_type);
        MPI_Type_commit(&own_type);
    }
    bool bcast = kind == XMPI_COLL_BCAST;
    for (int k = 0; k < n * size; k++) {
        send_buf[k] = bcast && rank != root ? -1 : (bcast ? root : rank) * 7 + k;
        recv_buf[k] = -1;
    }
    alarm(SECONDS);
    lab_check(call(kind, form, n, root, comm) == MPI_SUCCESS);
    bool gets = kind != XMPI_COLL_GATHER || rank == root;
    int from = bcast || kind == XMPI_COLL_SCATTER ? root : 0;
    int blocks = bcast || kind == XMPI_COLL_SCATTER ? 1 : size;
    const int *got = bcast ? send_buf : recv_buf;
    for (int k = 0; gets && k < n * blocks; k++) {
        int at = k % n;
        if (kind == XMPI_COLL_SCATTER || kind == XMPI_COLL_ALLTOALL)
            at += n * rank; /* the block for this process */
        lab_check(got[k] == (from + k / n) * 7 + at);
    }
    if (rank % 2)
        MPI_Type_free(&own_type);
    own_type = MPI_INT;
    own_block = 1;
}

static bool any_type(enum xmpi_coll_kind kind)
{
    return kind == XMPI_COLL_BCAST || kind == XMPI_COLL_ALLGATHER ||
           kind == XMPI_COLL_ALLTOALL || kind == XMPI_COLL_GATHER ||
           kind == XMPI_COLL_SCATTER;
}

static void all_of(MPI_Comm comm)
{
    int size;
    MPI_Comm_size(comm, &size);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int f = 0; f < FORMS; f++)
            for (int a = 0; a < LENGTHS; a++) {
                if (lengths[a] > 1 && any_type(kinds[k]))
                    same_signature(kinds[k], (enum form)f, comm, lengths[a], a % size);
                for (int b = 0; b < LENGTHS; b++)
                    if (a != b)
                        mismatch(kinds[k], (enum form)f, comm, lengths[a], lengths[b],
                                 a % size, (a + b) % size);
            }
}

/* Pairs of lengths with an algorithm each, or nothing at all, and not all of them in each form. */
static void some_of(MPI_Comm comm)
{
    static const int pairs[][2] = {
        {20, 0}, {0, LONGEST}, {20, 3000}, {3000, LONGEST}, {LONGEST, 20}};
    int size, turn = 0;
    MPI_Comm_size(comm, &size);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++, turn++)
            mismatch(kinds[k], turn % 2 ? NONBLOCKING : PERSISTENT, comm, pairs[i][0],
                     pairs[i][1], turn % size, turn / 2 % size);
}

/* ---- processes that do not do the same, with buffers of one length */

enum unlike {
    OP,
    TYPE,
    ROOT,
    REDUCE_OP,
    LONG_OP,
    I_LONG_OP,
    BARRIER,
    BCAST,
    REDUCE,
    LONG_REDUCE,
    I_BCAST,
    GATHER_HERE,
    GATHER_AWAY,
    SCATTER,
    I_GATHER,
    ALLGATHERV,
    LONG_BCAST,
    LONG_SCATTER,
    UNLIKES
};

static const struct {
    char name[32];
    int cls;
    bool all; /* everybody hears of it, else somebody */
} unlikes[UNLIKES] = {
    [OP] = {"MAX instead of SUM", MPI_ERR_OP, true},
    [TYPE] = {"floats instead of ints", MPI_ERR_TYPE, true},
    [ROOT] = {"another root", MPI_ERR_ROOT, false},
    [REDUCE_OP] = {"MAX in a reduce", MPI_ERR_OP, false},
    [LONG_OP] = {"MAX of many", MPI_ERR_OP, true},
    [I_LONG_OP] = {"MAX of many, nonblocking", MPI_ERR_OP, true},
    [BARRIER] = {"a barrier", MPI_ERR_OTHER, true},
    [BCAST] = {"a broadcast", MPI_ERR_OTHER, false},
    [REDUCE] = {"a reduce for a broadcast", MPI_ERR_OTHER, false},
    [LONG_REDUCE] = {"a long reduce for a broadcast", MPI_ERR_OTHER, false},
    [I_BCAST] = {"a nonblocking broadcast", MPI_ERR_OTHER, false},
    /* One over the board, one by messages. */
    [GATHER_HERE] = {"a gather to oneself", MPI_ERR_OTHER, true},
    [GATHER_AWAY] = {"a gather to another one", MPI_ERR_OTHER, false},
    [SCATTER] = {"a scatter for a broadcast", MPI_ERR_OTHER, false},
    [I_GATHER] = {"a nonblocking gather", MPI_ERR_OTHER, true},
    [ALLGATHERV] = {"an allgatherv for a reduce", MPI_ERR_OTHER, false},
    [LONG_BCAST] = {"a gather for a long broadcast", MPI_ERR_OTHER, false},
    [LONG_SCATTER] = {"a long scatter for a barrier", MPI_ERR_OTHER, true},
};

static int wait_for(int rc, MPI_Request *req)
{
    return rc ? rc : MPI_Wait(req, MPI_STATUS_IGNORE);
}

static int call_far_unlike(enum unlike u, bool odd, MPI_Comm comm)
{
    int *s = send_buf, *r = recv_buf, rank, size, counts[PROCESSES], displs[PROCESSES];
    MPI_Request req;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    for (int k = 0; k < size; k++) {
        counts[k] = 2;
        displs[k] = 2 * k;
    }
    switch (u) {
    case GATHER_HERE:
        return odd ? MPI_Gather(s, 2, MPI_INT, r, 2, MPI_INT, rank, comm)
                   : MPI_Allreduce(s, r, 2, MPI_INT, MPI_SUM, comm);
    case GATHER_AWAY:
        return odd ? MPI_Gather(s, 2, MPI_INT, r, 2, MPI_INT, (rank + 1) % size, comm)
                   : MPI_Allreduce(s, r, 2, MPI_INT, MPI_SUM, comm);
    case SCATTER:
        return odd ? MPI_Scatter(s, 2, MPI_INT, r, 2, MPI_INT, (rank + 1) % size, comm)
                   : MPI_Bcast(s, 2, MPI_INT, 0, comm);
    case I_GATHER:
        return odd ? wait_for(MPI_Igather(s, 2, MPI_INT, r, 2, MPI_INT, rank, comm, &req),
                              &req)
                   : MPI_Barrier(comm);
    case ALLGATHERV:
        return odd ? MPI_Allgatherv(s, 2, MPI_INT, r, counts, displs, MPI_INT, comm)
                   : MPI_Reduce(s, r, 2, MPI_INT, MPI_SUM, 0, comm);
    case LONG_BCAST:
        return odd ? MPI_Gather(s, 2, MPI_INT, r, 2, MPI_INT, rank, comm)
                   : MPI_Bcast(s, LONGEST, MPI_INT, 0, comm);
    default:
        return odd ? MPI_Scatter(s, LONGEST, MPI_INT, r, LONGEST, MPI_INT, rank, comm)
                   : MPI_Barrier(comm);
    }
}

static int call_unlike(enum unlike u, bool odd, MPI_Comm comm)
{
    MPI_Op op = odd ? MPI_MAX : MPI_SUM;
    int n = u == LONG_OP || u == I_LONG_OP || u == I_BCAST ? LONGEST : 2, *s = send_buf,
        *r = recv_buf;
    MPI_Request req;
    switch (u) {
    case TYPE:
        return MPI_Allreduce(s, r, n, odd ? MPI_FLOAT : MPI_INT, MPI_SUM, comm);
    case ROOT:
        return MPI_Bcast(s, LONGEST, MPI_INT, odd, comm);
    case REDUCE_OP:
        return MPI_Reduce(s, r, n, MPI_INT, op, 0, comm);
    case I_LONG_OP:
        return wait_for(MPI_Iallreduce(s, r, n, MPI_INT, op, comm, &req), &req);
    case BARRIER:
        return odd ? MPI_Barrier(comm) : MPI_Allreduce(s, r, n, MPI_INT, op, comm);
    case BCAST:
        return odd ? MPI_Bcast(s, n, MPI_INT, 0, comm)
                   : MPI_Allreduce(s, r, n, MPI_INT, op, comm);
    case REDUCE:
    case LONG_REDUCE:
        n = u == REDUCE ? n : 9000;
        return odd ? MPI_Reduce(s, r, n, MPI_INT, MPI_SUM, 0, comm)
                   : MPI_Bcast(s, n, MPI_INT, 0, comm);
    case I_BCAST:
        return odd ? wait_for(MPI_Ibcast(s, n, MPI_INT, 0, comm, &req), &req)
                   : wait_for(MPI_Iallreduce(s, r, n, MPI_INT, op, comm, &req), &req);
    default:
        return u >= GATHER_HERE ? call_far_unlike(u, odd, comm)
                                : MPI_Allreduce(s, r, n, MPI_INT, op, comm);
    }
}

/* By rank `odd`; on a communicator of its own, which works as before afterwards. fresh: it is the first
 * thing that is done there, when the board has yet to be opened: then lengths may be found to differ,
 * or data of the same length taken for what was awaited. */
static void do_unlike(enum unlike u, MPI_Comm all, int odd, bool fresh)
{
    MPI_Comm comm;
    int rank, size, cls, len, mine[2], said[2], sum;
    char text[MPI_MAX_ERROR_STRING];
    MPI_Comm_dup(all, &comm);
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    lab_context("%s on rank %d of %d%s", unlikes[u].name, odd, size, fresh ? ", first" : "");
    alarm(SECONDS);
    for (int k = 0; k < 5 && !fresh; k++)
        MPI_Barrier(comm);
    for (int k = 0; k < 4 && !fresh; k++) /* what stands on the board is of another length */
        MPI_Reduce(send_buf, recv_buf, 1, MPI_INT, MPI_MAX, 0, comm);
    if (rank == 1 && size == 3) /* the others look before this one has come */
        usleep((useconds_t)(10 * xmpi_watch_first / 1000));
    int rc = call_unlike(u, rank == odd, comm);
    MPI_Error_class(rc, &cls);
    MPI_Error_string(rc, text, &len);
    bool sized = fresh && (cls == MPI_ERR_TRUNCATE || cls == MPI_ERR_COUNT);
    bool told = sized || strstr(text, " calls ") || strstr(text, "root");
    if (cls && ((cls != unlikes[u].cls && !sized) || !told))
        fprintf(stderr, "rank %d: %s\n", rank, text);
    lab_check(cls == MPI_SUCCESS || cls == unlikes[u].cls || sized);
    lab_check(cls == MPI_SUCCESS || told);
    mine[0] = cls != MPI_SUCCESS;
    mine[1] = rank;
    lab_check(MPI_Allreduce(mine, said, 2, MPI_INT, MPI_SUM, all) == MPI_SUCCESS);
    lab_check(fresh || said[0] >= (unlikes[u].all ? size : 1));
    for (int k = 0; k < 2; k++) { /* over the board, and by messages */
        MPI_Request req;
        lab_check(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, comm) == MPI_SUCCESS);
        lab_check(sum == size * (size - 1) / 2);
        lab_check(wait_for(MPI_Iallreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, comm, &req),
                           &req) == MPI_SUCCESS);
        lab_check(sum == size * (size - 1) / 2);
    }
    MPI_Comm_free(&comm);
}

static void all_unlike(MPI_Comm all)
{
    int size;
    MPI_Comm_size(all, &size);
    MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN);
    for (int u = 0; u < UNLIKES; u++)
        for (int odd = 0; odd < 2; odd++)
            /* Who gives something short to one, or to all, hears of nobody. */
            if ((u != ROOT || size == 2) && (u != REDUCE || odd == 0)) {
                do_unlike((enum unlike)u, all, odd, false);
                if (size == 2 || size == PROCESSES)
                    do_unlike((enum unlike)u, all, odd, true);
            }
}

/* Meetings of one name follow each other; in the second one the process that is awaited is late, and does
 * not answer for the first one. */
static void meet_late(MPI_Comm all)
{
    MPI_Group group;
    MPI_Comm comm;
    int rank, said;
    lab_context("meetings of one name");
    MPI_Comm_rank(all, &rank);
    MPI_Comm_group(all, &group);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; k == 1 && rank == 0 && i < 30; i++) { /* it hears what it is asked */
            MPI_Iprobe(MPI_ANY_SOURCE, 0, all, &said, MPI_STATUS_IGNORE);
            usleep((useconds_t)(xmpi_watch_first / 1000));
        }
        lab_check(MPI_Comm_create_from_group(group, "again", MPI_INFO_NULL,
                                             MPI_ERRORS_RETURN, &comm) == MPI_SUCCESS);
        MPI_Comm_free(&comm);
    }
    MPI_Group_free(&group);
}

static void hung(int signo)
{
    (void)signo;
    lab_check_failed(__FILE__, __LINE__, "nobody may wait for ever");
}

int main(int argc, char **argv)
{
    bool many = argc > 1 && strcmp(argv[1], "many") == 0;
    MPI_Comm all = lab_start(argc, argv, many ? MANY : PROCESSES);
    int rank, size;
    signal(SIGALRM, hung);
    MPI_Comm_rank(all, &rank);
    MPI_Comm_size(all, &size);
    if (many) {
        xmpi_watch_first = PATIENCE_NS;
        some_of(all);
    }
    for (int p = 2; p <= size && !many; p++) {
        MPI_Comm comm = lab_first(all, p);
        if (comm == MPI_COMM_NULL)
            continue;
        uint64_t patience = xmpi_watch_first;
        xmpi_watch_first = PATIENCE_NS;
        all_unlike(comm);
        meet_late(comm);
        xmpi_watch_first = patience;
        all_of(comm);
        MPI_Comm_free(&comm);
    }
    MPI_Comm_free(&all);
    if (rank == 0)
        printf("who does something else is noticed\n");
    return lab_end();
}
