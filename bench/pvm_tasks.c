/* SPDX-License-Identifier: BSD-3-Clause */
/* What PVM does with tasks: spawning, barriers, joining a group, hearing of an end, and messages one
 * way. The same source is built with PVMX and with PVM. usage: pvm_tasks FILE [CASE...], FILE: this
 * program's path. Prints "name value-in-microseconds", one a line. */
#include "timing.h"

#include <pvm3.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { READY = 5, GO = 6, DONE = 7, GONE = 8, MANY = 100, RATE = 20000, BARRIERS = 200 };

static char *file;
static char group[] = "bench";

static void say(int tid, int tag, int number)
{
    pvm_initsend(PvmDataDefault);
    pvm_pkint(&number, 1, 1);
    pvm_send(tid, tag);
}

static int hear(int tid, int tag)
{
    int number = 0;
    pvm_recv(tid, tag);
    pvm_upkint(&number, 1, 1);
    return number;
}

/* Starts n tasks that do `role`, without waiting for them. */
static void start(const char *role, int n, int *tids)
{
    char *args[] = {file, (char *)role, NULL};
    int got = pvm_spawn(file, args, PvmTaskDefault, "", n, tids);
    if (got == n)
        return;
    fprintf(stderr, "cannot spawn %d of %s: %d\n", n, file, got < 0 ? got : tids[got]);
    pvm_exit();
    exit(1);
}

static void all(int n, const int *tids, int tag)
{
    for (int i = 0; i < n; i++)
        hear(tids[i], tag);
}

static void tell(int n, int *tids, int tag)
{
    pvm_initsend(PvmDataDefault);
    pvm_mcast(tids, n, tag);
}

/* They have ended: the next measurement does not meet their ends. */
static void await_end(int n, int *tids)
{
    pvm_notify(PvmTaskExit, GONE, n, tids);
    for (int i = 0; i < n; i++)
        pvm_recv(-1, GONE);
}

/* ---- cases ------------------------------------------------------------------------------------ */

/* Until all have answered. */
static double spawn(int n, int rounds)
{
    double t[32];
    int tids[MANY];
    for (int r = 0; r < rounds; r++) {
        double begin = now_us();
        start("answer", n, tids);
        all(n, tids, READY);
        t[r] = now_us() - begin;
        tell(n, tids, GO);
        await_end(n, tids);
    }
    return median(t, rounds);
}

static double spawn_4(void)
{
    return spawn(4, 21);
}

static double spawn_64(void)
{
    return spawn(64, 7);
}

/* Of one of eight tasks. */
static double barrier_8(void)
{
    int tids[8], us;
    start("barrier", 8, tids);
    all(8, tids, READY);
    tell(8, tids, GO);
    us = hear(tids[0], DONE);
    await_end(8, tids);
    return (double)us / BARRIERS;
}

/* All of a hundred tasks have joined. */
static double join_100(void)
{
    int tids[MANY];
    start("join", MANY, tids);
    all(MANY, tids, READY);
    double begin = now_us();
    tell(MANY, tids, GO);
    all(MANY, tids, DONE);
    double took = now_us() - begin;
    tell(MANY, tids, GO);
    await_end(MANY, tids);
    return took;
}

/* From kill -9 to the message that tells of it. */
static double notify(void)
{
    double t[15];
    int tid, runs = sizeof t / sizeof *t;
    for (int r = 0; r < runs; r++) {
        start("answer", 1, &tid);
        pid_t pid = hear(tid, READY);
        pvm_notify(PvmTaskExit, GONE, 1, &tid);
        usleep(20000);
        double begin = now_us();
        kill(pid, SIGKILL);
        pvm_recv(-1, GONE);
        t[r] = now_us() - begin;
    }
    return median(t, runs);
}

/* A message of 8 bytes, many of them one after the other, by the direct route. */
static double rate_8(void)
{
    double t[9], eight = 1;
    int tid, runs = sizeof t / sizeof *t;
    start("sink", 1, &tid);
    hear(tid, READY);
    for (int r = 0; r < runs; r++) {
        double begin = now_us();
        for (int i = 0; i < RATE; i++) {
            pvm_initsend(PvmDataRaw);
            pvm_pkdouble(&eight, 1, 1);
            pvm_send(tid, GO);
        }
        hear(tid, DONE);
        t[r] = (now_us() - begin) / RATE;
    }
    say(tid, GONE, 0);
    return median(t, runs);
}

static const struct {
    const char *name;
    double (*run)(void);
} cases[] = {{"spawn_4", spawn_4},   {"spawn_64", spawn_64}, {"barrier_8", barrier_8},
             {"join_100", join_100}, {"notify", notify},     {"rate_8", rate_8}};

/* ---- what the tasks do ------------------------------------------------------------------------ */

static void sink(int parent)
{
    double eight;
    for (int n = 0;; n++) {
        int tag;
        pvm_bufinfo(pvm_recv(parent, -1), NULL, &tag, NULL);
        if (tag == GONE)
            return;
        pvm_upkdouble(&eight, 1, 1);
        if (n % RATE == RATE - 1)
            say(parent, DONE, n);
    }
}

static void barriers(int parent)
{
    pvm_joingroup(group);
    say(parent, READY, 0);
    pvm_recv(parent, GO);
    pvm_barrier(group, 8);
    double begin = now_us();
    for (int i = 0; i < BARRIERS; i++)
        pvm_barrier(group, 8);
    say(parent, DONE, (int)(now_us() - begin));
    pvm_lvgroup(group);
}

static void work(const char *role, int parent)
{
    if (strcmp(role, "barrier") == 0) {
        barriers(parent);
        return;
    }
    say(parent, READY, getpid());
    if (strcmp(role, "sink") == 0) {
        sink(parent);
        return;
    }
    pvm_recv(parent, GO);
    if (strcmp(role, "join") != 0)
        return;
    say(parent, DONE, pvm_joingroup(group));
    pvm_recv(parent, GO);
    pvm_lvgroup(group);
}

int main(int argc, char **argv)
{
    int parent;
    if (argc < 2) {
        fprintf(stderr, "usage: pvm_tasks FILE [CASE...]\n");
        return 2;
    }
    pvm_mytid();
    parent = pvm_parent();
    pvm_setopt(PvmRoute, PvmRouteDirect);
    if (parent >= 0) {
        work(argv[argc - 1], parent);
        pvm_exit();
        return 0;
    }
    file = argv[1];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int wanted = argc == 2;
        for (int k = 2; k < argc; k++)
            wanted = wanted || strcmp(argv[k], cases[i].name) == 0;
        if (wanted)
            result(cases[i].name, cases[i].run());
    }
    pvm_exit();
    return 0;
}
