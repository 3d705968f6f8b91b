/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks are killed at any moment while they use groups, mailboxes and multicasts; the others, and those that
 * replace them, go on, and nothing of the dead stays. TEST_HOSTS: on these hosts as well. */
#include "check.h"

#include <signal.h>
#include <unistd.h>

enum { WORKERS = 6, KILLS = 24, TAG_TICK = 1, TAG_NEWS, TAG_EXIT, LONG = 50000 };
#define GROUP "killed"

static void add_hosts(void)
{
    const char *text = getenv("TEST_HOSTS");
    char words[3][64], *list[3] = {words[0], words[1], words[2]};
    if (!text)
        return;
    SAME(sscanf(text, "%63s %63s %63s", words[0], words[1], words[2]), 3);
    SAME(pvm_addhosts(list, 3, NULL), 3);
}

static int start_worker(void)
{
    char *args[] = {"work", NULL};
    int tid;
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, "", 1, &tid), 1);
    SAME(pvm_notify(PvmTaskExit, TAG_EXIT, 1, &tid), PvmOk);
    return tid;
}

/* Waits for a message with this tag, and takes the number in it. */
static int next(int tag, int *src)
{
    struct timeval limit = {60, 0};
    int value, buf = pvm_trecv(-1, tag, &limit);
    CHECK(buf > 0);
    SAME(pvm_bufinfo(buf, NULL, NULL, src), PvmOk);
    SAME(pvm_upkint(&value, 1, 1), PvmOk);
    return value;
}

static void work(void)
{
    int tid[WORKERS], src, n;
    unsigned random = 12345;
    struct pvmmboxinfo *boxes;
    add_hosts();
    for (int i = 0; i < WORKERS; i++)
        tid[i] = start_worker();
    for (int k = 0; k < KILLS; k++) {
        random = random * 1103515245 + 12345;
        int at = random >> 16 & 0xff, victim = (int)(random >> 8) % WORKERS;
        victim = victim < 0 ? -victim : victim;
        next(TAG_TICK, &src);
        usleep((unsigned)at * 40);
        SAME(pvm_sendsig(tid[victim], SIGKILL), PvmOk);
        SAME(next(TAG_EXIT, &src), tid[victim]);
        CHECK(pvm_nrecv(-1, TAG_EXIT) == 0);
        tid[victim] = start_worker();
    }
    for (int i = 0; i < 3 * WORKERS; i++) /* they still meet */
        next(TAG_TICK, &src);
    for (int i = 0; i < WORKERS; i++)
        SAME(pvm_sendsig(tid[i], SIGKILL), PvmOk);
    for (int i = 0; i < WORKERS; i++)
        next(TAG_EXIT, &src);
    pvm_setopt(PvmAutoErr, 0);
    do { /* the leader hears of ends on other hosts from their daemons */
        SAME(pvm_getmboxinfo("box of *", &n, &boxes), PvmOk);
    } while (n > 0);
    while (pvm_gsize(GROUP) != PvmNoGroup)
        ;
}

static void check_news(void)
{
    static int data[LONG];
    int n, buf;
    while ((buf = pvm_nrecv(-1, TAG_NEWS)) > 0) {
        SAME(pvm_upkint(&n, 1, 1), PvmOk);
        SAME(pvm_upkint(data, n, 1), PvmOk);
        for (int i = 0; i < n; i++)
            SAME(data[i], i ^ n);
    }
}

static void work_child(int parent)
{
    static int data[LONG];
    char box[64], other[64];
    snprintf(box, sizeof box, "box of %x", (unsigned)pvm_mytid());
    CHECK(pvm_joingroup(GROUP) >= 0);
    pvm_setopt(PvmAutoErr, 0);
    for (int k = 0;; k++) {
        int n = k % 3 ? 100 : LONG;
        for (int i = 0; i < n; i++)
            data[i] = i ^ n;
        CHECK(pvm_initsend(PvmDataDefault) > 0);
        SAME(pvm_pkint(&n, 1, 1), PvmOk);
        SAME(pvm_pkint(data, n, 1), PvmOk);
        int cc = pvm_bcast(GROUP, TAG_NEWS);
        CHECK(cc == PvmOk || cc == PvmNoInst); /* alone in it */
        CHECK(pvm_putinfo(box, pvm_getsbuf(), PvmMboxMultiInstance) >= 0);
        for (int i = 0; i < 2; i++) { /* another's entry: there or not */
            int t = pvm_gettid(GROUP, k % WORKERS);
            snprintf(other, sizeof other, "box of %x", (unsigned)t);
            cc = pvm_recvinfo(other, 0, PvmMboxFirstAvail);
            CHECK(cc > 0 || cc == PvmNotFound);
        }
        if (k % 4 == 3)
            for (int i = 0; i < 4; i++)
                SAME(pvm_delinfo(box, i, 0), i);
        check_news();
        SAME(pvm_barrier(GROUP, WORKERS), PvmOk);
        send_int(parent, TAG_TICK, k);
    }
}

const struct test_case cases[] = {{"work", work, work_child}, {0}};
