/* SPDX-License-Identifier: BSD-3-Clause */
/* Where PVM 3.4.6 ends: several threads, a message of a gigabyte, 5,000 tasks on a host, a receiver
 * without memory, tasks with few addresses; and a process that leaves and comes back. */
#include "check.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 2, ROUNDS = 3000, COMEBACKS = 20, GIB = 1 << 30, PART = 1 << 20 };
enum { TASKS = 5000, SPAWNS = 10, FIRST = 1, SECOND = 2, GONE = 3, GO = 4, END = 5 };
enum { WAITING = 40000, WORDS = 256, DATA = 6, ROOM = 24 << 20 };

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

/* Threads that share the active buffers without a lock disturb each other's messages, as with PVM; what each
 * call does stays right: it succeeds or says what was not there, and no buffer is freed under it. */
static void *disturb(void *arg)
{
    static const int allowed[] = {PvmNoBuf,    PvmNoSuchBuf, PvmNoData,
                                  PvmBadParam, PvmNotImpl,   PvmMismatch};
    int me = pvm_mytid(), codes[12], data[2000], n = 0;
    unsigned random = *(unsigned *)arg;
    memset(data, 0, sizeof data);
    for (int i = 0; i < ROUNDS; i++, n = 0) {
        random = random * 1103515245 + 12345;
        int len = random >> 16 & 1 ? 2000 : 3, tag = 1 + (int)(random >> 20 & 1), bytes;
        CHECK(pvm_initsend((int)(random >> 24) % 3) > 0);
        codes[n++] = pvm_pkint(data, len, 1);
        codes[n++] = pvm_pkstr("some text");
        codes[n++] = pvm_send(me, tag);
        codes[n++] = pvm_send(me, 3 - tag);
        int id = pvm_nrecv(me, tag);
        codes[n++] = id;
        codes[n++] = pvm_bufinfo(id > 0 ? id : 1, &bytes, NULL, NULL);
        codes[n++] = pvm_upkint(data, len, 1);
        codes[n++] = pvm_setsbuf(pvm_mkbuf(PvmDataRaw));
        codes[n++] = pvm_pkmesgbody(pvm_getrbuf());
        codes[n++] = pvm_freebuf(pvm_getsbuf());
        codes[n++] = pvm_freebuf(pvm_setrbuf(0));
        for (int k = 0; k < n; k++) {
            size_t at = 0;
            while (codes[k] < 0 && at < sizeof allowed / sizeof *allowed &&
                   codes[k] != allowed[at])
                at++;
            if (codes[k] < 0 && at == sizeof allowed / sizeof *allowed)
                fprintf(stderr, "call %d: %d\n", k, codes[k]);
            CHECK(codes[k] >= 0 || at < sizeof allowed / sizeof *allowed);
        }
    }
    return NULL;
}

static void unlocked(void)
{
    unsigned seed[THREADS] = {1, 99};
    pthread_t thread[THREADS];
    int me = pvm_mytid(), id, bytes;
    pvm_setopt(PvmAutoErr, 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, disturb, &seed[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);
    while ((id = pvm_nrecv(-1, -1)) > 0)
        SAME(pvm_bufinfo(id, &bytes, NULL, NULL), PvmOk);
    send_int(me, 5, 42);
    SAME(recv_int(me, 5), 42);
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

/* ---- 5,000 tasks */

static void took(const char *what)
{
    static double last;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double now = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    fprintf(stderr, "%8.2f s  %s\n", last > 0 ? now - last : 0, what);
    last = now;
}

/* One message of each. */
static void from_all(int tag, const int *tid)
{
    static char seen[TASKS];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < TASKS; i++) {
        struct timeval limit = {60, 0};
        int at;
        CHECK(pvm_trecv(-1, tag, &limit) > 0);
        SAME(pvm_upkint(&at, 1, 1), PvmOk);
        if (tag == GONE)
            at = (at & 0x3ffff) - (tid[0] & 0x3ffff);
        CHECK(at >= 0 && at < TASKS && !seen[at]);
        seen[at] = 1;
    }
}

static void thousands(void)
{
    static int tid[TASKS];
    struct pvmtaskinfo *info;
    int n;
    alarm(140);
    CHECK(pvm_mytid() > 0);
    took("");
    for (int i = 0; i < SPAWNS; i++)
        spawn_children("thousands", TASKS / SPAWNS, tid + i * (TASKS / SPAWNS));
    took("5000 tasks started");
    for (int i = 0; i < TASKS; i++)
        SAME(tid[i], tid[0] + i);
    SAME(pvm_notify(PvmTaskExit, GONE, TASKS, tid), PvmOk);
    took("notices ordered");
    for (int i = 0; i < TASKS; i++)
        send_int(tid[i], GO, i);
    from_all(FIRST, tid);
    took("each has answered");
    SAME(pvm_tasks(0, &n, &info), PvmOk);
    SAME(n, TASKS + 1);
    took("list of tasks");
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_mcast(tid, TASKS, GO), PvmOk);
    from_all(SECOND, tid); /* of tasks that are asleep */
    took("multicast, and answers");
    SAME(pvm_mcast(tid, TASKS, END), PvmOk);
    from_all(GONE, tid);
    took("all have ended");
    spawn_children("thousands", 1, tid);
    send_int(tid[0], GO, 7);
    SAME(recv_int(tid[0], FIRST), 7);
    send_int(tid[0], GO, 7);
    send_int(tid[0], END, 7);
    SAME(recv_int(tid[0], SECOND), 7);
}

