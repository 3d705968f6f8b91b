/* SPDX-License-Identifier: BSD-3-Clause */
/* The command trace: which events of children are to be traced. */
#include "console.h"

#include <pvmtev.h>
#include <stdlib.h>
#include <string.h>

/* Sorted as they are shown; shown: by PVM's graphical console XPVM. */
static const struct event {
    char name[13];
    unsigned char number;
    bool shown;
} events[] = {
    {"addhosts", TEV_ADDHOSTS, false},
    {"addmhf", TEV_ADDMHF, true},
    {"archcode", TEV_ARCHCODE, false},
    {"barrier", TEV_BARRIER, true},
    {"bcast", TEV_BCAST, true},
    {"bufinfo", TEV_BUFINFO, false},
    {"catchout", TEV_CATCHOUT, false},
    {"config", TEV_CONFIG, false},
    {"delete", TEV_DELETE, false},
    {"delhosts", TEV_DELHOSTS, false},
    {"delinfo", TEV_DELINFO, false},
    {"delmhf", TEV_DELMHF, true},
    {"exit", TEV_EXIT, true},
    {"freebuf", TEV_FREEBUF, false},
    {"freecontext", TEV_FREECONTEXT, false},
    {"gather", TEV_GATHER, false},
    {"getcontext", TEV_GETCONTEXT, false},
    {"getfds", TEV_GETFDS, false},
    {"getinfo", TEV_GETINFO, false},
    {"getinst", TEV_GETINST, false},
    {"getmboxinfo", TEV_GETMBOXINFO, false},
    {"getminfo", TEV_GETMINFO, false},
    {"getmwid", TEV_GETMWID, false},
    {"getopt", TEV_GETOPT, false},
    {"getrbuf", TEV_GETRBUF, false},
    {"getsbuf", TEV_GETSBUF, false},
    {"gettid", TEV_GETTID, false},
    {"gettmask", TEV_GETTMASK, false},
    {"gsize", TEV_GSIZE, false},
    {"halt", TEV_HALT, false},
    {"hostsync", TEV_HOSTSYNC, false},
    {"initsend", TEV_INITSEND, false},
    {"insert", TEV_INSERT, false},
    {"joingroup", TEV_JOINGROUP, true},
    {"kill", TEV_KILL, true},
    {"lookup", TEV_LOOKUP, false},
    {"lvgroup", TEV_LVGROUP, true},
    {"mcast", TEV_MCAST, true},
    {"mhf_invoke", TEV_MHF_INVOKE, true},
    {"mkbuf", TEV_MKBUF, false},
    {"mstat", TEV_MSTAT, false},
    {"mytid", TEV_MYTID, true},
    {"newcontext", TEV_NEWCONTEXT, false},
    {"notify", TEV_NOTIFY, false},
    {"nrecv", TEV_NRECV, true},
    {"packf", TEV_PACKF, false},
    {"parent", TEV_PARENT, true},
    {"perror", TEV_PERROR, false},
    {"pkbyte", TEV_PKBYTE, false},
    {"pkcplx", TEV_PKCPLX, false},
    {"pkdcplx", TEV_PKDCPLX, false},
    {"pkdouble", TEV_PKDOUBLE, false},
    {"pkfloat", TEV_PKFLOAT, false},
    {"pkint", TEV_PKINT, false},
    {"pklong", TEV_PKLONG, false},
    {"pkshort", TEV_PKSHORT, false},
    {"pkstr", TEV_PKSTR, false},
    {"pkuint", TEV_PKUINT, false},
    {"pkulong", TEV_PKULONG, false},
    {"pkushort", TEV_PKUSHORT, false},
    {"precv", TEV_PRECV, true},
    {"probe", TEV_PROBE, true},
    {"psend", TEV_PSEND, true},
    {"pstat", TEV_PSTAT, false},
    {"putinfo", TEV_PUTINFO, false},
    {"recv", TEV_RECV, true},
    {"recvf", TEV_RECVF, true},
    {"reduce", TEV_REDUCE, false},
    {"reg_hoster", TEV_REG_HOSTER, false},
    {"reg_rm", TEV_REG_RM, false},
    {"reg_tasker", TEV_REG_TASKER, false},
    {"reg_tracer", TEV_REG_TRACER, false},
    {"scatter", TEV_SCATTER, false},
    {"send", TEV_SEND, true},
    {"sendsig", TEV_SENDSIG, true},
    {"setcontext", TEV_SETCONTEXT, false},
    {"setminfo", TEV_SETMINFO, false},
    {"setmwid", TEV_SETMWID, false},
    {"setopt", TEV_SETOPT, false},
    {"setrbuf", TEV_SETRBUF, false},
    {"setsbuf", TEV_SETSBUF, false},
    {"settmask", TEV_SETTMASK, false},
    {"siblings", TEV_SIBLINGS, true},
    {"spawn", TEV_SPAWN, true},
    {"start_pvmd", TEV_START_PVMD, false},
    {"tasks", TEV_TASKS, false},
    {"tickle", TEV_TICKLE, false},
    {"tidtohost", TEV_TIDTOHOST, false},
    {"trecv", TEV_TRECV, true},
    {"unpackf", TEV_UNPACKF, false},
    {"upkbyte", TEV_UPKBYTE, false},
    {"upkcplx", TEV_UPKCPLX, false},
    {"upkdcplx", TEV_UPKDCPLX, false},
    {"upkdouble", TEV_UPKDOUBLE, false},
    {"upkfloat", TEV_UPKFLOAT, false},
    {"upkint", TEV_UPKINT, false},
    {"upklong", TEV_UPKLONG, false},
    {"upkshort", TEV_UPKSHORT, false},
    {"upkstr", TEV_UPKSTR, false},
    {"upkuint", TEV_UPKUINT, false},
    {"upkulong", TEV_UPKULONG, false},
    {"upkushort", TEV_UPKUSHORT, false},
    {"user_defined", TEV_USER_DEFINED, true},
    {"version", TEV_VERSION, false},
};
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
