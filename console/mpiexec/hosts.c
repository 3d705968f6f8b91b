/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts of options and files become the words of pvmxd/spread.h, since the daemon knows the hosts of the
 * VM, and descriptions of those that may have to be added: grow.h. */
#include "parse.h"

#include "base/err.h"
#include "proto/hostfile.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SLOTS_MAX = 1000000 };

/* list, behind what *to has already. */
static bool append(struct parse *p, const char **to, const char *list)
{
    const char *before = *to ? *to : "";
    *to = parse_printf(p, "%s%s%s", before, *before ? "," : "", list);
    return *to != NULL;
}

/* ---- who has to be there ---------------------------------------------------------------------- */

static bool want(struct parse *p, const struct pxp_host_spec *s)
{
    struct opts *o = p->opts;
    for (size_t i = 0; i < o->nwanted; i++) {
        struct pxp_host_spec *w = &o->wanted[i];
        if (strcasecmp(w->name, s->name) != 0)
            continue;
        if (w->slots && s->slots)
            w->slots += s->slots;
        return true;
    }
    if (o->nwanted == o->wanted_cap) {
        size_t cap = o->wanted_cap ? 2 * o->wanted_cap : 8;
        struct pxp_host_spec *grown = parse_alloc(p, cap * sizeof *grown);
        if (!grown)
            return false;
        if (o->nwanted)
            memcpy(grown, o->wanted, o->nwanted * sizeof *grown);
        o->wanted = grown;
        o->wanted_cap = cap;
    }
    o->wanted[o->nwanted++] = *s;
    return true;
}

bool hosts_wanted(struct parse *p)
{
    bool files = false;
    for (size_t a = 0; a < p->opts->napps; a++)
        files = files || !p->opts->more[a].hosts;
    for (const struct opts_file *f = p->opts->files; files && f; f = f->next)
        for (size_t i = 0; i < f->file.n; i++) {
            const struct pxp_hostfile_host *h = &f->file.hosts[i];
            if (!h->later && !h->unschedule && !want(p, &h->spec))
                return false;
        }
    return true;
}

bool hosts_launcher(struct parse *p, const char *launcher)
{
    static const char names[][8] = {"ssh", "rsh", "fork", "slurm", "pbs",
                                    "sge", "lsf", "ll",   "manual"};
    p->opts->launcher = launcher;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(launcher, names[i]) == 0)
            return true; /* what cannot add hosts is refused when some are to be added */
    return strchr(launcher, '%') ||
           parse_fail(
               p,
               "-launcher %s: must be ssh, rsh, fork, a command with %%h (host) and %%c "
               "(command) in it, or slurm, pbs, sge, lsf, ll or manual",
               launcher);
}

/* ---- lists and files -------------------------------------------------------------------------- */

/* [USER@]HOST[:N]; an address in brackets keeps its colons. *name: what is behind the user. */
static bool read_host(struct parse *p, const char *what, const char *text, size_t len,
                      const char **name)
{
    struct pxp_host_spec s = {.launcher = ""};
    const char *at = memchr(text, '@', len), *stop = text + len;
    *name = at ? at + 1 : text;
    bool bracket = **name == '[';
    const char *end = bracket ? memchr(*name, ']', (size_t)(stop - *name)) : *name;
    const char *colon = end ? memchr(end, ':', (size_t)(stop - end)) : NULL;
    if (*name == stop || colon == *name || at == text)
        return parse_fail(p, "%s: the name of a host is missing", what);
    for (size_t i = 0; i < len; i++)
        if (isspace((unsigned char)text[i]))
            return parse_fail(p, "%s: \"%.*s\" is no name of a host (commas separate them)",
                              what, (int)(len < 100 ? len : 100), text);
    if (colon) {
        char *number = parse_printf(p, "%.*s", (int)(stop - colon - 1), colon + 1);
        if (!number || !parse_number(p, parse_printf(p, "%s %.*s", what, (int)len, text),
                                     number, 1, SLOTS_MAX, &s.slots))
            return false;
    }
    const char *last = colon ? colon : stop;
    s.name = bracket && last[-1] == ']'
                 ? parse_printf(p, "%.*s", (int)(last - *name - 2), *name + 1)
                 : parse_printf(p, "%.*s", (int)(last - *name), *name);
    s.user = at ? parse_printf(p, "%.*s", (int)(at - text), text) : "";
    return s.name && s.user && want(p, &s);
}

bool hosts_list(struct parse *p, const char *what, const char *list, const char **to)
{
    for (const char *at = list, *name;; at++) {
        size_t len = strcspn(at, ",");
        if (!read_host(p, what, at, len, &name))
            return false;
        at += len;
        char *word = parse_printf(p, "%.*s", (int)(at - name), name);
        if (!word || !append(p, to, word))
            return false;
        if (!*at)
            return true;
    }
}

bool hosts_file(struct parse *p, const char *path)
{
    struct opts_file *f = parse_alloc(p, sizeof *f);
    uint32_t slots = 0;
    if (!f)
        return false;
    if (pxp_hostfile_read(path, &f->file) != PVMX_OK)
        return parse_fail(p, "%s", pvmx_last_error());
    f->next = p->opts->files;
    p->opts->files = f;
    char *list = pxp_hostfile_list(&f->file, &slots);
    bool ok = list != NULL || parse_fail(p, "%s", pvmx_last_error());
    if (ok && !*list)
        ok = parse_fail(p, "host file %s names no host that may run processes", path);
    if (ok)
        ok = append(p, &p->opts->hosts, list);
    free(list);
    if (!ok)
        return false;
    p->opts->host_slots += slots;
    return p->opts->host_slots <= SLOTS_MAX ||
           parse_fail(p, "host file %s: more than %d slots", path, SLOTS_MAX);
}

