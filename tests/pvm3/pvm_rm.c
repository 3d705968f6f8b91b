/* SPDX-License-Identifier: BSD-3-Clause */
/* A resource manager, and a task that does not know of it. */
#include "check.h"

#include <pvmsdpro.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TAG_DONE = 7, TAG_NOTICE = 8, NARGS = 1 };

static void be_client(void)
{
    struct pvmhostinfo *h;
    struct pvmtaskinfo *ti;
    char *args[] = {"manager", NULL}, *hosts[] = {"far sp=3", "wide"};
    int n = 0, archs, tid[3], info[2];
    SAME(pvm_config(&n, &archs, &h), PvmOk); /* as the manager has it */
    CHECK(n == 1 && archs == 1 && strcmp(h->hi_name, "managed") == 0 && h->hi_speed == 77);
    SAME(pvm_tasks(0, &n, &ti), PvmOk);
    CHECK(n == 1 && ti->ti_tid == 0x123 && strcmp(ti->ti_a_out, "one of mine") == 0);
    SAME(pvm_addhosts(hosts, 2, info), 1);
    CHECK(info[0] == 0x80000 && info[1] == PvmCantStart);
    SAME(pvm_delhosts(hosts, 2, info), 1);
    CHECK(info[0] == PvmOk && info[1] == PvmNoHost);
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, "somewhere:/tmp", 2, tid), 2);
    for (int i = 0; i < 2; i++)
        SAME(recv_int(tid[i], 1), pvm_mytid());
    SAME(pvm_spawn("no-such-program", NULL, PvmTaskDefault, "", 1, tid + 2), 0);
    SAME(tid[2], PvmNoFile);
    SAME(pvm_notify(PvmTaskExit, TAG_NOTICE, 2, tid), PvmOk);
    SAME(recv_int(-1, TAG_NOTICE), tid[1]); /* the manager's way to tell it */
    for (int i = 0; i < 2; i++)
        send_int(tid[i], 2, 0);
    /* It ends, without a word: nobody hangs, and all goes on without it. */
    SAME(recv_int(-1, TAG_DONE), 0);
    do {
        SAME(pvm_config(&n, &archs, &h), PvmOk);
    } while (strcmp(h->hi_name, "managed") == 0);
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, "", 1, tid), 1);
    SAME(recv_int(tid[0], 1), pvm_mytid());
    send_int(tid[0], 2, 0);
}

static void child(int parent)
{
    send_int(parent, 1, parent);
    recv_int(parent, 2);
}

/* ---- the manager */

static struct pvmminfo asked;

static int get(void)
{
    int v;
    SAME(pvm_upkint(&v, 1, 1), PvmOk);
    return v;
}

static void put(int v)
{
    SAME(pvm_pkint(&v, 1, 1), PvmOk);
}

static void begin(int wid)
{
    struct pvmminfo m;
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_getminfo(pvm_getsbuf(), &m), PvmOk);
    m.wid = wid;
    SAME(pvm_setminfo(pvm_getsbuf(), &m), PvmOk);
}

static void copy_string(void)
{
    char text[4096];
    SAME(pvm_upkstr(text), PvmOk);
    SAME(pvm_pkstr(text), PvmOk);
}

/* A spawn becomes an order to the daemon of this host. */
static void on_spawn(void)
{
    char where[256];
    int flags, n;
    begin(asked.wid);
    put(asked.src);
    copy_string();
    flags = get();
    SAME(pvm_upkstr(where), PvmOk);
    put(flags);
    put(get());
    put(n = get());
    while (n-- > 0)
        copy_string();
    for (int i = 0; i < 6; i++)
        put(get());
    put(n = get());
    CHECK(n >= 1);
    while (n-- > 0)
        copy_string();
    SAME(pvm_send((int)0x80000000 | pvm_tidtohost(pvm_mytid()), SM_EXEC), PvmOk);
}

static void host(int tid, const char *name)
{
    put(tid);
    SAME(pvm_pkstr((char *)name), PvmOk);
    SAME(pvm_pkstr("LINUX64"), PvmOk);
    put(77);
    put(0x408c41);
}

static int client, spawner, spawner_wid, news, ends, tids[2];

/* The daemon's answers, and what it tells by itself. */
static void on_ack(void)
{
    int n = get(), value[2] = {get()};
    if (n > 1)
        value[1] = get();
    if (!asked.wid) {
        client = value[0];
        news++;
        return;
    }
    if (n == 2)
        memcpy(tids, value, sizeof tids);
    SAME(asked.wid, spawner_wid);
    begin(asked.wid);
    put(n);
    for (int i = 0; i < n; i++)
        put(value[i]);
    SAME(pvm_send(spawner, SM_SPAWN), PvmOk);
}