static void thousands_child(int parent)
{
    struct timeval limit = {120, 0};
    alarm(140);
    int me = recv_int(parent, GO);
    send_int(parent, FIRST, me);
    CHECK(pvm_trecv(parent, -1, &limit) > 0);
    send_int(parent, SECOND, me);
    CHECK(pvm_trecv(parent, END, &limit) > 0);
}

/* ---- more messages wait than there is memory for */

static void starving(void)
{
    static int data[WORDS], many[100000];
    int tid;
    spawn_children("starving", 1, &tid);
    SAME(pvm_psend(tid, GO, many, 100000, PVM_INT), PvmOk);
    recv_int(tid, FIRST);
    for (int i = 0; i < WAITING; i++) {
        data[0] = data[WORDS - 1] = i;
        SAME(pvm_psend(tid, DATA, data, WORDS, PVM_INT), PvmOk);
    }
    send_int(tid, END, 0);
    recv_int(tid, SECOND);
}

static void limit_memory(void)
{
    long pages;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f != NULL && fscanf(f, "%ld", &pages) == 1);
    fclose(f);
    rlim_t limit = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ROOM;
    CHECK(setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit}) == 0);
}

static void starving_child(int parent)
{
    int data[WORDS];
    CHECK(pvm_recv(parent, GO) > 0);
    send_int(parent, FIRST, 0); /* all shared memory is mapped */
    limit_memory();
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_recv(parent, END), PvmNoMem);
    SAME(pvm_recv(parent, END), PvmNoMem);
    struct timeval soon = {0, 1000};
    SAME(pvm_trecv(parent, END, &soon), PvmNoMem);
    SAME(pvm_nrecv(parent, END), PvmNoMem);
    for (int i = 0; i < WAITING; i++) { /* nothing is lost */
        SAME(pvm_recv(parent, DATA) > 0, 1);
        SAME(pvm_upkint(data, WORDS, 1), PvmOk);
        CHECK(data[0] == i && data[WORDS - 1] == i);
    }
    recv_int(parent, END);
    send_int(parent, SECOND, 0);
}

/* ---- tasks under `ulimit -v`: a hub, which the parent lends messages to, and twenty others */

enum { OTHERS = 20, ADDRESSES = 4000000, PARTS = 3 };
static const int part_sizes[PARTS] = {3, 70000, 1000000};
static int words[1000000];

static void send_parts(int to, int seed)
{
    for (int k = 0; k < PARTS; k++) {
        for (int i = 0; i < part_sizes[k]; i++)
            words[i] = i * 3 + seed + k;
        CHECK(pvm_initsend(k % 2 ? PvmDataRaw : PvmDataDefault) > 0);
        SAME(pvm_pkint(words, part_sizes[k], 1), PvmOk);
        SAME(pvm_send(to, DATA + k), PvmOk);
    }
}

static void recv_parts(int from, int seed)
{
    struct timeval limit = {60, 0};
    for (int k = 0; k < PARTS; k++) {
        CHECK(pvm_trecv(from, DATA + k, &limit) > 0);
        SAME(pvm_upkint(words, part_sizes[k], 1), PvmOk);
        for (int i = 0; i < part_sizes[k]; i++)
            SAME(words[i], i * 3 + seed + k);
    }
}

static void narrow(void)
{
    struct rlimit all, few;
    int hub;
    CHECK(pvm_mytid() > 0); /* and the daemon is there */
    CHECK(getrlimit(RLIMIT_AS, &all) == 0);
    few = all;
    few.rlim_cur = (rlim_t)ADDRESSES * 1024;
    CHECK(setrlimit(RLIMIT_AS, &few) == 0);
    spawn_children("narrow", 1, &hub);
    CHECK(setrlimit(RLIMIT_AS, &all) == 0);
    for (int i = 0; i < OTHERS; i++) /* more than the hub has addresses for at one time */
        send_parts(hub, i);
    recv_parts(hub, -1);
}

