/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a datatype: not committed, freed while messages and other types use it, freed twice, numbers
 * for other languages, and thousands of rounds that leave no memory behind. */
#include "typetest.h"
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
enum {
    GROWTH_KB = 300 * 1024
}; /* it keeps freed memory for a while, and finds leaks itself */
#else
enum { GROWTH_KB = 2 * 1024 };
#endif

static MPI_Comm comm;

static void not_committed(void)
{
    MPI_Datatype t;
    MPI_Request req;
    MPI_Message m;
    MPI_Status st;
    int x[4] = {0}, flag;
    OK(MPI_Type_vector(2, 1, 2, MPI_INT, &t));
    SAYS(MPI_Send(x, 1, t, 0, 0, comm), MPI_ERR_TYPE, "not committed: call MPI_Type_commit");
    SAYS(MPI_Isend(x, 1, t, 0, 0, comm, &req), MPI_ERR_TYPE, "datatype");
    SAYS(MPI_Recv(x, 1, t, 0, 0, comm, &st), MPI_ERR_TYPE, "not committed");
    SAYS(MPI_Send_init(x, 1, t, 0, 0, comm, &req), MPI_ERR_TYPE, "not committed");
    SAYS(MPI_Sendrecv(x, 1, MPI_INT, 0, 0, x + 1, 1, t, 0, 0, comm, &st), MPI_ERR_TYPE,
         "recvtype");
    SAYS(MPI_Bcast(x, 1, t, 0, MPI_COMM_SELF), MPI_ERR_TYPE, "not committed");
    SAYS(MPI_Allgather(x, 1, t, x + 2, 2, MPI_INT, MPI_COMM_SELF), MPI_ERR_TYPE, "sendtype");
    SAYS(MPI_Alltoallw(x, &(int){1}, &(int){0}, &t, x + 2, &(int){2}, &(int){0},
                       &(MPI_Datatype){MPI_INT}, MPI_COMM_SELF),
         MPI_ERR_TYPE, "sendtypes[0] is not committed");
    SAYS(MPI_Psend_init(x, 1, 1, t, 0, 0, comm, MPI_INFO_NULL, &req), MPI_ERR_TYPE,
         "committed");
    OK(MPI_Improbe(0, 77, MPI_COMM_SELF, &flag, &m, &st));
    CHECK(!flag);
    OK(MPI_Type_commit(&t));
    OK(MPI_Type_commit(&t));
    OK(MPI_Sendrecv(x, 1, t, 0, 0, x + 1, 1, t, 0, 0, MPI_COMM_SELF, &st));
    OK(MPI_Type_free(&t));
}

/* Long messages that are under way, persistent requests and collectives outlive the handle. */
static void freed_in_use(int n)
{
    MPI_Datatype t, inner;
    MPI_Request req[2];
    int other = 1 - mt_rank;
    int *out = malloc((size_t)n * 8), *in = calloc((size_t)n * 2, sizeof(int));
    for (int i = 0; i < 2 * n; i++)
        out[i] = i;
    OK(MPI_Type_vector(n, 1, 2, MPI_INT, &inner));
    OK(MPI_Type_contiguous(1, inner, &t));
    OK(MPI_Type_free(&inner));
    OK(MPI_Type_commit(&t));
    OK(MPI_Irecv(in, 1, t, other, 1, comm, &req[0]));
    OK(MPI_Isend(out, 1, t, other, 1, comm, &req[1]));
    OK(MPI_Type_free(&t));
    OK(MPI_Waitall(2, req, MPI_STATUSES_IGNORE));
    for (int i = 0; i < 2 * n; i++)
        if (!CHECK_EQ(in[i], i % 2 ? 0 : i))
            break;
    OK(MPI_Type_vector(n, 1, 2, MPI_INT, &t));
    OK(MPI_Type_commit(&t));
    OK(MPI_Recv_init(in, 1, t, other, 2, comm, &req[0]));
    OK(MPI_Send_init(out + 1, 1, t, other, 2, comm, &req[1]));
    OK(MPI_Type_free(&t));
    for (int round = 0; round < 2; round++) {
        OK(MPI_Startall(2, req));
        OK(MPI_Waitall(2, req, MPI_STATUSES_IGNORE));
    }
    CHECK(in[0] == 1 && in[2 * n - 2] == 2 * n - 1);
    OK(MPI_Request_free(&req[0]));
    OK(MPI_Request_free(&req[1]));
    OK(MPI_Type_vector(n, 1, 2, MPI_INT, &t));
    OK(MPI_Type_commit(&t));
    OK(MPI_Ibcast(mt_rank ? in : out, 1, t, 0, comm, &req[0]));
    OK(MPI_Type_free(&t));
    OK(MPI_Wait(&req[0], MPI_STATUS_IGNORE));
    CHECK(mt_rank == 0 || (in[2] == 2 && in[2 * n - 2] == 2 * n - 2));
    free(out);
    free(in);
}

static void freed_twice(void)
{
    MPI_Datatype t, outer, got, old;
    int i[2];
    MPI_Aint a[2];
    OK(MPI_Type_vector(2, 1, 2, MPI_INT, &t));
    OK(MPI_Type_dup(t, &outer));
    old = t;
    OK(MPI_Type_free(&t));
    SAYS(MPI_Type_free(&old), MPI_ERR_TYPE, "freed already"); /* outer is made of it */
    OK(MPI_Type_get_contents(outer, 0, 0, 1, i, a, &got));
    OK(MPI_Type_free(&got)); /* but this is a new handle of it */
    INTS_AT(outer, 0, 8);
    OK(MPI_Type_free(&outer));
}

static void numbers(void)
{
    MPI_Datatype t;
    OK(MPI_Type_contiguous(2, MPI_INT, &t));
    int n = MPI_Type_toint(t);
    CHECK(n > 16384 && MPI_Type_fromint(n) == t);
    CHECK_EQ(MPI_Type_toint(MPI_INT), (int)(uintptr_t)MPI_INT);
    OK(MPI_Type_free(&t));
}

static void one_round(void)
{
    const int lens[] = {1, 2};
    MPI_Datatype v, s, r, got[2];
    int i[8];
    MPI_Aint a[4];
    MPI_Type_vector(5, 2, 3, MPI_DOUBLE, &v);
    MPI_Type_create_struct(2, lens, (const MPI_Aint[]){0, 200},
                           (const MPI_Datatype[]){v, MPI_INT}, &s);
    MPI_Type_create_resized(s, 0, 512, &r);
    MPI_Type_set_name(r, "a type of this round");
    MPI_Type_free(&v);
    MPI_Type_get_contents(s, 3, 2, 2, i, a, got);
    MPI_Type_free(&s);
    MPI_Type_free(&got[0]);
    MPI_Type_free(&r);
}

static void rounds(void)
{
    MPI_Datatype deep = MPI_INT, next;
    for (int i = 0; i < 200000; i++) { /* a chain, freed at once at its end */
        MPI_Type_dup(deep, &next);
        if (deep != MPI_INT)
            MPI_Type_free(&deep);
        deep = next;
    }
    OK(MPI_Type_free(&deep));
    for (int i = 0; i < 2000; i++)
        one_round();
    long before = mt_rss_kb();
    for (int i = 0; i < 20000; i++)
        one_round();
    CHECK(mt_rss_kb() - before < GROWTH_KB);
}

int main(int argc, char **argv)
{
    comm = mt_begin(&argc, &argv, 2);
    not_committed();
    if (mt_size == 2) {
        freed_in_use(10);
        freed_in_use(3000);
        freed_in_use(300000);
    }
    freed_twice();
    numbers();
    rounds();
    return mt_end();
}
