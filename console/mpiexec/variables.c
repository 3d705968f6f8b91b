/* SPDX-License-Identifier: BSD-3-Clause */
/* Variables of the environment that say what options say. */
#include "parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern char **environ;

static bool is_yes(const char *text)
{
    static const char *const yes[] = {"1", "yes", "true", "on", "y", "t"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcasecmp(text, yes[i]) == 0)
            return true;
    return false;
}

static bool is_no(const char *text)
{
    static const char *const no[] = {"", "0", "no", "false", "off", "n", "f"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (strcasecmp(text, no[i]) == 0)
            return true;
    return false;
}

/* ---- labels ----------------------------------------------------------------------------------- */

/* Set at all, MPIEXEC_PREFIX_DEFAULT asks for labels of this form; the others give their text. */
static void read_prefixes(struct opts *o)
{
    const char *out = getenv("MPIEXEC_PREFIX_STDOUT"),
               *err = getenv("MPIEXEC_PREFIX_STDERR");
    if (getenv("MPIEXEC_PREFIX_DEFAULT")) {
        o->prefix[1] = "%d> ";
        o->prefix[2] = "%d(err)> ";
    }
    o->prefix[1] = out ? out : o->prefix[1];
    o->prefix[2] = err ? err : o->prefix[2];
}

static bool read_buffers(struct parse *p)
{
    static const char *const names[] = {NULL, "MPIEXEC_STDOUTBUF", "MPIEXEC_STDERRBUF"};
    for (int i = 1; i < 3; i++) {
        const char *text = getenv(names[i]);
        if (text && p->opts->buffer[i] == BUFFER_AUTO &&
            !value_buffer(p, names[i], text, &p->opts->buffer[i]))
            return false;
    }
    return true;
}

/* ---- ports ------------------------------------------------------------------------------------ */

/* LOW:HIGH. Processes read it themselves when they listen; here a mistake is told early. */
static bool check_ports(struct parse *p, const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text)
        return true;
    unsigned long low = strtoul(text, &end, 10), high = 0;
    bool good = end != text && (*end == ':' || *end == ',') && isdigit((unsigned char)*text);
    if (good) {
        const char *second = end + 1;
        high = strtoul(second, &end, 10);
        good = end != second && !*end && isdigit((unsigned char)*second);
    }
    if (good && low <= high && high < 65536)
        return true;
    return parse_fail(p, "%s=%s: must be LOW:HIGH, two ports up to 65535", name, text);
}

/* ---- processors ------------------------------------------------------------------------------- */

static bool push_all(struct parse *p, const char *word)
{
    for (size_t a = 0; word && a < p->opts->napps; a++)
        if (!parse_push(p, &p->opts->more[a].place, word))
            return false;
    return word != NULL;
}

static bool read_count(struct parse *p, const char *name, const char *text, uint32_t *out)
{
    return parse_number(p, name, text, 1, 1 << 20, out);
}

/* MPIT_CPUS_R<rank>=N among all variables. */
static bool read_cpus_of_ranks(struct parse *p)
{
    static const char prefix[] = "MPIT_CPUS_R";
    for (char **e = environ; e && *e; e++) {
        char *end;
        uint32_t n;
        if (strncmp(*e, prefix, sizeof prefix - 1) != 0)
            continue;
        const char *digits = *e + sizeof prefix - 1;
        unsigned long rank = strtoul(digits, &end, 10);
        if (!isdigit((unsigned char)*digits) || *end != '=' || rank > 1000000)
            continue; /* somebody else's */
        if (!read_count(p, parse_printf(p, "MPIT_CPUS_R%lu", rank), end + 1, &n) ||
            !push_all(p, parse_printf(p, "r%lu=%u", rank, n)))
            return false;
    }
    return true;
}

/* A list of numbers is where ranks begin, a word is an order as of -map-by. */
static bool read_procmap(struct parse *p, const char *text)
{
    if (isdigit((unsigned char)*text)) {
        if (strspn(text, "0123456789,") != strlen(text))
            return parse_fail(p,
                              "MPIT_PROCMAP=%s: must be numbers of processors separated "
                              "by commas, packed, core, numa or socket",
                              text);
        return push_all(p, parse_printf(p, "procs=%s", text));
    }
    struct opts *o = p->opts;
    size_t napps = o->napps;
    bool ok = true;
    for (o->napps = 1; ok && o->napps <= napps; o->napps++) { /* parse_more is the last one's */
        bool bound = parse_more(p)->bound;
        parse_more(p)->bound = true; /* only MPIT_BIND_TO_PROCESSOR_SET binds */
        ok = value_map(p, "MPIT_PROCMAP", text);
        parse_more(p)->bound = bound;
    }
    o->napps = napps;
    return ok;
}

static bool read_processors(struct parse *p)
{
    const char *cpus = getenv("MPIT_CPUS"), *map = getenv("MPIT_PROCMAP"),
               *bind = getenv("MPIT_BIND_TO_PROCESSOR_SET");
    uint32_t n;
    for (size_t a = 0; a < p->opts->napps; a++)
        if (p->opts->more[a].place.n > 0)
            return true; /* -bind-to or -map-by has spoken */
    if (bind && !is_yes(bind) && !is_no(bind))
        return parse_fail(p, "MPIT_BIND_TO_PROCESSOR_SET=%s: must be yes or no", bind);
    if (cpus && (!read_count(p, "MPIT_CPUS", cpus, &n) ||
                 !push_all(p, parse_printf(p, "cpus=%u", n))))
        return false;
    if (map && *map && !read_procmap(p, map))
        return false;
    return read_cpus_of_ranks(p) && (!bind || is_no(bind) || push_all(p, "bind=core"));
}

bool variables_read(struct parse *p)
{
    const char *timeout = getenv("MPIEXEC_TIMEOUT"),
               *usize = getenv("MPIEXEC_UNIVERSE_SIZE");
    if (!p->prefix_given && !p->opts->label)
        read_prefixes(p->opts);
    if (timeout && !p->timeout_given && !value_seconds(p, "MPIEXEC_TIMEOUT", timeout))
        return false;
    if (usize && !p->usize_given && !value_usize(p, "MPIEXEC_UNIVERSE_SIZE", usize))
        return false;
    return read_buffers(p) && check_ports(p, "MPIEXEC_PORT_RANGE") &&
           check_ports(p, "MPICH_PORT_RANGE") && read_processors(p);
}
