/* SPDX-License-Identifier: BSD-3-Clause */
/* Many of everything: tasks, senders to one receiver, groups, mailbox entries. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    TASKS = 500,
    EACH = 12, /* messages that each of them sends */
    SENDERS = 500,
    BURST = 400,
    WORDS = 240, /* in each message, so that few go into a ring */
    UNEVEN = 256,
    LOOK = 50, /* messages between two looks at who has had how many */
    GROUPS = 1000,
    ENTRIES = 100000,
    PASSED = 4000,
    WAITING = 50000,
    PICKED = 20000,
};

/* ---- an oracle: what task `from` sends as its message k, and to whom, follows from these numbers alone */

static unsigned next_random(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static unsigned seed_of(int from, int k)
{
    unsigned s = (unsigned)(from * 1000003 + k * 7919 + 1);
    for (int i = 0; i < 4; i++)
        next_random(&s);
    return s ? s : 1;
}

static int receiver_of(int from, int k, int n)
{
    unsigned s = seed_of(from, k);
    return (int)(next_random(&s) % (unsigned)n);
}

#define ITEMS(T, what)                                                                   \
    {                                                                                    \
        T item[40], got[40];                                                             \
        int n = (int)(next_random(&s) % 40) + 1, stride = 1 + (n < 20);                  \
        for (int i = 0; i < 40; i++)                                                     \
            item[i] = (T)(next_random(&s) % 100);                                        \
        if (pack) {                                                                      \
            SAME(pvm_pk##what(item, n / stride, stride), PvmOk);                         \
        } else {                                                                         \
            SAME(pvm_upk##what(got, n / stride, stride), PvmOk);                         \
            for (int i = 0; i < n / stride; i++)                                         \
                CHECK(got[i * stride] == item[i * stride]);                              \
        }                                                                                \
    }                                                                                    \
    break

/* Packs message k, or unpacks it and compares. */
static void go_through(int from, int k, int pack)
{
    unsigned s = seed_of(from, k);
    next_random(&s); /* the receiver */
    int parts = (int)(next_random(&s) % 12) + 1;
    for (int part = 0; part < parts; part++)
        switch (next_random(&s) % 8) {
        case 0:
            ITEMS(int, int);
        case 1:
            ITEMS(double, double);
        case 2:
            ITEMS(char, byte);
        case 3:
            ITEMS(short, short);
        case 4:
            ITEMS(float, float);
        case 5:
            ITEMS(long, long);
        case 6:
            ITEMS(unsigned, uint);
        default: {
            char text[60], got[60];
            snprintf(text, sizeof text, "%.*s", (int)(next_random(&s) % 50),
                     "some text of fifty bytes, of which not all are sent");
            if (pack) {
                SAME(pvm_pkstr(text), PvmOk);
            } else {
                SAME(pvm_upkstr(got), PvmOk);
                CHECK(strcmp(got, text) == 0);
            }
        }
        }
}

static void exchange_child(int parent)
{
    static int tid[TASKS];
    int me = 0, wanted = 0;
    struct timeval limit = {100, 0};
    alarm(140);
    CHECK(pvm_trecv(parent, 1, &limit) > 0);
    SAME(pvm_upkint(tid, TASKS, 1), PvmOk);
    while (tid[me] != pvm_mytid())
        me++;
    for (int k = 0; k < EACH; k++) {
        CHECK(pvm_initsend(k % 2 ? PvmDataRaw : PvmDataDefault) > 0);
        go_through(me, k, 1);
        SAME(pvm_send(tid[receiver_of(me, k, TASKS)], 100 + k), PvmOk);
    }
    for (int from = 0; from < TASKS; from++)
        for (int k = 0; k < EACH; k++)
            wanted += receiver_of(from, k, TASKS) == me;
    for (int i = 0; i < wanted; i++) {
        int src, tag, from = 0, buf = pvm_trecv(-1, -1, &limit);
        CHECK(buf > 0);
        SAME(pvm_bufinfo(buf, NULL, &tag, &src), PvmOk);
        while (tid[from] != src)
            from++;
        CHECK(receiver_of(from, tag - 100, TASKS) == me);
        go_through(from, tag - 100, 0);
    }
    send_int(parent, 2, wanted);
}

static void exchange(void)
{
    static int tid[TASKS];
    int sum = 0;
    alarm(140);
    spawn_children("exchange", TASKS, tid);
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_pkint(tid, TASKS, 1), PvmOk);
    SAME(pvm_mcast(tid, TASKS, 1), PvmOk);
    for (int i = 0; i < TASKS; i++) {
        struct timeval limit = {120, 0};
        int n;
        CHECK(pvm_trecv(-1, 2, &limit) > 0);
        SAME(pvm_upkint(&n, 1, 1), PvmOk);
        sum += n;
    }
    SAME(sum, TASKS * EACH);
}

/* ---- all of many senders get their turn */

/* How many of them have sent all: said by a file, since looking at messages would receive them. */
static int ready(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int)st.st_size : 0;
}

static void fair(void)
{
    char path[] = "/tmp/pvm_fair.XXXXXX";
    static int tid[SENDERS], got[SENDERS], place[1 << 18];
    int left = SENDERS, fd = mkstemp(path), n = 0;
    struct timeval limit = {60, 0};
    alarm(140);
    CHECK(fd >= 0);
    setenv("TEST_READY", path, 1);
    spawn_children("fair", SENDERS, tid);
    for (int i = 0; i < SENDERS; i++) {
        place[tid[i] & 0x3ffff] = i;
        send_int(tid[i], 1, 0);
    }
    CHECK(write(fd, "go", 1) == 1); /* not before: what came earlier would be received first */
    while (ready(path) < SENDERS + 1)
        usleep(1000);
    unlink(path);
    close(fd);
    while (left) {
        int src, low = BURST, high = 0, buf = pvm_trecv(-1, 2, &limit);
        CHECK(buf > 0);
        SAME(pvm_bufinfo(buf, NULL, NULL, &src), PvmOk);
        left -= ++got[place[src & 0x3ffff]] == BURST;
        for (int i = 0; n % LOOK == 0 && i < SENDERS; i++) {
            low = got[i] < low ? got[i] : low;
            high = got[i] > high ? got[i] : high;
        }
        CHECK(n++ % LOOK != 0 || high - low <= UNEVEN); /* a ring at first, then batches */
    }
    for (int i = 0; i < SENDERS; i++)
        send_int(tid[i], 3, 0);
}

static void fair_child(int parent)
{
    static int data[WORDS];
    alarm(140);
    recv_int(parent, 1);
    while (ready(getenv("TEST_READY")) == 0)
        usleep(1000);
    for (int k = 0; k < BURST; k++)
        SAME(pvm_psend(parent, 2, data, WORDS, PVM_INT), PvmOk);
    int fd = open(getenv("TEST_READY"), O_WRONLY | O_APPEND);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    close(fd);
    recv_int(parent, 3);
}

/* ---- groups */

static char *group(int i)
{
    static char name[40];
    snprintf(name, sizeof name, "group number %d", i);
    return name;
}

static void groups(void)
{
    int tid[2];
    alarm(140);
    spawn_children("groups", 2, tid);
    for (int i = 0; i < GROUPS; i++)
        CHECK(pvm_joingroup(group(i)) >= 0);
    for (int i = 0; i < 2; i++)
        recv_int(tid[i], 1);
    for (int i = 0; i < GROUPS; i++)
        SAME(pvm_gsize(group(i)), 3);
    for (int i = 0; i < GROUPS; i += 50)
        SAME(pvm_barrier(group(i), 3), PvmOk);
    for (int i = 0; i < GROUPS; i += 2)
        SAME(pvm_lvgroup(group(i)), PvmOk);
    for (int i = 0; i < GROUPS; i++)
        SAME(pvm_gsize(group(i)), 3 - (i % 2 == 0));
    pvm_notify(PvmTaskExit, 9, 2, tid);
    for (int i = 0; i < 2; i++)
        send_int(tid[i], 2, 0);
    for (int i = 0; i < 2; i++)
        recv_int(-1, 9);
    pvm_setopt(PvmAutoErr, 0);
    for (int i = 0; i < GROUPS; i++)
        SAME(pvm_gsize(group(i)), i % 2 ? 1 : PvmNoGroup);
}

static void groups_child(int parent)
{
    alarm(140);
    for (int i = 0; i < GROUPS; i++)
        CHECK(pvm_joingroup(group(i)) >= 0);
    send_int(parent, 1, 0);
    for (int i = 0; i < GROUPS; i += 50)
        SAME(pvm_barrier(group(i), 3), PvmOk);
    recv_int(parent, 2);
}

/* ---- mailbox entries */

static void boxes(void)
{
    struct pvmmboxinfo *m;
    char name[40];
    int tid, n, entries = 0, value;
    alarm(140);
    spawn_children("boxes", 1, &tid);
    struct timeval limit = {120, 0};
    CHECK(pvm_trecv(tid, 1, &limit) > 0);
    SAME(pvm_getmboxinfo("", &n, &m), PvmOk);
    SAME(n, ENTRIES / 2 + 1);
    for (int i = 0; i < n; i++)
        entries += m[i].mi_nentries;
    SAME(entries, ENTRIES);
    for (int i = 0; i < ENTRIES / 2; i += 501) {
        CHECK(pvm_recvinfo("many", i, PvmMboxDefault) > 0);
        SAME(pvm_upkint(&value, 1, 1), PvmOk);
        SAME(value, 2 * i);
        snprintf(name, sizeof name, "entry %d", i);
        CHECK(pvm_recvinfo(name, 0, PvmMboxDefault) > 0);
        SAME(pvm_upkint(&value, 1, 1), PvmOk);
        SAME(value, 2 * i + 1);
    }
    SAME(pvm_notify(PvmTaskExit, 9, 1, &tid), PvmOk);
    send_int(tid, 2, 0);
    recv_int(-1, 9);
    SAME(pvm_getmboxinfo("", &n, &m), PvmOk);
    SAME(n, 0);
}

static void boxes_child(int parent)
{
    char name[40];
    alarm(140);
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "entry %d", i / 2);
        CHECK(pvm_initsend(PvmDataDefault) > 0);
        SAME(pvm_pkint(&i, 1, 1), PvmOk);
        SAME(pvm_putinfo(i % 2 ? name : "many", pvm_getsbuf(), PvmMboxMultiInstance),
             i % 2 ? 0 : i / 2);
    }
    send_int(parent, 1, 0);
    recv_int(parent, 2);
}

