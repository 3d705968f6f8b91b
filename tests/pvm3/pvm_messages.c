/* SPDX-License-Identifier: BSD-3-Clause */
/* Which message a receive gets, and that every message arrives. */
#include "check.h"

#include <pvmtev.h>
#include <signal.h>
#include <unistd.h>

enum { MANY = 20000, BIG = 3 << 20 };

static void matching(void)
{
    int me = pvm_mytid(), tag, src;
    for (int i = 0; i < 6; i++)
        send_int(me, i % 3, i);
    SAME(recv_int(-1, 1), 1);
    SAME(recv_int(me, -1), 0);
    SAME(recv_int(me, 2), 2);
    SAME(recv_int(-1, -1), 3);
    int id = pvm_probe(-1, 2);
    CHECK(id > 0 && pvm_getrbuf() != id);
    SAME(pvm_bufinfo(id, NULL, &tag, &src), PvmOk);
    CHECK(tag == 2 && src == me);
    SAME(pvm_probe(-1, 2), id);
    SAME(pvm_recv(-1, 2), id);
    SAME(pvm_getrbuf(), id);
    SAME(pvm_nrecv(-1, 9), 0);
    struct timeval soon = {0, 2000};
    SAME(pvm_trecv(-1, 9, &soon), 0);
    SAME(recv_int(-1, -1), 4);
}

static void contexts(void)
{
    int me = pvm_mytid(), base = pvm_getcontext();
    int a = pvm_newcontext(), b = pvm_newcontext();
    CHECK(a > 0 && b > 0 && a != b);
    send_int(me, 1, 10);
    SAME(pvm_setcontext(a), base);
    send_int(me, 1, 11);
    SAME(pvm_getcontext(), a);
    SAME(recv_int(-1, -1), 11);
    SAME(pvm_nrecv(-1, -1), 0);
    SAME(pvm_setcontext(base), a);
    SAME(recv_int(-1, -1), 10);
    SAME(pvm_freecontext(a), PvmOk);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_freecontext(a), PvmNotFound);
}

/* The largest value wins; a message with value 100 at once. */
static int by_value(int id, int tid, int tag)
{
    int value, old = pvm_setrbuf(id), src;
    pvm_upkint(&value, 1, 1);
    pvm_bufinfo(id, NULL, NULL, &src);
    pvm_setrbuf(old);
    (void)tid;
    return tag == 50 ? -7 : value;
}

static void own_matcher(void)
{
    int me = pvm_mytid();
    int (*old)(int, int, int) = pvm_recvf(NULL);
    CHECK(old);
    CHECK(pvm_recvf(by_value) == old);
    send_int(me, 1, 5);
    send_int(me, 1, 9);
    send_int(me, 1, 3);
    CHECK(pvm_recv(-1, 1) > 0);
    int tag;
    pvm_bufinfo(pvm_getrbuf(), NULL, &tag, NULL);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_recv(-1, 50), -7);
    CHECK(pvm_recvf(NULL) == by_value);
    SAME(recv_int(-1, 1), 5);
    SAME(recv_int(-1, 1), 3);
}

static void headers(void)
{
    struct pvmminfo info;
    int me = pvm_mytid(), id = pvm_initsend(PvmDataRaw);
    pvm_pkstr("abc");
    SAME(pvm_getminfo(id, &info), PvmOk);
    info.wid = 17;
    SAME(pvm_setminfo(id, &info), PvmOk);
    pvm_send(me, 2);
    id = pvm_recv(-1, 2);
    SAME(pvm_getminfo(id, &info), PvmOk);
    CHECK(info.len == 8 && info.tag == 2 && info.src == me && info.dst == me);
    CHECK(info.wid == 17 && info.ctx == 0 && info.enc == 0x408c41);
}

static void nested(void)
{
    int v[3] = {1, 2, 3}, got[3], outer = pvm_initsend(PvmDataDefault), more = 9;
    int inner = pvm_mkbuf(PvmDataRaw);
    pvm_setsbuf(inner);
    pvm_pkint(v, 3, 1);
    pvm_setsbuf(outer);
    SAME(pvm_pkmesg(inner), PvmOk);
    SAME(pvm_pkint(&more, 1, 1), PvmOk);
    pvm_send(pvm_mytid(), 4);
    pvm_recv(-1, 4);
    int id = pvm_upkmesg();
    CHECK(id > 0);
    SAME(pvm_upkint(&more, 1, 1), PvmOk);
    SAME(more, 9);
    int old = pvm_setrbuf(id);
    SAME(pvm_upkint(got, 3, 1), PvmOk);
    CHECK(memcmp(v, got, sizeof v) == 0);
    CHECK(old > 0 && pvm_freebuf(inner) == PvmOk && pvm_freebuf(old) == PvmOk);
}

