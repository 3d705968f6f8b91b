/* SPDX-License-Identifier: BSD-3-Clause */
/* pvmd3: starts the daemon as PVM's users do, with a host file. */
#include "console.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    struct start s = {.hostfile = getenv("PVMHOSTFILE")};
    if (!start_options("pvmd3", argc, argv, &s))
        return 2;
    int running = start_daemon("pvmd3", &s);
    if (running < 0)
        return 1;
    if (running) {
        fputs("pvmd3: a daemon runs already\n", stderr);
        return 1;
    }
    return 0;
}
