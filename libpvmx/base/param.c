/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings tables: parsing, ranges, environment, listing. */
#include "base/param.h"
#include "base/err.h"
#include "base/log.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES_MAX = 64 };

static struct table {
    const struct px_param *rows;
    size_t n;
    uint64_t set; /* bit i: row i was set by px_param_set; rows from 64 on are re-read */
} tables[TABLES_MAX];
static size_t ntables;

/* Texts that were set stay until the process ends: someone may still look at an old one. */
struct text {
    struct text *next;
    char chars[];
};
static struct text *texts;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* tables, texts */

struct unit {
    const char *name;
    int64_t factor;
};
/* Largest first, for printing. */
static const struct unit size_units[] = {
    {"g", INT64_C(1) << 30},
    {"m", INT64_C(1) << 20},
    {"k", INT64_C(1) << 10},
    {"", 1},
    {NULL, 0},
};
static const struct unit time_units[] = {
    {"h", INT64_C(3600000000000)},
    {"m", INT64_C(60000000000)},
    {"s", 1000000000},
    {"ms", 1000000},
    {"us", 1000},
    {"ns", 1},
    {NULL, 0},
};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(const struct px_param *row)
{
    if (row->type == PX_PARAM_SIZE)
        return size_units;
    return row->type == PX_PARAM_TIME ? time_units : no_units;
}

/* A number and perhaps a unit, in either case of letters. A bare time is in seconds. */
static bool parse_number(const struct px_param *row, const char *text, int64_t *out)
{
    char *end;
    while (isspace((unsigned char)*text))
        text++;
    errno = 0;
    int64_t n = strtoll(text, &end, 10);
    if (end == text || errno != 0)
        return false;
    const char *unit = end;
    if (*unit == '\0' && row->type == PX_PARAM_TIME)
        unit = "s";
    for (const struct unit *u = units_of(row); u->name != NULL; u++)
        if (strcasecmp(unit, u->name) == 0)
            return !__builtin_mul_overflow(n, u->factor, out);
    return false;
}

