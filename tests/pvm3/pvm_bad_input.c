/* SPDX-License-Identifier: BSD-3-Clause */
/* Bad arguments give PVM's error codes, and damaged messages end with PvmNoData: nothing crashes,
 * hangs, or reads what is not there. */
#include "check.h"

#include <pvmtev.h>

enum { NONE = 0x40fff, OTHER_HOST = 0x80001, FUZZ_ROUNDS = 20000 };

static int tids[2] = {NONE, -9}, out[4], n;
static char text[64];
static struct pvmminfo info;
static struct timeval limit = {-1, 0};

/* A call with an active send buffer and what it must return. */
#define ROWS(X)                                                                          \
    X(pvm_initsend(3), PvmBadParam)                                                      \
    X(pvm_initsend(-1), PvmBadParam)                                                     \
    X(pvm_mkbuf(7), PvmBadParam)                                                         \
    X(pvm_freebuf(999), PvmNoSuchBuf)                                                    \
    X(pvm_freebuf(-5), PvmBadParam)                                                      \
    X(pvm_freebuf(0), PvmOk)                                                             \
    X(pvm_setsbuf(999), PvmNoSuchBuf)                                                    \
    X(pvm_setsbuf(-1), PvmBadParam)                                                      \
    X(pvm_setrbuf(999), PvmNoSuchBuf)                                                    \
    X(pvm_bufinfo(999, &n, NULL, NULL), PvmNoSuchBuf)                                    \
    X(pvm_bufinfo(0, NULL, NULL, NULL), PvmBadParam)                                     \
    X(pvm_getminfo(pvm_getsbuf(), NULL), PvmBadParam)                                    \
    X(pvm_setminfo(999, &info), PvmNoSuchBuf)                                            \
    X(pvm_setminfo(pvm_getsbuf(), NULL), PvmBadParam)                                    \
    X(pvm_pkint(out, -1, 1), PvmBadParam)                                                \
    X(pvm_pkint(NULL, 1, 1), PvmBadParam)                                                \
    X(pvm_pkint(NULL, 0, 1), PvmOk)                                                      \
    X(pvm_pkstr(NULL), PvmBadParam)                                                      \
    X(pvm_packf(NULL), PvmBadParam)                                                      \
    X(pvm_packf("%q"), PvmBadParam)                                                      \
    X(pvm_unpackf("%+", 0), PvmBadParam)                                                 \
    X(pvm_pkmesg(999), PvmNoSuchBuf)                                                     \
    X(pvm_pkmesg(pvm_getsbuf()), PvmBadParam)                                            \
    X(pvm_upkint(out, 1, 1), PvmNoBuf)                                                   \
    X(pvm_upkstr(text), PvmNoBuf)                                                        \
    X(pvm_upkmesg(), PvmNoBuf)                                                           \
    X(pvm_send(0, 1), PvmBadParam)                                                       \
    X(pvm_send(-5, 1), PvmBadParam)                                                      \
    X(pvm_send(0x40000, 1), PvmBadParam)                                                 \
    X(pvm_send(0x7fffffff, 1), PvmBadParam)                                              \
    X(pvm_send(pvm_mytid(), -1), PvmBadParam)                                            \
    X(pvm_send(NONE, 1), PvmOk)                                                          \
    X(pvm_send(OTHER_HOST, 1), PvmOk)                                                    \
    X(pvm_mcast(tids, -1, 1), PvmBadParam)                                               \
    X(pvm_mcast(NULL, 1, 1), PvmBadParam)                                                \
    X(pvm_mcast(tids, 2, 1), PvmBadParam)                                                \
    X(pvm_mcast(tids, 1, -1), PvmBadParam)                                               \
    X(pvm_mcast(tids, 0, 1), PvmOk)                                                      \
    X(pvm_mcast(tids, 1, 1), PvmOk)                                                      \
    X(pvm_psend(NONE, 1, out, 1, 99), PvmBadParam)                                       \
    X(pvm_psend(NONE, 1, out, -1, PVM_INT), PvmBadParam)                                 \
    X(pvm_psend(NONE, 1, NULL, 1, PVM_INT), PvmBadParam)                                 \
    X(pvm_psend(NONE, 1, out, 1, PVM_STR), PvmNotImpl)                                   \
    X(pvm_psend(NONE, -1, out, 1, PVM_INT), PvmBadParam)                                 \
    X(pvm_precv(-1, 1, out, 1, 99, NULL, NULL, NULL), PvmBadParam)                       \
    X(pvm_precv(-1, 1, NULL, 1, PVM_INT, NULL, NULL, NULL), PvmBadParam)                 \
    X(pvm_precv(-1, 1, out, -1, PVM_INT, NULL, NULL, NULL), PvmBadParam)                 \
    X(pvm_recv(-2, 1), PvmBadParam)                                                      \
    X(pvm_recv(0, 1), PvmBadParam)                                                       \
    X(pvm_recv(-1, -2), PvmBadParam)                                                     \
    X(pvm_nrecv(-2, 1), PvmBadParam)                                                     \
    X(pvm_nrecv(NONE, 1), 0)                                                             \
    X(pvm_probe(-2, 1), PvmBadParam)                                                     \
    X(pvm_trecv(-2, 1, &limit), PvmBadParam)                                             \
    X(pvm_trecv(-1, 1, &limit), 0)                                                       \
    X(pvm_spawn(NULL, NULL, 0, NULL, 1, out), PvmBadParam)                               \
    X(pvm_spawn("x", NULL, 0, NULL, 0, out), PvmBadParam)                                \
    X(pvm_spawn("x", NULL, 0, NULL, -1, out), PvmBadParam)                               \
    X(pvm_spawn("", NULL, 0, NULL, 1, out), 0)                                           \
    X(pvm_spawn("no_such_program", NULL, 0, NULL, 1, NULL), 0)                           \
    X(pvm_kill(0), PvmBadParam)                                                          \
    X(pvm_kill(-1), PvmBadParam)                                                         \
    X(pvm_kill(NONE), PvmOk)                                                             \
    X(pvm_sendsig(0x40000, 9), PvmBadParam)                                              \
    X(pvm_sendsig(pvm_mytid(), 999), PvmOk)                                              \
    X(pvm_pstat(0), PvmBadParam)                                                         \
    X(pvm_pstat(0x40000), PvmBadParam)                                                   \
    X(pvm_pstat(NONE), PvmNoTask)                                                        \
    X(pvm_mstat(NULL), PvmBadParam)                                                      \
    X(pvm_mstat(""), PvmBadParam)                                                        \
    X(pvm_tasks(0x80000, &n, NULL), PvmNoHost)                                           \
    X(pvm_tasks(-1, &n, NULL), PvmNoHost)                                                \
    X(pvm_tasks(NONE, &n, NULL), PvmOk)                                                  \
    X(pvm_siblings(NULL), PvmBadParam)                                                   \
    X(pvm_config(NULL, NULL, NULL), PvmOk)                                               \
    X(pvm_addhosts(NULL, 1, out), PvmBadParam)                                           \
    X(pvm_addhosts(NULL, 0, out), PvmBadParam)                                           \
    X(pvm_delhosts(NULL, 1, out), PvmBadParam)                                           \
    X(pvm_hostsync(0x80000, NULL, NULL), PvmNoHost)                                      \
    X(pvm_archcode(NULL), PvmBadParam)                                                   \
    X(pvm_archcode("NOSUCH"), PvmNotFound)                                               \
    X(pvm_notify(9, 1, 1, tids), PvmBadParam)                                            \
    X(pvm_notify(PvmTaskExit, -7, 1, tids), PvmBadParam)                                 \
    X(pvm_notify(PvmTaskExit, 1, 0, tids), PvmBadParam)                                  \
    X(pvm_notify(PvmTaskExit, 1, -1, tids), PvmBadParam)                                 \
    X(pvm_notify(PvmTaskExit, 1, 1, NULL), PvmBadParam)                                  \
    X(pvm_notify(PvmTaskExit, 1, 2, tids), PvmBadParam)                                  \
    X(pvm_notify(PvmHostAdd, 1, -1, NULL), PvmOk)                                        \
    X(pvm_setopt(0, 1), PvmBadParam)                                                     \
    X(pvm_setopt(PvmRoute, 7), PvmBadParam)                                              \
    X(pvm_getopt(99), PvmBadParam)                                                       \
    X(pvm_setcontext(-1), PvmBadParam)                                                   \
    X(pvm_freecontext(99), PvmNotFound)                                                  \
    X(pvm_export(NULL), PvmBadParam)                                                     \
    X(pvm_export(""), PvmBadParam)                                                       \
    X(pvm_unexport("NOT_IN"), PvmOk)                                                     \
    X(pvm_addmhf(-1, 1, 0, NULL), PvmBadParam)                                           \
    X(pvm_delmhf(-1), PvmBadParam)                                                       \
    X(pvm_delmhf(77), PvmNotFound)                                                       \
    X(pvm_putinfo(NULL, pvm_getsbuf(), 0), PvmBadParam)                                  \
    X(pvm_putinfo("", pvm_getsbuf(), 0), PvmBadParam)                                    \
    X(pvm_putinfo("x", 999, 0), PvmNoSuchBuf)                                            \
    X(pvm_putinfo("x", pvm_getsbuf(), -1), PvmBadParam)                                  \
    X(pvm_recvinfo(NULL, 0, 0), PvmBadParam)                                             \
    X(pvm_recvinfo("x", -1, 0), PvmBadParam)                                             \
    X(pvm_recvinfo("x", 0, 0), PvmNotFound)                                              \
    X(pvm_delinfo(NULL, 0, 0), PvmBadParam)                                              \
    X(pvm_delinfo("x", 0, 0), PvmNotFound)                                               \
    X(pvm_getmboxinfo("*", NULL, NULL), PvmBadParam)                                     \
    X(pvm_insert(NULL, 0, 1), PvmBadParam)                                               \
    X(pvm_lookup("x", 0, &n), PvmNotFound)                                               \
    X(pvm_delete("x", -1), PvmBadParam)                                                  \
    X(pvm_joingroup(NULL), PvmNullGroup)                                                 \
    X(pvm_joingroup(""), PvmNullGroup)                                                   \
    X(pvm_lvgroup("none"), PvmNoGroup)                                                   \
    X(pvm_gsize("none"), PvmNoGroup)                                                     \
    X(pvm_gettid("none", 0), PvmNoGroup)                                                 \
    X(pvm_getinst("none", 1), PvmNoGroup)                                                \
    X(pvm_barrier("none", 1), PvmNoGroup)                                                \
    X(pvm_bcast("none", 1), PvmNoGroup)                                                  \
    X(pvm_freezegroup("none", 0), PvmBadParam)                                           \
    X(pvm_reduce(NULL, out, 1, PVM_INT, 1, "none", 0), PvmBadParam)                      \
    X(pvm_reduce(PvmSum, out, 1, 99, 1, "none", 0), PvmBadParam)                         \
    X(pvm_reduce(PvmSum, out, -1, PVM_INT, 1, "none", 0), PvmBadParam)                   \
    X(pvm_gather(out, out, 1, PVM_INT, 1, "none", 0), PvmNoGroup)                        \
    X(pvm_scatter(NULL, out, 1, PVM_INT, 1, "none", 0), PvmBadParam)                     \
    X(pvm_gettmask(9, text), PvmBadParam)                                                \
    X(pvm_settmask(PvmTaskSelf, NULL), PvmBadParam)

