/* SPDX-License-Identifier: BSD-3-Clause */
/* The command trace: which events of children are to be traced. */
#include "console.h"

#include <pvmtev.h>
#include <stdlib.h>
#include <string.h>

#include "event_table.h"

enum { EVENTS = sizeof events / sizeof *events, COLUMNS = 4 };

static void set(char *mask, const struct event *e, bool on)
{
    if (on)
        TEV_MASK_SET(mask, e->number);
    else
        TEV_MASK_UNSET(mask, e->number);
}

static void set_all(bool (*on)(const struct event *))
{
    Pvmtmask mask;
    TEV_MASK_INIT(mask);
    for (int i = 0; i < EVENTS; i++)
        set(mask, &events[i], on(&events[i]));
    pvm_settmask(PvmTaskChild, mask);
}

static bool is_shown(const struct event *e)
{
    return e->shown;
}

void trace_init(void)
{
    set_all(is_shown);
}

static void show_events(void)
{
    Pvmtmask mask;
    int rows = (EVENTS + COLUMNS - 1) / COLUMNS;
    pvm_gettmask(PvmTaskChild, mask);
    for (int row = 0; row < rows; row++)
        for (int col = 0; col < COLUMNS; col++) {
            const struct event *e = &events[col * rows + row];
            printf(" %c %-15s%s", TEV_MASK_CHECK(mask, e->number) ? '*' : ' ', e->name,
                   col + 1 < COLUMNS ? " " : "\n");
        }
}

static void change(int n, char **names, bool on)
{
    Pvmtmask mask;
    pvm_gettmask(PvmTaskChild, mask);
    for (int k = 0; k < n; k++) {
        int hits = 0;
        for (int i = 0; i < EVENTS; i++)
            if (strcmp(names[k], "*") == 0 || strcmp(names[k], events[i].name) == 0) {
                set(mask, &events[i], on);
                hits++;
            }
        if (!hits)
            printf("no such event \"%s\"\n", names[k]);
    }
    pvm_settmask(PvmTaskChild, mask);
}

static void buffer(const char *value)
{
    if (value)
        pvm_setopt(PvmTraceBuffer, atoi(value));
    else
        printf("\nTrace Buffering set to %d bytes\n\n", pvm_getopt(PvmTraceBuffer));
}

static void option(const char *value)
{
    static const char names[][6] = {"", "full", "time", "count"};
    int now = pvm_getopt(PvmTraceOptions), i = PvmTraceFull;
    if (!value) {
        printf("\nTrace Options set to \"%s\"\n\n",
               now >= PvmTraceFull && now <= PvmTraceCount ? names[now] : "unknown");
        return;
    }
    while (i <= PvmTraceCount && strcmp(names[i], value) != 0)
        i++;
    if (i <= PvmTraceCount)
        pvm_setopt(PvmTraceOptions, i);
    else
        printf("\nError:  Unknown Trace Option \"%s\"\n\n", value);
}

void cmd_trace(int argc, char **argv)
{
    const char *value = argc > 2 ? argv[2] : NULL;
    if (argc == 1)
        show_events();
    else if (strcmp(argv[1], "xpvm") == 0)
        trace_init();
    else if (strcmp(argv[1], "buf") == 0)
        buffer(value);
    else if (strcmp(argv[1], "opt") == 0)
        option(value);
    else if (strcmp(argv[1], "+") == 0 || strcmp(argv[1], "-") == 0)
        change(argc - 2, argv + 2, argv[1][0] == '+');
    else
        change(argc - 1, argv + 1, true);
}
