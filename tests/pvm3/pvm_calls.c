/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs the rows of calls.def, all of them, and says which do not hold. */
#include "check.h"

#include "../../compat/pvm3/extra.h" /* what no header of PVM's declares */

#include <pvmsdpro.h>
#include <pvmtev.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

enum { HOST = 0x40000, OTHER_HOST = 0x80000, NONE = 0x40fff, DAEMON = (int)0x80040000 };

static int tids[2] = {NONE, -9}, out[4], numbers[4] = {1, 2, 3, 4}, *list, *other;
static int one = 1, n, m, k, id, context, faults;
static char text[64], *string, environment_text[] = "CALLS_SET=1";
static char *no_names[] = {NULL}, *empty_names[] = {""}, *unknown_host[] = {"no.such.host"},
            *own_name[] = {"localhost"}, *bad_options[] = {"some.host sp=none"};
static struct pvmtaskinfo *tasks;
static struct pvmhostinfo *hosts;
static struct pvmminfo info;
static struct pvmmboxinfo *classes;
static struct timeval now, limit, second = {1, 0}, negative = {-1, 0};
static Pvmtmask mask;

static int handler(int mid)
{
    return mid;
}

static int matcher(int mid, int tid, int tag)
{
    (void)mid, (void)tid, (void)tag;
    return 0;
}

static int vpack(int (*function)(const char *, va_list), const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int cc = function(fmt, ap);
    va_end(ap);
    return cc;
}

static void ints_to_self(void)
{
    SAME(pvm_psend(pvm_mytid(), 7, numbers, 4, PVM_INT), PvmOk);
}

/* The active send buffer becomes the active receive buffer. */
static void to_self(void)
{
    SAME(pvm_send(pvm_mytid(), 5), PvmOk);
    CHECK(pvm_recv(pvm_mytid(), 5) > 0);
}

static void fill(void)
{
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_pkint(numbers, 4, 1), PvmOk);
    SAME(pvm_pkstr("text"), PvmOk);
}

static void prepare(void)
{
    pvm_mytid();
    fill();
    to_self();
    fill();
}

static void compare(const char *call, long got, long want)
{
    if (got == want)
        return;
    fprintf(stderr, "%s is %ld, not %ld\n", call, got, want);
    faults++;
}

#define CALL(argument, call, want)                                                       \
    prepare();                                                                           \
    compare(#call, (long)(call), (long)(want));
#define ELSEWHERE(function, program, name)
/* Packing n items, and what is read of them; a message that does not have so many is told by the code. */
#define ARRAYS(kind, type)                                                               \
    CALL(right, pvm_pk##kind((type *)items, 2, 1), PvmOk)                                \
    CALL(p, pvm_pk##kind(NULL, 1, 1), PvmBadParam)                                       \
    CALL(p, pvm_pk##kind(NULL, 0, 1), PvmOk)                                             \
    CALL(nitem, pvm_pk##kind((type *)items, -1, 1), PvmBadParam)                         \
    CALL(stride, pvm_pk##kind((type *)items, 2, 0), PvmOk)                               \
    CALL(stride, pvm_pk##kind((type *)items + 4, 2, -1), PvmOk)                          \
    CALL(right, pvm_upk##kind((type *)items, 1, 1), PvmOk)                               \
    CALL(p, pvm_upk##kind(NULL, 1, 1), PvmBadParam)                                      \
    CALL(nitem, pvm_upk##kind((type *)items, -1, 1), PvmBadParam)                        \
    CALL(nitem, pvm_upk##kind((type *)items, 1000, 1), PvmNoData)                        \
    CALL(stride, pvm_upk##kind((type *)items, 1, 0), PvmOk)                              \
    CALL(stride, pvm_upk##kind((type *)items + 4, 1, -1), PvmOk)
#define REDUCTION(function, want)                                                        \
    CALL(right, reduced(function, PVM_INT, 1), want)                                     \
    CALL(dtype, (reduced(function, 99, 1), info_of_reduction), PvmBadParam)              \
    CALL(num, reduced(function, PVM_INT, 0), 3)                                          \
    CALL(num, reduced(function, PVM_INT, -1), 3)                                         \
    CALL(dtype, (function(NULL, out, out, &one, &k), k), PvmBadParam)                    \
    CALL(x, (function(&one, NULL, out, &one, &k), k), PvmBadParam)                       \
    CALL(y, (function(&one, out, NULL, &one, &k), k), PvmBadParam)                       \
    CALL(num, (function(&one, out, out, NULL, &k), k), PvmBadParam)                      \
    CALL(info, (function(&one, out, out, &one, NULL), 0), 0)
#define CONTROL(function)                                                                \
    CALL(right, function(0), PvmOk)                                                      \
    CALL(mid, function(-1), PvmOk)

static double items[4096];
static int info_of_reduction;

static int reduced(void (*function)(int *, void *, void *, int *, int *), int type, int count)
{
    int x = 3, y = 7;
    function(&type, &x, &y, &count, &info_of_reduction);
    return x;
}

static void rows(void)
{
    pvm_setopt(PvmAutoErr, 0);
#include "calls.def"
    SAME(faults, 0);
}

/* Calls that need a buffer where there is none. */
static void no_buffer(void)
{
    pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_getsbuf(), 0);
    SAME(pvm_pkint(out, 1, 1), PvmNoBuf);
    SAME(pvm_pkstr("x"), PvmNoBuf);
    SAME(pvm_packf("%d", 1), PvmNoBuf);
    SAME(pvm_pkmesg(pvm_mkbuf(PvmDataDefault)), PvmNoBuf);
    SAME(pvm_pkmesgbody(pvm_mkbuf(PvmDataDefault)), PvmNoBuf);
    SAME(pvm_send(pvm_mytid(), 1), PvmNoBuf);
    SAME(pvm_mcast(tids, 1, 1), PvmNoBuf);
    SAME(pvm_bcast("none", 1), PvmNoGroup);
    SAME(pvm_upkint(out, 1, 1), PvmNoBuf);
    SAME(pvm_upkstr(text), PvmNoBuf);
    SAME(pvmupkstralloc(&string), PvmNoBuf);
    SAME(pvm_unpackf("%d", &n), PvmNoBuf);
    SAME(pvm_upkmesg(), PvmNoBuf);
    pvm_initsend(PvmDataInPlace);
    SAME(pvm_pkstr("x"), PvmNotImpl);
    SAME(pvm_pkint(out, 1, 0), PvmNotImpl);
}

const struct test_case cases[] = {{"rows", rows, NULL}, {"no_buffer", no_buffer, NULL}, {0}};
