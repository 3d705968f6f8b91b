/* SPDX-License-Identifier: BSD-3-Clause */
/* All send modes, blocking and nonblocking, over sizes on both sides of every protocol's limits, to
 * another process and to itself; MPI_PROC_NULL; types with padding. */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>

static const int sizes[] = {0,      1,       8,      100, 1024, 8 * 1024, 16 * 1024 + 3,
                            100000, 1 << 20, 5 << 20};
enum { NSIZES = sizeof(sizes) / sizeof(sizes[0]), LARGEST = 5 << 20 };

typedef int send_fn(const void *, int, MPI_Datatype, int, int, MPI_Comm);
typedef int isend_fn(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);

static const struct mode {
    const char *name;
    send_fn *send;
    isend_fn *isend;
} modes[] = {
    {"standard", MPI_Send, MPI_Isend},
    {"synchronous", MPI_Ssend, MPI_Issend},
    {"ready", MPI_Rsend, MPI_Irsend},
    {"buffered", MPI_Bsend, MPI_Ibsend},
};
enum { NMODES = sizeof(modes) / sizeof(modes[0]) };

static char *out_buf, *in_buf;

static void check_status(const MPI_Status *st, int source, int tag, int size)
{
    int count;
    CHECK_EQ(st->MPI_SOURCE, source);
    CHECK_EQ(st->MPI_TAG, tag);
    OK(MPI_Get_count(st, MPI_BYTE, &count));
    CHECK_EQ(count, size);
}

/* Rank 0 to rank 1; ready mode needs the receive to be there, which the empty message says. */
static void one_way(MPI_Comm comm, int mode, int size, int tag, bool nonblocking)
{
    MPI_Request req;
    MPI_Status st;
    if (mt_rank == 0) {
        mt_fill(out_buf, (size_t)size, (unsigned)tag);
        OK(MPI_Recv(NULL, 0, MPI_BYTE, 1, 77, comm, MPI_STATUS_IGNORE));
        if (nonblocking) {
            OK(modes[mode].isend(out_buf, size, MPI_BYTE, 1, tag, comm, &req));
            OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
            CHECK(req == MPI_REQUEST_NULL);
        } else {
            OK(modes[mode].send(out_buf, size, MPI_BYTE, 1, tag, comm));
        }
        /* The buffer is ours again. */
        memset(out_buf, 0xee, (size_t)size);
    } else if (mt_rank == 1) {
        memset(in_buf, 0, (size_t)size + 1);
        OK(MPI_Irecv(in_buf, size + 1, MPI_BYTE, 0, tag, comm, &req));
        OK(MPI_Send(NULL, 0, MPI_BYTE, 0, 77, comm));
        OK(MPI_Wait(&req, &st));
        check_status(&st, 0, tag, size);
        if (!CHECK(mt_filled(in_buf, (size_t)size, (unsigned)tag)))
            mt_fail(__FILE__, __LINE__, "%s mode, %d bytes", modes[mode].name, size);
        CHECK_EQ(in_buf[size], 0);
    }
}

/* The same with the receive posted late: the message is unexpected. */
static void unexpected(MPI_Comm comm, int mode, int size, int tag)
{
    MPI_Request req;
    MPI_Status st;
    if (mt_rank == 0) {
        mt_fill(out_buf, (size_t)size, (unsigned)tag);
        OK(modes[mode].isend(out_buf, size, MPI_BYTE, 1, tag, comm, &req));
        OK(MPI_Send(NULL, 0, MPI_BYTE, 1, 78, comm));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    } else if (mt_rank == 1) {
        OK(MPI_Recv(NULL, 0, MPI_BYTE, 0, 78, comm, MPI_STATUS_IGNORE));
        OK(MPI_Recv(in_buf, size, MPI_BYTE, 0, tag, comm, &st));
        check_status(&st, 0, tag, size);
        CHECK(mt_filled(in_buf, (size_t)size, (unsigned)tag));
    }
}

