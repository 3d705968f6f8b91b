/* SPDX-License-Identifier: BSD-3-Clause */
/* Aliases, and the environment. */
#include "console.h"

#include <stdlib.h>
#include <string.h>

struct alias {
    struct alias *next;
    int n; /* words behind the name */
    char *words[];
};

static struct alias *aliases;

/* The words are behind the record. */
static struct alias *make(int n, char **words)
{
    size_t bytes = sizeof(struct alias) + (size_t)n * sizeof(char *);
    size_t head = bytes;
    for (int i = 0; i < n; i++)
        bytes += strlen(words[i]) + 1;
    struct alias *a = malloc(bytes);
    if (!a)
        return NULL;
    char *to = (char *)a + head;
    a->n = n;
    for (int i = 0; i < n; i++) {
        a->words[i] = to;
        to = stpcpy(to, words[i]) + 1;
    }
    return a;
}

static struct alias **place(const char *name)
{
    struct alias **p = &aliases;
    while (*p && strcmp((*p)->words[0], name) != 0)
        p = &(*p)->next;
    return p;
}

char *const *alias_find(const char *name, int *n)
{
    struct alias *a = *place(name);
    if (!a)
        return NULL;
    *n = a->n - 1;
    return a->words + 1;
}

static void forget(struct alias **p)
{
    struct alias *a = *p;
    if (a) {
        *p = a->next;
        free(a);
    }
}

static void show(const struct alias *a)
{
    printf("%s\t", a->words[0]);
    for (int i = 1; i < a->n; i++)
        printf("%s%s", i > 1 ? " " : "", a->words[i]);
    putchar('\n');
}

void cmd_alias(int argc, char **argv)
{
    if (argc <= 2) { /* a name alone does not narrow the list: so it is in PVM */
        for (const struct alias *a = aliases; a; a = a->next)
            show(a);
        return;
    }
    struct alias **p = place(argv[1]), *a = make(argc - 1, argv + 1);
    if (!a) {
        fputs("pvm: no memory for an alias\n", stderr);
        return;
    }
    forget(p);
    a->next = *p;
    *p = a;
}

void cmd_unalias(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        forget(place(argv[i]));
}

/* ---- environment */

extern char **environ;

void cmd_setenv(int argc, char **argv)
{
    if (argc == 1) {
        for (char **v = environ; v && *v; v++)
            puts(*v);
        return;
    }
    if (argc == 2) {
        const char *value = getenv(argv[1]);
        if (value)
            puts(value);
        return;
    }
    if (setenv(argv[1], argv[2], 1) != 0)
        fprintf(stderr, "pvm: '%s' cannot be the name of a variable\n", argv[1]);
}

void cmd_export(int argc, char **argv)
{
    const char *list = getenv("PVM_EXPORT");
    if (argc == 1)
        printf("PVM_EXPORT=%s\n", list ? list : "");
    for (int i = 1; i < argc; i++)
        pvm_export(argv[i]);
}

void cmd_unexport(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        pvm_unexport(argv[i]);
}
