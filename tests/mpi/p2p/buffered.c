/* SPDX-License-Identifier: BSD-3-Clause */
/* The attached buffer: what fits, what does not, when room comes back; of the process and of a
 * communicator; automatic; flush and detach. */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>

enum { LONG = 400 * 1024 }; /* cannot leave before the receiver takes it */

static void nothing_attached(MPI_Comm comm)
{
    int x = 1;
    void *addr;
    int size;
    if (mt_rank != 0)
        return;
    CHECK_CLASS(MPI_Bsend(&x, 1, MPI_INT, 1, 0, comm), MPI_ERR_BUFFER);
    CHECK_CLASS(MPI_Buffer_detach(&addr, &size), MPI_ERR_BUFFER);
    OK(MPI_Buffer_flush());
}

/* Room for two long messages, not three; after the receiver has taken them there is room again. */
static void fills_up(MPI_Comm comm)
{
    size_t size = 2 * (LONG + MPI_BSEND_OVERHEAD);
    char *buffer = malloc(size), *data = malloc(LONG);
    void *addr = NULL;
    int got = 0;
    if (mt_rank == 0) {
        OK(MPI_Buffer_attach(buffer, (int)size));
        CHECK_CLASS(MPI_Buffer_attach(buffer, (int)size), MPI_ERR_BUFFER);
        for (unsigned i = 0; i < 2; i++) {
            mt_fill(data, LONG, i);
            OK(MPI_Bsend(data, LONG, MPI_BYTE, 1, (int)i, comm));
        }
        CHECK_CLASS(MPI_Bsend(data, LONG, MPI_BYTE, 1, 2, comm), MPI_ERR_BUFFER);
        memset(data, 0, LONG);
        OK(MPI_Send(NULL, 0, MPI_INT, 1, 9, comm));
        OK(MPI_Recv(NULL, 0, MPI_INT, 1, 9, comm, MPI_STATUS_IGNORE));
        mt_fill(data, LONG, 2);
        OK(MPI_Bsend(data, LONG, MPI_BYTE, 1, 2, comm));
        OK(MPI_Buffer_detach(&addr, &got)); /* waits till it has left */
        CHECK(addr == buffer && got == (int)size);
        memset(buffer, 0xee, size);
    } else if (mt_rank == 1) {
        OK(MPI_Recv(NULL, 0, MPI_INT, 0, 9, comm, MPI_STATUS_IGNORE));
        for (unsigned i = 0; i < 3; i++) {
            OK(MPI_Recv(data, LONG, MPI_BYTE, 0, (int)i, comm, MPI_STATUS_IGNORE));
            CHECK(mt_filled(data, LONG, i));
            if (i == 1)
                OK(MPI_Send(NULL, 0, MPI_INT, 0, 9, comm));
        }
    }
    free(buffer);
    free(data);
}

/* The standard's sum: each message needs its length and MPI_BSEND_OVERHEAD. */
static void exact_sum(MPI_Comm comm)
{
    enum { N = 20 };
    size_t size = 0;
    char *buffer, data[1000];
    void *addr;
    int got;
    for (int i = 0; i < N; i++)
        size += (size_t)(i * 47) + MPI_BSEND_OVERHEAD;
    buffer = malloc(size + 1);
    if (mt_rank == 0) {
        OK(MPI_Buffer_attach(buffer + 1, (int)size)); /* aligned to nothing */
        for (int i = 0; i < N; i++) {
            mt_fill(data, (size_t)(i * 47), (unsigned)i);
            OK(MPI_Bsend(data, i * 47, MPI_BYTE, 1, i, comm));
        }
        OK(MPI_Buffer_detach(&addr, &got));
        CHECK(addr == buffer + 1);
    } else if (mt_rank == 1) {
        for (int i = N - 1; i >= 0; i--) {
            OK(MPI_Recv(data, 1000, MPI_BYTE, 0, i, comm, MPI_STATUS_IGNORE));
            CHECK(mt_filled(data, (size_t)(i * 47), (unsigned)i));
        }
    }
    free(buffer);
}