static void answer(void)
{
    int what, ctx, tag, n;
    switch (asked.tag) {
    case SM_CONFIG:
        begin(asked.wid);
        put(1);
        put(1);
        host(0x40000, "managed");
        break;
    case SM_TASK:
        SAME(get(), 0);
        begin(asked.wid);
        put(0);
        for (int i = 0; i < 4; i++)
            put(i ? 0 : 0x123);
        SAME(pvm_pkstr("one of mine"), PvmOk);
        put(99);
        break;
    case SM_ADDHOST:
        SAME(get(), 2);
        begin(asked.wid);
        put(2);
        put(1);
        host(0x80000, "far");
        host(PvmCantStart, "wide");
        break;
    case SM_DELHOST:
        SAME(get(), 2);
        begin(asked.wid);
        put(2);
        put(PvmOk);
        put(PvmNoHost);
        break;
    case SM_NOTIFY:
        what = get(), ctx = get(), tag = get(), n = get();
        CHECK(what == PvmTaskExit && ctx == 0 && tag == TAG_NOTICE && n == 2);
        SAME(get(), tids[0]);
        begin(0);
        put(get());
        SAME(pvm_send(asked.src, tag), PvmOk);
        return;
    default:
        fprintf(stderr, "message %x\n", (unsigned)asked.tag);
        exit(1);
    }
    SAME(pvm_send(asked.src, asked.tag), PvmOk);
}

static pid_t start(const char *role)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        execl(own_program, own_program, role, NULL);
        _exit(9);
    }
    return pid;
}

static void manager(void)
{
    struct pvmhostinfo *h;
    SAME(pvm_setopt(PvmResvTids, 1), 0);
    SAME(pvm_reg_rm(&h), PvmOk);
    SAME(h->hi_tid, pvm_tidtohost(pvm_mytid()));
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_reg_rm(&h), PvmAlready);
    pid_t pid = start("client");
    while (ends < 2) {
        struct timeval limit = {60, 0};
        int buf = pvm_trecv(-1, -1, &limit);
        CHECK(buf > 0);
        SAME(pvm_getminfo(buf, &asked), PvmOk);
        if (asked.tag == SM_EXECACK) {
            on_ack();
        } else if (asked.tag == SM_TASKX) {
            int tid = get();
            ends += tid == tids[0] || tid == tids[1];
            SAME(get(), 0);
        } else if (asked.tag == SM_SPAWN) {
            spawner = asked.src;
            spawner_wid = asked.wid;
            on_spawn();
        } else {
            answer();
        }
    }
    CHECK(news == 1 && client == spawner);
    send_int(client, TAG_DONE, 0);
    pvm_exit();
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    SAME(status, 0);
}

/* ---- a manager hands over: tasks that come later ask the next one, and their ends are told to it */

/* What the daemon tells and what tasks send comes in any order. */
static void next_message(int tag)
{
    struct timeval limit = {60, 0};
    int buf = pvm_trecv(-1, tag, &limit);
    CHECK(buf > 0);
    SAME(pvm_getminfo(buf, &asked), PvmOk);
}

static int hand_over_to(int tid)
{
    begin(0);
    put(tid);
    return pvm_send((int)0x80000000 | pvm_tidtohost(pvm_mytid()), SM_HANDOFF);
}

static void handoff(void)
{
    int status, me = pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_setopt(PvmResvTids, 1), 0);
    SAME(hand_over_to(me), PvmBadParam); /* not a manager */
    SAME(pvm_reg_rm(NULL), PvmOk);
    SAME(hand_over_to(me), PvmBadParam);
    SAME(hand_over_to(0), PvmBadParam);
    SAME(hand_over_to(me + 1000), PvmNoTask);
    SAME(hand_over_to(4000 << 18 | 1), PvmNoTask);
    pid_t next = start("successor");
    next_message(SM_EXECACK);
    SAME(get(), 1);
    int tid = get();
    SAME(hand_over_to(tid), PvmOk);
    send_int(tid, TAG_DONE, me);
    pid_t late = start("late");
    next_message(SM_TASKX); /* and nothing of the late one, see below */
    SAME(get(), tid);
    SAME(get(), 0);
    CHECK(waitpid(next, &status, 0) == next && status == 0);
    CHECK(waitpid(late, &status, 0) == late && status == 0);
    pid_t last = start("alone"); /* nobody manages any more */
    CHECK(waitpid(last, &status, 0) == last && status == 0);
    SAME(pvm_nrecv(-1, -1), 0);
}

static void successor(void)
{
    SAME(pvm_setopt(PvmResvTids, 1), 0);
    pvm_setopt(PvmAutoErr, 0);
    next_message(TAG_DONE);
    next_message(SM_EXECACK);
    SAME(get(), 1);
    client = get();
    next_message(SM_CONFIG);
    SAME(asked.src, client);
    answer();
    SAME(pvm_reg_rm(NULL), PvmAlready);
    next_message(SM_TASKX);
    SAME(get(), client);
    SAME(get(), 0);
    SAME(pvm_nrecv(-1, -1), 0);
}

static void late(void)
{
    struct pvmhostinfo *h;
    int n = 0, archs;
    SAME(pvm_config(&n, &archs, &h), PvmOk);
    CHECK(n == 1 && strcmp(h->hi_name, "managed") == 0);
}

static void alone(void)
{
    struct pvmhostinfo *h;
    SAME(pvm_config(NULL, NULL, &h), PvmOk);
    CHECK(strcmp(h->hi_name, "managed") != 0);
}

const struct test_case cases[] = {{"manager", manager, child},
                                  {"client", be_client, NULL},
                                  {"handoff", handoff, NULL},
                                  {"successor", successor, NULL},
                                  {"late", late, NULL},
                                  {"alone", alone, NULL},
                                  {0}};
