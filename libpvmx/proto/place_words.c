/* SPDX-License-Identifier: BSD-3-Clause */
/* See place_words.h. */
#include "proto/place_words.h"
#include "base/err.h"
#include "proto/place.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PACKED_ROUND                                                                     \
    "packed, hwthread, core, numa, socket, roundrobin (that is socket), node or "        \
    "ppr:N:node"

struct word {
    char theirs[12], ours[10];
};

static const struct word levels[] = {
    {"none", "none"}, {"hwthread", "hwthread"}, {"thread", "hwthread"}, {"core", "core"},
    {"numa", "numa"}, {"socket", "socket"},     {"package", "socket"},  {"rr", "core"},
};

static const struct word orders[] = {
    {"packed", "packed"},     {"slot", "packed"},       {"compact", "packed"},
    {"hwthread", "hwthread"}, {"thread", "hwthread"},   {"core", "core"},
    {"numa", "numa"},         {"socket", "socket"},     {"package", "socket"},
    {"rr", "socket"},         {"roundrobin", "socket"}, {"spread", "socket"},
    {"scatter", "socket"},
};

static const char *translate(const struct word *words, size_t n, const char *text, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i].theirs) == len && strncasecmp(words[i].theirs, text, len) == 0)
            return words[i].ours;
    return NULL;
}

