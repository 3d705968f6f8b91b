/* SPDX-License-Identifier: BSD-3-Clause */
/* See options.h. A task finds what it gets in its environment, where children of PVM tasks find it. */
#include "options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "event_table.h"

enum { EVENTS = sizeof events / sizeof *events };

/* first: also when it is not from least to most. */
static const struct option {
    char name[18]; /* behind "Pvm" */
    int first, least, most;
} options[] = {
#define OPTION(name, first, console, least, most) {#name, console, least, most},
#define UNLISTED(name, first, least, most)
#include "base/pvmopts.def"
#undef OPTION
#undef UNLISTED
};
_Static_assert(sizeof options / sizeof *options == OPTIONS_MAX, "each has a place");

void options_begin(struct options *o)
{
    for (int i = 0; i < OPTIONS_MAX; i++)
        o->values[i] = options[i].first;
    options_trace_xpvm(o);
}

const char *options_name(int option)
{
    return options[option].name;
}

int options_find(const char *name)
{
    name += strncmp(name, "Pvm", 3) == 0 ? 3 : 0;
    for (int i = 0; i < OPTIONS_MAX; i++)
        if (strcmp(options[i].name, name) == 0)
            return i;
    return -1;
}

/* Those of the console itself that set the tasks' one too. */
static int others_of(int option)
{
    switch (option) {
    case OPTION_SELF_OUTPUT_TID:
        return OPTION_OUTPUT_TID;
    case OPTION_SELF_OUTPUT_CODE:
        return OPTION_OUTPUT_CODE;
    case OPTION_SELF_TRACE_TID:
        return OPTION_TRACE_TID;
    case OPTION_SELF_TRACE_CODE:
        return OPTION_TRACE_CODE;
    default:
        return -1;
    }
}

bool options_inherited(int option)
{
    return option == OPTION_OUTPUT_TID || option == OPTION_TRACE_CONTEXT ||
           (option >= OPTION_TRACE_TID && option <= OPTION_TRACE_OPTIONS);
}

bool options_set(struct options *o, int option, long value, int *least, int *most)
{
    const struct option *known = &options[option];
    int other = others_of(option);
    *least = known->least;
    *most = known->most;
    if ((value < *least || value > *most) && value != known->first)
        return false;
    o->values[option] = (int)value;
    if (other >= 0)
        o->values[other] = known->least == -1 && value < 0 ? 0 : (int)value;
    return true;
}

size_t options_vars(const struct options *o, char vars[OPTIONS_VARS][OPTIONS_VAR])
{
    const int *v = o->values;
    size_t n = 0;
    if (v[OPTION_OUTPUT_TID])
        snprintf(vars[n++], OPTIONS_VAR, "PVMX_PVM_OUT=%x", (unsigned)v[OPTION_OUTPUT_TID]);
    if (!v[OPTION_TRACE_TID])
        return n;
    snprintf(vars[n++], OPTIONS_VAR, "PVMX_PVM_TRACE=%x,%x,%x",
             (unsigned)v[OPTION_TRACE_TID], (unsigned)v[OPTION_TRACE_CONTEXT],
             (unsigned)v[OPTION_TRACE_CODE]);
    snprintf(vars[n++], OPTIONS_VAR, "PVMTMASK=%s", o->mask);
    snprintf(vars[n++], OPTIONS_VAR, "PVMTRCBUF=%d", v[OPTION_TRACE_BUFFER]);
    snprintf(vars[n++], OPTIONS_VAR, "PVMTRCOPT=%d", v[OPTION_TRACE_OPTIONS]);
    return n;
}

const char *options_trace_form(int value)
{
    static const char forms[][6] = {"full", "time", "count"};
    return value >= 1 && value <= 3 ? forms[value - 1] : NULL;
}

/* ---- events: number k is bit k % 4 of character k / 4, which are those from '@' on ---------------- */

static void set(struct options *o, const struct event *e, bool on)
{
    char bit = (char)(1 << e->number % 4), *at = &o->mask[e->number / 4];
    *at = (char)(on ? *at | bit : *at & ~bit);
}

const char *options_event(int i)
{
    return i < EVENTS ? events[i].name : NULL;
}

bool options_traces(const struct options *o, int i)
{
    return (o->mask[events[i].number / 4] >> events[i].number % 4 & 1) != 0;
}

bool options_trace(struct options *o, const char *name, bool on)
{
    bool found = false;
    for (int i = 0; i < EVENTS; i++)
        if (strcmp(name, "*") == 0 || strcmp(name, events[i].name) == 0) {
            set(o, &events[i], on);
            found = true;
        }
    return found;
}

void options_trace_xpvm(struct options *o)
{
    memset(o->mask, '@', sizeof o->mask - 1);
    for (int i = 0; i < EVENTS; i++)
        set(o, &events[i], events[i].shown);
}
