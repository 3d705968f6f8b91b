/* SPDX-License-Identifier: BSD-3-Clause */
/* A long message that lies in pieces on both sides is streamed: neither process needs memory for a
 * second copy of it. */
#include "typetest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4 << 20 }; /* doubles: 32 MiB of data in 64 MiB */

#ifdef __SANITIZE_ADDRESS__ /* whose stacks for detect_stack_use_after_return take 4.3 MiB */
enum { MORE_KB = 8 * 1024 };
#else
enum { MORE_KB = 4 * 1024 };
#endif

/* The most memory that this process has ever had, in KiB. */
static long peak_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmHWM: %ld", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb;
}

static void fill(double *m, double first)
{
    for (int i = 0; i < 2 * N; i++)
        m[i] = first + i;
}

static void arrived(const double *m, int to)
{
    for (int i = 0; i < N; i++)
        if (!CHECK(m[2 * i] == 1000 + 2 * i && m[2 * i + 1] == to + 2 * i + 1))
            return;
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    double *m = malloc(2 * N * sizeof(double));
    MPI_Datatype t;
    MPI_Request req;
    fill(m, mt_rank == 0 ? 1000 : -7);
    OK(MPI_Type_vector(N, 1, 2, MPI_DOUBLE, &t));
    OK(MPI_Type_commit(&t));
    long before = peak_kb();
    CHECK(before > 64 * 1024);
    if (mt_rank == 0) {
        OK(MPI_Send(m, 1, t, 1, 1, comm));
        OK(MPI_Ssend(m, 1, t, 1, 2, comm));
        OK(MPI_Isend(m, 1, t, 1, 3, comm, &req));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    } else if (mt_rank == 1) {
        for (int tag = 1; tag <= 3; tag++) {
            fill(m, -7 * tag);
            OK(MPI_Recv(m, 1, t, 0, tag, comm, MPI_STATUS_IGNORE));
            arrived(m, -7 * tag);
        }
    }
    long more = peak_kb() - before;
    if (more > MORE_KB)
        mt_fail(__FILE__, __LINE__, "a message of 32 MiB took %ld KiB more memory", more);
    OK(MPI_Type_free(&t));
    free(m);
    return mt_end();
}
