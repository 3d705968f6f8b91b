/* SPDX-License-Identifier: BSD-3-Clause */
/* A hundred programs, each started by itself, connect to one accepting server at once. */
#include "mtest.h"
#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 100 };

static void client(char **argv)
{
    MPI_Comm inter;
    int x = atoi(argv[2]), y = -1;
    OK(MPI_Comm_connect(argv[1], MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter));
    OK(MPI_Sendrecv(&x, 1, MPI_INT, 0, 1, &y, 1, MPI_INT, 0, 2, inter, MPI_STATUS_IGNORE));
    CHECK_EQ(y, 2 * x);
    OK(MPI_Comm_disconnect(&inter));
}

int main(int argc, char **argv)
{
    const char *role;
    char port[MPI_MAX_PORT_NAME], number[16];
    int pids[CLIENTS], seen[CLIENTS] = {0}, x;
    MPI_Comm inter[CLIENTS];
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        client(argv);
        return mt_end();
    }
    OK(MPI_Open_port(MPI_INFO_NULL, port));
    int fds = mt_count_fds();
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(number, sizeof(number), "%d", i);
        pids[i] = mt_start("client", (const char *[]){port, number, NULL});
    }
    for (int i = 0; i < CLIENTS; i++) /* all are connected before the first is answered */
        OK(MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter[i]));
    for (int i = 0; i < CLIENTS; i++) {
        OK(MPI_Recv(&x, 1, MPI_INT, 0, 1, inter[i], MPI_STATUS_IGNORE));
        if (CHECK(x >= 0 && x < CLIENTS))
            seen[x]++;
        x *= 2;
        OK(MPI_Send(&x, 1, MPI_INT, 0, 2, inter[i]));
    }
    for (int i = 0; i < CLIENTS; i++) {
        OK(MPI_Comm_disconnect(&inter[i]));
        CHECK_EQ(seen[i], 1);
    }
    for (int i = 0; i < CLIENTS; i++)
        CHECK_EQ(mt_finish(pids[i]), 0);
    CHECK_EQ(mt_count_fds(), fds);
    OK(MPI_Close_port(port));
    return mt_end();
}
