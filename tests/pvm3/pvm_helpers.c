/* SPDX-License-Identifier: BSD-3-Clause */
/* What PVM exports for its own programs, and programs of others have come to use: reductions called
 * directly, texts, clocks, memory, formats with argument lists. Held against PVM 3.4.6. */
#include "check.h"

#include "../../compat/pvm3/extra.h" /* what no header of PVM's declares */

#include <pvmsdpro.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

/* ---- reductions */

#define REAL(type, datatype, value_a, value_b, sum, product)                             \
    do {                                                                                 \
        static const type a[] = {value_a, value_b}, b[] = {value_b, value_a};            \
        type x[2];                                                                       \
        int kind = datatype, n = 2, info = -99;                                          \
        memcpy(x, a, sizeof x);                                                          \
        PvmSum(&kind, x, (void *)b, &n, &info);                                          \
        CHECK(info == PvmOk && x[0] == (type)(sum) && x[1] == (type)(sum));              \
        memcpy(x, a, sizeof x);                                                          \
        PvmProduct(&kind, x, (void *)b, &n, &info);                                      \
        CHECK(x[0] == (type)(product) && x[1] == (type)(product));                       \
        memcpy(x, a, sizeof x);                                                          \
        PvmMax(&kind, x, (void *)b, &n, &info);                                          \
        CHECK(x[0] == (value_a) && x[1] == (value_a)); /* a is the larger one */         \
        memcpy(x, a, sizeof x);                                                          \
        PvmMin(&kind, x, (void *)b, &n, &info);                                          \
        CHECK(x[0] == (value_b) && x[1] == (value_b));                                   \
    } while (0)

/* (1, 2) and (3, 1): moduli differ the other way round than real parts of the third pair. */
#define COMPLEX(type, datatype)                                                          \
    do {                                                                                 \
        static const type a[] = {1, 2, -4, 0}, b[] = {3, 1, 1, 1};                       \
        type x[4];                                                                       \
        int kind = datatype, n = 2, info = -99;                                          \
        memcpy(x, a, sizeof x);                                                          \
        PvmSum(&kind, x, (void *)b, &n, &info);                                          \
        CHECK(info == PvmOk && x[0] == 4 && x[1] == 3 && x[2] == -3 && x[3] == 1);       \
        memcpy(x, a, sizeof x);                                                          \
        PvmProduct(&kind, x, (void *)b, &n, &info);                                      \
        CHECK(x[0] == 1 && x[1] == 7 && x[2] == -4 && x[3] == -4);                       \
        memcpy(x, a, sizeof x);                                                          \
        PvmMax(&kind, x, (void *)b, &n, &info);                                          \
        CHECK(x[0] == 3 && x[1] == 1 && x[2] == -4 && x[3] == 0);                        \
        memcpy(x, a, sizeof x);                                                          \
        PvmMin(&kind, x, (void *)b, &n, &info);                                          \
        CHECK(x[0] == 1 && x[1] == 2 && x[2] == 1 && x[3] == 1);                         \
    } while (0)

static void reductions(void)
{
    REAL(short, PVM_SHORT, 300, -7, 293, -2100);
    REAL(int, PVM_INT, 70000, -3, 69997, -210000);
    REAL(long, PVM_LONG, 5000000000, -2, 4999999998, -10000000000);
    REAL(float, PVM_FLOAT, 1.5f, -0.25f, 1.25f, -0.375f);
    REAL(double, PVM_DOUBLE, 1.5, -0.25, 1.25, -0.375);
    COMPLEX(float, PVM_CPLX);
    COMPLEX(double, PVM_DCPLX);
    int kind = PVM_STR, n = 1, info = 0, x = 1, y = 2;
    PvmSum(&kind, &x, &y, &n, &info);
    CHECK(info < 0 && x == 1);
    n = 0;
    kind = PVM_INT;
    PvmSum(&kind, &x, &y, &n, &info);
    SAME(x, 1);
}

/* Beyond what PVM's own functions take. */
static void unsigned_reductions(void)
{
    REAL(unsigned short, PVM_USHORT, 300, 7, 307, 2100);
    REAL(unsigned, PVM_UINT, 4000000000u, 1, 4000000001u, 4000000000u);
    REAL(unsigned long, PVM_ULONG, 1ul << 63, 1, (1ul << 63) + 1, 1ul << 63);
}

/* ---- texts */

