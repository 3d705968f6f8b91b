/* SPDX-License-Identifier: BSD-3-Clause */
/* Barriers of members on one host, who meet in shared memory: nobody passes before all have come, whatever
 * else happens to the group meanwhile. */
#include "check.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    N = 6,
    ROUNDS = 1500,
    AGAIN = 200,
    JOIN = 1,
    GO = 2,
    PLACE = 3,
    READY = 4,
    DONE = 5,
    GONE = 9
};

/* How many have come to each round, in memory that all members share. */
static _Atomic int *come;

static void share(const char *path)
{
    FILE *f = fopen(path, "a+");
    CHECK(f != NULL);
    SAME(ftruncate(fileno(f), (ROUNDS + 8) * sizeof *come), 0);
    come = mmap(NULL, (ROUNDS + 8) * sizeof *come, PROT_READ | PROT_WRITE, MAP_SHARED,
                fileno(f), 0);
    CHECK(come != MAP_FAILED);
    fclose(f);
}

static void send_path(int n, int *tids, char *path)
{
    pvm_initsend(PvmDataDefault);
    pvm_pkstr(path);
    pvm_mcast(tids, n, PLACE);
}

static void take_path(int parent)
{
    char path[256];
    pvm_recv(parent, PLACE);
    pvm_upkstr(path);
    share(path);
}

/* Members count themselves before they call: until so many wait. */
static void until_they_wait(int n)
{
    char text[1000], words[32];
    snprintf(words, sizeof words, "barrier_reached %d\n", n);
    do
        dump_groups(text, sizeof text);
    while (strstr(text, words) == NULL);
}

static void meet(int round, int n)
{
    atomic_fetch_add(&come[round], 1);
    SAME(pvm_barrier("gate", n), PvmOk);
    SAME(atomic_load(&come[round]), n);
}

/* Barriers while others join and leave the group all the time. */
static void rounds(void)
{
    int t[N + 1];
    char path[] = "/tmp/pvmx-gate.XXXXXX";
    close(mkstemp(path));
    share(path);
    spawn_children("rounds", N + 1, t);
    send_path(N + 1, t, path);
    for (int i = 0; i < N + 1; i++) {
        send_int(t[i], JOIN, i < N);
        recv_int(t[i], READY);
    }
    for (int i = 0; i < N + 1; i++)
        send_int(t[i], GO, 0);
    for (int i = 0; i < N + 1; i++)
        SAME(recv_int(t[i], DONE), ROUNDS);
    unlink(path);
}

static void rounds_child(int parent)
{
    take_path(parent);
    int meets = recv_int(parent, JOIN);
    if (meets)
        CHECK(pvm_joingroup("gate") >= 0);
    send_int(parent, READY, 0);
    recv_int(parent, GO);
    for (int r = 0; meets && r < ROUNDS; r++)
        meet(r, N);
    while (!meets && atomic_load(&come[ROUNDS - 1]) == 0) {
        CHECK(pvm_joingroup("gate") >= 0);
        usleep(300);
        SAME(pvm_lvgroup("gate"), PvmOk);
    }
    send_int(parent, DONE, ROUNDS);
}

/* How often the daemon has slept and been woken. */
static long daemon_wakes(void)
{
    char path[64], line[128];
    long n = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)getppid());
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    while (n < 0 && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "voluntary_ctxt_switches: %ld", &n);
    fclose(f);
    CHECK(n >= 0);
    return n;
}

/* One that waits is killed: the others wait for another one. Then all meet in shared memory again. */
static void killed(void)
{
    int t[4];
    char path[] = "/tmp/pvmx-gate.XXXXXX";
    close(mkstemp(path));
    share(path);
    spawn_children("killed", 4, t);
    send_path(4, t, path);
    for (int i = 0; i < 4; i++)
        recv_int(t[i], READY);
    for (int i = 0; i < 3; i++)
        send_int(t[i], GO, 0);
    until_they_wait(3);
    SAME(pvm_notify(PvmTaskExit, GONE, 1, t), PvmOk);
    pvm_sendsig(t[0], SIGKILL);
    SAME(recv_int(-1, GONE), t[0]);
    atomic_fetch_sub(&come[0], 1);
    SAME(pvm_joingroup("gate") >= 0, 1);
    SAME(pvm_nrecv(-1, DONE), 0); /* two wait for two others */
    send_int(t[3], GO, 0);
    meet(0, 4);
    for (int i = 1; i < 4; i++)
        recv_int(t[i], DONE);
    /* And again. */
    for (int i = 1; i < 4; i++)
        send_int(t[i], GO, 1);
    meet(1, 4);
    for (int i = 1; i < 4; i++)
        recv_int(t[i], DONE);
    for (int i = 1; i < 4; i++)
        send_int(t[i], GO, 2);
    for (int r = 0; r < AGAIN; r++)
        meet(2 + r, 4);
    for (int i = 1; i < 4; i++)
        CHECK(recv_int(t[i], DONE) < AGAIN / 4);
    unlink(path);
}

static void killed_child(int parent)
{
    take_path(parent);
    CHECK(pvm_joingroup("gate") >= 0);
    send_int(parent, READY, 0);
    for (int r = 0; r < 2; r++) {
        SAME(recv_int(parent, GO), r);
        meet(r, 4);
        send_int(parent, DONE, r);
    }
    recv_int(parent, GO);
    long before = daemon_wakes();
    for (int r = 0; r < AGAIN; r++)
        meet(2 + r, 4);
    send_int(parent, DONE, (int)(daemon_wakes() - before));
}

/* Who waits for another number than the first is told, and the first goes on waiting. */
static void numbers(void)
{
    int t;
    char path[] = "/tmp/pvmx-gate.XXXXXX";
    close(mkstemp(path));
    share(path);
    spawn_children("numbers", 1, &t);
    send_path(1, &t, path);
    recv_int(t, READY);
    CHECK(pvm_joingroup("gate") >= 0);
    send_int(t, GO, 0);
    until_they_wait(1);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_barrier("gate", 3), PvmMismatch);
    meet(0, 2);
    recv_int(t, DONE);
    unlink(path);
}

static void numbers_child(int parent)
{
    take_path(parent);
    CHECK(pvm_joingroup("gate") >= 0);
    send_int(parent, READY, 0);
    recv_int(parent, GO);
    meet(0, 2);
    send_int(parent, DONE, 0);
}

const struct test_case cases[] = {{"rounds", rounds, rounds_child},
                                  {"killed", killed, killed_child},
                                  {"numbers", numbers, numbers_child},
                                  {0}};