static bool parse_bool(const char *text, int64_t *out)
{
    static const char *const words[][2] = {{"no", "yes"},
                                           {"0", "1"},
                                           {"false", "true"},
                                           {"off", "on"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int v = 0; v < 2; v++)
            if (strcasecmp(text, words[i][v]) == 0) {
                *out = v;
                return true;
            }
    return false;
}

/* The i-th of "a|b|c"; its length, 0 beyond the last. */
static size_t choice_at(const char *choices, int64_t i, const char **at)
{
    for (; i > 0; i--) {
        choices = strchr(choices, '|');
        if (choices == NULL)
            return 0;
        choices++;
    }
    *at = choices;
    return strcspn(choices, "|");
}

static bool parse_choice(const char *choices, const char *text, int64_t *out)
{
    const char *at;
    size_t len;
    for (int64_t i = 0; (len = choice_at(choices, i, &at)) > 0; i++)
        if (strlen(text) == len && strncasecmp(at, text, len) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static void print_number(const struct px_param *row, int64_t value, char *buf, size_t size)
{
    const struct unit *u = units_of(row);
    while (u[1].name != NULL && (value == 0 || value % u->factor != 0))
        u++;
    snprintf(buf, size, "%" PRId64 "%s", value / u->factor, u->name);
}

void px_param_expects(const struct px_param *row, char *buf, size_t size)
{
    char min[32], max[32];
    print_number(row, row->min, min, sizeof min);
    print_number(row, row->max, max, sizeof max);
    bool limits = row->min != 0 || row->max != 0;
    switch (row->type) {
    case PX_PARAM_BOOL:
        snprintf(buf, size, "yes or no");
        return;
    case PX_PARAM_CHOICE:
        snprintf(buf, size, "one of %s", row->choices);
        return;
    case PX_PARAM_TEXT:
        snprintf(buf, size, "a text");
        return;
    case PX_PARAM_INT:
    case PX_PARAM_SIZE:
    case PX_PARAM_TIME:
        break;
    }
    const char *what = row->type == PX_PARAM_INT    ? "a whole number"
                       : row->type == PX_PARAM_SIZE ? "a size (units k, m, g)"
                                                    : "a time (units us, ms, s, m, h)";
    if (limits)
        snprintf(buf, size, "%s from %s to %s", what, min, max);
    else
        snprintf(buf, size, "%s", what);
}

static pvmx_err store_text(const struct px_param *row, const char *value)
{
    size_t len = strlen(value);
    struct text *t = malloc(sizeof *t + len + 1);
    if (t == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for setting %s", row->name);
    memcpy(t->chars, value, len + 1);
    t->next = texts;
    texts = t;
    __atomic_store_n(row->store.text, t->chars, __ATOMIC_RELEASE);
    return PVMX_OK;
}

static pvmx_err store(const struct px_param *row, const char *value)
{
    if (row->type == PX_PARAM_TEXT)
        return store_text(row, value);
    int64_t n = 0;
    bool ok;
    if (row->type == PX_PARAM_BOOL)
        ok = parse_bool(value, &n);
    else if (row->type == PX_PARAM_CHOICE)
        ok = parse_choice(row->choices, value, &n);
    else
        ok = parse_number(row, value, &n) &&
             ((row->min == 0 && row->max == 0) || (n >= row->min && n <= row->max));
    if (!ok) {
        char expected[256];
        px_param_expects(row, expected, sizeof expected);
        return px_fail(PVMX_ERR_ARG, "setting %s: \"%.100s\" is not %s", row->name, value,
                       expected);
    }
    __atomic_store_n(row->store.number, n, __ATOMIC_RELAXED);
    return PVMX_OK;
}

void px_param_env_name(const char *name, char *buf, size_t size)
{
    snprintf(buf, size, "PVMX_%s", name);
    for (char *c = buf; *c != '\0'; c++)
        *c = *c == '.' || *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

/* Lock held; NULL: not registered. */
static struct table *table_of(const struct px_param *row)
{
    for (size_t i = 0; i < ntables; i++)
        if (row >= tables[i].rows && row < tables[i].rows + tables[i].n)
            return &tables[i];
    return NULL;
}

static uint64_t row_bit(const struct table *t, const struct px_param *row)
{
    size_t i = (size_t)(row - t->rows);
    return i < 64 ? UINT64_C(1) << i : 0;
}

static void remember(const struct px_param *rows, size_t n)
{
    if (n > 0 && !table_of(rows) && ntables < TABLES_MAX)
        tables[ntables++] = (struct table){rows, n, 0};
}

void px_param_register(const struct px_param *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct px_param *row = &table[i];
        char env[128];
        px_param_env_name(row->name, env, sizeof env);
        const char *value = getenv(env);
        pthread_mutex_lock(&lock);
        const struct table *known = table_of(row);
        if (known && (known->set & row_bit(known, row))) {
            pthread_mutex_unlock(&lock);
            continue;
        }
        pvmx_err err = store(row, row->dflt);
        if (err == PVMX_OK && value != NULL)
            err = store(row, value);
        pthread_mutex_unlock(&lock);
        if (err != PVMX_OK)
            px_log(PX_LOG_WARN, "SETTING-VALUE", "%s (%s); %s is used", pvmx_last_error(),
                   env, row->dflt);
    }
    pthread_mutex_lock(&lock);
    remember(table, n);
    pthread_mutex_unlock(&lock);
}

/* Lock held. */
static const struct px_param *find(const char *name)
{
    for (size_t i = 0; i < ntables; i++)
        for (size_t k = 0; k < tables[i].n; k++)
            if (strcmp(tables[i].rows[k].name, name) == 0)
                return &tables[i].rows[k];
    return NULL;
}

static pvmx_err no_setting(const char *name)
{
    return px_fail(PVMX_ERR_NOENT, "there is no setting \"%s\"", name);
}

pvmx_err px_param_set(const char *name, const char *value)
{
    pthread_mutex_lock(&lock);
    const struct px_param *row = find(name);
    pvmx_err err = row != NULL ? store(row, value) : no_setting(name);
    if (err == PVMX_OK) {
        struct table *t = table_of(row);
        t->set |= row_bit(t, row);
    }
    pthread_mutex_unlock(&lock);
    return err;
}

pvmx_err px_param_set_number(const char *name, int64_t value)
{
    char text[64];
    const char *at = "";
    pthread_mutex_lock(&lock);
    const struct px_param *row = find(name);
    pthread_mutex_unlock(&lock);
    if (row == NULL || row->type == PX_PARAM_TEXT)
        return no_setting(name);
    if (row->type == PX_PARAM_CHOICE && value >= 0) {
        size_t len = choice_at(row->choices, value, &at);
        snprintf(text, sizeof text, "%.*s", (int)len, at);
    } else {
        snprintf(text, sizeof text, "%" PRId64 "%s", value,
                 row->type == PX_PARAM_TIME ? "ns" : "");
    }
    return px_param_set(name, text);
}

pvmx_err px_param_get_number(const char *name, int64_t *value)
{
    pthread_mutex_lock(&lock);
    const struct px_param *row = find(name);
    bool ok = row != NULL && row->type != PX_PARAM_TEXT;
    if (ok)
        *value = __atomic_load_n(row->store.number, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock);
    return ok ? PVMX_OK : no_setting(name);
}

static void print_value(const struct px_param *row, char *buf, size_t size)
{
    if (row->type == PX_PARAM_TEXT) {
        const char *text = __atomic_load_n(row->store.text, __ATOMIC_ACQUIRE);
        snprintf(buf, size, "%s", text != NULL ? text : "");
        return;
    }
    int64_t value = __atomic_load_n(row->store.number, __ATOMIC_RELAXED);
    if (row->type == PX_PARAM_BOOL) {
        snprintf(buf, size, "%s", value ? "yes" : "no");
    } else if (row->type == PX_PARAM_CHOICE) {
        const char *at = "";
        size_t len = choice_at(row->choices, value, &at);
        snprintf(buf, size, "%.*s", (int)len, at);
    } else {
        print_number(row, value, buf, size);
    }
}

pvmx_err px_param_get(const char *name, char *buf, size_t size)
{
    pthread_mutex_lock(&lock);
    const struct px_param *row = find(name);
    if (row != NULL)
        print_value(row, buf, size);
    pthread_mutex_unlock(&lock);
    return row != NULL ? PVMX_OK : no_setting(name);
}

void px_param_each(void (*fn)(const struct px_param *row, void *arg), void *arg)
{
    pthread_mutex_lock(&lock);
    size_t n = ntables;
    pthread_mutex_unlock(&lock);
    /* Tables are only ever added, so fn may look at values or set them. */
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < tables[i].n; k++)
            fn(&tables[i].rows[k], arg);
}