static void table(void)
{
    pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
#define ROW(call, want)                                                                  \
    pvm_initsend(PvmDataDefault);                                                        \
    SAME(call, want);
    ROWS(ROW)
    pvm_setsbuf(0);
    SAME(pvm_pkint(out, 1, 1), PvmNoBuf);
    SAME(pvm_send(pvm_mytid(), 1), PvmNoBuf);
    SAME(pvm_bcast("none", 1), PvmNoGroup);
    pvm_initsend(PvmDataInPlace);
    SAME(pvm_pkstr("x"), PvmNotImpl);
    SAME(pvm_pkint(out, 1, 0), PvmNotImpl);
}

/* One member of a group does what needs more. */
static void group_table(void)
{
    pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_joingroup("one"), 0);
    pvm_initsend(PvmDataDefault);
    SAME(pvm_bcast("one", 1), PvmNoInst);
    SAME(pvm_gettid("one", -1), PvmBadParam);
    SAME(pvm_gettid("one", 5), PvmNoInst);
    SAME(pvm_getinst("one", NONE), PvmNotInGroup);
    SAME(pvm_barrier("one", -1), PvmMismatch);
    SAME(pvm_reduce(PvmSum, out, 1, PVM_INT, 1, "one", 3), PvmNoInst);
    SAME(pvm_reduce(PvmSum, out, 1, PVM_STR, 1, "one", 0), PvmNotImpl);
    SAME(pvm_gather(NULL, out, 1, PVM_INT, 1, "one", 0), PvmBadParam);
    SAME(pvm_barrier("one", 1), PvmOk);
}

