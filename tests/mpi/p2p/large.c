/* SPDX-License-Identifier: BSD-3-Clause */
/* The point-to-point functions with large counts, each between this process and itself: what is sent
 * is received, the status counts it, and counts that no int holds arrive as they are. */
#include "mtest.h"

#include <string.h>

enum { N = 5, TAG = 3 };

static int out[N], in[N];
static const MPI_Comm comm = MPI_COMM_SELF;
static MPI_Request req[2];

static void fill(void)
{
    static int turn;
    turn++;
    for (int k = 0; k < N; k++) {
        out[k] = turn * 10 + k;
        in[k] = -1;
    }
}

static void received(const MPI_Status *st)
{
    MPI_Count n;
    CHECK(memcmp(in, out, sizeof in) == 0);
    OK(MPI_Get_count_c(st, MPI_INT, &n));
    CHECK_EQ(n, N);
    CHECK(st->MPI_SOURCE == 0 && st->MPI_TAG == TAG);
}

static void both(void)
{
    MPI_Status st[2];
    OK(MPI_Waitall(2, req, st));
    received(&st[0]);
}

typedef int send_fn(const void *, MPI_Count, MPI_Datatype, int, int, MPI_Comm);
typedef int isend_fn(const void *, MPI_Count, MPI_Datatype, int, int, MPI_Comm,
                     MPI_Request *);

static void sends(void)
{
    send_fn *const blocking[] = {MPI_Send_c, MPI_Bsend_c, MPI_Ssend_c, MPI_Rsend_c};
    isend_fn *const begin[] = {MPI_Isend_c, MPI_Ibsend_c, MPI_Issend_c, MPI_Irsend_c};
    isend_fn *const init[] = {MPI_Send_init_c, MPI_Bsend_init_c, MPI_Ssend_init_c,
                              MPI_Rsend_init_c};
    MPI_Status st;
    for (int k = 0; k < 4; k++) {
        fill();
        OK(MPI_Irecv_c(in, N, MPI_INT, 0, TAG, comm, &req[0]));
        OK(blocking[k](out, N, MPI_INT, 0, TAG, comm));
        OK(MPI_Wait(&req[0], &st));
        received(&st);
        fill();
        OK(MPI_Irecv_c(in, N, MPI_INT, 0, TAG, comm, &req[0]));
        OK(begin[k](out, N, MPI_INT, 0, TAG, comm, &req[1]));
        both();
        OK(MPI_Recv_init_c(in, N, MPI_INT, 0, TAG, comm, &req[0]));
        OK(init[k](out, N, MPI_INT, 0, TAG, comm, &req[1]));
        for (int i = 0; i < 2; i++) {
            fill();
            OK(MPI_Startall(2, req));
            both();
        }
        OK(MPI_Request_free(&req[0]));
        OK(MPI_Request_free(&req[1]));
    }
}

static void matched(bool wait)
{
    MPI_Message msg;
    MPI_Status st;
    fill();
    OK(MPI_Isend_c(out, N, MPI_INT, 0, TAG, comm, &req[1]));
    OK(MPI_Mprobe(0, TAG, comm, &msg, MPI_STATUS_IGNORE));
    if (wait) {
        OK(MPI_Mrecv_c(in, N, MPI_INT, &msg, &st));
    } else {
        OK(MPI_Imrecv_c(in, N, MPI_INT, &msg, &req[0]));
        OK(MPI_Wait(&req[0], &st));
    }
    CHECK(msg == MPI_MESSAGE_NULL);
    received(&st);
    OK(MPI_Wait(&req[1], MPI_STATUS_IGNORE));
}

static void pairs(void)
{
    MPI_Status st;
    fill();
    OK(MPI_Sendrecv_c(out, N, MPI_INT, 0, TAG, in, N, MPI_INT, 0, TAG, comm, &st));
    received(&st);
    fill();
    OK(MPI_Isendrecv_c(out, N, MPI_INT, 0, TAG, in, N, MPI_INT, 0, TAG, comm, &req[0]));
    OK(MPI_Wait(&req[0], &st));
    received(&st);
    fill();
    memcpy(in, out, sizeof in);
    OK(MPI_Sendrecv_replace_c(in, N, MPI_INT, 0, TAG, 0, TAG, comm, &st));
    received(&st);
    OK(MPI_Isendrecv_replace_c(in, N, MPI_INT, 0, TAG, 0, TAG, comm, &req[0]));
    OK(MPI_Wait(&req[0], &st));
    received(&st);
}

static void buffers(void)
{
    static char room[4096];
    void *was;
    MPI_Count size;
    OK(MPI_Buffer_attach_c(room, sizeof room));
    sends();
    OK(MPI_Buffer_detach_c(&was, &size));
    CHECK(was == (void *)room && size == sizeof room);
    OK(MPI_Comm_attach_buffer_c(comm, room, sizeof room));
    sends();
    OK(MPI_Comm_detach_buffer_c(comm, &was, &size));
    CHECK(was == (void *)room && size == sizeof room);
}