static void to_self(int size)
{
    MPI_Request req;
    MPI_Status st;
    mt_fill(out_buf, (size_t)size, 5);
    OK(MPI_Isend(out_buf, size, MPI_BYTE, 0, 5, MPI_COMM_SELF, &req));
    OK(MPI_Recv(in_buf, size, MPI_BYTE, 0, 5, MPI_COMM_SELF, &st));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    check_status(&st, 0, 5, size);
    CHECK(mt_filled(in_buf, (size_t)size, 5));
    OK(MPI_Irecv(in_buf, size, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_SELF, &req));
    OK(MPI_Ssend(out_buf, size, MPI_BYTE, 0, 6, MPI_COMM_SELF));
    OK(MPI_Wait(&req, &st));
    check_status(&st, 0, 6, size);
}

/* A synchronous send is not complete before the receive is there. */
static void synchronous(MPI_Comm comm)
{
    int flag, x = 4;
    MPI_Request req;
    if (mt_rank == 0) {
        OK(MPI_Issend(&x, 1, MPI_INT, 1, 1, comm, &req));
        for (int i = 0; i < 200; i++) {
            OK(MPI_Test(&req, &flag, MPI_STATUS_IGNORE));
            CHECK(!flag);
        }
        OK(MPI_Send(&x, 1, MPI_INT, 1, 2, comm));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    } else if (mt_rank == 1) {
        OK(MPI_Recv(&x, 1, MPI_INT, 0, 2, comm, MPI_STATUS_IGNORE));
        OK(MPI_Recv(&x, 1, MPI_INT, 0, 1, comm, MPI_STATUS_IGNORE));
        CHECK_EQ(x, 4);
    }
}

static void proc_null(MPI_Comm comm)
{
    MPI_Request req;
    MPI_Status st;
    int x = 3;
    for (int m = 0; m < NMODES; m++) {
        OK(modes[m].send(&x, 1, MPI_INT, MPI_PROC_NULL, 1, comm));
        OK(modes[m].isend(&x, 1, MPI_INT, MPI_PROC_NULL, 1, comm, &req));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    }
    OK(MPI_Recv(&x, 1, MPI_INT, MPI_PROC_NULL, 1, comm, &st));
    check_status(&st, MPI_PROC_NULL, MPI_ANY_TAG, 0);
    OK(MPI_Irecv(&x, 1, MPI_INT, MPI_PROC_NULL, 1, comm, &req));
    OK(MPI_Wait(&req, &st));
    check_status(&st, MPI_PROC_NULL, MPI_ANY_TAG, 0);
    CHECK_EQ(x, 3);
}

/* Pair types have padding; their counts are counts of pairs. */
static void pairs(MPI_Comm comm)
{
    struct {
        double value;
        int index;
    } v[3] = {{1.5, 1}, {2.5, 2}, {3.5, 3}};
    MPI_Status st;
    int count;
    if (mt_rank == 0) {
        OK(MPI_Send(v, 3, MPI_DOUBLE_INT, 1, 9, comm));
    } else if (mt_rank == 1) {
        memset(v, 0, sizeof(v));
        OK(MPI_Recv(v, 3, MPI_DOUBLE_INT, 0, 9, comm, &st));
        CHECK(v[2].value == 3.5 && v[2].index == 3);
        OK(MPI_Get_count(&st, MPI_DOUBLE_INT, &count));
        CHECK_EQ(count, 3);
        OK(MPI_Get_elements(&st, MPI_DOUBLE_INT, &count));
        CHECK_EQ(count, 6);
    }
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    /* A message may still lie there when the next one comes. */
    size_t attached = 3 * (LARGEST + MPI_BSEND_OVERHEAD);
    void *buffer = malloc(attached);
    int tag = 100, size;
    out_buf = malloc(LARGEST + 1);
    in_buf = malloc(LARGEST + 1);
    OK(MPI_Buffer_attach(buffer, (int)attached));
    for (int m = 0; m < NMODES; m++)
        for (int s = 0; s < NSIZES; s++) {
            one_way(comm, m, sizes[s], tag++, false);
            one_way(comm, m, sizes[s], tag++, true);
            if (modes[m].send != MPI_Rsend)
                unexpected(comm, m, sizes[s], tag++);
        }
    for (int s = 0; s < NSIZES; s++)
        to_self(sizes[s]);
    synchronous(comm);
    proc_null(comm);
    pairs(comm);
    OK(MPI_Buffer_detach(&buffer, &size));
    CHECK_EQ(size, (int)attached);
    free(buffer);
    free(out_buf);
    free(in_buf);
    return mt_end();
}
