/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups and the mailbox. */
#include "check.h"

#include <signal.h>
#include <unistd.h>

enum { N = 4, BIG = 20000, MANY = 5000 };

/* What every member does, the master too. */
static void member(int n)
{
    int me = pvm_joingroup("work"), sum[2], all[N * 2] = {0}, part[2], long_len = BIG;
    static double v[BIG];
    CHECK(me >= 0);
    SAME(pvm_barrier("work", n), PvmOk);
    SAME(pvm_gsize("work"), n);
    SAME(pvm_getinst("work", pvm_mytid()), me);
    SAME(pvm_gettid("work", me), pvm_mytid());
    if (me == 2) {
        pvm_initsend(PvmDataDefault);
        pvm_pkint(&long_len, 1, 1);
        SAME(pvm_bcast("work", 3), PvmOk);
    } else {
        SAME(recv_int(pvm_gettid("work", 2), 3), BIG);
    }
    sum[0] = me;
    sum[1] = 1;
    SAME(pvm_reduce(PvmSum, sum, 2, PVM_INT, 4, "work", 1), PvmOk);
    if (me == 1)
        CHECK(sum[0] == n * (n - 1) / 2 && sum[1] == n);
    for (int i = 0; i < BIG; i++)
        v[i] = me == 0 ? i : i + me;
    SAME(pvm_reduce(PvmMax, v, BIG, PVM_DOUBLE, 5, "work", 0), PvmOk);
    if (me == 0)
        CHECK(v[0] == n - 1 && v[BIG - 1] == BIG - 1 + n - 1);
    part[0] = me;
    part[1] = me * me;
    SAME(pvm_gather(all, part, 2, PVM_INT, 6, "work", 3), PvmOk);
    for (int i = 0; me == 3 && i < n; i++)
        CHECK(all[2 * i] == i && all[2 * i + 1] == i * i);
    for (int i = 0; i < n; i++)
        all[i] = 100 + i;
    SAME(pvm_scatter(part, all, 1, PVM_INT, 7, "work", 0), PvmOk);
    SAME(part[0], 100 + me);
    SAME(pvm_barrier("work", n), PvmOk);
    SAME(pvm_lvgroup("work"), PvmOk);
}

static void together(void)
{
    int t[N - 1];
    spawn_children("together", N - 1, t);
    member(N);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_lvgroup("work") < 0, 1);
}

static void together_child(int parent)
{
    (void)parent;
    member(N);
}

static void frozen_member(void)
{
    CHECK(pvm_joingroup("still") >= 0);
    SAME(pvm_freezegroup("still", 3), 3);
    SAME(pvm_barrier("still", -1), PvmOk);
    SAME(pvm_gsize("still"), 3);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_freezegroup("still", 3), PvmDupGroup);
    pvm_setopt(PvmAutoErr, 1);
    SAME(pvm_barrier("still", 3), PvmOk);
}

static void frozen(void)
{
    int t[2];
    spawn_children("frozen", 2, t);
    frozen_member();
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_notify(PvmTaskExit, 9, 2, t), PvmOk);
    recv_int(-1, 9);
    recv_int(-1, 9);
    SAME(pvm_barrier("still", 1), PvmNoGroup); /* of three, which it never will have again */
}

static void frozen_child(int parent)
{
    (void)parent;
    frozen_member();
}

/* A member that is killed is not in the group any more; its place is given out again. */
static void lost_member(void)
{
    int t[2];
    SAME(pvm_joingroup("g"), 0);
    spawn_children("lost_member", 2, t);
    int place[2] = {recv_int(t[0], 1), recv_int(t[1], 1)};
    SAME(pvm_gsize("g"), 3);
    SAME(pvm_notify(PvmTaskExit, 9, 1, t), PvmOk);
    pvm_sendsig(t[0], SIGKILL);
    SAME(recv_int(-1, 9), t[0]);
    SAME(pvm_gsize("g"), 2);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_gettid("g", place[0]), PvmNoInst);
    SAME(pvm_getinst("g", t[0]), PvmNotInGroup);
    SAME(pvm_joingroup("g"), PvmDupGroup);
    SAME(pvm_gsize("nobody"), PvmNoGroup);
    SAME(pvm_barrier("g", 0), PvmMismatch);
    SAME(pvm_barrier(NULL, 1), PvmNullGroup);
    send_int(t[1], 2, 0);
}

