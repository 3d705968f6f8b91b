/* SPDX-License-Identifier: BSD-3-Clause */
/* A receiver that is not in the library for long: nobody who sends to it waits, and all that was sent before
 * its sender has ended, in whatever way, arrives in order. */
#include "check.h"

#include <signal.h>
#include <unistd.h>

enum { SENDERS = 4, MESSAGES = 20000, TAG = 3, TAG_EXIT = 9 };

/* Mostly short messages, now and then longer ones; some megabytes from each sender. */
static int length(int k)
{
    return k % 1000 == 999 ? 100000 : k % 50 == 49 ? 900 : k % 23;
}

static void send_all(int to, int seed)
{
    static int data[100000];
    for (int k = 0; k < MESSAGES; k++) {
        int n = length(k);
        data[0] = seed + k;
        for (int i = 1; i < n; i++)
            data[i] = data[0] ^ i;
        CHECK(pvm_initsend(k % 2 ? PvmDataRaw : PvmDataDefault) > 0);
        SAME(pvm_pkint(data, n ? n : 1, 1), PvmOk);
        SAME(pvm_send(to, TAG), PvmOk);
    }
}

/* Messages of n senders, those of each in order. */
static void check_all(const int *from, int n, int seed)
{
    static int data[100000];
    int next[SENDERS] = {0};
    for (int all = 0; all < n * MESSAGES; all++) {
        struct timeval limit = {60, 0};
        int bytes, src, at = 0, buf = pvm_trecv(-1, TAG, &limit);
        CHECK(buf > 0);
        SAME(pvm_bufinfo(buf, &bytes, NULL, &src), PvmOk);
        while (at < n && from[at] != src)
            at++;
        CHECK(at < n && next[at] < MESSAGES);
        int k = next[at]++, len = length(k) ? length(k) : 1;
        SAME(bytes, 4 * len);
        SAME(pvm_upkint(data, len, 1), PvmOk);
        SAME(data[0], seed + at + k);
        for (int i = 1; i < len; i++)
            SAME(data[i], data[0] ^ i);
    }
}

static void be_sleeper(int parent)
{
    sigset_t set;
    int sig, tid[SENDERS];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    send_int(parent, 1, 0);
    CHECK(sigwait(&set, &sig) == 0); /* far from any receive */
    for (int i = 0; i < SENDERS; i++)
        tid[i] = recv_int(parent, 2);
    check_all(tid, SENDERS, 0);
    CHECK(pvm_nrecv(-1, TAG) == 0);
    send_int(parent, 1, 0);
    /* The same while it reads: the way through the ring and the other one by turns. */
    int busy = recv_int(parent, 2);
    check_all(&busy, 1, 7);
    send_int(parent, 1, 0);
}

static void child(int parent)
{
    int role = recv_int(parent, 2);
    if (role < 0) {
        be_sleeper(parent);
        return;
    }
    send_all(recv_int(parent, 2), role);
    switch (role) {
    case 1:
        _exit(0);
    case 2:
        kill(getpid(), SIGKILL);
        break;
    case 3:
        exit(0); /* without pvm_exit */
    default:
        pvm_exit();
    }
}

static void sleeper(void)
{
    int tid[SENDERS + 2], *busy = &tid[SENDERS + 1], *to = &tid[SENDERS];
    spawn_children("sleeper", SENDERS + 2, tid);
    send_int(*to, 2, -1);
    recv_int(*to, 1);
    SAME(pvm_notify(PvmTaskExit, TAG_EXIT, SENDERS, tid), PvmOk);
    for (int i = 0; i < SENDERS; i++) {
        send_int(tid[i], 2, i);
        send_int(tid[i], 2, *to);
    }
    for (int i = 0; i < SENDERS; i++) /* all have ended before it wakes up */
        recv_int(-1, TAG_EXIT);
    SAME(pvm_sendsig(*to, SIGUSR1), PvmOk);
    for (int i = 0; i < SENDERS; i++)
        send_int(*to, 2, tid[i]);
    recv_int(*to, 1);
    send_int(*busy, 2, 7);
    send_int(*busy, 2, *to);
    send_int(*to, 2, *busy);
    recv_int(*to, 1);
}

const struct test_case cases[] = {{"sleeper", sleeper, child}, {0}};
