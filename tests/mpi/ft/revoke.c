/* SPDX-License-Identifier: BSD-3-Clause */
/* Revoking a communicator ends whatever waits in it, everywhere, and touches no other one. */
#include "family.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG = 4 << 20 };

/* Each rank waits in another way for what never comes, until rank 1 revokes. */
static int blocked(MPI_Comm comm, int rank, bool barrier)
{
    static char buf[LONG];
    int x = 0;
    MPI_Request req;
    switch (rank) {
    case 0:
        return MPI_Recv(&x, 1, MPI_INT, 2, 1, comm, MPI_STATUS_IGNORE);
    case 1:
        return MPIX_Comm_revoke(comm);
    case 3:
        return MPI_Ssend(&x, 1, MPI_INT, 1, 2, comm);
    case 4:
        return MPI_Send(buf, LONG, MPI_BYTE, 1, 3, comm);
    case 5:
        return MPI_Probe(MPI_ANY_SOURCE, 4, comm, MPI_STATUS_IGNORE);
    case 6:
        for (int i = 0; i < 2; i++) {
            int rc = i ? MPI_Issend(&x, 1, MPI_INT, 0, 6, comm, &req)
                       : MPI_Irecv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 5, comm, &req);
            CHECK_CLASS(rc ? rc : MPI_Wait(&req, MPI_STATUS_IGNORE), MPIX_ERR_REVOKED);
        }
        return MPIX_ERR_REVOKED;
    default: /* in a collective, in which rank 1 takes no part */
        return barrier ? MPI_Barrier(comm) : MPI_Bcast(&x, 1, MPI_INT, 1, comm);
    }
}

static void nothing_begins(MPI_Comm comm, int rank)
{
    int x = 0, flag = 0, size = 0, next;
    MPI_Comm dup;
    MPI_Request req;
    OK(MPIX_Comm_is_revoked(comm, &flag));
    CHECK(flag);
    OK(MPI_Comm_size(comm, &size));
    next = (rank + 1) % size;
    CHECK_CLASS(MPI_Send(&x, 1, MPI_INT, next, 1, comm), MPIX_ERR_REVOKED);
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, next, 1, comm, MPI_STATUS_IGNORE), MPIX_ERR_REVOKED);
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 1, comm, MPI_STATUS_IGNORE),
                MPIX_ERR_REVOKED);
    int rc = MPI_Irecv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 1, comm, &req);
    CHECK_CLASS(rc ? rc : MPI_Wait(&req, MPI_STATUS_IGNORE), MPIX_ERR_REVOKED);
    CHECK_CLASS(MPI_Iprobe(next, 1, comm, &flag, MPI_STATUS_IGNORE), MPIX_ERR_REVOKED);
    CHECK_CLASS(MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_INT, MPI_SUM, comm), MPIX_ERR_REVOKED);
    CHECK_CLASS(MPI_Comm_dup(comm, &dup), MPIX_ERR_REVOKED);
    CHECK_CLASS(mt_spawn(comm, 0, "nobody", NULL, 1, &dup), MPIX_ERR_REVOKED);
    char said[MPI_MAX_ERROR_STRING];
    MPI_Error_string(MPI_Barrier(comm), said, &x);
    if (!strstr(said, "MPIX_ERR_REVOKED"))
        mt_fail(__FILE__, __LINE__, "MPIX_ERR_REVOKED does not stand in: %s", said);
}

static void all_ways(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Comm comm, left;
    int flag = 1, x = 0, size;
    (void)inter;
    for (int boards = 0; boards < 2; boards++) {
        OK(MPI_Comm_dup(all, &comm));
        OK(MPIX_Comm_is_revoked(comm, &flag));
        CHECK(!flag);
        for (int i = 0; i < 8 * boards; i++) /* short collectives change their ways */
            OK(MPI_Barrier(comm));
        OK(MPI_Barrier(all));
        int rc = blocked(comm, rank, boards == 0);
        CHECK_CLASS(rc, rank == 1 ? MPI_SUCCESS : MPIX_ERR_REVOKED);
        nothing_begins(comm, rank);
        OK(MPIX_Comm_revoke(comm)); /* once more does no harm */
        OK(MPI_Barrier(all));
        /* What works all the same. */
        flag = rank == 2 ? 5 : 7;
        OK(MPIX_Comm_agree(comm, &flag));
        CHECK_EQ(flag, 5);
        OK(MPIX_Comm_shrink(comm, &left));
        OK(MPI_Comm_size(left, &size));
        CHECK_EQ(size, 8);
        OK(MPI_Allreduce(&rank, &x, 1, MPI_INT, MPI_SUM, left));
        CHECK_EQ(x, 28);
        OK(MPI_Comm_disconnect(&left));
        OK(MPI_Comm_disconnect(&comm));
    }
}

