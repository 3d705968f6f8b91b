/* SPDX-License-Identifier: BSD-3-Clause */
/* The name service: what is published is found by other programs, once, until its owner takes it back
 * or ends; a look-up may wait. */
#include "mtest.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char port[MPI_MAX_PORT_NAME];

/* publisher NAME: publishes it, then waits to be killed, or ends at once ("end"). */
static void publisher(char **argv)
{
    char mine[MPI_MAX_PORT_NAME];
    OK(MPI_Open_port(MPI_INFO_NULL, mine));
    OK(MPI_Publish_name(argv[1], MPI_INFO_NULL, mine));
    if (strcmp(argv[2], "end") != 0)
        pause();
}

/* asker NAME: others' names can be found and neither taken nor taken back. */
static void asker(char **argv)
{
    char found[MPI_MAX_PORT_NAME] = "";
    OK(MPI_Lookup_name(argv[1], MPI_INFO_NULL, found));
    CHECK(strcmp(found, argv[2]) == 0);
    CHECK_CLASS(MPI_Publish_name(argv[1], MPI_INFO_NULL, found), MPI_ERR_SERVICE);
    CHECK_CLASS(MPI_Unpublish_name(argv[1], MPI_INFO_NULL, found), MPI_ERR_SERVICE);
    CHECK_CLASS(MPI_Close_port(found), MPI_ERR_PORT);
}

static void basic(void)
{
    char found[MPI_MAX_PORT_NAME] = "old", odd[] = "name with spaces \xff:/%";
    OK(MPI_Open_port(MPI_INFO_NULL, port));
    CHECK_CLASS(MPI_Lookup_name("ocean", MPI_INFO_NULL, found), MPI_ERR_NAME);
    CHECK(strcmp(found, "old") == 0);
    OK(MPI_Publish_name("ocean", MPI_INFO_NULL, port));
    OK(MPI_Publish_name(odd, MPI_INFO_NULL, "any text"));
    OK(MPI_Lookup_name("ocean", MPI_INFO_NULL, found));
    CHECK(strcmp(found, port) == 0);
    OK(MPI_Lookup_name(odd, MPI_INFO_NULL, found));
    CHECK(strcmp(found, "any text") == 0);
    CHECK_CLASS(MPI_Publish_name("ocean", MPI_INFO_NULL, port), MPI_ERR_SERVICE);
    CHECK_EQ(mt_finish(mt_start("asker", (const char *[]){"ocean", port, NULL})), 0);
    CHECK_CLASS(MPI_Unpublish_name("ocean", MPI_INFO_NULL, "another port"), MPI_ERR_SERVICE);
    OK(MPI_Unpublish_name("ocean", MPI_INFO_NULL, port));
    CHECK_CLASS(MPI_Unpublish_name("ocean", MPI_INFO_NULL, port), MPI_ERR_SERVICE);
    CHECK_CLASS(MPI_Lookup_name("ocean", MPI_INFO_NULL, found), MPI_ERR_NAME);
    OK(MPI_Unpublish_name(odd, MPI_INFO_NULL, "any text"));
    CHECK_CLASS(MPI_Publish_name("", MPI_INFO_NULL, port), MPI_ERR_SERVICE);
    CHECK_CLASS(MPI_Publish_name(NULL, MPI_INFO_NULL, port), MPI_ERR_ARG);
}

static void many(void)
{
    enum { N = 500 };
    char name[32], found[MPI_MAX_PORT_NAME];
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        OK(MPI_Publish_name(name, MPI_INFO_NULL, name));
    }
    for (int i = N - 1; i >= 0; i--) {
        snprintf(name, sizeof(name), "n%d", i);
        OK(MPI_Lookup_name(name, MPI_INFO_NULL, found));
        CHECK(strcmp(name, found) == 0);
        OK(MPI_Unpublish_name(name, MPI_INFO_NULL, name));
    }
}

static void waits(void)
{
    char found[MPI_MAX_PORT_NAME];
    MPI_Info info;
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "pvmx_wait", "40"));
    int pid = mt_start("publisher", (const char *[]){"later", "stay", NULL});
    OK(MPI_Lookup_name("later", info, found));
    CHECK(strncmp(found, "pvmx:", 5) == 0);
    mt_kill(pid);
    CHECK_EQ(mt_finish(pid), 128 + SIGKILL);
    OK(MPI_Info_set(info, "pvmx_wait", "0.1"));
    double start = MPI_Wtime();
    CHECK_CLASS(MPI_Lookup_name("never", info, found), MPI_ERR_NAME);
    CHECK(MPI_Wtime() - start >= 0.09);
    OK(MPI_Info_set(info, "pvmx_wait", "-1"));
    CHECK_CLASS(MPI_Lookup_name("never", info, found), MPI_ERR_INFO_VALUE);
    OK(MPI_Info_free(&info));
}

static bool is_gone(void *name)
{
    char found[MPI_MAX_PORT_NAME];
    return MPI_Lookup_name(name, MPI_INFO_NULL, found) != MPI_SUCCESS;
}

/* A name ends with its owner, whichever way that ends; its name is free then. */
static void dies_with_owner(void)
{
    char name[] = "mortal", found[MPI_MAX_PORT_NAME];
    MPI_Info info;
    CHECK_EQ(mt_finish(mt_start("publisher", (const char *[]){name, "end", NULL})), 0);
    CHECK(is_gone(name)); /* good-byes are heard before the process ends */
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "pvmx_wait", "40"));
    int pid = mt_start("publisher", (const char *[]){name, "stay", NULL});
    OK(MPI_Lookup_name(name, info, found));
    mt_kill(pid);
    CHECK_EQ(mt_finish(pid), 128 + SIGKILL);
    CHECK(mt_until(is_gone, name, 20));
    OK(MPI_Publish_name(name, MPI_INFO_NULL, port));
    OK(MPI_Unpublish_name(name, MPI_INFO_NULL, port));
    OK(MPI_Info_free(&info));
}

int main(int argc, char **argv)
{
    const char *role;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        if (strcmp(role, "publisher") == 0)
            publisher(argv);
        else
            asker(argv);
        return mt_end();
    }
    basic();
    many();
    waits();
    dies_with_owner();
    OK(MPI_Close_port(port));
    return mt_end();
}
