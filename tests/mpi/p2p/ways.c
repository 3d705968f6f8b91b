/* SPDX-License-Identifier: BSD-3-Clause */
/* Each way to receive: from nobody (MPI_PROC_NULL), and a message that is too long. Each way to send to
 * nobody. */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>

enum { TAG = 4, LONGEST = 3 << 20 };

struct args {
    void *buf;
    int count;
    MPI_Datatype type;
    int rank;
    MPI_Comm comm;
};

/* ---- receiving --------------------------------------------------------------------- */

static int finish(int rc, MPI_Request *req, MPI_Status *st)
{
    rc = rc ? rc : MPI_Wait(req, st);
    CHECK(*req == MPI_REQUEST_NULL);
    return rc;
}

static int recv(const struct args *a, MPI_Status *st)
{
    return MPI_Recv(a->buf, a->count, a->type, a->rank, TAG, a->comm, st);
}

static int irecv(const struct args *a, MPI_Status *st)
{
    MPI_Request req;
    int rc = MPI_Irecv(a->buf, a->count, a->type, a->rank, TAG, a->comm, &req);
    return finish(rc, &req, st);
}

static int tested(const struct args *a, MPI_Status *st)
{
    MPI_Request req;
    int flag = 0, rc = MPI_Irecv(a->buf, a->count, a->type, a->rank, TAG, a->comm, &req);
    while (rc == MPI_SUCCESS && !flag)
        rc = MPI_Test(&req, &flag, st);
    return rc;
}

static int recv_init(const struct args *a, MPI_Status *st)
{
    MPI_Request req;
    OK(MPI_Recv_init(a->buf, a->count, a->type, a->rank, TAG, a->comm, &req));
    OK(MPI_Start(&req));
    int rc = MPI_Wait(&req, st);
    CHECK(req != MPI_REQUEST_NULL);
    OK(MPI_Request_free(&req));
    return rc;
}

static int mrecv(const struct args *a, MPI_Status *st)
{
    MPI_Message msg;
    OK(MPI_Mprobe(a->rank, TAG, a->comm, &msg, MPI_STATUS_IGNORE));
    int rc = MPI_Mrecv(a->buf, a->count, a->type, &msg, st);
    CHECK(msg == MPI_MESSAGE_NULL);
    return rc;
}

static int imrecv(const struct args *a, MPI_Status *st)
{
    MPI_Message msg;
    MPI_Request req;
    int flag = 0;
    while (!flag)
        OK(MPI_Improbe(a->rank, TAG, a->comm, &flag, &msg, MPI_STATUS_IGNORE));
    int rc = MPI_Imrecv(a->buf, a->count, a->type, &msg, &req);
    CHECK(msg == MPI_MESSAGE_NULL);
    return finish(rc, &req, st);
}

static int sendrecv(const struct args *a, MPI_Status *st)
{
    return MPI_Sendrecv(NULL, 0, MPI_INT, MPI_PROC_NULL, 0, a->buf, a->count, a->type,
                        a->rank, TAG, a->comm, st);
}

static int isendrecv(const struct args *a, MPI_Status *st)
{
    MPI_Request req;
    int rc = MPI_Isendrecv(NULL, 0, MPI_INT, MPI_PROC_NULL, 0, a->buf, a->count, a->type,
                           a->rank, TAG, a->comm, &req);
    return finish(rc, &req, st);
}

static int replace(const struct args *a, MPI_Status *st)
{
    return MPI_Sendrecv_replace(a->buf, a->count, a->type, MPI_PROC_NULL, 0, a->rank, TAG,
                                a->comm, st);
}

static int ireplace(const struct args *a, MPI_Status *st)
{
    MPI_Request req;
    int rc = MPI_Isendrecv_replace(a->buf, a->count, a->type, MPI_PROC_NULL, 0, a->rank,
                                   TAG, a->comm, &req);
    return finish(rc, &req, st);
}

static int (*const receives[])(const struct args *,
                               MPI_Status *) = {recv,    irecv,   tested,   recv_init,
                                                mrecv,   imrecv,  sendrecv, isendrecv,
                                                replace, ireplace};
enum { RECEIVES = sizeof(receives) / sizeof(receives[0]) };

