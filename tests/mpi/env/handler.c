/* SPDX-License-Identifier: BSD-3-Clause */
/* The initial error handler: MPI_ERRORS_ARE_FATAL, or what the info key of a spawn says; it is the
 * handler of MPI_COMM_WORLD, MPI_COMM_SELF and the intercommunicator to the parents. `show` prints
 * it, for runs under mpiexec with its option. And whom the handlers that end processes end. */
#include "mtest.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static MPI_Errhandler handler_of(MPI_Comm comm)
{
    MPI_Errhandler eh;
    OK(MPI_Comm_get_errhandler(comm, &eh));
    return eh; /* predefined: needs not be freed */
}

static int show(void)
{
    MPI_Init(NULL, NULL);
    MPI_Errhandler eh = handler_of(MPI_COMM_WORLD);
    puts(eh == MPI_ERRORS_RETURN ? "return" : eh == MPI_ERRORS_ABORT ? "abort" : "fatal");
    MPI_Finalize();
    return 0;
}

/* The number says which handler is expected. */
static int child(int wanted)
{
    MPI_Comm parent;
    MPI_Errhandler eh = wanted == 0   ? MPI_ERRORS_ARE_FATAL
                        : wanted == 1 ? MPI_ERRORS_ABORT
                                      : MPI_ERRORS_RETURN;
    MPI_Init(NULL, NULL);
    MPI_Comm_get_parent(&parent);
    int good = handler_of(MPI_COMM_WORLD) == eh && handler_of(MPI_COMM_SELF) == eh &&
               handler_of(parent) == eh;
    MPI_Send(&good, 1, MPI_INT, 0, 0, parent);
    MPI_Comm_disconnect(&parent);
    MPI_Finalize();
    return 0;
}

static void spawned_with(int wanted, const char *value)
{
    MPI_Info info = MPI_INFO_NULL;
    MPI_Comm inter;
    char number[2] = {(char)('0' + wanted), 0}, word[] = "child",
         *args[] = {word, number, NULL};
    int good = 0;
    if (value) {
        OK(MPI_Info_create(&info));
        OK(MPI_Info_set(info, "mpi_initial_errhandler", value));
    }
    OK(MPI_Comm_spawn(mt_program(), args, 1, info, 0, MPI_COMM_SELF, &inter,
                      MPI_ERRCODES_IGNORE));
    OK(MPI_Recv(&good, 1, MPI_INT, 0, 0, inter, MPI_STATUS_IGNORE));
    CHECK(good);
    OK(MPI_Comm_disconnect(&inter));
    if (value)
        OK(MPI_Info_free(&info));
}

/* One of three: 1 and 2 have a communicator with the handler `word`, on which 2 makes an error. */
static int doomed(const char *word)
{
    MPI_Comm parent, pair;
    int rank, x = 0;
    signal(SIGALRM, SIG_DFL);
    alarm(40); /* should nobody end it */
    MPI_Init(NULL, NULL);
    MPI_Comm_get_parent(&parent);
    MPI_Comm_set_errhandler(parent, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, rank > 0, rank, &pair);
    MPI_Comm_set_errhandler(pair, strcmp(word, "abort") == 0 ? MPI_ERRORS_ABORT
                                                             : MPI_ERRORS_ARE_FATAL);
    /* In a barrier 0 might still wait for 1 when that is ended. */
    if (rank < 2)
        MPI_Send(&x, 1, MPI_INT, 2, 3, MPI_COMM_WORLD);
    for (int i = 0; rank == 2 && i < 2; i++)
        MPI_Recv(&x, 1, MPI_INT, i, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank == 2 && freopen("/dev/null", "w", stderr))
        MPI_Send(&x, 1, MPI_INT, 5, 0, pair);
    MPI_Recv(&x, 1, MPI_INT, 0, 1, parent, MPI_STATUS_IGNORE);
    MPI_Send(&rank, 1, MPI_INT, 0, 2, parent);
    return 0; /* its world is not there to finalize */
}

/* MPI_ERRORS_ABORT ends the processes of the communicator, MPI_ERRORS_ARE_FATAL all that are
 * connected but those who have spawned them. */
static void ended_by(const char *handler, int survivors)
{
    MPI_Comm inter;
    char role[] = "doomed", word[8], *args[] = {role, word, NULL};
    int x, left = 0;
    snprintf(word, sizeof(word), "%s", handler);
    OK(MPI_Comm_spawn(mt_program(), args, 3, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter,
                      MPI_ERRCODES_IGNORE));
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    for (int i = 2; i >= 0; i--) {
        if (i < survivors)
            OK(MPI_Send(&i, 1, MPI_INT, i, 1, inter));
        int rc = MPI_Recv(&x, 1, MPI_INT, i, 2, inter, MPI_STATUS_IGNORE);
        left += rc == MPI_SUCCESS;
        CHECK_CLASS(rc, i < survivors ? MPI_SUCCESS : MT_ERR_PROC_FAILED);
    }
    CHECK_EQ(left, survivors);
    OK(MPI_Comm_disconnect(&inter));
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "doomed") == 0)
        return doomed(argv[2]);
    if (argc > 1 && strcmp(argv[1], "show") == 0)
        return show();
    if (argc > 2 && strcmp(argv[1], "child") == 0)
        return child(argv[2][0] - '0');
    mt_begin(&argc, &argv, 2);
    if (mt_rank == 0) {
        spawned_with(0, NULL);
        spawned_with(0, "mpi_errors_are_fatal");
        spawned_with(1, "mpi_errors_abort");
        spawned_with(2, "mpi_errors_return");
        /* mpiexec would end with their status */
        if (getenv("PVMX_TASK") == NULL) {
            ended_by("abort", 1);
            ended_by("fatal", 0);
        }
    }
    return mt_end();
}