static void error_texts(void)
{
    static const struct {
        int code;
        char text[40];
    } rows[] = {
        {PvmBadParam, "Bad parameter"},
        {PvmMismatch, "Parameter mismatch"},
        {PvmOverflow, "Value too large"},
        {PvmNoData, "End of buffer"},
        {PvmNoHost, "No such host"},
        {PvmNoFile, "No such file"},
        {PvmDenied, "Permission denied"},
        {PvmNoMem, "Malloc failed"},
        {PvmBadMsg, "Can't decode message"},
        {PvmSysErr, "Can't contact local daemon"},
        {PvmNoBuf, "No current buffer"},
        {PvmNoSuchBuf, "No such buffer"},
        {PvmNullGroup, "Null group name"},
        {PvmDupGroup, "Already in group"},
        {PvmNoGroup, "No such group"},
        {PvmNotInGroup, "Not in group"},
        {PvmNoInst, "No such instance"},
        {PvmHostFail, "Host failed"},
        {PvmNoParent, "No parent task"},
        {PvmNotImpl, "Not implemented"},
        {PvmDSysErr, "Pvmd system error"},
        {PvmBadVersion, "Version mismatch"},
        {PvmOutOfRes, "Out of resources"},
        {PvmDupHost, "Duplicate host"},
        {PvmCantStart, "Can't start pvmd"},
        {PvmAlready, "Already in progress"},
        {PvmNoTask, "No such task"},
        {PvmNotFound, "Not Found"},
        {PvmExists, "Already Exists"},
        {PvmParentNotSet, "Spawning parent set PvmNoParent"},
    };
    pvm_setopt(PvmAutoErr, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SAME(lpvmerr("test", rows[i].code), rows[i].code);
        if (strcmp(pvm_strerror(), rows[i].text) != 0) {
            fprintf(stderr, "%d: \"%s\"\n", rows[i].code, pvm_strerror());
            exit(1);
        }
    }
}

static void places_for_files(void)
{
    char name[PVMTMPNAMLEN + 1] = "", other[PVMTMPNAMLEN + 1] = "";
    unsetenv("PVM_TMP");
    CHECK(strcmp(pvmgettmp(), "/tmp") == 0);
    setenv("PVM_RSH", "/bin/false", 1);
    CHECK(strcmp(pvmgetrsh(), "/bin/false") == 0);
    unsetenv("PVM_RSH");
    CHECK(*pvmgetrsh() == '/');
    CHECK(pvmtmpnam(name) == name && strncmp(name, "/tmp/", 5) == 0);
    CHECK(strlen(name) < PVMTMPNAMLEN && access(name, F_OK) != 0);
    pvmtmpnam(other);
    CHECK(access(other, F_OK) != 0);
}

/* ---- formats */

static int pack_list(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int cc = pvm_vpackf(fmt, ap);
    va_end(ap);
    return cc;
}

static int unpack_list(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int cc = pvm_vunpackf(fmt, ap);
    va_end(ap);
    return cc;
}

static void lists(void)
{
    int n = 0, me = pvm_mytid();
    double d = 0;
    char text[20], *copy = NULL;
    SAME(pack_list("%+ %d %lf %s %s", PvmDataDefault, 42, 1.5, "text", "longer text"), PvmOk);
    SAME(pvm_send(me, 1), PvmOk);
    CHECK(pvm_recv(me, 1) > 0);
    SAME(unpack_list("%d %lf %s", &n, &d, text), PvmOk);
    CHECK(n == 42 && d == 1.5 && strcmp(text, "text") == 0);
    SAME(pvmupkstralloc(&copy), PvmOk);
    CHECK(strcmp(copy, "longer text") == 0);
    free(copy);
    pvm_setopt(PvmAutoErr, 0);
    CHECK(pvmupkstralloc(&copy) < 0);
}

/* ---- small ones */

static void woken(int sig)
{
    (void)sig;
}

static void small(void)
{
    struct timeval a, b, now;
    int found = -1;
    gettimeofday(&now, NULL);
    pvmgetclock(&a);
    CHECK(a.tv_sec >= now.tv_sec && a.tv_sec - now.tv_sec < 60);
    signal(SIGALRM, woken);
    alarm(1); /* a signal does not end the sleep (in PVM it may) */
    pvmsleep(2);
    pvmgetclock(&b);
    CHECK((b.tv_sec - a.tv_sec) * 1000 + (b.tv_usec - a.tv_usec) / 1000 >= 1990);
    signal(SIGALRM, SIG_DFL);
    alarm(60);
    SAME(pvmstrtoi("12"), 12);
    SAME(pvmstrtoi("0x12"), 18);
    SAME(pvmstrtoi("012"), 10);
    CHECK(*pvmnametag(SM_SPAWN, &found) && found != 0);
    pvmnametag(12345, &found);
    SAME(found, 0);
    char *p = pvm_alloc(10, "test");
    memcpy(p, "123456789", 10);
    p = pvm_realloc(p, 100000);
    CHECK(strcmp(p, "123456789") == 0);
    pvm_free(p);
    pvmputenv("PVM3_HELPER=there");
    CHECK(strcmp(getenv("PVM3_HELPER"), "there") == 0);
}

