/* SPDX-License-Identifier: BSD-3-Clause */
/* Dynamic processes beside the plain spawn of spawn.c: children that come and go, programs that meet at
 * a port, a loss that is made good. PVMX only.
 *   dynamic apart N ROUNDS      spawn of n, their MPI_Init, disconnect of both sides
 *   dynamic connect ROUNDS      connect of one running program to another that accepts
 *   dynamic clients N           n running programs connect to one server at once
 *   dynamic recovery N ROUNDS   one of n children has died: from its being noticed in a collective
 *                               over shrink and respawn to a merged world's barrier */
#include "timing.h"

#include <dirent.h>
#include <fcntl.h>
#include <mpi.h>
#include <mpix_pvmx.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *self;

static MPI_Comm spawn(MPI_Comm comm, const char *role, int n)
{
    MPI_Comm inter;
    char *argv[] = {(char *)(uintptr_t)role, NULL};
    MPI_Comm_spawn(self, argv, n, MPI_INFO_NULL, 0, comm, &inter, MPI_ERRCODES_IGNORE);
    return inter;
}

/* ---- apart ------------------------------------------------------------------------------------ */

/* The daemon, which is our children's parent. */
static int find_daemon(void)
{
    MPI_Comm inter = spawn(MPI_COMM_SELF, "whose", 1);
    int pid = 0;
    MPI_Recv(&pid, 1, MPI_INT, 0, 0, inter, MPI_STATUS_IGNORE);
    MPI_Comm_disconnect(&inter);
    return pid;
}

/* Has any of its threads a child that has not been reaped? */
static bool has_children(int daemon)
{
    char path[64 + 256], first;
    snprintf(path, sizeof path, "/proc/%d/task", daemon);
    DIR *threads = opendir(path);
    const struct dirent *e;
    bool found = false;
    while (threads && !found && (e = readdir(threads)) != NULL) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", daemon, e->d_name);
        int fd = e->d_name[0] == '.' ? -1 : open(path, O_RDONLY);
        found = fd >= 0 && read(fd, &first, 1) == 1;
        if (fd >= 0)
            close(fd);
    }
    if (threads)
        closedir(threads);
    return found;
}

/* The next round is to begin on a quiet machine: waits until the children are gone, 5 s at most. */
static void wait_gone(int daemon)
{
    double limit = now_us() + 5e6;
    while (has_children(daemon) && now_us() < limit)
        usleep(1000);
}

static void apart(int n, int rounds)
{
    double *times = malloc((size_t)rounds * sizeof *times);
    int daemon = find_daemon(); /* starts the VM */
    for (int i = -1; i < rounds; i++) {
        wait_gone(daemon);
        double begin = now_us();
        MPI_Comm inter = spawn(MPI_COMM_SELF, "leave", n);
        MPI_Comm_disconnect(&inter);
        if (i >= 0)
            times[i] = now_us() - begin;
    }
    result("apart", median(times, rounds));
    free(times);
}

/* ---- ports ------------------------------------------------------------------------------------ */

