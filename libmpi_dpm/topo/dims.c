/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Dims_create: the most balanced grid, by search over divisors. */
#include "rt/err.h"
#include "xmpi.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A search for k factors of n in non-increasing order with the smallest difference of first and
 * last; among equals, with the smallest surface (the sum of n / factor): 21 x 16 x 15, not
 * 20 x 18 x 14. */
struct search {
    const int *divisors; /* of n, ascending */
    int ndivisors, k;
    int *now, *best;
    int n, spread; /* of best; INT_MAX: none yet */
    int64_t surface;
};

/* base to the k, or INT64_MAX for anything above INT_MAX. */
static int64_t power(int64_t base, int k)
{
    int64_t p = 1;
    for (; k > 0 && base > 1; k--) {
        p *= base;
        if (p > INT_MAX)
            return INT64_MAX;
    }
    return base < 1 ? (k > 0 ? 0 : 1) : p;
}

/* Chooses factor `at` and those after it, whose product is rest. The pruning: factors must be
 * large enough to improve on the best spread, and small enough that they are in order. */
static void choose(struct search *s, int at, int rest)
{
    int left = s->k - at;
    if (left == 0) {
        int spread = s->now[0] - s->now[s->k - 1];
        int64_t surface = 0;
        for (int i = 0; i < s->k; i++)
            surface += s->n / s->now[i];
        if (spread == s->spread && surface >= s->surface)
            return;
        s->spread = spread;
        s->surface = surface;
        memcpy(s->best, s->now, (size_t)s->k * sizeof(*s->best));
        return;
    }
    for (int i = 0; i < s->ndivisors; i++) {
        int d = s->divisors[i], first = at ? s->now[0] : d;
        if (at && d > s->now[at - 1])
            return;
        if (s->spread != INT_MAX && power((int64_t)first - s->spread, left) > rest) {
            if (at == 0)
                return; /* larger first factors are even worse */
            continue;
        }
        if (rest % d != 0 || power(d, left) < rest)
            continue;
        if (s->spread != INT_MAX && first - d > s->spread)
            continue;
        if (left == 1 && d != rest)
            continue;
        s->now[at] = d;
        choose(s, at + 1, rest / d);
    }
}

/* All divisors in ascending order; malloc. */
static int *divisors_of(int n, int *count)
{
    enum { MOST = 1536 }; /* no int has more divisors */
    int *list = malloc(MOST * sizeof(*list)), low = 0, high = MOST;
    if (!list)
        return NULL;
    for (int d = 1; d <= n / d; d++) {
        if (n % d != 0)
            continue;
        list[low++] = d;
        if (d != n / d)
            list[--high] = n / d;
    }
    memmove(list + low, list + high, (size_t)(MOST - high) * sizeof(*list));
    *count = low + MOST - high;
    return list;
}

/* factors: k numbers whose product is n. */
static int balance(int n, int k, int *factors)
{
    struct search s = {.n = n, .k = k, .best = factors, .spread = INT_MAX};
    int *divisors = divisors_of(n, &s.ndivisors);
    s.divisors = divisors;
    s.now = malloc((size_t)k * sizeof(*s.now));
    if (divisors && s.now)
        choose(&s, 0, n);
    free(divisors);
    free(s.now);
    if (s.spread == INT_MAX)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory to balance %d dimensions", k);
    return MPI_SUCCESS;
}

/* What is left of nnodes for the dimensions that are 0, and how many those are. */
static int free_part(int nnodes, int ndims, const int dims[], int *rest, int *open)
{
    *rest = nnodes;
    *open = 0;
    for (int i = 0; i < ndims; i++) {
        if (dims[i] < 0)
            return xmpi_err(MPI_ERR_DIMS, "dims[%d] is %d; it must not be negative", i,
                            dims[i]);
        if (dims[i] == 0)
            (*open)++;
        else if (*rest % dims[i] == 0)
            *rest /= dims[i];
        else
            return xmpi_err(
                MPI_ERR_DIMS,
                "nnodes %d is not a multiple of the dimensions that are given "
                "(dims[%d] is %d)",
                nnodes, i, dims[i]);
    }
    if (*open == 0 && *rest != 1)
        return xmpi_err(MPI_ERR_DIMS, "the product of all dimensions is not nnodes, %d",
                        nnodes);
    return MPI_SUCCESS;
}

int xmpi_dims_create(int nnodes, int ndims, int dims[])
{
    int rest, open;
    if (nnodes <= 0)
        return xmpi_err(MPI_ERR_ARG, "nnodes is %d; a grid has 1 or more nodes", nnodes);
    if (ndims == 0)
        return MPI_SUCCESS;
    int cls = free_part(nnodes, ndims, dims, &rest, &open);
    if (cls || open == 0)
        return cls;
    int *factors = malloc((size_t)open * sizeof(*factors)), next = 0;
    if (!factors)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory to balance %d dimensions", open);
    cls = balance(rest, open, factors);
    for (int i = 0; !cls && i < ndims; i++)
        if (dims[i] == 0)
            dims[i] = factors[next++];
    free(factors);
    return cls;
}