static char big[BIG];

static void fill(int seed)
{
    for (int i = 0; i < BIG; i++)
        big[i] = (char)(i * 31 + seed + (i >> 9));
}

static void expect(int seed)
{
    for (int i = 0; i < BIG; i++)
        CHECK(big[i] == (char)(i * 31 + seed + (i >> 9)));
}

/* The child sends and is gone before the first is received: with and without pvm_exit, and killed. */
static void sender_gone(void)
{
    int t[3];
    spawn_children("sender_gone", 3, t);
    SAME(pvm_notify(PvmTaskExit, 99, 3, t), PvmOk);
    for (int i = 0; i < 3; i++)
        send_int(t[i], 1, i);
    for (int i = 0; i < 3; i++)
        recv_int(-1, 99); /* all are dead now */
    for (int i = 0; i < 3; i++) {
        SAME(recv_int(t[i], 2), 10 + i);
        CHECK(pvm_recv(t[i], 3) > 0);
        SAME(pvm_upkbyte(big, BIG, 1), PvmOk);
        expect(i);
    }
    SAME(pvm_nrecv(-1, -1), 0);
}

static void send_and_go(int parent)
{
    int how = recv_int(parent, 1);
    send_int(parent, 2, 10 + how);
    fill(how);
    pvm_initsend(how == 1 ? PvmDataInPlace : PvmDataDefault);
    pvm_pkbyte(big, BIG, 1);
    pvm_send(parent, 3);
    if (how == 0)
        exit(0); /* without pvm_exit */
    if (how == 2)
        raise(SIGKILL);
}

/* Nobody waits for a receiver that does not receive, and all is there in order. */
static void unexpected(void)
{
    int child;
    spawn_children("unexpected", 1, &child);
    recv_int(child, 1); /* is asleep in pvm_recv of a tag that comes last */
    for (int i = 0; i < MANY; i++)
        send_int(child, 2, i);
    for (int i = 0; i < 40; i++) {
        fill(i);
        pvm_initsend(PvmDataRaw);
        pvm_pkbyte(big, BIG / 4, 1);
        pvm_send(child, 3);
    }
    send_int(child, 4, 0);
    SAME(recv_int(child, 5), 1);
}

static void late_receiver(int parent)
{
    send_int(parent, 1, 0);
    recv_int(parent, 4);
    for (int i = 0; i < 40; i++) {
        CHECK(pvm_recv(parent, 3) > 0);
        pvm_upkbyte(big, BIG / 4, 1);
        CHECK(big[5] == (char)(5 * 31 + i));
    }
    for (int i = 0; i < MANY; i++)
        SAME(recv_int(parent, 2), i);
    send_int(parent, 5, 1);
}

/* One buffer to many, twice, and more packed in between. */
static void many_receivers(void)
{
    int t[4], more = 7, all[6];
    spawn_children("many_receivers", 4, t);
    fill(3);
    pvm_initsend(PvmDataDefault);
    pvm_pkbyte(big, BIG, 1);
    memcpy(all, t, sizeof t);
    all[4] = pvm_mytid();
    all[5] = t[0]; /* a second time: once is enough */
    SAME(pvm_mcast(all, 6, 1), PvmOk);
    pvm_pkint(&more, 1, 1);
    for (int i = 0; i < 4; i++)
        SAME(pvm_send(t[i], 1), PvmOk);
    for (int i = 0; i < 4; i++)
        SAME(recv_int(t[i], 2), 7);
    SAME(pvm_nrecv(-1, -1), 0);
}

static void one_receiver(int parent)
{
    int more;
    CHECK(pvm_recv(parent, 1) > 0);
    SAME(pvm_upkbyte(big, BIG, 1), PvmOk);
    expect(3);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_upkint(&more, 1, 1), PvmNoData);
    CHECK(pvm_recv(parent, 1) > 0);
    SAME(pvm_upkbyte(big, BIG, 1), PvmOk);
    more = 0;
    SAME(pvm_upkint(&more, 1, 1), PvmOk);
    send_int(parent, 2, more);
}

