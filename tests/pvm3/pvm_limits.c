/* SPDX-License-Identifier: BSD-3-Clause */
/* Where PVM 3.4.6 ends: several threads, a message of a gigabyte; and a process that
 * leaves and comes back. */
#include "check.h"

#include <pthread.h>
#include <unistd.h>

enum { THREADS = 2, ROUNDS = 3000, COMEBACKS = 20, GIB = 1 << 30, PART = 1 << 20 };

/* ---- each thread with a task of its own. The active buffers belong to the process, so it is psend and precv
 * that threads use, or a lock around the rest. */

static void *talk(void *arg)
{
    int tid = *(int *)arg, from, tag, len;
    long sent[100], got[100];
    for (int i = 0; i < ROUNDS; i++) {
        int n = i % 100 + 1;
        for (int k = 0; k < n; k++)
            sent[k] = (long)tid * 1000003 + i * 100 + k;
        SAME(pvm_psend(tid, 1, sent, n, PVM_LONG), PvmOk);
        SAME(pvm_precv(tid, 2, got, 100, PVM_LONG, &from, &tag, &len), PvmOk);
        CHECK(from == tid && tag == 2 && (size_t)len == (size_t)n * sizeof *got);
        for (int k = 0; k < n; k++)
            SAME(got[k], sent[k] + 1);
    }
    return NULL;
}

static void threads(void)
{
    int tid[THREADS];
    pthread_t thread[THREADS];
    spawn_children("threads", THREADS, tid);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, talk, &tid[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);
}

static void threads_child(int parent)
{
    long data[100];
    int len;
    for (int i = 0; i < ROUNDS; i++) {
        SAME(pvm_precv(parent, 1, data, 100, PVM_LONG, NULL, NULL, &len), PvmOk);
        int n = len / (int)sizeof *data;
        for (int k = 0; k < n; k++)
            data[k]++;
        SAME(pvm_psend(parent, 2, data, n, PVM_LONG), PvmOk);
    }
}

/* ---- a gigabyte, in parts */

static unsigned part[PART];

static void gigabyte(void)
{
    int tid;
    spawn_children("gigabyte", 1, &tid);
    alarm(140);
    CHECK(pvm_initsend(PvmDataRaw) > 0);
    for (unsigned i = 0; i < GIB / sizeof part; i++) {
        for (unsigned k = 0; k < PART; k++)
            part[k] = k * 2654435761u + i;
        SAME(pvm_pkuint(part, PART, 1), PvmOk);
    }
    SAME(pvm_send(tid, 1), PvmOk);
    SAME(recv_int(tid, 2), GIB);
}

static void gigabyte_child(int parent)
{
    int len;
    alarm(140);
    CHECK(pvm_recv(parent, 1) > 0);
    SAME(pvm_bufinfo(pvm_getrbuf(), &len, NULL, NULL), PvmOk);
    for (unsigned i = 0; i < GIB / sizeof part; i++) {
        SAME(pvm_upkuint(part, PART, 1), PvmOk);
        for (unsigned k = 0; k < PART; k++)
            CHECK(part[k] == k * 2654435761u + i);
    }
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_upkuint(part, 1, 1), PvmNoData);
    send_int(parent, 2, len);
}

/* ---- a call behind pvm_exit makes the process a task again, with a new tid and no mail of the old one */

static void comes_back(void)
{
    int last = 0;
    for (int i = 0; i < COMEBACKS; i++) {
        int tid = pvm_mytid();
        CHECK(tid > 0 && tid != last);
        SAME(pvm_nrecv(-1, -1), 0);
        send_int(tid, 1, i);
        SAME(recv_int(tid, 1), i);
        send_int(tid, 1, i); /* not received */
        if (last)
            SAME(pvm_pstat(last), PvmNoTask);
        SAME(pvm_pstat(tid), PvmOk);
        last = tid;
        SAME(pvm_exit(), PvmOk);
        SAME(pvm_exit(), PvmOk);
    }
}

const struct test_case cases[] = {{"threads", threads, threads_child},
                                  {"gigabyte", gigabyte, gigabyte_child},
                                  {"comes_back", comes_back, NULL},
                                  {0}};
