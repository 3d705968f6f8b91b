/* SPDX-License-Identifier: BSD-3-Clause */
/* Round trips of PVM messages between a task and one that it spawns, and packing: the same source is
 * built with PVMX and with PVM. Prints "name value-in-microseconds", one a line. */
#include "timing.h"

#include <pvm3.h>
#include <string.h>

enum { TAG = 5, BIG = 1 << 20, RUNS = 11 };

static double data[BIG / sizeof(double)];

/* One message there and back, with packing and unpacking of n doubles. */
static void one(int other, int encoding, int n, int first)
{
    for (int i = 0; i < 2; i++)
        if (i == !first) {
            pvm_initsend(encoding);
            pvm_pkdouble(data, n, 1);
            pvm_send(other, TAG);
        } else {
            pvm_recv(other, TAG);
            pvm_upkdouble(data, n, 1);
        }
}

/* Median of RUNS means of `count` round trips. */
static double round_trip(int other, int encoding, int n, int count, int first)
{
    double t[RUNS];
    for (int r = 0; r < RUNS; r++) {
        double start = now_us();
        for (int i = 0; i < count; i++)
            one(other, encoding, n, first);
        t[r] = (now_us() - start) / count;
    }
    return median(t, RUNS);
}

static const struct {
    const char *name;
    int encoding, n, count;
} cases[] = {
    {"warm", PvmDataDefault, 1, 300},
    {"rtt_8", PvmDataDefault, 1, 1000},
    {"rtt_8_inplace", PvmDataInPlace, 1, 1000},
    {"rtt_1m_default", PvmDataDefault, BIG / 8, 4},
    {"rtt_1m_raw", PvmDataRaw, BIG / 8, 4},
    {"rtt_1m_inplace", PvmDataInPlace, BIG / 8, 4},
};

/* Packing of 1 MiB, and what memcpy of it takes. */
static void packing(void)
{
    static const char *const names[] = {"pack_1m_default", "pack_1m_raw"};
    static double other[BIG / sizeof(double)];
    double t[RUNS], u[RUNS];
    for (int e = 0; e < 2; e++) {
        for (int r = 0; r < RUNS; r++) {
            pvm_initsend(e ? PvmDataRaw : PvmDataDefault);
            double start = now_us();
            pvm_pkdouble(data, BIG / 8, 1);
            t[r] = now_us() - start;
            pvm_send(pvm_mytid(), TAG);
            pvm_recv(-1, TAG);
            start = now_us();
            pvm_upkdouble(other, BIG / 8, 1);
            u[r] = now_us() - start;
        }
        printf("%s %.3f\nun%s %.3f\n", names[e], median(t, RUNS), names[e], median(u, RUNS));
    }
    for (int r = 0; r < RUNS; r++) {
        double start = now_us();
        memcpy(other, data, BIG);
        t[r] = now_us() - start;
        data[r] = other[r + 1];
    }
    printf("memcpy_1m %.3f\n", median(t, RUNS));
}

int main(int argc, char **argv)
{
    int other = pvm_parent(), first = other < 0;
    pvm_mytid();
    pvm_setopt(PvmRoute, PvmRouteDirect);
    if (first &&
        pvm_spawn(argc > 1 ? argv[1] : argv[0], NULL, PvmTaskDefault, "", 1, &other) != 1) {
        fprintf(stderr, "cannot spawn %s: %d\n", argv[0], other);
        return 1;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double t = round_trip(other, cases[i].encoding, cases[i].n, cases[i].count, first);
        if (first && i > 0)
            printf("%s %.3f\n", cases[i].name, t);
    }
    if (first)
        packing();
    pvm_exit();
    return 0;
}