static void lost_child(int parent)
{
    send_int(parent, 1, pvm_joingroup("g"));
    recv_int(parent, 2);
}

static int put(char *name, int value, int flags)
{
    int id = pvm_initsend(PvmDataDefault);
    pvm_pkint(&value, 1, 1);
    return pvm_putinfo(name, id, flags);
}

static int get(char *name, int index, int flags)
{
    int value = -1, id = pvm_recvinfo(name, index, flags);
    if (id < 0)
        return id;
    SAME(pvm_upkint(&value, 1, 1), PvmOk);
    return value;
}

static void mailbox(void)
{
    struct pvmmboxinfo *c;
    int n;
    pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
    SAME(put("a", 1, PvmMboxDefault), 0);
    SAME(put("a", 2, PvmMboxDefault), 0); /* its owner may replace it */
    SAME(get("a", 0, 0), 2);
    for (int i = 0; i < 3; i++)
        SAME(put("many", 10 + i, PvmMboxMultiInstance), i);
    SAME(get("many", 1, 0), 11);
    SAME(get("many", 1, PvmMboxReadAndDelete), 11);
    SAME(get("many", 1, 0), PvmNotFound);
    SAME(get("many", 1, PvmMboxFirstAvail), 12);
    SAME(put("many", 20, PvmMboxMultiInstance), 1);
    SAME(put("many", 21, PvmMboxMultiInstance | PvmMboxDirectIndex(7)), 7);
    SAME(put("many", 22, PvmMboxMultiInstance | PvmMboxDirectIndex(7)), 8); /* none is replaced */
    SAME(put("many", 23, PvmMboxMultiInstance | PvmMboxDirectIndex(1)), 3);
    SAME(get("many", 7, 0), 21);
    SAME(put("many", 24, PvmMboxMultiInstance | PvmMboxDirectIndex(4)), 4);
    SAME(put("many", 25, PvmMboxDirectIndex(8)), 8); /* but so */
    SAME(get("many", 8, PvmMboxReadAndDelete), 25);
    SAME(pvm_delinfo("many", 3, 0), 3);
    SAME(pvm_delinfo("many", 4, 0), 4);
    SAME(pvm_delinfo("many", 7, 0), 7);
    SAME(pvm_delinfo("many", 7, 0), PvmNotFound);
    SAME(pvm_getmboxinfo("*", &n, &c), PvmOk);
    CHECK(n == 2 && strcmp(c[1].mi_name, "many") == 0 && c[1].mi_nentries == 3);
    CHECK(c[1].mi_indices[2] == 2 && c[1].mi_owners[0] == pvm_mytid() &&
          c[1].mi_flags[0] == PvmMboxMultiInstance);
    SAME(pvm_getmboxinfo("m*y", &n, &c), PvmOk);
    SAME(n, 1);
    SAME(pvm_getmboxinfo("nothing", &n, &c), PvmOk);
    SAME(n, 0);
    SAME(pvm_insert("old", -1, 5), 0);
    SAME(pvm_insert("old", 0, 6), PvmDupEntry);
    SAME(pvm_insert("old", 7, 8), 7);
    SAME(pvm_lookup("old", 7, &n), 7);
    SAME(n, 8);
    SAME(pvm_delete("old", 0), PvmOk);
    SAME(pvm_lookup("old", 0, &n), PvmNotFound);
}