/* ---- being a task; what a group covers */

static void membership(void)
{
    int coord = 0, here = 0, nhosts = 0, me;
    SAME(pvmbeatask(), PvmOk);
    SAME(pvmbeatask(), PvmOk);
    me = pvm_mytid();
    keep_machine();
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_joingroup("covered"), 0);
    SAME(pvm_grphostinfo("covered", pvm_tidtohost(me), &coord, &here, &nhosts), PvmOk);
    CHECK(coord == me && here == 1 && nhosts == 1);
    SAME(pvm_grphostinfo("none", pvm_tidtohost(me), &coord, &here, &nhosts), PvmOk);
    CHECK(coord == -1 && here == 0 && nhosts == 0);
    pvmdisplaymhfinfo();
    SAME(pvmsettaskname("a name"), PvmOk);
    SAME(pvmsettaskname(NULL), PvmBadParam);
    SAME(pvm_lvgroup("covered"), PvmOk);
    SAME(pvmendtask(), PvmOk);
    CHECK(pvm_mytid() != me);
    leave_machine();
}

/* What was for looking into PVM's daemons and for its own messages does nothing, and harms nothing. */
static void inside(void)
{
    int args[10] = {0}, n = -1, answer[10], id;
    pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_tickle(1, args, &n, answer), PvmOk);
    SAME(n, 0);
    SAME(pvm_tickle(0, args, &n, answer), PvmBadParam);
    SAME(pvm_tickle(11, args, &n, answer), PvmBadParam);
    SAME(pvm_tickle(1, NULL, &n, answer), PvmBadParam);
    SAME(pvm_gsdump(), PvmOk);
    SAME(pvm_fd_add(0, 1), PvmOk);
    SAME(pvm_fd_delete(0, 1), PvmOk);
    SAME(pvm_fd_add(-1, 1), PvmBadParam);
    SAME(pvm_fd_delete(-1, 1), PvmBadParam);
    i_dump(1);
    send_int(pvm_mytid(), 1, 5);
    id = pvm_recv(-1, 1);
    SAME(pvm_tc_noop(id) | pvm_tc_settrace(id) | pvm_tc_settmask(id) |
             pvm_tc_settrcbuf(id) | pvm_tc_settrcopt(id) | pvm_tc_siblings(id),
         PvmOk);
    SAME(pvm_upkint(&n, 1, 1), PvmOk); /* untouched */
    SAME(n, 5);
}

/* Everybody but the caller and those that do not want to. */
static void resets(void)
{
    int t[3], me = pvm_mytid();
    spawn_children("resets", 3, t);
    for (int i = 0; i < 3; i++) {
        send_int(t[i], 1, i == 1);
        SAME(recv_int(t[i], 2), 0);
    }
    SAME(pvm_notify(PvmTaskExit, 9, 3, t), PvmOk);
    CHECK(pvmreset(me, 1, NULL, -1) >= 0);
    int first = recv_int(-1, 9), second = recv_int(-1, 9);
    CHECK(first != second && first != t[1] && second != t[1]);
    SAME(pvm_pstat(t[1]), PvmOk);
    SAME(pvm_pstat(me), PvmOk);
    send_int(t[1], 3, 0);
    SAME(recv_int(-1, 9), t[1]);
}

static void resets_child(int parent)
{
    if (recv_int(parent, 1))
        pvm_setopt(PvmNoReset, 1);
    send_int(parent, 2, 0);
    recv_int(parent, 3);
}

const struct test_case cases[] = {{"reductions", reductions, NULL},
                                  {"unsigned_reductions", unsigned_reductions, NULL},
                                  {"error_texts", error_texts, NULL},
                                  {"places_for_files", places_for_files, NULL},
                                  {"lists", lists, NULL},
                                  {"small", small, NULL},
                                  {"membership", membership, NULL},
                                  {"inside", inside, NULL},
                                  {"resets", resets, resets_child},
                                  {0}};