/* A program of its own, as from another shell, which is told the port and how often to connect. */
static pid_t start_client(const char *port, int rounds)
{
    char number[16];
    snprintf(number, sizeof number, "%d", rounds);
    pid_t pid = fork();
    if (pid == 0) {
        unsetenv("PVMX_TASK");
        execl(self, self, "client", port, number, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void client(const char *name, int rounds)
{
    char port[MPI_MAX_PORT_NAME];
    double *times = malloc((size_t)rounds * sizeof *times);
    MPI_Info info;
    MPI_Comm inter;
    MPI_Info_create(&info);
    MPI_Info_set(info, "pvmx_wait", "60");
    MPI_Lookup_name(name, info, port); /* everybody is up before the first one connects */
    MPI_Info_free(&info);
    for (int i = 0; i < rounds; i++) {
        double begin = now_us();
        MPI_Comm_connect(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter);
        times[i] = now_us() - begin;
        MPI_Comm_disconnect(&inter);
    }
    if (rounds > 1)
        result("connect", median(times, rounds));
    free(times);
}

static void serve(int clients, int rounds)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Comm *inter = malloc((size_t)clients * sizeof *inter);
    pid_t *pids = malloc((size_t)clients * sizeof *pids);
    MPI_Open_port(MPI_INFO_NULL, port);
    for (int i = 0; i < clients; i++)
        pids[i] = start_client("bench-dynamic", rounds);
    sleep(clients > 1 ? 2 : 1); /* they have called MPI_Init and wait for the name */
    double begin = now_us();
    MPI_Publish_name("bench-dynamic", MPI_INFO_NULL, port);
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < clients; i++)
            MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter[i]);
        if (clients > 1)
            result("clients", now_us() - begin);
        for (int i = 0; i < clients; i++)
            MPI_Comm_disconnect(&inter[i]);
    }
    MPI_Unpublish_name("bench-dynamic", MPI_INFO_NULL, port);
    MPI_Close_port(port);
    for (int i = 0; i < clients; i++)
        waitpid(pids[i], NULL, 0);
    free(inter);
    free(pids);
}

/* ---- recovery --------------------------------------------------------------------------------- */

static MPI_Comm merged(MPI_Comm inter, int high)
{
    MPI_Comm all;
    MPI_Intercomm_merge(inter, high, &all);
    MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN);
    MPI_Comm_free(&inter);
    MPI_Barrier(all);
    return all;
}

/* Rounds of barriers; who is last dies in each. Times of rank 0, which is the master. */
static void recover(MPI_Comm all, int rounds)
{
    double *times = malloc((size_t)rounds * sizeof *times);
    int rank, size, left = rounds;
    MPI_Comm_rank(all, &rank);
    MPI_Comm_size(all, &size);
    for (;;) {
        MPI_Comm small;
        MPI_Bcast(&left, 1, MPI_INT, 0, all);
        if (left == 0)
            break;
        if (rank == size - 1)
            raise(SIGKILL);
        while (MPI_Barrier(all) == MPI_SUCCESS)
            ;
        double begin = now_us();
        MPIX_Comm_revoke(all);
        MPIX_Comm_shrink(all, &small);
        MPI_Comm_free(&all);
        all = merged(spawn(small, "again", 1), 0);
        MPI_Comm_free(&small);
        left--;
        if (rank == 0)
            times[left] = now_us() - begin;
        MPI_Comm_rank(all, &rank); /* a newcomer is last */
    }
    if (rank == 0)
        result("recovery", median(times, rounds));
    MPI_Comm_disconnect(&all);
    free(times);
}

int main(int argc, char **argv)
{
    MPI_Comm parent;
    MPI_Init(&argc, &argv);
    self = argv[0];
    const char *what = argc > 1 ? argv[1] : "";
    int a = argc > 2 ? atoi(argv[2]) : 0, b = argc > 3 ? atoi(argv[3]) : 0;
    MPI_Comm_get_parent(&parent);
    if (strcmp(what, "whose") == 0) {
        int pid = (int)getppid();
        MPI_Send(&pid, 1, MPI_INT, 0, 0, parent);
        MPI_Comm_disconnect(&parent);
    } else if (strcmp(what, "leave") == 0)
        MPI_Comm_disconnect(&parent);
    else if (strcmp(what, "again") == 0)
        recover(merged(parent, 1), 0);
    else if (strcmp(what, "client") == 0)
        client(argv[2], b);
    else if (strcmp(what, "apart") == 0)
        apart(a, b);
    else if (strcmp(what, "connect") == 0)
        serve(1, a);
    else if (strcmp(what, "clients") == 0)
        serve(a, 1);
    else if (strcmp(what, "recovery") == 0)
        recover(merged(spawn(MPI_COMM_SELF, "again", a), 0), b);
    MPI_Finalize();
    return 0;
}