bool hosts_arch(struct parse *p, const char *arch)
{
    struct opts_app *app = parse_more(p);
    if (!*arch || strpbrk(arch, " \t\n"))
        return parse_fail(p, "-arch \"%s\" is no name of an architecture", arch);
    if (app)
        app->arch = arch;
    return app != NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* How many processes of the programs before this one go to the same hosts: it goes on behind them. */
static uint64_t hosts_taken(const struct opts *o, size_t a)
{
    uint64_t n = 0;
    for (size_t i = 0; i < a; i++)
        if (same_text(o->more[i].hosts, o->more[a].hosts) &&
            same_text(o->more[i].arch, o->more[a].arch))
            n += o->apps[i].count;
    return n;
}

/* The next entry of a list, NAME or [NAME], perhaps with :N; false: there is none. */
struct entry {
    const char *text, *name; /* the whole, and the bare name */
    size_t len, name_len;
    uint32_t slots; /* 1 where none are said: it has at least one */
    bool said;
};

static bool next_entry(const char **at, struct entry *e)
{
    if (!**at || **at == ' ')
        return false;
    *e = (struct entry){.text = *at, .name = *at, .len = strcspn(*at, ", "), .slots = 1};
    const char *end = memchr(*at, ']', e->len), *from = end ? end : *at;
    const char *colon = memchr(from, ':', e->len - (size_t)(from - *at));
    e->name_len = colon ? (size_t)(colon - *at) : e->len;
    if (end) {
        e->name++;
        e->name_len = (size_t)(end - e->name);
    }
    e->said = colon != NULL;
    if (colon)
        e->slots = (uint32_t)strtoul(colon + 1, NULL, 10);
    *at += e->len + ((*at)[e->len] == ',');
    return true;
}

static bool is_named(const struct entry *e, const char *name)
{
    return strlen(name) == e->name_len && strncasecmp(name, e->name, e->name_len) == 0;
}

static const char *list_of(const struct pxp_app *app)
{
    static const char word[] = "hosts=";
    return strncmp(app->where, word, sizeof word - 1) == 0 ? app->where + sizeof word - 1
                                                           : "";
}

bool hosts_needed(const struct opts *o, const char *name)
{
    for (size_t a = 0; a < o->napps; a++) {
        const char *at = list_of(&o->apps[a]);
        uint64_t before = 0, last = hosts_taken(o, a) + o->apps[a].count;
        for (struct entry e; next_entry(&at, &e);) {
            if (is_named(&e, name) && (before < last || o->more[a].arch))
                return true;
            before += o->ppn ? o->ppn : e.slots;
        }
    }
    return false;
}

void hosts_drop(struct opts *o, const char *name)
{
    for (size_t a = 0; a < o->napps; a++) {
        const char *at = list_of(&o->apps[a]);
        for (struct entry e; next_entry(&at, &e);) {
            if (!is_named(&e, name))
                continue;
            /* Not the first one, which would be needed: its comma goes with it. The text is our own. */
            char *from = (char *)(uintptr_t)e.text;
            memmove(from - 1, from + e.len, strlen(from + e.len) + 1);
            at = from - 1 + (from[-1] == ',');
        }
    }
    for (size_t i = 0; i < o->nwanted; i++)
        if (strcasecmp(o->wanted[i].name, name) == 0 && o->slots == o->host_slots &&
            o->slots > o->wanted[i].slots)
            o->slots = o->host_slots -= o->wanted[i].slots;
}

static bool is_among(const char *list, const char *end, const struct entry *e)
{
    for (struct entry other; list < end && next_entry(&list, &other);)
        if (other.name_len == e->name_len &&
            strncasecmp(other.name, e->name, e->name_len) == 0)
            return true;
    return false;
}

/* Nobody has said how many processes: one for each slot of the list, or with -ppn so many on each host. The
 * list with that number, since the daemon reads a host without one as so many as it has processors. */
static const char *fill(struct parse *p, size_t a, const char *list)
{
    const char *filled = NULL, *at = list;
    uint64_t n = 0;
    for (struct entry e; next_entry(&at, &e);) {
        if (!p->opts->ppn)
            n += e.slots;
        else if (!is_among(list, e.text, &e))
            n += p->opts->ppn;
        const char *word = parse_printf(p, "%.*s%s", (int)e.len, e.text, e.said ? "" : ":1");
        if (!word || !append(p, &filled, word))
            return NULL;
    }
    if (n > SLOTS_MAX) {
        parse_fail(p, "one process for each slot of the hosts would be %llu: say -n",
                   (unsigned long long)n);
        return NULL;
    }
    p->opts->apps[a].count = (uint32_t)n;
    return filled;
}

bool hosts_where(struct parse *p, size_t a)
{
    const struct opts_app *app = &p->opts->more[a];
    const char *hosts = app->hosts ? app->hosts : p->opts->hosts, *where = "";
    if (hosts && !app->counted && !app->arch && !(hosts = fill(p, a, hosts)))
        return false;
    uint64_t taken = hosts_taken(p->opts, a);
    bool each = p->opts->ppn != 0, said = hosts || app->arch || each;
    if (hosts)
        where = parse_printf(p, "hosts=%s ", hosts);
    if (app->arch && where)
        where = parse_printf(p, "%sarch=%s ", where, app->arch);
    if (each && where)
        where = parse_printf(p, "%seach=%u ", where, p->opts->ppn);
    if (said && taken > 0 && where)
        where = parse_printf(p, "%scpu=%llu ", where, (unsigned long long)taken);
    p->opts->apps[a].where = where;
    return where != NULL;
}
