/* SPDX-License-Identifier: BSD-3-Clause */
/* A spawned process spawns, five generations deep; the answer comes back through all of them. */
#include "mtest.h"
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH = 5 };

/* Spawns two of the next generation and adds up what they say. */
static int descend(int depth)
{
    MPI_Comm inter;
    char text[12];
    const char *more[] = {text, NULL};
    int sum = 1;
    if (depth == DEPTH)
        return sum;
    snprintf(text, sizeof(text), "%d", depth + 1);
    if (!OK(mt_spawn(MPI_COMM_SELF, 0, "child", more, depth < 2 ? 2 : 1, &inter)))
        return 0;
    int n, x = 0;
    OK(MPI_Comm_remote_size(inter, &n));
    for (int i = 0; i < n; i++) {
        OK(MPI_Recv(&x, 1, MPI_INT, i, 0, inter, MPI_STATUS_IGNORE));
        sum += x;
    }
    OK(MPI_Comm_disconnect(&inter));
    return sum;
}

int main(int argc, char **argv)
{
    const char *role;
    MPI_Comm parent;
    mt_begin(&argc, &argv, 0);
    if (!mt_is_child(&role)) {
        /* 1, then 2, 4, and 4 in each of the three below. */
        CHECK_EQ(descend(0), 1 + 2 + 4 + 4 + 4 + 4);
        return mt_end();
    }
    OK(MPI_Comm_get_parent(&parent));
    CHECK(argc == 2);
    int sum = descend(argc == 2 ? atoi(argv[1]) : DEPTH);
    OK(MPI_Send(&sum, 1, MPI_INT, 0, 0, parent));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}
