/* SPDX-License-Identifier: BSD-3-Clause */
/* Info key "soft": reading it, and which numbers of processes it allows. */
#include "dpm/dpm.h"
#include "dpm/spawn_info.h"
#include "rt/err.h"
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Reads an int and what ends it: one of the characters of ends, or the end of the text. */
static bool read_int(const char **at, const char *ends, int *out)
{
    char *end;
    errno = 0;
    long v = strtol(*at, &end, 10);
    if (end == *at || errno || v < INT_MIN || v > INT_MAX)
        return false;
    while (*end == ' ')
        end++;
    if (*end && !strchr(ends, *end))
        return false;
    *at = end;
    *out = (int)v;
    return true;
}

/* a, a:b or a:b:c; leaves *at behind it. */
static bool read_triplet(const char **at, struct xmpi_triplet *t)
{
    if (!read_int(at, ":,", &t->first))
        return false;
    t->last = t->first;
    t->step = 1;
    if (**at != ':')
        return true;
    ++*at;
    if (!read_int(at, ":,", &t->last))
        return false;
    if (**at == ':') {
        ++*at;
        if (!read_int(at, ",", &t->step))
            return false;
    }
    return t->step != 0 && (t->last == t->first || (t->last > t->first) == (t->step > 0));
}

int xmpi_soft_read(const char *value, struct xmpi_soft *soft)
{
    size_t most = 1;
    for (const char *c = value; *c; c++)
        most += *c == ',';
    soft->n = 0;
    soft->triplets = calloc(most, sizeof(*soft->triplets));
    if (!soft->triplets)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for info key \"soft\"");
    for (const char *at = value;; at++) {
        if (!read_triplet(&at, &soft->triplets[soft->n]))
            return xmpi_dpm_bad_value(
                "soft", value, "numbers a, a:b or a:b:step, separated by commas (\"0:8\")");
        soft->n++;
        if (!*at)
            return MPI_SUCCESS;
    }
}

/* Largest member of one triplet in 0..limit; -1: none. */
static int triplet_largest(const struct xmpi_triplet *t, int limit)
{
    int64_t step = t->step < 0 ? -(int64_t)t->step : t->step;
    int64_t low, high;
    if (t->step > 0) {
        low = t->first;
        high = t->first + ((int64_t)t->last - t->first) / step * step;
    } else {
        high = t->first;
        low = t->first - ((int64_t)t->first - t->last) / step * step;
    }
    if (high > limit)
        high -= (high - limit + step - 1) / step * step;
    return high < low || high < 0 ? -1 : (int)high;
}

int xmpi_soft_largest(const struct xmpi_soft *soft, int limit)
{
    int best = -1;
    if (soft->n == 0)
        return limit;
    for (int i = 0; i < soft->n; i++) {
        int number = triplet_largest(&soft->triplets[i], limit);
        best = number > best ? number : best;
    }
    return best;
}

bool xmpi_soft_allows(const struct xmpi_soft *soft, int number)
{
    return xmpi_soft_largest(soft, number) == number;
}

bool xmpi_soft_dense(const struct xmpi_soft *soft, int number)
{
    if (soft->n == 0)
        return false;
    while (number > 1 && xmpi_soft_allows(soft, number)) {
        /* One triplet with step 1 covers a whole stretch at once. */
        int next = number - 1;
        for (int i = 0; i < soft->n; i++) {
            const struct xmpi_triplet *t = &soft->triplets[i];
            int low = t->first < t->last ? t->first : t->last;
            int high = t->first < t->last ? t->last : t->first;
            if ((t->step == 1 || t->step == -1) && low <= number && number <= high &&
                low - 1 < next)
                next = low - 1;
        }
        number = next;
    }
    return number <= 0 || (number == 1 && xmpi_soft_allows(soft, 1));
}
