/* SPDX-License-Identifier: BSD-3-Clause */
/* Every event that calls are told of to a tracer has the parts that PVM 3.4.6 gives it (trace_events.txt):
 * a task traces itself, and another one reads. */
#include "check.h"

#include <pvmsdpro.h>
#include <pvmtev.h>
#include <stdbool.h>

extern struct Pvmtevdid pvmtevdidlist[];

enum { TAG_TRACE = 666, GONE = 667, KINDS = 109, ROWS_MAX = 300, ROW = 80 };

/* ---- the reader */

static char rows[ROWS_MAX][ROW];
static bool seen[ROWS_MAX];
static int nrows;

static void read_rows(void)
{
    FILE *f = fopen(TEST_EVENTS, "r");
    CHECK(f != NULL);
    while (nrows < ROWS_MAX && fgets(rows[nrows], ROW, f)) {
        rows[nrows][strcspn(rows[nrows], "\n")] = 0;
        nrows += rows[nrows][0] != '#';
    }
    CHECK(nrows > 150 && nrows < ROWS_MAX);
    fclose(f);
}

static int get(void)
{
    int v;
    SAME(pvm_upkint(&v, 1, 1), PvmOk);
    return v;
}

static void skip(int type)
{
    char text[256];
    long address;
    if (type & TEV_DATA_ARRAY) {
        for (int n = get(); n > 0; n--)
            skip(type & ~TEV_DATA_ARRAY);
    } else if (type == TEV_DATA_STRING) {
        SAME(pvm_upkstr(text), PvmOk);
    } else if (type == TEV_DATA_LONG) {
        SAME(pvm_upklong(&address, 1, 1), PvmOk);
    } else {
        SAME(type, TEV_DATA_INT);
        get();
    }
}

/* The first of its kind, which names its parts. False: it is the last one. */
static bool described(void)
{
    char row[ROW * 4], name[64];
    int kind = get(), did, i = 0;
    SAME(pvm_upkstr(name), PvmOk);
    int len = snprintf(row, sizeof row, "%s %d", name, kind >> 14);
    for (int part = 0; (did = get()) != TEV_MARK_EVENT_DESC_END; part++) {
        int type = get();
        skip(type);
        CHECK(did >= 0 && did < 123 && len < ROW * 3);
        if (part >= 3)
            len += snprintf(row + len, ROW, " %s", pvmtevdidlist[did].did);
        if (part >= 3 && type != TEV_DATA_INT)
            len += snprintf(row + len, ROW, "/%d", type);
    }
    if (kind >> 14 == 0) /* of the task, not of a call */
        return true;
    while (i < nrows && strcmp(rows[i], row) != 0)
        i++;
    if (i == nrows)
        fprintf(stderr, "not an event of PVM's: %s\n", row);
    CHECK(i < nrows && !seen[i]);
    seen[i] = true;
    return (kind & 0x3fff) != TEV_EXIT;
}

static void events_child(int parent)
{
    read_rows();
    send_int(parent, 1, 0);
    do {
        struct timeval limit = {60, 0};
        CHECK(pvm_trecv(parent, TAG_TRACE, &limit) > 0);
    } while (get() != TEV_MARK_EVENT_DESC || described());
    for (int i = 0; i < nrows; i++)
        if (!seen[i])
            fprintf(stderr, "was not told of: %s\n", rows[i]);
    for (int i = 0; i < nrows; i++)
        CHECK(seen[i]);
    CHECK(pvm_initsend(PvmDataDefault) > 0); /* the parent is another task by now */
    SAME(pvm_putinfo("all are right", pvm_getsbuf(), PvmMboxPersistent), 0);
}

/* ---- who is traced */

static int handled, asked_events;

static int handler(int id)
{
    int tag = 0;
    SAME(pvm_bufinfo(id, NULL, &tag, NULL), PvmOk); /* a call of the program's within another one */
    handled = tag;
    return 0;
}

static int matcher(int id, int tid, int tag)
{
    (void)tid;
    (void)tag;
    asked_events++;
    return pvm_bufinfo(id, NULL, NULL, NULL) == PvmOk;
}

static char byte = 'x', text[100] = "text";
static int number = 1, me, n, m, k, *list, tids[4];
static unsigned u = 1;
static long l = 1;
static unsigned long ul = 1;
static short s = 1;
static unsigned short us = 1;
static float f[2] = {1};
static double d[2] = {1};

static void of_tasks_and_hosts(int child)
{
    struct pvmhostinfo *h;
    struct pvmtaskinfo *ti;
    char *host[] = {"no.such.host"};
    pvm_mytid();
    pvm_parent();
    pvm_config(&n, &m, &h);
    pvm_tasks(0, &n, &ti);
    pvm_pstat(me);
    pvm_mstat(h->hi_name);
    pvm_archcode("LINUX64");
    pvm_delhosts(host, 1, tids);
    pvm_sendsig(me, 0);
    pvm_kill(me + 500);
    pvm_spawn("no_such_program", NULL, 0, "", 1, tids);
    pvm_notify(PvmTaskExit, 8, 1, &child);
    pvm_notify(PvmTaskExit | PvmNotifyCancel, 8, 1, &child);
    pvm_start_pvmd(0, NULL, 0);
    pvm_tickle(1, &number, &n, tids);
    pvm_getfds(&list);
    pvm_getopt(PvmRoute);
    pvm_setopt(PvmRoute, PvmAllowDirect);
    int ctx = pvm_newcontext();
    pvm_setcontext(ctx);
    pvm_getcontext();
    pvm_setcontext(0);
    pvm_freecontext(ctx);
}

