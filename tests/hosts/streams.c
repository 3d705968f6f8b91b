/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection between tasks has to hold: streams order | pressure | forever | spawn HOST.
 * order: all send to all at the same moment, short and long messages mixed, which have to arrive whole and in
 * order. pressure: one sends to another that does not look for a second. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 40, LONGEST = 300000 };

static int rank, size;

static _Noreturn void wrong(const char *what, int from, int round)
{
    fprintf(stderr, "streams: rank %d: %s from %d, message %d\n", rank, what, from, round);
    MPI_Abort(MPI_COMM_WORLD, 3);
    abort();
}

static int length(int from, int to, int round)
{
    static const int lengths[] = {0, 1, 100, 5000, 65536, 65537, 70000, LONGEST};
    return lengths[(from + 3 * to + round) % 8];
}

static unsigned char mark(int from, int to, int round)
{
    return (unsigned char)(17 * from + 5 * to + round);
}

static void check(const unsigned char *buf, const MPI_Status *st, int from, int round)
{
    int n;
    MPI_Get_count(st, MPI_BYTE, &n);
    if (n != length(from, rank, round))
        wrong("a message of another length", from, round);
    for (int i = 0; i < n; i++)
        if (buf[i] != mark(from, rank, round))
            wrong("wrong bytes", from, round);
}

static void order(void)
{
    unsigned char *in = malloc(LONGEST);
    unsigned char **out = calloc((size_t)size * ROUNDS, sizeof *out);
    MPI_Request *reqs = calloc((size_t)size * ROUNDS, sizeof *reqs);
    MPI_Status st;
    for (int k = 0; k < size * ROUNDS; k++) {
        int to = k % size, round = k / size, n = length(rank, to, round);
        out[k] = malloc((size_t)n + 1);
        memset(out[k], mark(rank, to, round), (size_t)n);
        MPI_Isend(out[k], n, MPI_BYTE, to, 0, MPI_COMM_WORLD, &reqs[k]); /* one tag: order counts */
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int k = 0; k < size; k++) {
            int from = (rank + k) % size;
            MPI_Recv(in, LONGEST, MPI_BYTE, from, 0, MPI_COMM_WORLD, &st);
            check(in, &st, from, round);
        }
    MPI_Waitall(size * ROUNDS, reqs, MPI_STATUSES_IGNORE);
    for (int k = 0; k < size * ROUNDS; k++)
        free(out[k]);
    free(out);
    free(reqs);
    free(in);
}

static long resident_kb(void)
{
    long pages = 0, all = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &all, &pages) != 2)
        abort();
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void pressure(void)
{
    enum { N = 3000, BYTES = 16384 };
    char *buf = calloc(1, BYTES);
    int ready = 0;
    if (rank == 0) {
        MPI_Recv(&ready, 1, MPI_INT, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        long before = resident_kb();
        double begin = MPI_Wtime();
        MPI_Send(&ready, 1, MPI_INT, 1, 1, MPI_COMM_WORLD);
        for (int i = 0; i < N; i++) /* 47 MiB, each short enough to be sent at once */
            MPI_Send(buf, BYTES, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
        double held = MPI_Wtime() - begin;
        long grown = resident_kb() - before;
        printf("held back %.0f ms, grown by %ld KiB\n", held * 1e3, grown > 0 ? grown : 0);
    } else {
        MPI_Send(&ready, 1, MPI_INT, 0, 1, MPI_COMM_WORLD);
        MPI_Recv(&ready, 1, MPI_INT, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL); /* it computes, and does not look */
        for (int i = 0; i < N; i++)
            MPI_Recv(buf, BYTES, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    free(buf);
}

static void forever(void)
{
    int value = 0, other = !rank;
    for (long i = 0;; i++) {
        MPI_Sendrecv_replace(&value, 1, MPI_INT, other, 0, other, 0, MPI_COMM_WORLD,
                             MPI_STATUS_IGNORE);
        if (i == 100 && rank == 0) {
            printf("running\n");
            fflush(stdout);
        }
    }
}

static void spawn(char *self, const char *host)
{
    char *args[] = {"spawn", NULL};
    MPI_Comm children;
    MPI_Info info;
    int value = 0;
    MPI_Info_create(&info);
    MPI_Info_set(info, "host", host);
    MPI_Comm_spawn(self, args, 2, info, 0, MPI_COMM_SELF, &children, MPI_ERRCODES_IGNORE);
    MPI_Info_free(&info);
    for (int i = 0; i < 2; i++)
        MPI_Recv(&value, 1, MPI_INT, i, 0, children, MPI_STATUS_IGNORE);
    MPI_Comm_disconnect(&children);
    printf("spawned\n");
}

int main(int argc, char **argv)
{
    MPI_Comm parent;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_get_parent(&parent);
    const char *what = argc > 1 ? argv[1] : "";
    if (parent != MPI_COMM_NULL) {
        MPI_Send(&rank, 1, MPI_INT, 0, 0, parent);
        MPI_Comm_disconnect(&parent);
    } else if (strcmp(what, "order") == 0) {
        order();
    } else if (strcmp(what, "pressure") == 0) {
        pressure();
    } else if (strcmp(what, "forever") == 0) {
        forever();
    } else if (strcmp(what, "spawn") == 0 && argc > 2) {
        spawn(argv[0], argv[2]);
    }
    MPI_Finalize();
    return 0;
}
