/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawns that do not wait: several at once, completed in any order by the wait and test functions,
 * with errors and "soft", from a group, beside a collective, and when a member dies meanwhile. */
#include "mtest.h"
#include <mpix_pvmx.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char mark[] = "--role", role_child[] = "child";
static char *child_argv[] = {mark, role_child, NULL};

static int child(void)
{
    MPI_Comm parent;
    int size;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    OK(MPI_Send(&size, 1, MPI_INT, 0, 1, parent));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

static int start(MPI_Comm comm, int root, int n, MPI_Info info, MPI_Comm *inter,
                 int *codes, MPI_Request *req)
{
    return MPIX_Comm_ispawn(mt_program(), child_argv, n, info, root, comm, inter, codes, req);
}

/* Rank 0 of comm hears from n children of `size`; all of comm disconnect. */
static void meet(MPI_Comm inter, int n, int size)
{
    int got = 0, remote = -1, rank;
    if (!CHECK(inter != MPI_COMM_NULL))
        return;
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    OK(MPI_Comm_remote_size(inter, &remote));
    CHECK_EQ(remote, n);
    OK(MPI_Comm_rank(inter, &rank));
    for (int i = 0; i < remote && rank == 0; i++) {
        OK(MPI_Recv(&got, 1, MPI_INT, i, 1, inter, MPI_STATUS_IGNORE));
        CHECK_EQ(got, size);
    }
    OK(MPI_Comm_disconnect(&inter));
}

/* The call returns before anybody can have been started, and Test sees it become complete. */
static void one(MPI_Comm comm, int root)
{
    MPI_Comm inter = MPI_COMM_WORLD;
    MPI_Request req;
    MPI_Status st;
    int codes[3] = {-1, -1, -1}, flag = 0;
    MPI_Info info;
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "wdir", "/"));
    OK(start(comm, root, 3, info, &inter, codes, &req));
    CHECK(inter == MPI_COMM_NULL);
    CHECK(req != MPI_REQUEST_NULL);
    OK(MPI_Info_set(info, "wdir", "/does/not/exist")); /* too late to matter */
    OK(MPI_Info_free(&info));
    while (!flag)
        OK(MPI_Test(&req, &flag, &st));
    CHECK(req == MPI_REQUEST_NULL);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(codes[i], MPI_SUCCESS);
    meet(inter, 3, 3);
}

/* More at once than processors; completed by whichever call, in an order of its own in each process:
 * what is collective over the new communicators comes after all of that. */
static void many(MPI_Comm comm)
{
    enum { N = 6 };
    MPI_Comm inter[N];
    MPI_Request req[N];
    MPI_Status st[N];
    int index, flag, n, at[N], left = N - 3;
    for (int i = 0; i < N; i++)
        OK(start(comm, i % mt_size, i, MPI_INFO_NULL, &inter[i], MPI_ERRCODES_IGNORE,
                 &req[i]));
    OK(MPI_Wait(&req[N - 1 - mt_rank % N], &st[0]));
    CHECK(inter[N - 1 - mt_rank % N] != MPI_COMM_NULL);
    OK(MPI_Waitany(N, req, &index, &st[0]));
    CHECK(index >= 0 && index < N && inter[index] != MPI_COMM_NULL);
    for (flag = 0; !flag;)
        OK(MPI_Testany(N, req, &index, &flag, &st[0]));
    CHECK(index >= 0 && index < N && inter[index] != MPI_COMM_NULL);
    while (left > 0) {
        OK(MPI_Waitsome(N, req, &n, at, st));
        if (!CHECK(n > 0 && n <= left))
            return;
        left -= n;
    }
    for (int i = 0; i < N; i++)
        meet(inter[i], i, i);
    for (int i = 0; i < 2; i++)
        OK(start(comm, 0, 1, MPI_INFO_NULL, &inter[i], MPI_ERRCODES_IGNORE, &req[i]));
    for (flag = 0; !flag;)
        OK(MPI_Testall(2, req, &flag, st));
    for (int i = 0; i < 2; i++)
        meet(inter[i], 1, 1);
}

