/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks of another host (the first of TEST_HOSTS): who sends to them does not wait for them; when their host
 * dies it is known soon, and once. */
#include "check.h"

#include <signal.h>
#include <unistd.h>

enum {
    READY = 1,
    DATA,
    DONE,
    EXIT,
    GONE,
    SHORT = 3000,
    LONG = 1 << 20,
    MANY = 4000,
    TASKS = 3
};

static char host[64];

static int add_host(void)
{
    char *list[] = {host};
    int dtid;
    CHECK(getenv("TEST_HOSTS") && sscanf(getenv("TEST_HOSTS"), "%63s", host) == 1);
    SAME(pvm_addhosts(list, 1, &dtid), 1);
    return dtid;
}

/* ---- a receiver that is not in the library */

static int data[LONG];

static int words(int k)
{
    return k % 500 == 499 ? LONG : k % 3 ? 4 : SHORT;
}

static void never_waits(void)
{
    char *args[] = {"never_waits", NULL};
    int t;
    add_host();
    SAME(pvm_spawn(own_program, args, PvmTaskHost, host, 1, &t), 1);
    recv_int(t, READY);
    for (int k = 0; k < MANY; k++) { /* 50 MB */
        data[0] = data[words(k) - 1] = k;
        CHECK(pvm_initsend(k % 2 ? PvmDataRaw : PvmDataDefault) > 0);
        SAME(pvm_pkint(data, words(k), 1), PvmOk);
        SAME(pvm_send(t, DATA), PvmOk);
    }
    SAME(pvm_sendsig(t, SIGUSR1), PvmOk); /* only now it goes on */
    SAME(recv_int(t, DONE), MANY);
}

static void never_waits_child(int parent)
{
    sigset_t set;
    int sig, k = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    send_int(parent, READY, 0);
    CHECK(sigwait(&set, &sig) == 0);
    for (; k < MANY; k++) {
        int bytes;
        struct timeval limit = {30, 0};
        CHECK(pvm_trecv(parent, DATA, &limit) > 0);
        SAME(pvm_bufinfo(pvm_getrbuf(), &bytes, NULL, NULL), PvmOk);
        SAME(bytes, 4 * words(k));
        SAME(pvm_upkint(data, words(k), 1), PvmOk);
        CHECK(data[0] == k && data[words(k) - 1] == k);
    }
    send_int(parent, DONE, k);
}

/* ---- its daemon is killed, and everything with it */

static void dead_host(void)
{
    char *args[] = {"dead_host", NULL};
    int t[TASKS], here, seen[TASKS] = {0}, dtid = add_host(), daemon = 0;
    struct pvmhostinfo *h;
    SAME(pvm_spawn(own_program, args, PvmTaskHost, host, TASKS, t), TASKS);
    SAME(pvm_spawn(own_program, args, PvmTaskHost, ".", 1, &here), 1);
    for (int i = 0; i < TASKS; i++)
        daemon = recv_int(t[i], READY);
    recv_int(here, READY);
    SAME(pvm_notify(PvmTaskExit, EXIT, TASKS, t), PvmOk);
    SAME(pvm_notify(PvmTaskExit, EXIT, 1, &here), PvmOk);
    SAME(pvm_notify(PvmHostDelete, GONE, 1, &dtid), PvmOk);
    CHECK(kill(daemon, SIGKILL) == 0); /* it runs on this machine */
    struct timeval limit = {10, 0};
    CHECK(pvm_trecv(-1, GONE, &limit) > 0);
    int gone, n;
    SAME(pvm_upkint(&gone, 1, 1), PvmOk);
    SAME(gone, dtid);
    for (int i = 0; i < TASKS; i++) {
        int tid = recv_int(-1, EXIT), at = 0;
        while (at < TASKS && t[at] != tid)
            at++;
        CHECK(at < TASKS && !seen[at]++);
    }
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_mstat(host), PvmNoHost);
    SAME(pvm_pstat(t[0]), PvmNoTask);
    SAME(pvm_config(&n, NULL, &h), PvmOk);
    SAME(n, 1);
    send_int(t[0], DONE, 0);                          /* no error, and it goes nowhere */
    SAME(pvm_notify(PvmTaskExit, EXIT, 1, t), PvmOk); /* at once */
    SAME(recv_int(-1, EXIT), t[0]);
    send_int(here, DONE, 0);
    SAME(recv_int(-1, EXIT), here);
    SAME(pvm_nrecv(-1, -1), 0); /* and nothing twice */
}

static void dead_host_child(int parent)
{
    send_int(parent, READY, getppid());
    recv_int(parent, DONE);
}

const struct test_case cases[] = {{"never_waits", never_waits, never_waits_child},
                                  {"dead_host", dead_host, dead_host_child},
                                  {0}};