/* ---- messages that receives pass over, by the tens of thousands, against a list that is looked through */

static struct {
    int from, tag, value;
} sent[PASSED];
static int nsent;

static void send_next(void)
{
    static unsigned state = 77;
    int tag = (int)(next_random(&state) % 50);
    sent[nsent].from = pvm_mytid();
    sent[nsent].tag = tag;
    sent[nsent].value = nsent;
    send_int(pvm_mytid(), tag, nsent);
    nsent++;
}

/* Receives as asked, and compares with what the list has as the first that fits. */
static void receive_first(int tid, int tag)
{
    int i = 0, value;
    while (i < nsent && (!sent[i].from || (tid != -1 && sent[i].from != tid) ||
                         (tag != -1 && sent[i].tag != tag)))
        i++;
    int id = pvm_nrecv(tid, tag);
    CHECK(id >= 0 && (id > 0) == (i < nsent));
    if (!id)
        return;
    SAME(pvm_upkint(&value, 1, 1), PvmOk);
    SAME(value, sent[i].value);
    sent[i].from = 0;
}

/* A message that was probed for gets another tag: it is found by that, at its old place. */
static void change_tag(int tag, int to)
{
    struct pvmminfo info;
    int i = 0, id = pvm_probe(-1, tag);
    CHECK(id > 0);
    while (!sent[i].from || sent[i].tag != tag)
        i++;
    SAME(pvm_getminfo(id, &info), PvmOk);
    info.tag = sent[i].tag = to;
    SAME(pvm_setminfo(id, &info), PvmOk);
}

