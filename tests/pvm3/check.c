/* SPDX-License-Identifier: BSD-3-Clause */
/* main of the PVM test programs: PROGRAM CASE runs the master, and the child in what it spawns. */
#include "check.h"

#include "../../compat/pvm3/extra.h" /* pvm_gsdump */

#include <sys/time.h>
#include <unistd.h>

char *own_program;
static int keeper;

void spawn_children(const char *name, int n, int *tids)
{
    char *args[] = {(char *)name, NULL};
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, "", n, tids), n);
}

int recv_int(int tid, int tag)
{
    struct timeval limit = {60, 0};
    int value;
    CHECK(pvm_trecv(tid, tag, &limit) > 0);
    SAME(pvm_upkint(&value, 1, 1), PvmOk);
    return value;
}

void send_int(int tid, int tag, int value)
{
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_pkint(&value, 1, 1), PvmOk);
    SAME(pvm_send(tid, tag), PvmOk);
}

void keep_machine(void)
{
    char *args[] = {"keeper", NULL};
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, "", 1, &keeper), 1);
}

void leave_machine(void)
{
    SAME(pvm_kill(keeper), PvmOk);
}

void dump_groups(char *text, size_t size)
{
    FILE *f = tmpfile();
    int old = dup(2);
    CHECK(f != NULL && old >= 0 && dup2(fileno(f), 2) == 2);
    int cc = pvm_gsdump();
    CHECK(dup2(old, 2) == 2);
    close(old);
    SAME(cc, PvmOk);
    rewind(f);
    size_t n = fread(text, 1, size - 1, f);
    text[n] = 0;
    fclose(f);
}

long clock_us(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    return now.tv_sec * 1000000L + now.tv_usec;
}

int main(int argc, char **argv)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    CHECK(argc > 1 && n > 0);
    path[n] = 0;
    own_program = path;
    alarm(60);
    if (strcmp(argv[1], "keeper") == 0)
        return pvm_recv(-1, -1); /* until it is killed */
    for (const struct test_case *c = cases; c->name; c++) {
        if (strcmp(c->name, argv[1]) != 0)
            continue;
        int parent = pvm_parent();
        if (parent > 0)
            c->child(parent);
        else
            c->master();
        pvm_exit();
        return 0;
    }
    fprintf(stderr, "no case %s\n", argv[1]);
    return 2;
}
