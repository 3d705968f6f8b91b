/* SPDX-License-Identifier: BSD-3-Clause */
/* Trace events of a child, read as a tracer reads them: by the names in the records alone. */
#include "check.h"

#include <pvmtev.h>

enum { TAG_TRACE = 666, KINDS = 109 };

static struct known {
    int n, did[16], type[16];
} known[3][KINDS]; /* by side: of the daemon, calls, results */
static int calls[3][KINDS], lists[KINDS], child_tid, records, names;

static int get(void)
{
    int v;
    SAME(pvm_upkint(&v, 1, 1), PvmOk);
    return v;
}

static char last_text[256];

/* One part: the value of a number, or of the last one of a list, 0 of none. */
static int value(int type)
{
    char *text = last_text;
    if (type & TEV_DATA_ARRAY) {
        int v = 0;
        for (int n = get(); n > 0; n--)
            v = value(type & ~TEV_DATA_ARRAY);
        return v;
    }
    if (type == TEV_DATA_INT)
        return get();
    SAME(type, TEV_DATA_STRING);
    SAME(pvm_upkstr(text), PvmOk);
    return 0;
}

static void check_part(int kind, int side, int did, int v)
{
    if (did == TEV_DID_TID)
        SAME(v, child_tid);
    if (kind == TEV_SEND && side == 1 && did == TEV_DID_DST)
        SAME(v, pvm_mytid());
    if (kind == TEV_SEND && side == 1 && did == TEV_DID_MC)
        SAME(v, 5);
    if (kind == TEV_SPAWN && side == 2 && did == TEV_DID_CC)
        SAME(v, 0);
    if (kind == TEV_SPAWN && side == 2 && did == TEV_DID_STL)
        SAME(v, 0);
    if (did == TEV_DID_MDL || did == TEV_DID_NTL)
        SAME(v, pvm_mytid());
    if (did == TEV_DID_SIB)
        SAME(v, child_tid);
    if (did == TEV_DID_HNL)
        CHECK(strcmp(last_text, "no/host") == 0);
    lists[kind] += did == TEV_DID_MDL || did == TEV_DID_NTL || did == TEV_DID_SIB ||
                   did == TEV_DID_HNL || did == TEV_DID_STL;
    if (kind == TEV_NEWTASK && did == TEV_DID_PT)
        SAME(v, pvm_mytid());
}

static void described(void)
{
    char name[64];
    int kind = get(), side = kind >> 14, did;
    kind &= 0x3fff;
    CHECK(kind < KINDS && side < 3);
    struct known *k = &known[side][kind];
    SAME(pvm_upkstr(name), PvmOk);
    k->n = 0;
    while ((did = get()) != TEV_MARK_EVENT_DESC_END) {
        CHECK(did >= 0 && did < names && k->n < 16);
        k->did[k->n] = did;
        k->type[k->n] = get();
        check_part(kind, side, did, value(k->type[k->n]));
        k->n++;
    }
    calls[side][kind]++;
}

static void short_one(void)
{
    int kind = get(), side = kind >> 14;
    kind &= 0x3fff;
    CHECK(kind < KINDS && side < 3);
    const struct known *k = &known[side][kind];
    CHECK(k->n >= 3); /* it has been described */
    for (int i = 0; i < k->n; i++)
        check_part(kind, side, k->did[i], value(k->type[i]));
    SAME(get(), TEV_MARK_EVENT_RECORD_END);
    calls[side][kind]++;
}

static void data_ids(void)
{
    char text[256];
    for (int id; (id = get()) != TEV_MARK_DATA_ID_END; names++) {
        SAME(id, names);
        SAME(pvm_upkstr(text), PvmOk);
        SAME(pvm_upkstr(text), PvmOk);
    }
}

static int take(int mark)
{
    switch (mark) {
    case TEV_MARK_DATA_ID:
        data_ids();
        return 0;
    case TEV_MARK_EVENT_DESC:
        described();
        break;
    case TEV_MARK_EVENT_RECORD:
        short_one();
        break;
    default:
        fprintf(stderr, "mark %d\n", mark);
        exit(1);
    }
    return 1;
}

/* Until the task's end is told. */
static void read_all(int buffered)
{
    while (!calls[0][TEV_ENDTASK]) {
        struct timeval limit = {30, 0};
        CHECK(pvm_trecv(-1, TAG_TRACE, &limit) > 0);
        int mark = get();
        if (mark != TEV_MARK_EVENT_BUFFER) {
            records += take(mark);
            continue;
        }
        CHECK(buffered);
        for (mark = get(); mark != TEV_MARK_EVENT_BUFFER_END; mark = get())
            records += take(mark);
    }
    SAME(names, 123);
}

static void run(int buffered)
{
    Pvmtmask mask;
    memset(calls, 0, sizeof calls);
    memset(lists, 0, sizeof lists);
    names = records = 0;
    TEV_MASK_INIT(mask);
    for (int k = 0; k < KINDS; k++)
        if (k != TEV_PKINT)
            TEV_MASK_SET(mask, k);
    SAME(pvm_settmask(PvmTaskChild, mask), PvmOk);
    pvm_setopt(PvmTraceTid, pvm_mytid());
    pvm_setopt(PvmTraceCode, TAG_TRACE);
    pvm_setopt(PvmTraceBuffer, buffered);
    char *args[] = {"trace", NULL};
    SAME(pvm_spawn(own_program, args, PvmTaskTrace, "", 1, &child_tid), 1);
    for (int i = 0; i < 7; i++)
        SAME(recv_int(child_tid, 5), i);
    read_all(buffered);
    SAME(calls[0][TEV_NEWTASK], 1);
    SAME(calls[1][TEV_SEND], 7);
    SAME(calls[2][TEV_SEND], 7);
    SAME(calls[1][TEV_INITSEND], 7);
    SAME(calls[1][TEV_PKINT], 0); /* not in the mask */
    SAME(calls[1][TEV_SPAWN], 1);
    SAME(calls[2][TEV_SPAWN], 1);
    SAME(calls[1][TEV_NRECV], 1);
    SAME(calls[2][TEV_NRECV], 1);
    SAME(calls[1][TEV_JOINGROUP], 1);
    SAME(calls[1][TEV_EXIT], 1);
    static const int listing[] = {TEV_SPAWN, TEV_MCAST, TEV_NOTIFY, TEV_SIBLINGS,
                                  TEV_DELHOSTS};
    for (int i = 0; i < 5; i++)
        SAME(lists[listing[i]], 1);
}

static void trace(void)
{
    run(0);
    run(500);
}

static void child(int parent)
{
    int tid;
    for (int i = 0; i < 7; i++)
        send_int(parent, 5, i);
    char *hosts[] = {"no/other", "no/host"};
    int infos[2], *siblings;
    pvm_mcast(&parent, 1, 6);
    pvm_notify(PvmTaskExit, 8, 1, &parent);
    pvm_siblings(&siblings);
    pvm_delhosts(hosts, 2, infos);
    pvm_spawn("no-such-program", NULL, PvmTaskDefault, "", 1, &tid);
    pvm_nrecv(-1, 99);
    pvm_joingroup("traced");
}

const struct test_case cases[] = {{"trace", trace, child}, {0}};