static unsigned long state = 2463534242ul;

static unsigned next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return (unsigned)((state ^= state << 17) >> 8);
}

/* Reads anything out of the active buffer; targets are large enough for what is asked. */
static int read_any(void)
{
    static double target[4096];
    int count = (int)(next() % 8), stride = (int)(next() % 3);
    switch (next() % 9) {
    case 0:
        return pvm_upkstr((char *)target); /* the message is shorter than this */
    case 1:
        return pvm_upkbyte((char *)target, count, stride);
    case 2:
        return pvm_upkint((int *)target, count, stride);
    case 3:
        return pvm_upkshort((short *)target, count, stride);
    case 4:
        return pvm_upkdouble(target, count, stride);
    case 5:
        return pvm_upkdcplx(target, count, stride);
    case 6:
        return pvm_upklong((long *)target, 0x7fffffff, 1);
    case 7: {
        int id = pvm_upkmesg();
        return id > 0 ? pvm_freebuf(id) : id;
    }
    default:
        return pvm_unpackf("%d %s", (int *)target, (char *)target);
    }
}

static void fuzz(void)
{
    unsigned char bytes[300];
    pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
    for (int r = 0; r < FUZZ_ROUNDS; r++) {
        int len = (int)(next() % sizeof bytes);
        for (int i = 0; i < len; i++)
            bytes[i] = (unsigned char)(next() % 4 ? 0 : next());
        pvm_initsend(next() % 2 ? PvmDataDefault : PvmDataRaw);
        pvm_pkbyte((char *)bytes, len, 1);
        pvm_send(pvm_mytid(), 1);
        CHECK(pvm_recv(-1, 1) > 0);
        for (int k = 0; k < 6; k++) {
            int cc = read_any();
            CHECK(cc == PvmOk || cc == PvmNoData || cc == PvmNoMem);
        }
    }
}

const struct test_case cases[] = {{"table", table, NULL},
                                  {"group_table", group_table, NULL},
                                  {"fuzz", fuzz, NULL},
                                  {0}};
