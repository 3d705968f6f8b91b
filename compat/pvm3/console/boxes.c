/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about the mailbox, options of the console task, and the rest that is asked with one call. */
#include "console.h"

#include <stdlib.h>
#include <string.h>

void cmd_names(int argc, char **argv)
{
    struct pvmmboxinfo *list;
    int n;
    if (pvm_getmboxinfo(argc > 1 ? argv[1] : "*", &n, &list) < 0)
        return;
    for (int i = 0; i < n; i++) {
        printf("<%s>:\n", list[i].mi_name);
        for (int k = 0; k < list[i].mi_nentries; k++)
            printf("\tindex=%d owner=0x%x/%d flags=0x%x\n", list[i].mi_indices[k],
                   (unsigned)list[i].mi_owners[k], list[i].mi_owners[k],
                   (unsigned)list[i].mi_flags[k]);
        putchar('\n');
    }
}

void cmd_put(int argc, char **argv)
{
    (void)argc;
    int buf = pvm_mkbuf(PvmDataDefault), before = buf > 0 ? pvm_setsbuf(buf) : 0;
    if (buf <= 0)
        return;
    if (pvm_pkstr(argv[3]) == PvmOk)
        pvm_putinfo(argv[1], buf, (int)strtol(argv[2], NULL, 0));
    pvm_setsbuf(before);
    pvm_freebuf(buf);
}

/* ---- options */

static const struct option {
    char name[21];
    char number;
} options[] = {
#define OPTION(name, first, console, least, most) {"Pvm" #name, Pvm##name},
#define UNLISTED(name, first, least, most)
#include "base/pvmopts.def"
#undef OPTION
#undef UNLISTED
};
enum { NOPTIONS = sizeof options / sizeof *options };

static const struct option *find_option(const char *name)
{
    for (int i = 0; i < NOPTIONS; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    printf("PVM Option \"%s\" Unknown.\n", name);
    return NULL;
}

static void show_option(const struct option *o)
{
    printf("%s Currently Set to %d\n", o->name, pvm_getopt(o->number));
}

void cmd_getopt(int argc, char **argv)
{
    const struct option *o = argc > 1 ? find_option(argv[1]) : NULL;
    if (o)
        show_option(o);
    for (int i = 0; argc == 1 && i < NOPTIONS; i++)
        show_option(&options[i]);
}

void cmd_setopt(int argc, char **argv)
{
    const struct option *o = find_option(argv[1]);
    int value = (int)strtol(argv[2], NULL, 0);
    (void)argc;
    if (o) /* before the value is changed, so that an error does not stand between */
        printf("%s Changed from %d to %d\n", o->name, pvm_setopt(o->number, value), value);
}

/* ---- the rest */

/* The mask of debug messages is kept for who asks for it; daemons log as PVMX_LOG says. */
void cmd_tickle(int argc, char **argv)
{
    enum { GET_MASK = 5, SET_MASK = 6, ARGS = 10 };
    static int mask;
    int args[ARGS], n = 0, nresp = 0, resp[ARGS] = {0};
    for (int i = 1; i < argc && n < ARGS; i++)
        args[n++] = (int)strtol(argv[i], NULL, 0);
    if (args[0] == SET_MASK && n > 1)
        mask = args[1];
    if (pvm_tickle(n, args, &nresp, resp) < 0)
        return;
    if (args[0] == GET_MASK) {
        resp[0] = mask;
        nresp = 1;
    }
    printf("( ");
    for (int i = 0; i < nresp && i < ARGS; i++)
        printf("%d ", resp[i]);
    puts(")");
}

void cmd_idump(int argc, char **argv)
{
    i_dump(argc > 1 ? atoi(argv[1]) : 0);
}

void cmd_id(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("t%x\n", (unsigned)pvm_mytid());
}

void cmd_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts(pvm_version());
}

void cmd_echo(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("%s%s", i > 1 ? " " : "", argv[i]);
    putchar('\n');
}
