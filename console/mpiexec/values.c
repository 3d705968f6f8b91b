/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts of options and variables that mean something. */
#include "parse.h"
#include "soft.h"

#include "base/err.h"
#include "proto/hello.h"
#include "proto/place.h"
#include <pvmx/engine/dyn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool value_seconds(struct parse *p, const char *what, const char *text)
{
    uint32_t n;
    if (!parse_number(p, what, text, 0, 1000000000, &n))
        return false;
    p->opts->timeout_s = n;
    return true;
}

bool value_usize(struct parse *p, const char *what, const char *text)
{
    p->opts->slots = 0;
    if (strcasecmp(text, "SYSTEM") == 0)
        return true;
    if (strcasecmp(text, "INFINITE") == 0) {
        p->opts->slots = PXP_SLOTS_INFINITE;
        return true;
    }
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > 1000000)
        return parse_fail(p, "%s %s: must be a number from 1 to 1000000, SYSTEM or INFINITE",
                          what, text);
    p->opts->slots = (uint32_t)n;
    return true;
}

bool value_buffer(struct parse *p, const char *what, const char *text, enum opts_buffer *out)
{
    static const char *const names[] = {
        [BUFFER_NONE] = "none", [BUFFER_LINE] = "line", [BUFFER_BLOCK] = "block"};
    for (int i = BUFFER_NONE; i <= BUFFER_BLOCK; i++)
        if (strcasecmp(text, names[i]) == 0) {
            *out = (enum opts_buffer)i;
            return true;
        }
    return parse_fail(p, "%s %s: must be none, line or block", what, text);
}

/* "0,2-4" */
static bool read_ranks(struct parse *p, const char *text)
{
    struct opts *o = p->opts;
    size_t most = 1;
    for (const char *c = text; *c; c++)
        most += *c == ',';
    o->in_ranks = parse_alloc(p, most * sizeof *o->in_ranks);
    o->nin_ranks = 0;
    if (!o->in_ranks)
        return false;
    for (const char *at = text;; at++) {
        char *end;
        unsigned long first = strtoul(at, &end, 10), last = first;
        bool digits = end > at && *at >= '0' && *at <= '9';
        if (digits && *end == '-') {
            at = end + 1;
            last = strtoul(at, &end, 10);
            digits = end > at && *at >= '0' && *at <= '9';
        }
        if (!digits || (*end && *end != ',') || last < first || last > 1000000)
            return parse_fail(p, "-stdin %s: must be all, none or ranks such as 0,2-4", text);
        o->in_ranks[o->nin_ranks++] =
            (struct pxp_range){(int32_t)first, (uint32_t)(last - first) + 1};
        if (!*end)
            return true;
        at = end;
    }
}

bool value_stdin(struct parse *p, const char *text)
{
    p->opts->in = strcmp(text, "all") == 0    ? STDIN_ALL
                  : strcmp(text, "none") == 0 ? STDIN_NONE
                                              : STDIN_SOME;
    return p->opts->in != STDIN_SOME || read_ranks(p, text);
}

bool value_soft(struct parse *p, const char *text)
{
    bool *allowed = soft_read(text, parse_app(p)->count);
    if (!allowed)
        return parse_fail(p, "-soft %s: must be numbers a, a:b or a:b:step, separated by commas",
                          text);
    free(allowed);
    parse_more(p)->soft = text;
    return true;
}

/* ---- placement -------------------------------------------------------------------------------- */

struct word {
    const char *theirs, *ours;
};

/* Other mpiexecs' names. */
static const char *translate(const struct word *words, size_t n, const char *text, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i].theirs) == len && strncasecmp(words[i].theirs, text, len) == 0)
            return words[i].ours;
    return NULL;
}

static bool push_place(struct parse *p, const char *what, const char *text,
                       const char *expected, char *word)
{
    struct pxp_place place;
    if (!word)
        return false;
    if (pxp_place_read(word, &place) != PVMX_OK)
        return parse_fail(p, "%s %s: must be %s", what, text, expected);
    pxp_place_free(&place);
    return parse_push(p, &parse_more(p)->place, word);
}

bool value_bind(struct parse *p, const char *what, const char *text)
{
    static const struct word words[] = {
        {"none", "none"},      {"hwthread", "hwthread"}, {"thread", "hwthread"},
        {"core", "core"},      {"numa", "numa"},         {"socket", "socket"},
        {"package", "socket"},
    };
    static const char expected[] =
        "none, hwthread, core, numa or socket, perhaps with :N for N of them";
    size_t len = strcspn(text, ":");
    const char *level = translate(words, sizeof words / sizeof *words, text, len);
    const char *rest = text + len;
    if (strcmp(rest, ":overload-allowed") == 0 || strcmp(rest, ":if-supported") == 0)
        rest = "";
    if (!level)
        return parse_fail(p, "%s %s: must be %s", what, text, expected);
    parse_more(p)->bound = true;
    return push_place(p, what, text, expected, parse_printf(p, "bind=%s%s", level, rest));
}

/* :PE=n and the like, as Open MPI has them. */
static bool map_modifier(struct parse *p, const char *what, const char *text,
                         const char *word, size_t len)
{
    static const char expected[] =
        "followed by :PE=N, :OVERSUBSCRIBE, :NOOVERSUBSCRIBE or :SPAN";
    if (len > 3 && strncasecmp(word, "pe=", 3) == 0)
        return push_place(p, what, text, expected,
                          parse_printf(p, "cpus=%.*s", (int)len - 3, word + 3));
    if (len == 13 && strncasecmp(word, "oversubscribe", len) == 0)
        p->opts->flags &= ~(uint32_t)PVMX_SPAWN_NO_OVERSUBSCRIBE;
    else if (len == 15 && strncasecmp(word, "nooversubscribe", len) == 0)
        p->opts->flags |= PVMX_SPAWN_NO_OVERSUBSCRIBE;
    else if (len != 4 || strncasecmp(word, "span", len) != 0)
        return parse_fail(p, "%s %s: must be a level, %s", what, text, expected);
    return true;
}

bool value_map(struct parse *p, const char *what, const char *text)
{
    static const struct word words[] = {
        {"packed", "packed"},  {"slot", "packed"},       {"compact", "packed"},
        {"node", "packed"},    {"hwthread", "hwthread"}, {"thread", "hwthread"},
        {"core", "core"},      {"numa", "numa"},         {"socket", "socket"},
        {"package", "socket"}, {"rr", "socket"},         {"roundrobin", "socket"},
        {"spread", "socket"},  {"scatter", "socket"},
    };
    static const char expected[] =
        "packed, hwthread, core, numa, socket or roundrobin (that is socket)";
    size_t len = strcspn(text, ":");
    const char *map = translate(words, sizeof words / sizeof *words, text, len);
    if (!map)
        return parse_fail(p, "%s %s: must be %s", what, text, expected);
    if (!parse_more(p)->bound) {
        /* An order without a level means the processors themselves. */
        parse_more(p)->bound = true;
        if (!parse_push(p, &parse_more(p)->place,
                        strcmp(map, "hwthread") == 0 ? "bind=hwthread" : "bind=core"))
            return false;
    }
    for (const char *at = text + len; *at;) {
        size_t n = strcspn(++at, ":");
        if (!map_modifier(p, what, text, at, n))
            return false;
        at += n;
    }
    return push_place(p, what, text, expected, parse_printf(p, "map=%s", map));
}
