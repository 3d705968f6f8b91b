/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Abort ends exactly the processes of its communicator: of a half, of an intercommunicator's two
 * groups; children that are connected with an aborted parent end, too, detached ones go on. */
#include "mtest.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 4 };

static bool no_such_process(void *arg)
{
    return kill(*(int *)arg, 0) != 0 && errno == ESRCH;
}

/* Says its id, then waits to be told to go. */
static void stay(MPI_Comm parent)
{
    int x;
    alarm(40); /* should nobody end it */
    signal(SIGALRM, SIG_DFL);
    if (MPI_Recv(&x, 1, MPI_INT, 0, 2, parent, MPI_STATUS_IGNORE) != MPI_SUCCESS)
        pause(); /* the parent has ended, which is no reason for us */
}

static void say_pid(MPI_Comm parent)
{
    int pid = (int)getpid();
    OK(MPI_Send(&pid, 1, MPI_INT, 0, 1, parent));
}

/* The even ones are a communicator, and its last one ends it. */
static int half(void)
{
    MPI_Comm parent, part;
    int rank, x;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Comm_rank(parent, &rank));
    OK(MPI_Comm_split(MPI_COMM_WORLD, rank % 2, 0, &part));
    say_pid(parent);
    if (rank == 2) {
        OK(MPI_Recv(&x, 1, MPI_INT, 0, 3, parent, MPI_STATUS_IGNORE));
        MPI_Abort(part, 5);
    }
    stay(parent);
    OK(MPI_Comm_disconnect(&part));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

static void of_a_half(void)
{
    MPI_Comm inter;
    int pids[N] = {0}, x = 0;
    OK(mt_spawn(MPI_COMM_SELF, 0, "half", NULL, N, &inter));
    for (int i = 0; i < N; i++)
        OK(MPI_Recv(&pids[i], 1, MPI_INT, i, 1, inter, MPI_STATUS_IGNORE));
    OK(MPI_Send(&x, 1, MPI_INT, 2, 3, inter));
    for (int i = 0; i < N; i += 2) {
        CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, i, 9, inter, MPI_STATUS_IGNORE),
                    MT_ERR_PROC_FAILED);
        CHECK(mt_until(no_such_process, &pids[i], 20));
    }
    for (int i = 1; i < N; i += 2) {
        CHECK(pids[i] > 1 && kill(pids[i], 0) == 0);
        OK(MPI_Send(&x, 1, MPI_INT, i, 2, inter));
    }
    OK(MPI_Comm_disconnect(&inter));
}

/* middle WHOM: spawns two, tells of them, and aborts itself or all three. */
static int middle(const char *whom)
{
    MPI_Comm parent, inter;
    MPI_Info info = MPI_INFO_NULL;
    char mark[] = "--role", role[] = "leaf", *argv[] = {mark, role, NULL};
    int pids[2] = {0};
    OK(MPI_Comm_get_parent(&parent));
    if (strcmp(whom, "detached") == 0) {
        OK(MPI_Info_create(&info));
        OK(MPI_Info_set(info, "pvmx_lifetime", "detached"));
    }
    OK(MPI_Comm_spawn(mt_program(), argv, 2, info, 0, MPI_COMM_SELF, &inter,
                      MPI_ERRCODES_IGNORE));
    for (int i = 0; i < 2; i++)
        OK(MPI_Recv(&pids[i], 1, MPI_INT, i, 1, inter, MPI_STATUS_IGNORE));
    OK(MPI_Ssend(pids, 2, MPI_INT, 0, 1, parent));
    MPI_Abort(strcmp(whom, "both") == 0 ? inter : MPI_COMM_SELF, 3);
    return 1;
}

static void of_a_parent(const char *whom, bool ends)
{
    MPI_Comm inter;
    int pids[2] = {0}, x;
    OK(mt_spawn(MPI_COMM_SELF, 0, "middle", (const char *[]){whom, NULL}, 1, &inter));
    OK(MPI_Recv(pids, 2, MPI_INT, 0, 1, inter, MPI_STATUS_IGNORE));
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 0, 9, inter, MPI_STATUS_IGNORE), MT_ERR_PROC_FAILED);
    for (int i = 0; i < 2; i++) {
        if (!CHECK(pids[i] > 1))
            continue;
        bool ended = mt_until(no_such_process, &pids[i], ends ? 20 : 0.5);
        if (ended != ends)
            mt_fail(__FILE__, __LINE__, "%s: the child %s", whom,
                    ended ? "has ended" : "lives on");
        if (!ended)
            mt_kill(pids[i]);
    }
    OK(MPI_Comm_disconnect(&inter));
}

int main(int argc, char **argv)
{
    const char *role;
    MPI_Comm parent;
    mt_begin(&argc, &argv, 0);
    if (!mt_is_child(&role)) {
        of_a_half();
        of_a_parent("self", true);
        of_a_parent("both", true);
        of_a_parent("detached", false);
        return mt_end();
    }
    if (strcmp(role, "half") == 0)
        return half();
    if (strcmp(role, "middle") == 0)
        return middle(argv[1]);
    OK(MPI_Comm_get_parent(&parent));
    say_pid(parent);
    stay(parent);
    return 0;
}