static void passed_over(void)
{
    unsigned state = 5;
    for (int round = 0; round < 3; round++) {
        nsent = 0;
        while (nsent < PASSED) {
            send_next();
            if (next_random(&state) % 3 == 0)
                receive_first(next_random(&state) % 2 ? -1 : pvm_mytid(),
                              next_random(&state) % 2 ? -1 : (int)(next_random(&state) % 55));
        }
        change_tag(sent[nsent - 1].tag, 60);
        change_tag(sent[nsent - 1].tag, 0);
        receive_first(-1, 60);
        for (int tag = 51; tag >= -1; tag--)
            for (int i = 0; i < (tag < 0 ? nsent : 20); i++)
                receive_first(tag % 2 ? -1 : pvm_mytid(), tag);
        SAME(pvm_nrecv(-1, -1), 0);
    }
}

/* Seconds of processor time: on a busy machine there is little of it. */
static double used_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What one task has sent lies before all of another's. */
static void by_source(void)
{
    int tid[2];
    spawn_children("by_source", 2, tid);
    for (int i = 0; i < 2; i++) {
        send_int(tid[i], 1, i ? PICKED : WAITING);
        recv_int(tid[i], 3);
    }
    double begun = used_s();
    for (int i = 0; i < PICKED; i++)
        SAME(recv_int(tid[1], 2), i);
    double took = used_s() - begun;
    fprintf(stderr, "%.0f ns for each message behind %d others\n", took / PICKED * 1e9,
            WAITING);
    CHECK(took < 1); /* some 10 s when all are looked through */
    for (int i = 0; i < WAITING; i++)
        SAME(recv_int(tid[0], 2), i);
}

static void by_source_child(int parent)
{
    int n = recv_int(parent, 1);
    for (int i = 0; i < n; i++)
        send_int(parent, 2, i);
    send_int(parent, 3, 0);
}

const struct test_case cases[] = {{"exchange", exchange, exchange_child},
                                  {"fair", fair, fair_child},
                                  {"groups", groups, groups_child},
                                  {"boxes", boxes, boxes_child},
                                  {"passed_over", passed_over, NULL},
                                  {"by_source", by_source, by_source_child},
                                  {0}};
