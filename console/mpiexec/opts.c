/* SPDX-License-Identifier: BSD-3-Clause */
/* See opts.h and parse.h. */
#include "parse.h"

#include <errno.h>
#include <pvmx/engine/dyn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

bool parse_fail(struct parse *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("mpiexec: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs(" (mpiexec --help tells more)\n", stderr);
    va_end(ap);
    p->status = USAGE;
    return false;
}

void *parse_alloc(struct parse *p, size_t n)
{
    void *m = pxp_zone_alloc(&p->opts->zone, n);
    if (!m)
        parse_fail(p, "out of memory");
    return m;
}

char *parse_printf(struct parse *p, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *text = n >= 0 ? parse_alloc(p, (size_t)n + 1) : NULL;
    if (text)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return text;
}

bool parse_push(struct parse *p, struct opts_list *list, const char *text)
{
    if (!text)
        return false;
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        const char **grown = parse_alloc(p, cap * sizeof *grown);
        if (!grown)
            return false;
        if (list->n)
            memcpy(grown, list->items, list->n * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->n++] = text;
    return true;
}

bool parse_number(struct parse *p, const char *what, const char *text, uint32_t least,
                  uint32_t most, uint32_t *out)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (end == text || *end || errno || n < (long long)least || n > (long long)most)
        return parse_fail(p, "%s %s: must be a number from %u to %u", what, text, least,
                          most);
    *out = (uint32_t)n;
    return true;
}

struct pxp_app *parse_app(struct parse *p)
{
    return &p->opts->apps[p->opts->napps - 1];
}

struct opts_app *parse_more(struct parse *p)
{
    return &p->opts->more[p->opts->napps - 1];
}

static bool add_app(struct parse *p)
{
    struct opts *o = p->opts;
    if (o->napps == p->capacity) {
        size_t cap = p->capacity ? p->capacity * 2 : 4;
        struct pxp_app *apps = parse_alloc(p, cap * sizeof *apps);
        struct opts_app *more = apps ? parse_alloc(p, cap * sizeof *more) : NULL;
        if (!more)
            return false;
        if (o->napps) {
            memcpy(apps, o->apps, o->napps * sizeof *apps);
            memcpy(more, o->more, o->napps * sizeof *more);
        }
        o->apps = apps;
        o->more = more;
        p->capacity = cap;
    }
    o->apps[o->napps] = (struct pxp_app){.count = 1};
    o->more[o->napps++] = (struct opts_app){0};
    return true;
}

/* ---- one program ------------------------------------------------------------------------------ */

/* Finds an option by its word, which may end in =VALUE. */
static const struct opt *find(const char *word, char **value)
{
    const char *name = word + 1 + (word[1] == '-');
    size_t len = strcspn(name, "=");
    *value = name[len] ? (char *)name + len + 1 : NULL;
    for (int i = 0; i < opt_count; i++)
        for (int k = 0; k < 4 && opt_table[i].names[k]; k++)
            if (strlen(opt_table[i].names[k]) == len &&
                strncmp(opt_table[i].names[k], name, len) == 0)
                return &opt_table[i];
    return NULL;
}

static bool unknown(struct parse *p, const char *word)
{
    const char *near = help_nearest(word), *instead = foreign_instead(word);
    if (instead)
        return parse_fail(p, "%s is no option here; instead: %s", word, instead);
    return near ? parse_fail(p, "unknown option %s; did you mean -%s?", word, near)
                : parse_fail(p, "unknown option %s", word);
}

/* Reads one option at argv[*i], moves *i behind its values. */
static bool read_option(struct parse *p, int argc, char **argv, int *i)
{
    char *word = argv[*i], *value;
    const struct opt *o = find(word, &value);
    if (!o)
        return unknown(p, word);
    char *values[2] = {value, NULL};
    if (value) {
        if (o->nvalues == 0 || (o->nvalues == 2 && !strchr(value, '=')))
            return parse_fail(p, "%s: this option takes %s", word,
                              o->nvalues ? "two words" : "no value");
        *i += 1;
        return o->run(p, values);
    }
    bool joined = o->nvalues == 2 && *i + 1 < argc && strchr(argv[*i + 1], '=');
    int n = joined ? 1 : o->nvalues;
    if (argc - *i <= n)
        return parse_fail(p, "%s needs %s", word, o->values);
    for (int k = 0; k < n; k++)
        values[k] = argv[*i + 1 + k];
    *i += 1 + n;
    return o->run(p, values);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] && strcmp(word, "--") != 0;
}