/* One is in the function that makes it, the other revokes it as soon as it has it. */
static void newborn(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Comm comm;
    int x;
    (void)inter;
    for (int i = 0; i < 50; i++) {
        OK(MPI_Comm_dup(all, &comm));
        if (rank == 0)
            OK(MPIX_Comm_revoke(comm));
        CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 1, comm, MPI_STATUS_IGNORE),
                    MPIX_ERR_REVOKED);
        OK(MPI_Comm_free(&comm));
    }
}

/* From the other side of an intercommunicator. */
static void across(MPI_Comm all, MPI_Comm inter, int rank)
{
    int x = 0, flag;
    if (rank == 1)
        OK(MPIX_Comm_revoke(inter));
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 0, 1, inter, MPI_STATUS_IGNORE), MPIX_ERR_REVOKED);
    OK(MPIX_Comm_is_revoked(inter, &flag));
    CHECK(flag);
    CHECK_CLASS(MPI_Barrier(inter), MPIX_ERR_REVOKED);
    OK(MPIX_Comm_is_revoked(all, &flag));
    CHECK(!flag);
    OK(MPI_Barrier(all));
}

/* Halves of a split have the same context and not a process in common. */
static void half(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Comm mine;
    int flag;
    (void)inter;
    OK(MPI_Comm_split(all, rank % 2, rank, &mine));
    if (rank == 1)
        OK(MPIX_Comm_revoke(mine));
    CHECK_CLASS(MPI_Barrier(mine), rank % 2 ? MPIX_ERR_REVOKED : MPI_SUCCESS);
    flag = rank;
    OK(MPIX_Comm_agree(mine, &flag));
    CHECK_EQ(flag, rank % 2);
    OK(MPI_Barrier(all));
    OK(MPI_Comm_disconnect(&mine));
}

static bool has_ended(void *pid)
{
    return waitpid(*(pid_t *)pid, NULL, WNOHANG) != 0;
}

/* The daemon, which tells of it, stands still for a second. Who waits in a collective, and asks about the one
 * that has revoked and gone on, hears of nothing else meanwhile. */
static void late_news(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Comm kept, freed;
    (void)inter;
    OK(MPI_Comm_dup(all, &kept));
    OK(MPI_Comm_dup(all, &freed));
    OK(MPI_Barrier(all));
    if (rank == 1) {
        int daemon = (int)getppid();
        CHECK(daemon > 1 && kill(daemon, SIGSTOP) == 0);
        pid_t pid = fork();
        if (pid == 0) {
            sleep(1);
            kill(daemon, SIGCONT);
            _exit(0);
        }
        OK(MPIX_Comm_revoke(kept));
        OK(MPIX_Comm_revoke(freed));
        CHECK_CLASS(MPI_Barrier(freed), MPIX_ERR_REVOKED);
        CHECK_CLASS(MPI_Barrier(kept), MPIX_ERR_REVOKED);
        OK(MPI_Comm_free(&freed));
        CHECK(mt_until(has_ended, &pid, 30));
    } else {
        CHECK_CLASS(MPI_Barrier(rank ? freed : kept), MPIX_ERR_REVOKED);
        CHECK_CLASS(MPI_Barrier(rank ? kept : freed), MPIX_ERR_REVOKED);
        OK(MPI_Comm_free(&freed));
    }
    OK(MPI_Comm_free(&kept));
}

static void arguments(MPI_Comm all, MPI_Comm inter, int rank)
{
    (void)inter;
    (void)rank;
    CHECK_CLASS(MPIX_Comm_revoke(MPI_COMM_NULL), MPI_ERR_COMM);
    CHECK_CLASS(MPIX_Comm_is_revoked(all, NULL), MPI_ERR_ARG);
}

int main(int argc, char **argv)
{
    static const struct family_case cases[] = {
        {"ways", 7, all_ways}, {"newborn", 3, newborn}, {"across", 2, across},
        {"half", 5, half},     {"late", 2, late_news},  {"arguments", 1, arguments},
        {NULL, 0, NULL},
    };
    return family_main(argc, argv, cases);
}