static void narrow_child(int parent)
{
    int tid[OTHERS];
    struct rlimit r;
    CHECK(getrlimit(RLIMIT_AS, &r) == 0 && r.rlim_cur == (rlim_t)ADDRESSES * 1024);
    CHECK(pvm_joingroup("narrow") >= 0);
    if (pvm_gettid("narrow", 0) != pvm_mytid()) {
        recv_parts(parent, 7);
        send_parts(parent, 8);
        SAME(pvm_barrier("narrow", OTHERS + 1), PvmOk);
        return;
    }
    spawn_children("narrow", OTHERS, tid);
    for (int i = 0; i < OTHERS; i++)
        send_parts(tid[i], 7);
    for (int i = 0; i < OTHERS; i++)
        recv_parts(tid[i], 8);
    SAME(pvm_barrier("narrow", OTHERS + 1), PvmOk);
    for (int i = 0; i < OTHERS; i++)
        recv_parts(parent, i);
    send_parts(parent, -1);
}

/* ---- a call behind pvm_exit makes the process a task again, with a new tid and no mail of the old one */

static void comes_back(void)
{
    int last = 0;
    keep_machine();
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
    leave_machine();
}

/* ---- a process that a task forks is another one: it ends without a word, or becomes a task of its own */

static int part_of_message[1000], many_ints[100000];

static int after_fork(void (*child)(int))
{
    int status, me = pvm_mytid();
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        child(me);
        exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return status;
}

static void do_nothing(int parent)
{
    (void)parent;
}

static void read_on(int parent)
{
    int more = 1;
    SAME(pvm_upkint(part_of_message, 1000, 1),
         PvmOk); /* of the message that the parent has received */
    CHECK(part_of_message[999] == 999);
    SAME(pvm_pkint(&more, 1, 1), PvmOk); /* not in the parent's buffer */
    int me = pvm_mytid();
    CHECK(me > 0 && me != parent);
    SAME(pvm_parent(), PvmNoParent);
    SAME(pvm_probe(-1, -1), 0);
    SAME(pvm_pstat(parent), PvmOk);
    CHECK(pvm_joingroup("forked") == 1);
    send_int(parent, 2, me);
    SAME(pvm_upkint(part_of_message, 1000, 1), PvmOk);
    CHECK(part_of_message[999] == 1999);
}

static void forked(void)
{
    int me = pvm_mytid(), bytes, child;
    SAME(pvm_joingroup("forked"), 0);
    for (int i = 0; i < 100000; i++)
        many_ints[i] = i;
    for (int k = 0; k < 2; k++) { /* one is received, one waits */
        SAME(pvm_initsend(PvmDataRaw) > 0, 1);
        SAME(pvm_pkint(many_ints, 100000, 1), PvmOk);
        SAME(pvm_send(me, 1), PvmOk);
    }
    CHECK(pvm_recv(me, 1) > 0);
    SAME(after_fork(do_nothing), 0);
    SAME(pvm_gsize("forked"), 1);
    SAME(pvm_pstat(me), PvmOk);
    SAME(after_fork(read_on), 0);
    child = recv_int(-1, 2);
    CHECK(child != me);
    while (pvm_pstat(child) != PvmNoTask || pvm_gsize("forked") != 1)
        usleep(1000);
    SAME(pvm_bufinfo(pvm_getsbuf(), &bytes, NULL, NULL), PvmOk);
    SAME(bytes, 400000);
    SAME(pvm_send(me, 3), PvmOk);
    for (int tag = 1; tag <= 3; tag += 2) {
        CHECK(pvm_recv(me, tag) > 0);
        memset(many_ints, 0, sizeof many_ints);
        SAME(pvm_upkint(many_ints, 100000, 1), PvmOk);
        for (int i = 0; i < 100000; i++)
            SAME(many_ints[i], i);
    }
}

const struct test_case cases[] = {{"threads", threads, threads_child},
                                  {"unlocked", unlocked, NULL},
                                  {"gigabyte", gigabyte, gigabyte_child},
                                  {"thousands", thousands, thousands_child},
                                  {"starving", starving, starving_child},
                                  {"narrow", narrow, narrow_child},
                                  {"comes_back", comes_back, NULL},
                                  {"forked", forked, NULL},
                                  {0}};
