/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions: the root combines the members' arrays in the order of their places. */
#include "group/move.h"

#include <stdlib.h>

typedef void reduce_fn(int *, void *, void *, int *, int *);

static int reduce(struct p3_group_call *c, reduce_fn *fn)
{
    if (c->place != c->root)
        return pvm_psend(c->group.tids[c->root], c->tag, c->data, c->count, c->datatype);
    char *other = malloc((size_t)c->count * c->item + 1);
    int cc = other ? PvmOk : PvmNoMem;
    for (size_t i = 0; !cc && i < c->group.n; i++) {
        if ((int)i == c->root)
            continue;
        cc = p3_group_recv(c, (int)i, other);
        if (!cc)
            fn(&c->datatype, c->data, other, &c->count, &cc);
    }
    free(other);
    return cc;
}

P3_PUBLIC int pvm_reduce(reduce_fn *fn, void *data, int count, int datatype, int tag,
                         char *name, int root)
{
    struct p3_group_call c = {.name = name,
                              .data = data,
                              .count = count,
                              .datatype = datatype,
                              .tag = tag,
                              .root = root};
    P3_GROUP_CALL(TEV_REDUCE, name, {TEV_DID_MC, tag, NULL});
    int cc = fn ? p3_group_begin(&c) : PvmBadParam;
    if (!cc)
        cc = p3_group_end(&c, reduce(&c, fn));
    return p3_group_done("pvm_reduce", TEV_REDUCE, cc);
}

/* ---- the predefined functions, for every type of numbers */

#define EACH(type, op)                                                                   \
    {                                                                                    \
        type *a = x;                                                                     \
        const type *b = y;                                                               \
        for (int i = 0; i < n; i++)                                                      \
            op(a, b);                                                                    \
        break;                                                                           \
    }
#define SUM(a, b) (a)[i] = (a)[i] + (b)[i]
#define PRODUCT(a, b) (a)[i] = (a)[i] * (b)[i]
#define MAX(a, b) (a)[i] = (b)[i] > (a)[i] ? (b)[i] : (a)[i]
#define MIN(a, b) (a)[i] = (b)[i] < (a)[i] ? (b)[i] : (a)[i]
/* Complex numbers compare by their magnitude. */
#define NORM(z) ((z)[2 * i] * (z)[2 * i] + (z)[2 * i + 1] * (z)[2 * i + 1])
#define COPY(a, b) ((a)[2 * i] = (b)[2 * i], (a)[2 * i + 1] = (b)[2 * i + 1])
#define CSUM(a, b) ((a)[2 * i] += (b)[2 * i], (a)[2 * i + 1] += (b)[2 * i + 1])
#define CMAX(a, b) (void)(NORM(b) > NORM(a) ? COPY(a, b) : 0)
#define CMIN(a, b) (void)(NORM(b) < NORM(a) ? COPY(a, b) : 0)

/* How many items; 0 with *info when there is nothing that could be done. */
static int begin_function(const int *datatype, const void *x, const void *y,
                          const int *num, int **info)
{
    static int nobody;
    if (!*info)
        *info = &nobody;
    bool all = datatype && num && (*num <= 0 || (x && y));
    **info = all && p3_group_item(*datatype) ? PvmOk : PvmBadParam;
    return all ? *num : 0;
}

#define FUNCTION(name, op, on_float, on_double)                                          \
    P3_PUBLIC void name(int *datatype, void *x, void *y, int *num, int *info)            \
    {                                                                                    \
        int n = begin_function(datatype, x, y, num, &info);                              \
        switch (n > 0 ? *datatype : PVM_BYTE) {                                          \
        case PVM_BYTE:                                                                   \
            EACH(char, op)                                                               \
        case PVM_SHORT:                                                                  \
            EACH(short, op)                                                              \
        case PVM_INT:                                                                    \
            EACH(int, op)                                                                \
        case PVM_LONG:                                                                   \
            EACH(long, op)                                                               \
        case PVM_USHORT:                                                                 \
            EACH(unsigned short, op)                                                     \
        case PVM_UINT:                                                                   \
            EACH(unsigned, op)                                                           \
        case PVM_ULONG:                                                                  \
            EACH(unsigned long, op)                                                      \
        case PVM_FLOAT:                                                                  \
            EACH(float, op)                                                              \
        case PVM_DOUBLE:                                                                 \
            EACH(double, op)                                                             \
        case PVM_CPLX:                                                                   \
            EACH(float, on_float)                                                        \
        case PVM_DCPLX:                                                                  \
            EACH(double, on_double)                                                      \
        default:                                                                         \
            *info = PvmBadParam;                                                         \
        }                                                                                \
    }

#define CPRODUCT(type, a, b)                                                             \
    do {                                                                                 \
        type re = (a)[2 * i] * (b)[2 * i] - (a)[2 * i + 1] * (b)[2 * i + 1];             \
        (a)[2 * i + 1] = (a)[2 * i] * (b)[2 * i + 1] + (a)[2 * i + 1] * (b)[2 * i];      \
        (a)[2 * i] = re;                                                                 \
    } while (0)
#define FPRODUCT(a, b) CPRODUCT(float, a, b)
#define DPRODUCT(a, b) CPRODUCT(double, a, b)

FUNCTION(PvmSum, SUM, CSUM, CSUM)
FUNCTION(PvmProduct, PRODUCT, FPRODUCT, DPRODUCT)
FUNCTION(PvmMax, MAX, CMAX, CMAX)
FUNCTION(PvmMin, MIN, CMIN, CMIN)
