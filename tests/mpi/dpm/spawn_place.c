/* SPDX-License-Identifier: BSD-3-Clause */
/* Children are bound to the processors that info keys ask for; what means nothing is refused. */
#include "mtest.h"
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CPUS = CPU_SETSIZE };

static void own_cpus(unsigned char *cpus)
{
    cpu_set_t set;
    memset(cpus, 0, CPUS);
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
    for (int i = 0; i < CPUS; i++)
        cpus[i] = CPU_ISSET(i, &set) != 0;
}

static int count(const unsigned char *cpus)
{
    int n = 0;
    for (int i = 0; i < CPUS; i++)
        n += cpus[i];
    return n;
}

static int child(void)
{
    MPI_Comm parent;
    unsigned char cpus[CPUS];
    int pid = getpid();
    own_cpus(cpus);
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Send(cpus, CPUS, MPI_BYTE, 0, 1, parent));
    OK(MPI_Send(&pid, 1, MPI_INT, 0, 2, parent));
    OK(MPI_Comm_disconnect(&parent));
    return 0;
}

static int spawn(const char *const *pairs, int n, MPI_Comm *inter)
{
    static char mark[] = "--role", role[] = "child";
    char *argv[] = {mark, role, NULL};
    MPI_Info info;
    OK(MPI_Info_create(&info));
    for (; *pairs; pairs += 2)
        OK(MPI_Info_set(info, pairs[0], pairs[1]));
    int rc = MPI_Comm_spawn(mt_program(), argv, n, info, 0, MPI_COMM_SELF, inter,
                            MPI_ERRCODES_IGNORE);
    OK(MPI_Info_free(&info));
    return rc;
}

/* Until the daemon has heard of its end it counts where it was bound. */
static void await_end(int pid)
{
    double limit = MPI_Wtime() + 30;
    bool gone = false;
    while (!(gone = kill(pid, 0) != 0) && MPI_Wtime() < limit)
        usleep(1000);
    CHECK(gone);
}

/* How many processors each of two children has, and whether they share one. */
static void expect(const char *const *pairs, int first, int second, bool apart)
{
    MPI_Comm inter;
    unsigned char cpus[2][CPUS];
    int pid[2] = {0, 0};
    OK(spawn(pairs, 2, &inter));
    for (int i = 0; i < 2; i++) {
        OK(MPI_Recv(cpus[i], CPUS, MPI_BYTE, i, 1, inter, MPI_STATUS_IGNORE));
        OK(MPI_Recv(&pid[i], 1, MPI_INT, i, 2, inter, MPI_STATUS_IGNORE));
    }
    OK(MPI_Comm_disconnect(&inter));
    for (int i = 0; i < 2; i++)
        if (CHECK(pid[i] > 0))
            await_end(pid[i]);
    CHECK_EQ(count(cpus[0]), first);
    CHECK_EQ(count(cpus[1]), second);
    for (int i = 0; apart && i < CPUS; i++)
        CHECK(!cpus[0][i] || !cpus[1][i]);
}

static void refused(const char *key, const char *value)
{
    const char *const pairs[] = {key, value, NULL};
    char text[MPI_MAX_ERROR_STRING];
    int len, class;
    MPI_Comm inter;
    int rc = spawn(pairs, 1, &inter);
    OK(MPI_Error_class(rc, &class));
    OK(MPI_Error_string(rc, text, &len));
    if (!CHECK_EQ(class, MPI_ERR_INFO_VALUE) || !CHECK(strstr(text, key) != NULL))
        fprintf(stderr, "%s = %s: %s\n", key, value, text);
}

int main(int argc, char **argv)
{
    const char *role;
    unsigned char mine[CPUS];
    mt_begin(&argc, &argv, 0);
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    if (mt_is_child(&role)) {
        child();
        return mt_end();
    }
    own_cpus(mine);
    int all = count(mine);
    const char *const unbound[] = {"mpit_cpus", "1", NULL};
    const char *const threads[] = {"bind_to", "hwthread", NULL};
    const char *const order[] = {"map_by", "hwthread", NULL};
    const char *const number[] = {"bind_to", "hwthread", "mpit_cpus_r1", "2", NULL};
    const char *const sets[] = {"mpit_bind_to_processor_set",
                                "yes",
                                "bind_to",
                                "hwthread",
                                "mpit_procmap",
                                "0",
                                NULL};
    const char *const none[] = {"bind_to", "none", NULL};
    expect(unbound, all, all, false);
    expect(none, all, all, false);
    expect(threads, 1, 1, all > 1);
    expect(order, 1, 1, all > 1);
    expect(sets, 1, 1, false);
    if (all > 1)
        expect(number, 1, 2, false);
    refused("bind_to", "fish");
    refused("map_by", "core:PE=x");
    refused("mpit_cpus", "0");
    refused("mpit_cpus_r0", "-1");
    refused("mpit_procmap", "1,,2");
    refused("mpit_bind_to_processor_set", "perhaps");
    return mt_end();
}
