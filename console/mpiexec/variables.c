/* SPDX-License-Identifier: BSD-3-Clause */
/* Variables of the environment that say what options say. One that is empty is as good as none, but for
 * labels. */
#include "parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* ---- of the run ------------------------------------------------------------------------------- */

static bool run_timeout(struct parse *p, const struct variable *v, const char *text)
{
    return p->timeout_given || !*text || value_seconds(p, v->name, text);
}

static bool run_usize(struct parse *p, const struct variable *v, const char *text)
{
    return p->usize_given || !*text || value_usize(p, v->name, text);
}

/* LOW:HIGH. The daemon reads it when it starts; here a mistake is told early. */
static bool run_ports(struct parse *p, const struct variable *v, const char *text)
{
    char *end;
    unsigned long low = strtoul(text, &end, 10), high = 0;
    bool good = end != text && (*end == ':' || *end == ',') && isdigit((unsigned char)*text);
    if (good) {
        const char *second = end + 1;
        high = strtoul(second, &end, 10);
        good = end != second && !*end && isdigit((unsigned char)*second);
    }
    if (!*text || (good && low <= high && high < 65536))
        return true;
    return parse_fail(p, "%s=%s: must be LOW:HIGH, two ports up to 65535", v->name, text);
}

/* ---- labels and buffers ----------------------------------------------------------------------- */

static bool labels_said(const struct parse *p)
{
    return p->prefix_given || p->opts->label;
}

/* Set at all, it asks for labels of this form; the other two give their text. */
static bool run_prefix_default(struct parse *p, const struct variable *v, const char *text)
{
    (void)v;
    (void)text;
    if (!labels_said(p)) {
        p->opts->prefix[1] = "%d> ";
        p->opts->prefix[2] = "%d(err)> ";
    }
    return true;
}

static bool run_prefix(struct parse *p, const struct variable *v, const char *text)
{
    if (!labels_said(p))
        p->opts->prefix[v->which] = text;
    return true;
}

static bool run_buffer(struct parse *p, const struct variable *v, const char *text)
{
    enum opts_buffer *mode = &p->opts->buffer[v->which];
    return *mode != BUFFER_AUTO || !*text || value_buffer(p, v->name, text, mode);
}

/* ---- processors ------------------------------------------------------------------------------- */

/* For all programs. */
static bool say_for_all(struct parse *p, const char *name, const char *key, const char *value)
{
    struct opts *o = p->opts;
    size_t napps = o->napps;
    bool ok = true;
    for (o->napps = 1; ok && o->napps <= napps; o->napps++) /* parse_more is the last one's */
        ok = value_place(p, name, key, value);
    o->napps = napps;
    return ok;
}

static bool run_place(struct parse *p, const struct variable *v, const char *text)
{
    char key[48];
    size_t n = 0;
    for (; v->name[n] && n + 1 < sizeof key; n++)
        key[n] = (char)tolower((unsigned char)v->name[n]);
    key[n] = '\0';
    return p->place_given || !*text || say_for_all(p, v->name, key, text);
}

/* MPIT_CPUS_R<rank>=N among all variables. */
static bool run_cpus_of_ranks(struct parse *p, const struct variable *v, const char *text)
{
    static const char prefix[] = "MPIT_CPUS_R";
    (void)v;
    (void)text;
    for (char **e = environ; e && *e && !p->place_given; e++) {
        const char *digits = *e + sizeof prefix - 1;
        if (strncmp(*e, prefix, sizeof prefix - 1) != 0)
            continue;
        size_t n = strspn(digits, "0123456789");
        if (n == 0 || n > 6 || digits[n] != '=' || !digits[n + 1])
            continue; /* somebody else's, or empty */
        char *name = parse_printf(p, "MPIT_CPUS_R%.*s", (int)n, digits),
             *key = parse_printf(p, "mpit_cpus_r%.*s", (int)n, digits);
        if (!name || !key || !say_for_all(p, name, key, digits + n + 1))
            return false;
    }
    return true;
}

/* clang-format off */
const struct variable variable_table[] = {
    {"MPIEXEC_TIMEOUT", "SECONDS", 0, "as -timeout", run_timeout},
    {"MPIEXEC_UNIVERSE_SIZE", "N", 0, "as -usize", run_usize},
    {"MPIEXEC_PREFIX_DEFAULT", "", 0,
     "set to anything: label lines of standard output with \"%d> \", of standard error with "
     "\"%d(err)> \" (%d: rank)", run_prefix_default},
    {"MPIEXEC_PREFIX_STDOUT", "TEXT", 1,
     "label lines of standard output with TEXT; as -prepend-pattern", run_prefix},
    {"MPIEXEC_PREFIX_STDERR", "TEXT", 2, "the same for standard error", run_prefix},
    {"MPIEXEC_STDOUTBUF", "KIND", 1, "as -stdoutbuf", run_buffer},
    {"MPIEXEC_STDERRBUF", "KIND", 2, "as -stderrbuf", run_buffer},
    {"MPIEXEC_PORT_RANGE", "LOW:HIGH", 0,
     "where a virtual machine that is started listens for its other hosts; as PVMX_DAEMON_PORTS",
     run_ports},
    {"MPICH_PORT_RANGE", "LOW:HIGH", 0, "the same", run_ports},
    {"MPIT_CPUS", "N", 0,
     "processors for each process; as -bind-to core:N when something binds", run_place},
    {"MPIT_CPUS_R<rank>", "N", 0, "the same for one rank (MPIT_CPUS_R0=4)", run_cpus_of_ranks},
    {"MPIT_PROCMAP", "ORDER", 0,
     "as -map-by, but binds nothing by itself; or N,N,...: numbers of the processors at which ranks "
     "0, 1, ... begin", run_place},
    {"MPIT_BIND_TO_PROCESSOR_SET", "yes|no", 0, "bind each process to its processors", run_place},
};
/* clang-format on */
const int variable_count = sizeof variable_table / sizeof *variable_table;

bool variables_read(struct parse *p)
{
    for (size_t a = 0; a < p->opts->napps; a++)
        p->place_given = p->place_given || p->opts->more[a].place.text;
    for (int i = 0; i < variable_count; i++) {
        const struct variable *v = &variable_table[i];
        const char *text = v->run == run_cpus_of_ranks ? "" : getenv(v->name);
        if (text && !v->run(p, v, text))
            return false;
    }
    return true;
}