/* A communicator's own buffer comes before the process's. */
static void of_comm(MPI_Comm comm)
{
    MPI_Comm dup;
    char *data = malloc(LONG), *buffer = malloc(LONG + MPI_BSEND_OVERHEAD), small[600];
    MPI_Request req;
    void *addr;
    int got, flag;
    OK(MPI_Comm_dup(comm, &dup));
    MPI_Comm_set_errhandler(dup, MPI_ERRORS_RETURN);
    if (mt_rank == 0) {
        mt_fill(data, LONG, 3);
        OK(MPI_Buffer_attach(small, sizeof(small)));
        OK(MPI_Comm_attach_buffer(dup, buffer, LONG + MPI_BSEND_OVERHEAD));
        CHECK_CLASS(MPI_Bsend(data, LONG, MPI_BYTE, 1, 1, comm), MPI_ERR_BUFFER);
        OK(MPI_Bsend(data, LONG, MPI_BYTE, 1, 1, dup));
        OK(MPI_Comm_iflush_buffer(dup, &req));
        OK(MPI_Test(&req, &flag, MPI_STATUS_IGNORE));
        CHECK(!flag);
        OK(MPI_Send(NULL, 0, MPI_INT, 1, 9, comm));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
        OK(MPI_Comm_flush_buffer(dup));
        OK(MPI_Comm_detach_buffer(dup, &addr, &got));
        CHECK(addr == buffer && got == LONG + MPI_BSEND_OVERHEAD);
        OK(MPI_Buffer_iflush(&req));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
        OK(MPI_Buffer_detach(&addr, &got));
        CHECK(addr == small);
    } else if (mt_rank == 1) {
        OK(MPI_Recv(NULL, 0, MPI_INT, 0, 9, comm, MPI_STATUS_IGNORE));
        OK(MPI_Recv(data, LONG, MPI_BYTE, 0, 1, dup, MPI_STATUS_IGNORE));
        CHECK(mt_filled(data, LONG, 3));
    }
    OK(MPI_Comm_free(&dup));
    free(data);
    free(buffer);
}

static void automatic(MPI_Comm comm)
{
    char *data = malloc(LONG);
    void *addr;
    int got = -1;
    if (mt_rank == 0) {
        OK(MPI_Buffer_attach(MPI_BUFFER_AUTOMATIC, 0));
        for (unsigned i = 0; i < 8; i++) {
            mt_fill(data, LONG, i);
            OK(MPI_Bsend(data, LONG, MPI_BYTE, 1, 40, comm));
        }
        OK(MPI_Buffer_detach(&addr, &got));
        CHECK(addr == MPI_BUFFER_AUTOMATIC && got == 0);
    } else if (mt_rank == 1) {
        for (unsigned i = 0; i < 8; i++) {
            OK(MPI_Recv(data, LONG, MPI_BYTE, 0, 40, comm, MPI_STATUS_IGNORE));
            CHECK(mt_filled(data, LONG, i));
        }
    }
    free(data);
}

/* A flush waits for what has not left yet, an iflush tells of it; the buffer stays attached. */
static void automatic_flush(MPI_Comm comm, bool of_comm)
{
    char *data = malloc(LONG);
    void *addr = NULL;
    MPI_Request req;
    int flag, got = -1;
    for (unsigned i = 0; i < 2; i++) {
        if (mt_rank == 0) {
            if (i == 0)
                OK(of_comm ? MPI_Comm_attach_buffer(comm, MPI_BUFFER_AUTOMATIC, 0)
                           : MPI_Buffer_attach(MPI_BUFFER_AUTOMATIC, 0));
            mt_fill(data, LONG, i);
            OK(MPI_Bsend(data, LONG, MPI_BYTE, 1, 41, comm));
            OK(of_comm ? MPI_Comm_iflush_buffer(comm, &req) : MPI_Buffer_iflush(&req));
            OK(MPI_Test(&req, &flag, MPI_STATUS_IGNORE));
            CHECK_EQ(flag, 0);
            OK(MPI_Send(NULL, 0, MPI_INT, 1, 42, comm));
            OK(of_comm ? MPI_Comm_flush_buffer(comm) : MPI_Buffer_flush());
            OK(MPI_Test(&req, &flag, MPI_STATUS_IGNORE));
            CHECK_EQ(flag, 1);
        } else if (mt_rank == 1) {
            OK(MPI_Recv(NULL, 0, MPI_INT, 0, 42, comm, MPI_STATUS_IGNORE));
            OK(MPI_Recv(data, LONG, MPI_BYTE, 0, 41, comm, MPI_STATUS_IGNORE));
            CHECK(mt_filled(data, LONG, i));
        }
    }
    if (mt_rank == 0) {
        OK(of_comm ? MPI_Comm_detach_buffer(comm, &addr, &got)
                   : MPI_Buffer_detach(&addr, &got));
        CHECK(addr == MPI_BUFFER_AUTOMATIC && got == 0);
    }
    free(data);
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    nothing_attached(comm);
    fills_up(comm);
    exact_sum(comm);
    of_comm(comm);
    automatic(comm);
    automatic_flush(comm, false);
    automatic_flush(comm, true);
    return mt_end();
}
