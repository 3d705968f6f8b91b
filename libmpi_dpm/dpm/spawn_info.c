/* SPDX-License-Identifier: BSD-3-Clause */
/* Info keys of a spawn: wdir, path, soft, host, mpi_initial_errhandler, and our own pvmx_env,
 * pvmx_lifetime, pvmx_oversubscribe. */
#include "dpm/spawn_info.h"
#include "dpm/dpm.h"
#include "rt/err.h"
#include "rt/info.h"
#include <errno.h>
#include <limits.h>
#include <pvmx/engine/prog.h>
#include <pvmx/engine/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- soft -------------------------------------------------------------------------- */

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

static int read_soft(const char *value, struct xmpi_soft *soft)
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

/* ---- the other keys ---------------------------------------------------------------- */

static bool is_this_host(const char *name, size_t len)
{
    static const char *const self[] = {"localhost", "127.0.0.1", "::1"};
    char own[256] = "";
    const char *vm = pvmx_engine_host();
    gethostname(own, sizeof(own) - 1);
    for (size_t i = 0; i < sizeof(self) / sizeof(self[0]); i++)
        if (strlen(self[i]) == len && strncmp(name, self[i], len) == 0)
            return true;
    return (strlen(own) == len && strncasecmp(name, own, len) == 0) ||
           (strlen(vm) == len && strncasecmp(name, vm, len) == 0);
}

/* A list of host names; all of them have to be this host. */
static int check_host(const char *value)
{
    const char *at = value;
    while (true) {
        size_t len = strcspn(at, ",");
        if (len == 0)
            return xmpi_dpm_bad_value("host", value, "the name of a host");
        if (!is_this_host(at, len))
            return xmpi_err(
                MPI_ERR_SPAWN,
                "info key \"host\" asks for %.*s, which is not a host of this virtual "
                "machine; its only one is %s",
                (int)(len > 200 ? 200 : len), at, pvmx_engine_host());
        if (!at[len])
            return MPI_SUCCESS;
        at += len + 1;
    }
}

static int read_choice(const char *key, const char *value, const char *no,
                       const char *yes, int *out)
{
    char expected[64];
    if (strcmp(value, no) == 0) {
        *out = 0;
        return MPI_SUCCESS;
    }
    if (strcmp(value, yes) == 0) {
        *out = 1;
        return MPI_SUCCESS;
    }
    snprintf(expected, sizeof(expected), "\"%s\" or \"%s\"", no, yes);
    return xmpi_dpm_bad_value(key, value, expected);
}

/* Lines "NAME=value", and the variable that carries the initial error handler of the children. */
static int read_env(const char *lines, const char *handler, struct xmpi_spawn_hints *h)
{
    static const char variable[] = "PVMX_INITIAL_ERRHANDLER=";
    /* One that this process got for itself is not meant for its children. */
    bool set_handler = handler || getenv("PVMX_INITIAL_ERRHANDLER");
    size_t len = strlen(lines), most = 2, n = 0;
    for (const char *c = lines; *c; c++)
        most += *c == '\n';
    h->env = calloc(most + 1, sizeof(*h->env));
    h->env_text = malloc(len + sizeof(variable) + (handler ? strlen(handler) : 0) + 1);
    if (!h->env || !h->env_text)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the environment of the children");
    memcpy(h->env_text, lines, len + 1);
    char *rest = h->env_text, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (!*line)
            continue;
        if (*line == '=' || !strchr(line, '='))
            return xmpi_dpm_bad_value("pvmx_env", line, "lines of the form NAME=value");
        h->env[n++] = line;
    }
    if (set_handler) {
        char *at = h->env_text + len + 1;
        sprintf(at, "%s%s", variable, handler ? handler : "");
        h->env[n++] = at;
    }
    return MPI_SUCCESS;
}

static int check_handler(const char *value)
{
    if (strcmp(value, "mpi_errors_are_fatal") == 0 ||
        strcmp(value, "mpi_errors_abort") == 0 || strcmp(value, "mpi_errors_return") == 0)
        return MPI_SUCCESS;
    return xmpi_dpm_bad_value(
        "mpi_initial_errhandler", value,
        "\"mpi_errors_are_fatal\", \"mpi_errors_abort\" or \"mpi_errors_return\"");
}

static int read_all(const struct xmpi_info *info, struct xmpi_spawn_hints *h)
{
    const char *host = xmpi_info_value(info, "host"),
               *soft = xmpi_info_value(info, "soft");
    const char *env = xmpi_info_value(info, "pvmx_env");
    const char *life = xmpi_info_value(info, "pvmx_lifetime");
    const char *over = xmpi_info_value(info, "pvmx_oversubscribe");
    const char *handler = xmpi_info_value(info, "mpi_initial_errhandler");
    int cls = MPI_SUCCESS;
    h->wdir = xmpi_info_value(info, "wdir");
    h->path = xmpi_info_value(info, "path");
    if (h->wdir && !*h->wdir)
        return xmpi_dpm_bad_value("wdir", "", "a directory");
    if (host)
        cls = check_host(host);
    if (!cls && soft)
        cls = read_soft(soft, &h->soft);
    if (!cls && life)
        cls = read_choice("pvmx_lifetime", life, "connected", "detached", &h->detached);
    if (!cls && over)
        cls = read_choice("pvmx_oversubscribe", over, "no", "yes", &h->oversubscribe);
    if (!cls && handler)
        cls = check_handler(handler);
    if (!cls)
        cls = read_env(env ? env : "", handler, h);
    return cls;
}

int xmpi_spawn_hints_read(const struct xmpi_info *info, struct xmpi_spawn_hints *hints)
{
    *hints = (struct xmpi_spawn_hints){.detached = -1, .oversubscribe = -1};
    static const char *const known[] = {"wdir",
                                        "path",
                                        "soft",
                                        "host",
                                        "mpi_initial_errhandler",
                                        "pvmx_env",
                                        "pvmx_lifetime",
                                        "pvmx_oversubscribe",
                                        NULL};
    xmpi_dpm_note_unknown(info, known, "spawn");
    int cls = read_all(info, hints);
    if (cls)
        xmpi_spawn_hints_free(hints);
    return cls;
}

void xmpi_spawn_hints_free(struct xmpi_spawn_hints *hints)
{
    free(hints->soft.triplets);
    free(hints->env);
    free(hints->env_text);
    *hints = (struct xmpi_spawn_hints){0};
}