/* Others' entries, waiting, and what is left of a task that ends. */
static void shared_mailbox(void)
{
    int t;
    pvm_mytid();
    spawn_children("shared_mailbox", 1, &t);
    SAME(get("from child", 0, PvmMboxWaitForInfo), 77);
    pvm_setopt(PvmAutoErr, 0);
    SAME(put("from child", 1, 0), PvmDenied);
    SAME(put("from child", 2, PvmMboxMultiInstance), 1); /* beside another's only one */
    SAME(pvm_delinfo("from child", 1, 0), 1);
    SAME(get("from child", 0, PvmMboxReadAndDelete), PvmDenied);
    SAME(pvm_delinfo("from child", 0, 0), PvmDenied);
    SAME(put("open", 5, 0), 0); /* may be overwritten, and is mine now */
    SAME(pvm_notify(PvmTaskExit, 9, 1, &t), PvmOk);
    send_int(t, 1, 0);
    SAME(recv_int(-1, 9), t);
    SAME(get("from child", 0, 0), PvmNotFound);
    SAME(get("kept", 0, 0), 88);
    struct pvmmboxinfo *c;
    int n;
    SAME(pvm_getmboxinfo("kept", &n, &c), PvmOk);
    CHECK(n == 1 && c->mi_owners[0] == 0);
    for (int i = 0; i < MANY; i++)
        SAME(put("crowd", i, PvmMboxMultiInstance), i);
    for (int i = 0; i < MANY; i += 77)
        SAME(get("crowd", i, 0), i);
}

static void mailbox_child(int parent)
{
    SAME(put("open", 1, PvmMboxOverWritable), 0);
    SAME(put("kept", 88, PvmMboxPersistent | PvmMboxOverWritable), 0);
    SAME(put("from child", 77, PvmMboxDefault), 0);
    recv_int(parent, 1);
}

/* ---- the table of all groups: by pvm_gsdump, pvm_gstat and pvmgroups */

static void read_all(FILE *f, char *text, size_t size)
{
    size_t n = fread(text, 1, size - 1, f);
    text[n] = 0;
}

static void printed(const char *program, char *text, size_t size)
{
    char command[5000];
    snprintf(command, sizeof command, "%.*s/../../bin/%s",
             (int)(strrchr(own_program, '/') - own_program), own_program, program);
    FILE *f = popen(command, "r");
    CHECK(f != NULL);
    read_all(f, text, size);
    SAME(pclose(f), 0);
}

static void listed(void)
{
    char want[1000], text[1000];
    int t[2], me = pvm_mytid();
    printed("pvm_gstat", text, sizeof text);
    SAME(strcmp(text, "no groups exist\n"), 0);
    CHECK(pvm_joingroup("beta") == 0 && pvm_joingroup("alpha") == 0);
    spawn_children("listed", 2, t);
    for (int i = 0; i < 2; i++) {
        send_int(t[i], 1, i);
        recv_int(t[i], 2);
    }
    snprintf(want, sizeof want,
             "group: alpha, size: 2,  barrier_count -1, barrier_reached 0\ntids:\n"
             "0 0x%x\t1 0x%x\t\n"
             "group: beta, size: 3,  barrier_count 3, barrier_reached 1\ntids:\n"
             "0 0x%x\t1 0x%x\t2 0x%x\t\n",
             (unsigned)me, (unsigned)t[0], (unsigned)me, (unsigned)t[0], (unsigned)t[1]);
    SAME(pvm_freezegroup("alpha", 2), 2);
    do /* until one of them waits */
        dump_groups(text, sizeof text);
    while (strstr(text, "barrier_reached 1") == NULL);
    SAME(strcmp(text, want), 0);
    printed("pvmgroups", text, sizeof text);
    SAME(strcmp(text, want), 0);
    send_int(t[0], 3, 0);
    SAME(pvm_barrier("beta", 3), PvmOk);
}

static void listed_child(int parent)
{
    int me = recv_int(parent, 1);
    CHECK(pvm_joingroup("beta") == me + 1);
    if (me == 0)
        SAME(pvm_joingroup("alpha"), 1);
    send_int(parent, 2, 0);
    if (me == 0) {
        SAME(pvm_freezegroup("alpha", 2), 2);
        recv_int(parent, 3);
    }
    SAME(pvm_barrier("beta", 3), PvmOk);
}

const struct test_case cases[] = {
    {"together", together, together_child},
    {"frozen", frozen, frozen_child},
    {"lost_member", lost_member, lost_child},
    {"mailbox", mailbox, NULL},
    {"shared_mailbox", shared_mailbox, mailbox_child},
    {"listed", listed, listed_child},
    {0},
};
