/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks of another host (the first of TEST_HOSTS): who sends to them does not wait for them; what they write
 * ends behind the beginning of their children; when their host dies it is known soon, and once. */
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

/* ---- collected output: a task's child is known from a message of its, which may take longer than its end */

/* The line of the file with these words, from 1 on; 0: there is none. */
static int line_with(const char *path, const char *words)
{
    char raw[256];
    int n = 0, found = 0;
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    while (!found && fgets(raw, sizeof raw, f)) {
        n++;
        found = strstr(raw, words) != NULL ? n : 0;
    }
    fclose(f);
    return found;
}

static void children(void)
{
    char *args[] = {"children", NULL}, path[] = "/tmp/pvm_far.XXXXXX", own[32], other[32];
    int t, child;
    add_host();
    close(mkstemp(path));
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    SAME(pvm_catchout(f), PvmOk);
    SAME(pvm_spawn(own_program, args, PvmTaskHost, host, 1, &t), 1);
    snprintf(own, sizeof own, "[t%x] EOF", (unsigned)t);
    /* Not in the library, which would read messages: what else there is comes meanwhile. */
    for (long end = clock_us() + 500000; clock_us() < end && line_with(path, own) == 0;)
        usleep(5000);
    child = recv_int(t, READY);
    snprintf(other, sizeof other, "[t%x] BEGIN", (unsigned)child);
    pvm_exit();
    int begin = line_with(path, other), end = line_with(path, own);
    CHECK(begin > 0 && end > begin);
    fclose(f);
    unlink(path);
}

static void children_child(int parent)
{
    char *args[] = {"children", NULL};
    int t;
    if (pvm_tidtohost(parent) == pvm_tidtohost(pvm_mytid()))
        return; /* the child's child */
    SAME(pvm_spawn(own_program, args, PvmTaskHost, ".", 1, &t), 1);
    send_int(parent, READY, t);
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
                                  {"children", children, children_child},
                                  {"dead_host", dead_host, dead_host_child},
                                  {0}};
