/* SPDX-License-Identifier: BSD-3-Clause */
/* Error handlers: returning, of the application, and fatal ones (in a child, whose last words and
 * exit status are looked at). */
#include "mpi.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char words[8192];

/* Runs fn in a child; returns its wait status and leaves in words what it wrote on stderr. */
static int run(void (*fn)(void))
{
    int fd[2], status;
    cr_assert(pipe(fd) == 0);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        dup2(fd[1], STDERR_FILENO);
        close(fd[0]);
        close(fd[1]);
        fn();
        _exit(100);
    }
    close(fd[1]);
    size_t n = 0;
    ssize_t k;
    while ((k = read(fd[0], words + n, sizeof(words) - 1 - n)) > 0)
        n += (size_t)k;
    words[n] = '\0';
    close(fd[0]);
    cr_assert(waitpid(pid, &status, 0) == pid);
    return status;
}

/* Exit status, or -1 when a signal ended the child. */
static int exit_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool said(const char *text)
{
    return strstr(words, text) != NULL;
}

static void send_to_nobody(void)
{
    int x = 0;
    MPI_Init(NULL, NULL);
    MPI_Send(&x, 1, MPI_INT, 5, 0, MPI_COMM_WORLD);
}

Test(errhandler, fatal_errors_say_everything_and_end_the_process)
{
    int status = run(send_to_nobody);
    cr_assert(eq(int, exit_of(status), 1));
    cr_assert(said("MPI_Send failed and the error handler is MPI_ERRORS_ARE_FATAL"), "%s",
              words);
    cr_assert(said("error    MPI_ERR_RANK (6): invalid rank"), "%s", words);
    cr_assert(said("cause    dest is 5 but the communicator has rank 0 only\n"), "%s", words);
}

static void rank_before_init(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
}

Test(errhandler, calls_before_init_are_fatal_and_named)
{
    int status = run(rank_before_init);
    cr_assert(eq(int, exit_of(status), 1));
    cr_assert(said("MPI_Comm_rank failed"), "%s", words);
    cr_assert(said("called before MPI_Init"), "%s", words);
}

static void rank_after_finalize(void)
{
    MPI_Init(NULL, NULL);
    MPI_Finalize();
    rank_before_init();
}

Test(errhandler, calls_after_finalize_are_fatal_and_named)
{
    int status = run(rank_after_finalize);
    cr_assert(eq(int, exit_of(status), 1));
    cr_assert(said("called after MPI_Finalize"), "%s", words);
}

static void call_abort(void)
{
    MPI_Init(NULL, NULL);
    MPI_Abort(MPI_COMM_WORLD, 42);
}

Test(errhandler, abort_ends_with_its_code)
{
    int status = run(call_abort);
    cr_assert(eq(int, exit_of(status), 42));
    cr_assert(said("MPI_Abort(MPI_COMM_WORLD, 42)"), "%s", words);
}

static void abort_with_256(void)
{
    MPI_Init(NULL, NULL);
    MPI_Abort(MPI_COMM_WORLD, 256);
}

Test(errhandler, abort_never_looks_like_success_by_truncation)
{
    int status = run(abort_with_256);
    cr_assert(eq(int, exit_of(status), 1));
}

Test(errhandler, initial_handler_may_return)
{
    int rank;
    setenv("PVMX_INITIAL_ERRHANDLER", "mpi_errors_return", 1);
    cr_assert(eq(int, MPI_Comm_rank(MPI_COMM_WORLD, &rank), MPI_ERR_OTHER));
    MPI_Init(NULL, NULL);
    MPI_Errhandler eh;
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &eh);
    cr_assert(eh == MPI_ERRORS_RETURN);
    MPI_Errhandler_free(&eh);
    MPI_Finalize();
    cr_assert(eq(int, MPI_Comm_rank(MPI_COMM_WORLD, &rank), MPI_ERR_OTHER));
}

static int seen_code, calls;
static MPI_Comm seen_comm;

static void remember(MPI_Comm *comm, int *code, ...)
{
    calls++;
    seen_comm = *comm;
    seen_code = *code;
}

Test(errhandler, functions_of_the_application_are_called_and_inherited)
{
    int x = 0;
    MPI_Errhandler eh, back;
    MPI_Comm dup;
    MPI_Init(NULL, NULL);
    MPI_Comm_create_errhandler(remember, &eh);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, eh);
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &back);
    cr_assert(back == eh);
    MPI_Errhandler_free(&back);
    MPI_Errhandler_free(&eh);
    cr_assert(eh == MPI_ERRHANDLER_NULL);
    cr_assert(eq(int, MPI_Send(&x, -1, MPI_INT, 0, 0, MPI_COMM_WORLD), MPI_ERR_COUNT));
    cr_assert(eq(int, seen_code, MPI_ERR_COUNT));
    cr_assert(seen_comm == MPI_COMM_WORLD);
    MPI_Comm_dup(MPI_COMM_WORLD, &dup);
    cr_assert(eq(int, MPI_Comm_call_errhandler(dup, MPI_ERR_IO), MPI_SUCCESS));
    cr_assert(eq(int, seen_code, MPI_ERR_IO));
    cr_assert(seen_comm == dup);
    cr_assert(eq(int, calls, 2));
    MPI_Comm_free(&dup);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    cr_assert(eq(int, MPI_Comm_call_errhandler(MPI_COMM_WORLD, 99999), MPI_ERR_ARG));
    cr_assert(eq(int, MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRHANDLER_NULL),
                 MPI_ERR_ERRHANDLER));
    MPI_Finalize();
}