/* Adds a word in the form of place.h. */
static pvmx_err __attribute__((format(printf, 2, 3)))
add(struct pxp_place_words *w, const char *fmt, ...)
{
    char word[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(word, sizeof word, fmt, ap);
    va_end(ap);
    size_t old = w->text ? strlen(w->text) + 1 : 0;
    char *grown = realloc(w->text, old + strlen(word) + 1);
    if (grown == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a placement");
    if (old > 0)
        grown[old - 1] = ' ';
    strcpy(grown + old, word);
    w->text = grown;
    return PVMX_OK;
}

static pvmx_err bad(const char *what, const char *value, const char *expected)
{
    return px_fail(PVMX_ERR_ARG, "%s %.100s: must be %s", what, value, expected);
}

/* A number from 1 on; false: it is none. */
static bool is_count(const char *text, size_t len)
{
    return len > 0 && len < 7 && strspn(text, "0123456789") >= len && strspn(text, "0") < len;
}

static pvmx_err say_bind(struct pxp_place_words *w, const char *what, const char *value)
{
    static const char expected[] =
        "none, hwthread, core, numa or socket, perhaps with :N for N of them";
    size_t len = strcspn(value, ":");
    const char *level = translate(levels, sizeof levels / sizeof *levels, value, len);
    const char *rest = value + len;
    if (strcasecmp(rest, ":overload-allowed") == 0 || strcasecmp(rest, ":if-supported") == 0)
        rest = "";
    bool counted = *rest != '\0';
    if (level == NULL ||
        (counted && (strcmp(level, "none") == 0 || !is_count(rest + 1, strlen(rest + 1)))))
        return bad(what, value, expected);
    w->bound = true;
    return add(w, "bind=%s%s", level, rest);
}

/* :PE=N and the like, as Open MPI has them. */
static pvmx_err say_modifier(struct pxp_place_words *w, const char *what,
                             const char *value, const char *word, size_t len)
{
    if (len > 3 && strncasecmp(word, "pe=", 3) == 0 && is_count(word + 3, len - 3))
        return add(w, "cpus=%.*s", (int)len - 3, word + 3);
    if (len == 13 && strncasecmp(word, "oversubscribe", len) == 0)
        w->may_crowd = true;
    else if (len == 15 && strncasecmp(word, "nooversubscribe", len) == 0)
        w->may_not_crowd = true;
    else if (len != 4 || strncasecmp(word, "span", len) != 0)
        return bad(
            what, value,
            "an order, perhaps followed by :PE=N, :OVERSUBSCRIBE, :NOOVERSUBSCRIBE or "
            ":SPAN");
    return PVMX_OK;
}

uint32_t pxp_place_each(const char *map_by, const char **rest)
{
    static const char ppr[] = "ppr:";
    const char *at = map_by;
    uint32_t each = 1;
    if (strncasecmp(at, ppr, sizeof ppr - 1) == 0) {
        at += sizeof ppr - 1;
        size_t len = strcspn(at, ":");
        each = is_count(at, len) ? (uint32_t)strtoul(at, NULL, 10) : 0;
        at += len + (at[len] == ':');
    }
    size_t len = strcspn(at, ":");
    if (len != 4 || strncasecmp(at, "node", len) != 0)
        return 0;
    if (rest != NULL)
        *rest = at + len;
    return each;
}

/* binds: an order without a level means the processors themselves. */
static pvmx_err say_map(struct pxp_place_words *w, const char *what, const char *value,
                        bool binds)
{
    const char *rest = value + strcspn(value, ":");
    bool plain = rest == value && *value != '\0'; /* only what follows an order */
    const char *map = plain ? "packed"
                            : translate(orders, sizeof orders / sizeof *orders, value,
                                        (size_t)(rest - value));
    uint32_t each = map == NULL ? pxp_place_each(value, &rest) : 0;
    pvmx_err err = PVMX_OK;
    if (map == NULL && each == 0)
        return bad(what, value, PACKED_ROUND);
    if (each > 0) {
        w->each = each;
        map = "packed"; /* within a host */
    }
    if (binds && !w->bound && !plain) {
        w->bound = true;
        err = add(w, "bind=%s", strcmp(map, "hwthread") == 0 ? map : "core");
    }
    for (const char *at = rest; err == PVMX_OK && *at != '\0';) {
        size_t n = strcspn(++at, ":");
        err = say_modifier(w, what, value, at, n);
        at += n;
    }
    return err != PVMX_OK || plain ? err : add(w, "map=%s", map);
}

static pvmx_err say_cpus(struct pxp_place_words *w, const char *what, const char *rank,
                         const char *value)
{
    if (!is_count(value, strlen(value)))
        return bad(what, value, "a number of processors from 1 to 999999");
    return *rank == '\0' ? add(w, "cpus=%s", value) : add(w, "r%s=%s", rank, value);
}

/* A list of numbers is where ranks begin, a word is an order. */
static pvmx_err say_procmap(struct pxp_place_words *w, const char *what, const char *value)
{
    struct pxp_place place;
    char word[512];
    if (!isdigit((unsigned char)*value))
        return say_map(w, what, value, false);
    snprintf(word, sizeof word, "procs=%s", value);
    if (strlen(value) > 500 || strspn(value, "0123456789,") != strlen(value) ||
        pxp_place_read(word, &place) != PVMX_OK)
        return bad(what,
                   value, "numbers of processors separated by commas, packed, core, numa or socket");
    pxp_place_free(&place);
    return add(w, "%s", word);
}

static pvmx_err say_set(struct pxp_place_words *w, const char *what, const char *value)
{
    static const char yes[][5] = {"1", "yes", "true", "on", "y", "t"};
    static const char no[][6] = {"", "0", "no", "false", "off", "n", "f"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcasecmp(value, yes[i]) == 0) {
            w->bound = true;
            return add(w, "bind=core");
        }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (strcasecmp(value, no[i]) == 0)
            return PVMX_OK;
    return bad(what, value, "yes or no");
}

pvmx_err pxp_place_say(struct pxp_place_words *w, const char *what, const char *key,
                       const char *value)
{
    static const char of_rank[] = "mpit_cpus_r";
    const char *rank = key + sizeof of_rank - 1;
    if (strcmp(key, "bind_to") == 0)
        return say_bind(w, what, value);
    if (strcmp(key, "map_by") == 0)
        return say_map(w, what, value, true);
    if (strcmp(key, "mpit_cpus") == 0)
        return say_cpus(w, what, "", value);
    if (strcmp(key, "mpit_procmap") == 0)
        return say_procmap(w, what, value);
    if (strcmp(key, "mpit_bind_to_processor_set") == 0)
        return say_set(w, what, value);
    if (strncmp(key, of_rank, sizeof of_rank - 1) == 0 && strlen(rank) > 0 &&
        strlen(rank) < 7 && strspn(rank, "0123456789") == strlen(rank))
        return say_cpus(w, what, rank, value);
    return PVMX_ERR_NOENT;
}

void pxp_place_words_free(struct pxp_place_words *w)
{
    free(w->text);
    *w = (struct pxp_place_words){0};
}
