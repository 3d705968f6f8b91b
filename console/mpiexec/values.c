/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts of options and variables that mean something. */
#include "parse.h"
#include "soft.h"

#include "base/err.h"
#include "proto/hello.h"
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

/* ":OVERSUBSCRIBE" and the like are for the whole request, "node" is for all programs as -ppn is. */
bool value_place(struct parse *p, const char *what, const char *key, const char *text)
{
    struct pxp_place_words *w = &parse_more(p)->place;
    if (pxp_place_say(w, what, key, text) != PVMX_OK)
        return parse_fail(p, "%s", pvmx_last_error());
    if (w->may_crowd)
        p->opts->flags &= ~(uint32_t)PVMX_SPAWN_NO_OVERSUBSCRIBE;
    if (w->may_not_crowd)
        p->opts->flags |= PVMX_SPAWN_NO_OVERSUBSCRIBE;
    if (w->each && !p->opts->ppn)
        p->opts->ppn = w->each;
    w->may_crowd = w->may_not_crowd = false;
    return true;
}
