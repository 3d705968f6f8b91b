/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs that know sessions only: started by hand, by mpiexec and by a spawn; sessions that come
 * again after the last one has gone; a spawn over a session's communicator, and children that find
 * their parents by a process set. */
#include "mtest.h"
#include <string.h>

enum { ROUNDS = 3, CHILDREN = 2 };

static MPI_Comm comm_of(MPI_Session session, const char *pset, const char *tag)
{
    MPI_Group group;
    MPI_Comm comm = MPI_COMM_NULL;
    OK(MPI_Group_from_session_pset(session, pset, &group));
    OK(MPI_Comm_create_from_group(group, tag, MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
    OK(MPI_Group_free(&group));
    return comm;
}

/* Everything that a communicator can do, in small. */
static void use(MPI_Comm comm)
{
    int size, rank, sum = 0, from = -1;
    MPI_Comm dup, half;
    OK(MPI_Comm_size(comm, &size));
    OK(MPI_Comm_rank(comm, &rank));
    OK(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, comm));
    CHECK_EQ(sum, size * (size - 1) / 2);
    OK(MPI_Sendrecv(&rank, 1, MPI_INT, (rank + 1) % size, 1, &from, 1, MPI_INT,
                    (rank + size - 1) % size, 1, comm, MPI_STATUS_IGNORE));
    CHECK_EQ(from, (rank + size - 1) % size);
    OK(MPI_Comm_dup(comm, &dup));
    OK(MPI_Comm_split(dup, rank % 2, rank, &half));
    OK(MPI_Barrier(half));
    OK(MPI_Comm_free(&half));
    OK(MPI_Comm_free(&dup));
}

/* Parents and children, by MPI_Comm_spawn's own communicator and by one that both sides make. */
static void meet(MPI_Comm local, MPI_Group remote)
{
    MPI_Group mine;
    MPI_Comm inter;
    int remote_size, rank, sum = 0;
    OK(MPI_Comm_group(local, &mine));
    OK(MPI_Comm_rank(local, &rank));
    OK(MPI_Intercomm_create_from_groups(mine, 0, remote, 0, "parents and children",
                                        MPI_INFO_NULL, MPI_ERRORS_RETURN, &inter));
    OK(MPI_Comm_remote_size(inter, &remote_size));
    rank++;
    OK(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, inter));
    CHECK_EQ(sum, remote_size * (remote_size + 1) / 2);
    int mine_bad = mt_failures(), their_bad = -1;
    OK(MPI_Allreduce(&mine_bad, &their_bad, 1, MPI_INT, MPI_SUM, inter));
    CHECK_EQ(their_bad, 0);
    OK(MPI_Comm_disconnect(&inter));
    OK(MPI_Group_free(&mine));
}

static void spawn(MPI_Comm comm)
{
    MPI_Comm inter;
    MPI_Group children;
    OK(mt_spawn(comm, 0, "child", NULL, CHILDREN, &inter));
    OK(MPI_Comm_remote_group(inter, &children));
    meet(comm, children);
    OK(MPI_Group_free(&children));
    OK(MPI_Comm_disconnect(&inter));
}

static void child(MPI_Session session)
{
    MPI_Group parents;
    MPI_Comm comm = comm_of(session, "mpi://WORLD", "world");
    int size;
    OK(MPI_Comm_size(comm, &size));
    CHECK_EQ(size, CHILDREN);
    use(comm);
    OK(MPI_Group_from_session_pset(session, "pvmx://PARENT", &parents));
    meet(comm, parents);
    OK(MPI_Group_free(&parents));
    OK(MPI_Comm_free(&comm));
}

static void outside(int round)
{
    int flag = -1, version, sub;
    OK(MPI_Initialized(&flag));
    CHECK_EQ(flag, 0);
    OK(MPI_Finalized(&flag));
    CHECK_EQ(flag, 0);
    OK(MPI_Get_version(&version, &sub));
    (void)round;
}

int main(int argc, char **argv)
{
    mt_prepare(&argc, &argv);
    for (int round = 0; round < ROUNDS; round++) {
        MPI_Session session, other;
        outside(round);
        OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
        if (mt_is_child(NULL)) {
            if (round == 0)
                child(session);
            OK(MPI_Session_finalize(&session));
            continue;
        }
        MPI_Comm comm = comm_of(session, "mpi://WORLD", "world");
        OK(MPI_Comm_rank(comm, &mt_rank));
        use(comm);
        /* The same name again, and another session at the same time. */
        OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &other));
        MPI_Comm second = comm_of(other, "mpi://WORLD", "world");
        use(second);
        MPI_Comm self = comm_of(other, "mpi://SELF", "self");
        use(self);
        OK(MPI_Comm_free(&self));
        OK(MPI_Comm_free(&second));
        OK(MPI_Session_finalize(&other));
        CHECK(other == MPI_SESSION_NULL);
        outside(round);
        if (round < 2)
            spawn(comm);
        use(comm);
        OK(MPI_Comm_free(&comm));
        OK(MPI_Session_finalize(&session));
    }
    return mt_failures() != 0;
}