/* Reads one app from argv[*i] on, moves *i behind it (and its ':'). */
static bool read_app(struct parse *p, int argc, char **argv, int *i)
{
    while (*i < argc && is_option(argv[*i]))
        if (!read_option(p, argc, argv, i))
            return false;
    if (*i < argc && strcmp(argv[*i], "--") == 0)
        ++*i;
    struct pxp_app *app = parse_app(p);
    if (app->command && *i >= argc) /* -configfile brought programs */
        return true;
    if (app->command && strcmp(argv[*i], ":") == 0 && *i + 1 < argc) {
        ++*i;
        return true;
    }
    if (*i >= argc || strcmp(argv[*i], ":") == 0)
        return parse_more(p)->counted
                   ? parse_fail(p, "a program to run is missing after -n %u", app->count)
                   : parse_fail(p, "which program?");
    if (!*argv[*i])
        return parse_fail(p, "the name of the program is empty");
    app->command = argv[(*i)++];
    int first = *i;
    while (*i < argc && strcmp(argv[*i], ":") != 0)
        ++*i;
    app->args = (const char **)(argv + first);
    app->n_args = (size_t)(*i - first);
    if (*i < argc && ++*i == argc)
        return parse_fail(p, "a program to run is missing after ':'");
    return true;
}

bool parse_words(struct parse *p, int argc, char **argv, bool options_only)
{
    int i = 0;
    while (options_only && i < argc) {
        if (!is_option(argv[i]))
            return parse_fail(p, "\"%s\": only options may stand here", argv[i]);
        if (!read_option(p, argc, argv, &i))
            return false;
    }
    while (!options_only && (i < argc || i == 0)) {
        bool fresh = p->opts->napps == 0 || parse_app(p)->command;
        if ((fresh && !add_app(p)) || !read_app(p, argc, argv, &i))
            return false;
        if (argc == 0)
            break;
    }
    return true;
}

/* ---- when all is read ------------------------------------------------------------------------- */

static bool add_listed(struct parse *p, struct opts_list *env, const struct opts_list *names)
{
    for (size_t i = 0; i < names->n; i++) {
        size_t len = strlen(names->items[i]);
        for (char **e = environ; e && *e; e++)
            if (strncmp(*e, names->items[i], len) == 0 && (*e)[len] == '=' &&
                !parse_push(p, env, *e))
                return false;
    }
    return true;
}

static bool add_all(struct parse *p, struct opts_list *env, const struct opts_list *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (!parse_push(p, env, from->items[i]))
            return false;
    return true;
}

/* What is said for one program wins over what is said for all: the last one of a name counts. */
static bool build_env(struct parse *p, size_t a)
{
    const struct opts_env *all = &p->opts->genv, *own = &p->opts->more[a].env;
    const struct opts_env *base = own->inherit == INHERIT_UNSAID ? all : own;
    struct opts_list env = {0};
    struct pxp_app *app = &p->opts->apps[a];
    app->bare = base->inherit == INHERIT_NONE || base->inherit == INHERIT_LIST;
    if (app->bare && !add_listed(p, &env, &base->names))
        return false;
    if (!add_all(p, &env, &all->set) || !add_all(p, &env, &own->set))
        return false;
    app->env = env.items;
    app->n_env = env.n;
    return true;
}

static bool finish(struct parse *p)
{
    struct opts *o = p->opts;
    uint64_t total = 0;
    if (!variables_read(p))
        return false;
    for (size_t a = 0; a < o->napps; a++) {
        if (!build_env(p, a) || !hosts_where(p, a))
            return false;
        total += o->apps[a].count;
        /* Who says nothing about processors is placed like the program before it. */
        o->apps[a].place = o->more[a].place.text ? o->more[a].place.text
                           : a > 0               ? o->apps[a - 1].place
                                                 : NULL;
    }
    if (!hosts_wanted(p))
        return false;
    if (total > UINT32_MAX / 2)
        return parse_fail(p, "%llu processes are too many", (unsigned long long)total);
    for (size_t i = 0; o->in == STDIN_SOME && i < o->nin_ranks; i++) {
        uint64_t last = (uint64_t)o->in_ranks[i].first + o->in_ranks[i].count - 1;
        if (last >= total)
            return parse_fail(p, "-stdin %llu: the ranks of the job are 0 to %llu",
                              (unsigned long long)last, (unsigned long long)total - 1);
    }
    if ((o->flags & PVMX_SPAWN_NO_OVERSUBSCRIBE) && o->host_slots && total > o->host_slots)
        return parse_fail(p,
                          "-nooversubscribe: %llu processes are more than the %u slots "
                          "of the host file",
                          (unsigned long long)total, o->host_slots);
    if (!o->slots)
        o->slots = o->host_slots;
    return true;
}

int opts_parse(int argc, char **argv, struct opts *out)
{
    struct parse p = {.opts = out, .status = USAGE};
    *out = (struct opts){.flags = PVMX_SPAWN_NO_MPI};
    return parse_words(&p, argc - 1, argv + 1, false) && finish(&p) ? -1 : p.status;
}

void opts_free(struct opts *opts)
{
    for (size_t a = 0; a < opts->napps; a++)
        pxp_place_words_free(&opts->more[a].place);
    for (struct opts_file *f = opts->files; f; f = f->next)
        pxp_hostfile_free(&f->file);
    pxp_zone_free(&opts->zone);
}

uint32_t opts_total(const struct opts *opts)
{
    uint32_t n = 0;
    for (size_t a = 0; a < opts->napps; a++)
        n += opts->apps[a].count;
    return n;
}