static void from_nobody(MPI_Comm comm)
{
    for (int way = 0; way < RECEIVES; way++) {
        int x[4] = {1, 2, 3, 4}, n = -1, flag = -1;
        MPI_Status st;
        memset(&st, 0x3f, sizeof(st));
        OK(receives[way](&(struct args){x, 4, MPI_INT, MPI_PROC_NULL, comm}, &st));
        CHECK(x[0] == 1 && x[3] == 4);
        CHECK(st.MPI_SOURCE == MPI_PROC_NULL && st.MPI_TAG == MPI_ANY_TAG);
        OK(MPI_Get_count(&st, MPI_INT, &n));
        CHECK_EQ(n, 0);
        OK(MPI_Get_elements(&st, MPI_INT, &n));
        CHECK_EQ(n, 0);
        OK(MPI_Test_cancelled(&st, &flag));
        CHECK_EQ(flag, 0);
    }
}

/* A message of `size` bytes into half of them, which may lie apart. */
static void too_long(MPI_Comm comm, int way, int size, bool apart)
{
    int half = size / 2, room = apart ? 2 * half : half;
    char *buf = malloc((size_t)room + 64);
    struct args a = {buf, half, MPI_BYTE, 0, comm};
    MPI_Datatype spread;
    MPI_Status st;
    OK(MPI_Type_create_resized(MPI_BYTE, 0, 2, &spread));
    OK(MPI_Type_commit(&spread));
    if (apart)
        a.type = spread;
    memset(buf, 0x55, (size_t)room + 64);
    CHECK_CLASS(receives[way](&a, &st), MPI_ERR_TRUNCATE);
    CHECK(st.MPI_SOURCE == 0 && st.MPI_TAG == TAG);
    for (int i = 0; i < room + 64; i++)
        if ((i >= room || (apart && i % 2)) && buf[i] != 0x55) {
            mt_fail(__FILE__, __LINE__, "way %d, %d bytes: byte %d was written", way,
                    size, i);
            break;
        }
    OK(MPI_Type_free(&spread));
    free(buf);
}

static void truncated(MPI_Comm comm)
{
    static const int sizes[] = {2, 100, 3000, 16 * 1024, 100 * 1000, LONGEST};
    char *data = malloc(LONGEST);
    mt_fill(data, LONGEST, 1);
    for (int way = 0; way < RECEIVES && mt_rank < 2; way++)
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
            for (int apart = 0; apart < 2; apart++) {
                int x = -1;
                if (mt_rank == 0) {
                    OK(MPI_Send(data, sizes[s], MPI_BYTE, 1, TAG, comm));
                    OK(MPI_Send(&way, 1, MPI_INT, 1, TAG, comm));
                } else {
                    too_long(comm, way, sizes[s], apart);
                    OK(MPI_Recv(&x, 1, MPI_INT, 0, TAG, comm, MPI_STATUS_IGNORE));
                    CHECK_EQ(x, way); /* the next one comes as if nothing had happened */
                }
            }
    free(data);
}

/* ---- sending ----------------------------------------------------------------------- */

typedef int send_fn(const void *, int, MPI_Datatype, int, int, MPI_Comm);
typedef int isend_fn(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);

/* Bsend needs no buffer, Ssend and Rsend no receiver. */
static void to_nobody(MPI_Comm comm)
{
    send_fn *const blocking[] = {MPI_Send, MPI_Bsend, MPI_Ssend, MPI_Rsend};
    isend_fn *const begin[] = {MPI_Isend, MPI_Ibsend, MPI_Issend, MPI_Irsend};
    isend_fn *const init[] = {MPI_Send_init, MPI_Bsend_init, MPI_Ssend_init, MPI_Rsend_init};
    MPI_Request req;
    int x = 1;
    for (int k = 0; k < 4; k++) {
        OK(blocking[k](&x, 1, MPI_INT, MPI_PROC_NULL, TAG, comm));
        OK(begin[k](&x, 1, MPI_INT, MPI_PROC_NULL, TAG, comm, &req));
        OK(MPI_Cancel(&req)); /* too late, or not: it completes */
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
        CHECK(req == MPI_REQUEST_NULL);
        OK(init[k](&x, 1, MPI_INT, MPI_PROC_NULL, TAG, comm, &req));
        for (int i = 0; i < 2; i++) {
            OK(MPI_Start(&req));
            OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
        }
        OK(MPI_Request_free(&req));
    }
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    from_nobody(comm);
    to_nobody(comm);
    truncated(comm);
    return mt_end();
}
