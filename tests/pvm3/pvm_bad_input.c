/* SPDX-License-Identifier: BSD-3-Clause */
/* Damaged messages end with PvmNoData: nothing crashes, hangs, or reads what is not there. Wrong
 * arguments: calls.def. */
#include "check.h"

enum { FUZZ_ROUNDS = 20000 };

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

const struct test_case cases[] = {{"fuzz", fuzz, NULL}, {0}};