/* One partition of the sender, whatever the receiver's are. */
static void partitioned(void)
{
    OK(MPI_Psend_init_c(out, 1, N, MPI_INT, 0, TAG, comm, MPI_INFO_NULL, &req[1]));
    OK(MPI_Precv_init_c(in, N, 1, MPI_INT, 0, TAG, comm, MPI_INFO_NULL, &req[0]));
    for (int k = 0; k < 2; k++) {
        fill();
        OK(MPI_Startall(2, req));
        OK(MPI_Pready(0, req[1]));
        OK(MPI_Waitall(2, req, MPI_STATUSES_IGNORE));
        CHECK(memcmp(in, out, sizeof in) == 0);
    }
    OK(MPI_Request_free(&req[0]));
    OK(MPI_Request_free(&req[1]));
}

/* No byte is there, however many elements. */
static void huge(void)
{
    const MPI_Count many = (MPI_Count)1 << 40;
    MPI_Datatype nothing;
    MPI_Status st;
    MPI_Count n = -1;
    OK(MPI_Type_contiguous(0, MPI_INT, &nothing));
    OK(MPI_Type_commit(&nothing));
    OK(MPI_Isend_c(out, many, nothing, 0, TAG, comm, &req[1]));
    OK(MPI_Recv_c(in, many, nothing, 0, TAG, comm, &st));
    OK(MPI_Wait(&req[1], MPI_STATUS_IGNORE));
    OK(MPI_Get_count_c(&st, nothing, &n));
    CHECK_EQ(n, 0);
    OK(MPI_Type_free(&nothing));
    CHECK_CLASS(MPI_Recv_c(in, (MPI_Count)1 << 62, MPI_INT, 0, TAG, comm, &st),
                MPI_ERR_COUNT);
    CHECK_CLASS(MPI_Send_c(out, -1, MPI_INT, 0, TAG, comm), MPI_ERR_COUNT);
}

/* What a status holds is what was put there. */
static void statuses(void)
{
    MPI_Status st = {0};
    int source, tag, error, cancelled, n;
    MPI_Count many;
    OK(MPI_Status_set_source(&st, 7));
    OK(MPI_Status_set_tag(&st, 8));
    OK(MPI_Status_set_error(&st, MPI_ERR_RANK));
    OK(MPI_Status_set_cancelled(&st, 1));
    OK(MPI_Status_set_elements(&st, MPI_INT, 9));
    OK(MPI_Status_get_source(&st, &source));
    OK(MPI_Status_get_tag(&st, &tag));
    OK(MPI_Status_get_error(&st, &error));
    OK(MPI_Test_cancelled(&st, &cancelled));
    OK(MPI_Get_elements(&st, MPI_INT, &n));
    CHECK(source == 7 && tag == 8 && error == MPI_ERR_RANK && cancelled == 1 && n == 9);
    OK(MPI_Status_set_elements_x(&st, MPI_DOUBLE, (MPI_Count)1 << 40));
    OK(MPI_Get_elements_x(&st, MPI_DOUBLE, &many));
    CHECK_EQ(many, (MPI_Count)1 << 40);
}

#define ROUND_TRIP(Type, handle)                                                         \
    CHECK(MPI_##Type##_fromint(MPI_##Type##_toint(handle)) == (handle))

static void handles(void)
{
    MPI_Group group;
    MPI_Message msg;
    MPI_Session session;
    OK(MPI_Comm_group(comm, &group));
    ROUND_TRIP(Group, group);
    ROUND_TRIP(Group, MPI_GROUP_EMPTY);
    OK(MPI_Group_free(&group));
    ROUND_TRIP(Op, MPI_SUM);
    ROUND_TRIP(Errhandler, MPI_ERRORS_RETURN);
    ROUND_TRIP(Message, MPI_MESSAGE_NO_PROC);
    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
    ROUND_TRIP(Session, session);
    OK(MPI_Session_finalize(&session));
    OK(MPI_Isend_c(out, 1, MPI_INT, 0, TAG, comm, &req[1]));
    ROUND_TRIP(Request, req[1]);
    OK(MPI_Mprobe(0, TAG, comm, &msg, MPI_STATUS_IGNORE));
    ROUND_TRIP(Message, msg);
    OK(MPI_Mrecv_c(in, 1, MPI_INT, &msg, MPI_STATUS_IGNORE));
    OK(MPI_Wait(&req[1], MPI_STATUS_IGNORE));
}

int main(int argc, char **argv)
{
    mt_begin(&argc, &argv, 1);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    buffers();
    matched(true);
    matched(false);
    pairs();
    partitioned();
    huge();
    statuses();
    handles();
    return mt_end();
}
