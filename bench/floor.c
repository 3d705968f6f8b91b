/* SPDX-License-Identifier: BSD-3-Clause */
/* The floor of spawning: posix_spawn of n dynamically linked programs that each write one byte into
 * a pipe; the time until all bytes are read. usage: floor N ROUNDS CHILD-PROGRAM */
#include "timing.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static double one_round(int n, char *child, pid_t *pids)
{
    int p[2];
    char byte, *argv[] = {child, NULL};
    if (pipe(p) != 0 || dup2(p[1], 3) != 3) {
        perror("floor: pipe");
        exit(1);
    }
    double begin = now_us();
    for (int i = 0; i < n; i++)
        if (posix_spawn(&pids[i], child, NULL, NULL, argv, environ) != 0) {
            perror("floor: posix_spawn");
            exit(1);
        }
    for (int i = 0; i < n; i++)
        if (read(p[0], &byte, 1) != 1)
            exit(1);
    double time = now_us() - begin;
    for (int i = 0; i < n; i++)
        waitpid(pids[i], NULL, 0);
    close(p[0]);
    close(p[1]);
    return time;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: floor N ROUNDS CHILD-PROGRAM\n");
        return 2;
    }
    int n = atoi(argv[1]), rounds = atoi(argv[2]);
    double *times = malloc((size_t)rounds * sizeof *times);
    pid_t *pids = malloc((size_t)n * sizeof *pids);
    if (open("/dev/null", 0) < 0) /* descriptor 3 is taken before the first pipe is made */
        return 1;
    for (int r = 0; r < rounds; r++)
        times[r] = one_round(n, argv[3], pids);
    result("floor", median(times, rounds));
    free(times);
    free(pids);
    return 0;
}