static void direct_calls(void)
{
    int me = pvm_mytid(), v[4] = {1, 2, 3, 4}, got[4] = {0}, src, tag, len;
    SAME(pvm_psend(me, 3, v, 4, PVM_INT), PvmOk);
    SAME(pvm_precv(-1, -1, got, 2, PVM_INT, &src, &tag, &len), PvmOk);
    CHECK(src == me && tag == 3 && len == 16 && got[1] == 2 && got[2] == 0);
    SAME(pvm_psend(me, 3, big, BIG, PVM_BYTE), PvmOk);
    SAME(pvm_precv(me, 3, big, BIG, PVM_BYTE, NULL, NULL, &len), PvmOk);
    SAME(len, BIG);
}

static int handled, last;

static int on_message(int id)
{
    SAME(pvm_getrbuf(), id);
    pvm_upkint(&last, 1, 1);
    handled++;
    send_int(pvm_mytid(), 8, last + 1); /* an answer */
    return 0;
}

static void handlers(void)
{
    int me = pvm_mytid(), id = pvm_addmhf(-1, 7, -1, on_message);
    CHECK(id >= 0);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_addmhf(-1, 7, -1, on_message), PvmExists);
    send_int(me, 7, 41);
    SAME(recv_int(me, 8), 42);
    SAME(handled, 1);
    SAME(pvm_delmhf(id), PvmOk);
    SAME(pvm_delmhf(id), PvmNotFound);
    send_int(me, 7, 5);
    SAME(recv_int(me, 7), 5);
    SAME(handled, 1);
}

static int arena_mappings(void)
{
    char line[512];
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    CHECK(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, "pvmx-arena") != NULL;
    fclose(f);
    return n;
}

/* What is mapped of tasks that have ended does not stay. */
static void short_lives(void)
{
    int t, first = 0;
    for (int i = 0; i < 40; i++) {
        spawn_children("short_lives", 1, &t);
        SAME(pvm_notify(PvmTaskExit, 9, 1, &t), PvmOk);
        CHECK(pvm_recv(t, 1) > 0);
        SAME(pvm_upkbyte(big, BIG / 8, 1), PvmOk);
        CHECK(pvm_freebuf(pvm_getrbuf()) == PvmOk);
        SAME(recv_int(-1, 9), t);
        if (i == 4)
            first = arena_mappings();
    }
    CHECK(arena_mappings() <= first + 4);
}

static void short_life(int parent)
{
    pvm_initsend(PvmDataDefault);
    pvm_pkbyte(big, BIG / 8, 1);
    pvm_send(parent, 1);
}

/* A program that selects. */
static void selecting(void)
{
    int t, *fds, got = 0;
    struct timeval limit = {30, 0}, none = {0, 0};
    fd_set set;
    pvm_mytid();
    SAME(pvm_getfds(&fds), 1);
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    SAME(pvm_nrecv(-1, -1), 0);
    SAME(select(fds[0] + 1, &set, NULL, NULL, &none), 0);
    spawn_children("selecting", 1, &t);
    while (got < 3) {
        FD_SET(fds[0], &set);
        SAME(select(fds[0] + 1, &set, NULL, NULL, &limit), 1);
        while (pvm_nrecv(t, 1) > 0)
            got++;
    }
}

static void send_three(int parent)
{
    for (int i = 0; i < 3; i++) {
        send_int(parent, 1, i);
        usleep(2000);
    }
}

/* Held buffers keep their bytes when the VM is left. */
static void held_after_exit(void)
{
    keep_machine();
    fill(1);
    pvm_initsend(PvmDataRaw);
    pvm_pkbyte(big, BIG, 1);
    pvm_send(pvm_mytid(), 1);
    CHECK(pvm_recv(-1, 1) > 0);
    int tid = pvm_mytid();
    SAME(pvm_exit(), PvmOk);
    memset(big, 0, sizeof big);
    SAME(pvm_upkbyte(big, BIG, 1), PvmOk);
    expect(1);
    int again = pvm_mytid();
    CHECK(again > 0 && again != tid);
    SAME(pvm_parent(), PvmNoParent);
    send_int(again, 1, 3);
    SAME(recv_int(again, 1), 3);
    leave_machine();
}

const struct test_case cases[] = {
    {"matching", matching, NULL},
    {"contexts", contexts, NULL},
    {"own_matcher", own_matcher, NULL},
    {"headers", headers, NULL},
    {"nested", nested, NULL},
    {"sender_gone", sender_gone, send_and_go},
    {"unexpected", unexpected, late_receiver},
    {"many_receivers", many_receivers, one_receiver},
    {"direct_calls", direct_calls, NULL},
    {"handlers", handlers, NULL},
    {"short_lives", short_lives, short_life},
    {"selecting", selecting, send_three},
    {"held_after_exit", held_after_exit, NULL},
    {0},
};