static void multiple(MPI_Comm comm, int root)
{
    char *commands[] = {(char *)(uintptr_t)mt_program(), (char *)(uintptr_t)mt_program()};
    char **argvs[] = {child_argv, child_argv};
    MPI_Info infos[] = {MPI_INFO_NULL, MPI_INFO_NULL};
    const int counts[] = {1, 2};
    int codes[3] = {-1, -1, -1};
    MPI_Comm inter;
    MPI_Request req;
    bool is = mt_rank == root; /* what the others give does not matter */
    OK(MPIX_Comm_ispawn_multiple(is ? 2 : -1, is ? commands : NULL, is ? argvs : NULL,
                                 is ? counts : NULL, is ? infos : NULL, root, comm,
                                 &inter, codes, &req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    CHECK(codes[0] == MPI_SUCCESS && codes[2] == MPI_SUCCESS);
    meet(inter, 3, 3);
    OK(MPIX_Comm_ispawn_multiple(-1, NULL, NULL, NULL, NULL, root, comm, &inter,
                                 MPI_ERRCODES_IGNORE, &req));
    CHECK_CLASS(MPI_Wait(&req, MPI_STATUS_IGNORE), MPI_ERR_ARG);
    CHECK(inter == MPI_COMM_NULL);
}

/* The error comes with the completion, in every process and with the root's sentence. */
static void failure(MPI_Comm comm, int root)
{
    MPI_Comm inter[2];
    MPI_Request req[2];
    MPI_Status st[2];
    int codes[2] = {-1, -1}, len;
    char said[MPI_MAX_ERROR_STRING];
    OK(MPIX_Comm_ispawn("/does/not/exist", MPI_ARGV_NULL, 2, MPI_INFO_NULL, root, comm,
                        &inter[0], codes, &req[0]));
    OK(start(comm, root, 1, MPI_INFO_NULL, &inter[1], MPI_ERRCODES_IGNORE, &req[1]));
    CHECK_CLASS(MPI_Waitall(2, req, st), MPI_ERR_IN_STATUS);
    CHECK_CLASS(st[0].MPI_ERROR, MPI_ERR_SPAWN);
    CHECK_CLASS(st[1].MPI_ERROR, MPI_SUCCESS);
    CHECK(codes[0] != MPI_SUCCESS && codes[0] != -1 && codes[1] != MPI_SUCCESS);
    CHECK(inter[0] == MPI_COMM_NULL);
    meet(inter[1], 1, 1);
    OK(MPIX_Comm_ispawn("/does/not/exist", MPI_ARGV_NULL, 1, MPI_INFO_NULL, root, comm,
                        &inter[0], MPI_ERRCODES_IGNORE, &req[0]));
    int rc = MPI_Wait(&req[0], MPI_STATUS_IGNORE);
    CHECK_CLASS(rc, MPI_ERR_SPAWN);
    MPI_Error_string(rc, said, &len);
    CHECK(strstr(said, "/does/not/exist") != NULL);
    CHECK_CLASS(MPIX_Comm_ispawn(mt_program(), NULL, 1, MPI_INFO_NULL, mt_size, comm,
                                 &inter[0], MPI_ERRCODES_IGNORE, &req[0]),
                MPI_ERR_ROOT);
    CHECK_CLASS(MPIX_Comm_ispawn(mt_program(), NULL, 1, MPI_INFO_NULL, 0, comm, NULL,
                                 MPI_ERRCODES_IGNORE, &req[0]),
                MPI_ERR_ARG);
    CHECK_CLASS(MPIX_Comm_ispawn(mt_program(), NULL, 1, MPI_INFO_NULL, 0, MPI_COMM_NULL,
                                 &inter[0], MPI_ERRCODES_IGNORE, &req[0]),
                MPI_ERR_COMM);
}

/* "soft" goes through its rounds without anybody waiting. */
static void soft(MPI_Comm comm, int root)
{
    MPI_Comm inter;
    MPI_Request req;
    MPI_Info info;
    int n = 100000, *codes = malloc(sizeof(int) * (size_t)n), started = 0;
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "soft", "1:2,100000"));
    OK(start(comm, root, n, info, &inter, codes, &req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    for (int i = 0; i < n; i++)
        started += codes[i] == MPI_SUCCESS;
    CHECK_EQ(started, 2);
    meet(inter, 2, 2);
    OK(MPI_Info_free(&info));
    free(codes);
}

/* Collectives go on meanwhile, and a spawn is not held up by one that others have not begun. */
static void beside_collective(MPI_Comm comm)
{
    MPI_Comm inter[2];
    MPI_Request req[2], coll[2];
    int sum[2] = {0, 0}, mine = mt_rank;
    OK(MPI_Iallreduce(&mine, &sum[0], 1, MPI_INT, MPI_SUM, comm, &coll[0]));
    OK(start(comm, 0, 2, MPI_INFO_NULL, &inter[0], MPI_ERRCODES_IGNORE, &req[0]));
    OK(MPI_Iallreduce(&mine, &sum[1], 1, MPI_INT, MPI_SUM, comm, &coll[1]));
    OK(start(comm, mt_size - 1, 1, MPI_INFO_NULL, &inter[1], MPI_ERRCODES_IGNORE, &req[1]));
    OK(MPI_Wait(&req[1], MPI_STATUS_IGNORE));
    meet(inter[1], 1, 1);
    OK(MPI_Waitall(2, coll, MPI_STATUSES_IGNORE));
    CHECK(sum[0] == sum[1] && sum[0] == mt_size * (mt_size - 1) / 2);
    OK(MPI_Wait(&req[0], MPI_STATUS_IGNORE));
    meet(inter[0], 2, 2);
}

/* Four processes, of which one has ended; the others spawn. That it has ended holds up nobody but those
 * who wait for the root, whatever its place among them. */
static void spawn_without(MPI_Comm all, int root, int victim)
{
    MPI_Comm made = MPI_COMM_NULL;
    MPI_Request req;
    int wanted = victim == root ? MPIX_ERR_PROC_FAILED : MPI_SUCCESS;
    OK(start(all, root, 1, MPI_INFO_NULL, &made, MPI_ERRCODES_IGNORE, &req));
    CHECK_CLASS(MPI_Wait(&req, MPI_STATUS_IGNORE), wanted);
    if (made != MPI_COMM_NULL)
        meet(made, 1, 1);
    made = MPI_COMM_NULL;
    CHECK_CLASS(MPI_Comm_spawn(mt_program(), child_argv, 1, MPI_INFO_NULL, root, all,
                               &made, MPI_ERRCODES_IGNORE),
                wanted);
    if (made != MPI_COMM_NULL)
        meet(made, 1, 1);
}

static void death(int root, int victim)
{
    MPI_Comm inter, all;
    char numbers[2][8];
    snprintf(numbers[0], sizeof(numbers[0]), "%d", root);
    snprintf(numbers[1], sizeof(numbers[1]), "%d", victim);
    OK(mt_spawn(MPI_COMM_SELF, 0, "family",
                (const char *[]){numbers[0], numbers[1], NULL}, 3, &inter));
    OK(MPI_Intercomm_merge(inter, 0, &all));
    OK(MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN));
    OK(MPI_Barrier(all));
    spawn_without(all, root, victim);
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&inter));
}

static int family(int root, int victim)
{
    MPI_Comm parent, all;
    int rank;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Intercomm_merge(parent, 1, &all));
    OK(MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN));
    OK(MPI_Comm_rank(all, &rank));
    OK(MPI_Barrier(all));
    if (rank == victim)
        raise(SIGKILL);
    spawn_without(all, root, victim);
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

int main(int argc, char **argv)
{
    const char *role;
    MPI_Comm comm = mt_begin(&argc, &argv, 3);
    if (mt_is_child(&role))
        return strcmp(role, "family") == 0 ? family(atoi(argv[1]), atoi(argv[2])) : child();
    int fds = mt_count_fds();
    for (int root = 0; root < 3; root += 2) {
        one(comm, root);
        multiple(comm, root);
        failure(comm, root);
        soft(comm, root);
    }
    many(comm);
    beside_collective(comm);
    CHECK_EQ(mt_count_fds(), fds);
    if (mt_rank == 0) {
        death(0, 1);
        death(0, 2);
        death(1, 1);
    }
    return mt_end();
}