static void of_messages(void)
{
    struct timeval soon = {0, 1000};
    struct pvmminfo info;
    pvm_initsend(PvmDataDefault);
    pvm_pkbyte(&byte, 1, 1), pvm_upkbyte(&byte, 1, 1);
    pvm_pkint(&number, 1, 1), pvm_upkint(&number, 1, 1);
    pvm_pkuint(&u, 1, 1), pvm_upkuint(&u, 1, 1);
    pvm_pklong(&l, 1, 1), pvm_upklong(&l, 1, 1);
    pvm_pkulong(&ul, 1, 1), pvm_upkulong(&ul, 1, 1);
    pvm_pkshort(&s, 1, 1), pvm_upkshort(&s, 1, 1);
    pvm_pkushort(&us, 1, 1), pvm_upkushort(&us, 1, 1);
    pvm_pkfloat(f, 1, 1), pvm_upkfloat(f, 1, 1);
    pvm_pkdouble(d, 1, 1), pvm_upkdouble(d, 1, 1);
    pvm_pkcplx(f, 1, 1), pvm_upkcplx(f, 1, 1);
    pvm_pkdcplx(d, 1, 1), pvm_upkdcplx(d, 1, 1);
    pvm_pkstr(text), pvm_upkstr(text);
    pvm_packf("%d", 3), pvm_unpackf("%d", &n);
    pvm_send(me, 5), pvm_send(me, 5);
    pvm_psend(me, 6, &number, 1, PVM_INT);
    pvm_mcast(&me, 1, 5);
    pvm_probe(-1, 5);
    pvm_recv(-1, 5);
    pvm_bufinfo(pvm_getrbuf(), &n, &m, &k);
    pvm_getminfo(pvm_getrbuf(), &info);
    pvm_setminfo(pvm_getsbuf(), &info);
    pvm_nrecv(-1, 5);
    pvm_trecv(-1, 77, &soon);
    pvm_precv(-1, 6, &number, 1, PVM_INT, &n, &m, &k);
    int id = pvm_mkbuf(PvmDataRaw), old = pvm_setsbuf(id);
    pvm_setsbuf(old);
    pvm_freebuf(id);
    pvm_setrbuf(pvm_setrbuf(0));
    id = pvm_addmhf(me, 88, 0, handler);
    pvm_send(me, 88);
    pvm_nrecv(-1, 99);
    SAME(handled, 88);
    pvm_delmhf(id);
    pvm_recvf(matcher);
    pvm_send(me, 5);
    CHECK(pvm_nrecv(-1, 5) > 0 && asked_events == 1);
    pvm_recvf(NULL);
}

static void of_boxes_and_groups(void)
{
    struct pvmmboxinfo *boxes;
    pvm_putinfo("events", pvm_getsbuf(), PvmMboxDefault);
    pvm_recvinfo("events", 0, 0);
    pvm_getmboxinfo("events", &n, &boxes);
    pvm_delinfo("events", 0, 0);
    pvm_insert("old", 1, 2);
    pvm_lookup("old", 1, &n);
    pvm_delete("old", 1);
    pvm_joingroup("g");
    pvm_gsize("g");
    pvm_gettid("g", 0);
    pvm_getinst("g", me);
    pvm_barrier("g", 1);
    pvm_bcast("g", 5);
    pvm_reduce(PvmSum, &number, 1, PVM_INT, 7, "g", 0);
    pvm_gather(&n, &number, 1, PVM_INT, 7, "g", 0);
    pvm_scatter(&n, &number, 1, PVM_INT, 7, "g", 0);
    pvm_lvgroup("g");
}

static void events(void)
{
    struct pvmhostinfo *h;
    Pvmtmask mask;
    int child;
    me = pvm_mytid();
    spawn_children("events", 1, &child);
    recv_int(child, 1);
    pvm_setopt(PvmAutoErr, 0);
    TEV_MASK_INIT(mask);
    for (int i = 0; i < KINDS; i++)
        if (i != TEV_HOSTSYNC) /* which PVM does not tell of */
            TEV_MASK_SET(mask, i);
    SAME(pvm_settmask(PvmTaskSelf, mask), PvmOk);
    pvm_setopt(PvmSelfTraceCode, TAG_TRACE);
    pvm_setopt(PvmSelfTraceOptions, PvmTraceFull);
    pvm_setopt(PvmSelfTraceTid, child);
    of_tasks_and_hosts(child);
    of_messages();
    of_boxes_and_groups();
    pvm_reg_tracer(1, 2, 3, 4, mask, 0, 0);
    pvm_reg_tracer(-1, -1, -1, -1, mask, 0, 0);
    pvm_reg_rm(&h);
    pvm_reg_hoster();
    pvm_reg_tasker();
    pvm_exit();
    SAME(pvm_notify(PvmTaskExit, GONE, 1, &child), PvmOk); /* from now on not traced */
    recv_int(-1, GONE);
    CHECK(pvm_recvinfo("all are right", 0, PvmMboxDefault) > 0);
}

const struct test_case cases[] = {{"events", events, events_child}, {0}};
