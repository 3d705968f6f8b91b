/* SPDX-License-Identifier: BSD-3-Clause */
/* See hostfile.h. */
#include "proto/hostfile.h"
#include "base/buf.h"
#include "base/err.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    NAME_BYTES = 255,
    SLOTS_MAX = 1000000,
    SPEED_MAX = 1000000,
    SECONDS_MAX = 86400,
    READ_BYTES = 64 * 1024,
};

#define BLANKS " \t\r\v\f"
#define FIELD(name) offsetof(struct pxp_hostfile_host, name)

struct parse {
    struct pxp_hostfile *f;
    const char *name;
    unsigned line;
};

enum kind { TEXT, NUMBER, SECONDS, SCHEDULE, START, NOTHING };

static const struct key {
    char name[20];
    enum kind kind;
    size_t field;
    uint32_t most;
} keys[] = {
    {"lo", TEXT, FIELD(spec.user), 0},
    {"user", TEXT, FIELD(spec.user), 0},
    {"username", TEXT, FIELD(spec.user), 0},
    {"user_name", TEXT, FIELD(spec.user), 0},
    {"dx", TEXT, FIELD(spec.daemon), 0},
    {"ep", TEXT, FIELD(spec.path), 0},
    {"wd", TEXT, FIELD(spec.wdir), 0},
    {"bx", TEXT, FIELD(spec.debugger), 0},
    {"ip", TEXT, FIELD(spec.address), 0},
    {"sp", NUMBER, FIELD(spec.speed), SPEED_MAX},
    {"so", START, 0, 0},
    {"id", NOTHING, 0, 0},
    {"cpu", NUMBER, FIELD(spec.slots), SLOTS_MAX},
    {"cpus", NUMBER, FIELD(spec.slots), SLOTS_MAX},
    {"count", NUMBER, FIELD(spec.slots), SLOTS_MAX},
    {"slots", NUMBER, FIELD(spec.slots), SLOTS_MAX},
    {"max_slots", NUMBER, FIELD(max_slots), SLOTS_MAX},
    {"max-slots", NUMBER, FIELD(max_slots), SLOTS_MAX},
    {"slots_max", NUMBER, FIELD(max_slots), SLOTS_MAX},
    {"schedule", SCHEDULE, 0, 0},
    {"port", NUMBER, FIELD(spec.port), 65535},
    {"launcher", TEXT, FIELD(spec.launcher), 0},
    {"ssh", TEXT, FIELD(spec.options), 0},
    {"wrapper", TEXT, FIELD(spec.wrapper), 0},
    {"timeout", SECONDS, FIELD(spec.timeout_ms), SECONDS_MAX},
    {"binding", NOTHING, 0, 0},
    {"map", NOTHING, 0, 0},
    {"ifname", NOTHING, 0, 0},
    {"netmask", NOTHING, 0, 0},
    {"boards", NOTHING, 0, 0},
    {"sockets_per_board", NOTHING, 0, 0},
    {"cores_per_socket", NOTHING, 0, 0},
};

static pvmx_err bad(const struct parse *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static pvmx_err bad(const struct parse *p, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return *p->name == '\0'
               ? px_fail(PVMX_ERR_ARG, "%s", text)
               : px_fail(PVMX_ERR_ARG, "%.250s, line %u: %s", p->name, p->line, text);
}

/* ---- words ------------------------------------------------------------------------------------ */

/* The next word of the line, quotes taken away, in place; NULL: there is none, or *err. */
static char *next_word(const struct parse *p, char **at, pvmx_err *err)
{
    char *from = *at + strspn(*at, BLANKS), *to = from, *begin = from;
    if (*from == '\0' || *from == '#')
        return NULL;
    while (*from != '\0' && strchr(BLANKS, *from) == NULL) {
        char quote = *from == '"' || *from == '\'' ? *from++ : '\0';
        while (quote != '\0' && *from != '\0' && *from != quote)
            *to++ = *from++;
        if (quote == '\0')
            *to++ = *from++;
        else if (*from++ == '\0') {
            *err = bad(p, "a quotation mark %c is not closed", quote);
            return NULL;
        }
    }
    *at = from + (*from != '\0');
    *to = '\0';
    return begin;
}

static pvmx_err read_number(const struct parse *p, const char *what, const char *text,
                            uint32_t most, uint32_t *out)
{
    uint64_t v = 0;
    size_t n = strspn(text, "0123456789");
    for (size_t i = 0; i < n && v <= most; i++)
        v = v * 10 + (uint64_t)(text[i] - '0');
    if (n == 0 || text[n] != '\0' || v == 0 || v > most)
        return bad(p, "\"%.40s\" is no number of %s from 1 to %u", text, what, most);
    *out = (uint32_t)v;
    return PVMX_OK;
}

/* ---- options ---------------------------------------------------------------------------------- */

static pvmx_err set_value(const struct parse *p, const struct key *k, const char *value,
                          struct pxp_hostfile_host *h)
{
    void *field = (char *)h + k->field;
    pvmx_err err = PVMX_OK;
    switch (k->kind) {
    case TEXT:
        if (*value == '\0' || (*value == '-' && k->field != FIELD(spec.options)))
            return bad(p, "\"%s=%.80s\" says nothing that can be used", k->name, value);
        *(const char **)field = value;
        break;
    case NUMBER:
    case SECONDS:
        err = read_number(p, k->name, value, k->most, field);
        if (err == PVMX_OK && k->kind == SECONDS)
            *(uint32_t *)field *= 1000;
        break;
    case SCHEDULE:
        h->unschedule = strcmp(value, "no") == 0;
        if (!h->unschedule && strcmp(value, "yes") != 0)
            return bad(p, "schedule=%.40s must be schedule=yes or schedule=no", value);
        break;
    case START:
        if (strcmp(value, "pw") != 0)
            return bad(
                p,
                "so=%.40s: hosts are not started by hand; say launcher=\"COMMAND\" with "
                "%%h for the host and %%c for what it is to run",
                value);
        break; /* nobody is asked for passwords: ssh says what it misses */
    case NOTHING:
        break;
    }
    return err;
}

static pvmx_err read_option(const struct parse *p, char *word, struct pxp_hostfile_host *h)
{
    char *value = strchr(word, '=');
    if (value == NULL)
        return bad(p,
                   "\"%.80s\" is not understood: a line is HOST, HOST:SLOTS or HOST with "
                   "options such as slots=4",
                   word);
    *value++ = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i].name, word) == 0)
            return set_value(p, &keys[i], value, h);
    return bad(
        p,
        "there is no option %.80s=: use slots= (cpu=), user= (lo=), sp=, dx=, wd=, ep=, "
        "bx=, ip=, port=, schedule=, launcher=, ssh=, wrapper= or timeout=",
        word);
}

static pvmx_err read_options(const struct parse *p, char *at, struct pxp_hostfile_host *h)
{
    pvmx_err err = PVMX_OK;
    char *word;
    while (err == PVMX_OK && (word = next_word(p, &at, &err)) != NULL)
        err = read_option(p, word, h);
    return err;
}

/* ---- names ------------------------------------------------------------------------------------ */

/* An IPv6 address, perhaps with the interface that it is of. */
static bool is_address(const char *name)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr six;
    size_t n = strcspn(name, "%");
    if (n >= sizeof text)
        return false;
    memcpy(text, name, n);
    text[n] = '\0';
    return inet_pton(AF_INET6, text, &six) == 1;
}

static pvmx_err check_name(const struct parse *p, const char *name)
{
    size_t n = strlen(name);
    if (n == 0)
        return bad(p, "the name of a host is missing");
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || strchr(",/+*&$=@#[]\"'\\\x7f", *c) != NULL)
            return bad(p, "\"%.80s\" is no name of a host (one host stands on each line)",
                       name);
    if (strchr(name, ':') != NULL && !is_address(name))
        return bad(p, "\"%.80s\" is neither an address nor HOST:SLOTS", name);
    if (n > NAME_BYTES || *name == '-' || *name == '^')
        return bad(p, "\"%.80s\" is no name of a host", name);
    return PVMX_OK;
}

/* [USER@]HOST[:SLOTS]; an address with colons stands between brackets, or has no slots behind it. */
static pvmx_err read_name(const struct parse *p, char *word, struct pxp_hostfile_host *h)
{
    char *at = strchr(word, '@');
    if (at != NULL) {
        *at = '\0';
        h->spec.user = word;
        if (*word == '\0' || *word == '-')
            return bad(p, "\"@%.80s\": the name of a user is missing", at + 1);
        word = at + 1;
    }
    char *slots = NULL;
    if (*word == '[') {
        char *end = strchr(++word, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return bad(p, "\"[%.80s\": an address is [ADDRESS] or [ADDRESS]:SLOTS", word);
        slots = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
    } else if ((at = strchr(word, ':')) != NULL && strchr(at + 1, ':') == NULL) {
        *at = '\0';
        slots = at + 1;
    }
    h->spec.name = word;
    pvmx_err err = check_name(p, word);
    if (err == PVMX_OK && slots != NULL)
        err = read_number(p, "slots", slots, SLOTS_MAX, &h->spec.slots);
    return err;
}

/* ---- lines ------------------------------------------------------------------------------------ */

static struct pxp_hostfile_host nothing_said(void)
{
    return (struct pxp_hostfile_host){.spec = {.name = "",
                                               .launcher = "",
                                               .address = "",
                                               .user = "",
                                               .daemon = "",
                                               .wrapper = "",
                                               .wdir = "",
                                               .path = "",
                                               .debugger = "",
                                               .options = ""}};
}

const struct pxp_hostfile_host *pxp_hostfile_find(const struct pxp_hostfile *f,
                                                  const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->hosts[i].spec.name, name) == 0)
            return &f->hosts[i];
    return NULL;
}

static pvmx_err add_host(const struct parse *p, const struct pxp_hostfile_host *h)
{
    struct pxp_hostfile *f = p->f;
    struct pxp_hostfile_host *known =
        (struct pxp_hostfile_host *)(uintptr_t)pxp_hostfile_find(f, h->spec.name);
    if (known != NULL) {
        uint32_t slots = (known->spec.slots != 0 ? known->spec.slots : 1) +
                         (h->spec.slots != 0 ? h->spec.slots : 1);
        unsigned line = known->line;
        *known = *h;
        known->line = line;
        known->spec.slots = slots;
        return slots <= SLOTS_MAX
                   ? PVMX_OK
                   : bad(p, "host %.80s has more than %d slots", h->spec.name, SLOTS_MAX);
    }
    if (f->n == PXP_HOSTFILE_HOSTS)
        return bad(p, "a virtual machine has at most %d hosts", PXP_HOSTFILE_HOSTS);
    if (f->n == f->cap) {
        size_t cap = f->cap != 0 ? 2 * f->cap : 16;
        struct pxp_hostfile_host *more = realloc(f->hosts, cap * sizeof *more);
        if (more == NULL)
            return px_fail(PVMX_ERR_NOMEM, "no memory for %.250s", p->name);
        f->hosts = more;
        f->cap = cap;
    }
    f->hosts[f->n++] = *h;
    return PVMX_OK;
}

static pvmx_err read_line(const struct parse *p, char *line)
{
    char *at = line + strspn(line, BLANKS);
    struct pxp_hostfile_host h = p->f->defaults;
    if (*at == '*') {
        pvmx_err err = read_options(p, at + 1, &h);
        if (err == PVMX_OK)
            p->f->defaults = h;
        return err;
    }
    h.line = p->line;
    h.later = *at == '&';
    at += h.later;
    at += strspn(at, BLANKS);
    bool shares = *at == '$'; /* a daemon finds by itself that another one is there */
    at += shares;
    pvmx_err err = PVMX_OK;
    char *name = next_word(p, &at, &err);
    if (name == NULL)
        return err == PVMX_OK && (h.later || shares) ? bad(p, "a host has no name") : err;
    err = read_name(p, name, &h);
    if (err == PVMX_OK)
        err = read_options(p, at, &h);
    if (err == PVMX_OK && h.max_slots != 0 &&
        (h.spec.slots == 0 || h.spec.slots > h.max_slots))
        h.spec.slots = h.max_slots;
    return err == PVMX_OK ? add_host(p, &h) : err;
}

/* Puts lines that end with '\' together with the next; returns where the next line begins. */
static char *cut_line(struct parse *p, char *from)
{
    for (char *at = from;; at++) {
        at += strcspn(at, "\n");
        if (*at == '\0')
            return at;
        p->line++;
        if (at > from && at[-1] == '\\') {
            at[-1] = *at = ' ';
            continue;
        }
        *at = '\0';
        return at + 1;
    }
}

static pvmx_err parse(const char *name, const char *text, size_t len,
                      void (*said)(const char *sentence), struct pxp_hostfile *out)
{
    struct parse p = {.f = out, .name = name, .line = 1};
    pvmx_err err = PVMX_OK;
    *out = (struct pxp_hostfile){.defaults = nothing_said()};
    if (len > PXP_HOSTFILE_BYTES || memchr(text, '\0', len) != NULL)
        return px_fail(PVMX_ERR_ARG, "%.250s is no text of at most %d MiB", name,
                       PXP_HOSTFILE_BYTES >> 20);
    char *copy = pxp_zone_alloc(&out->zone, len + 1);
    if (copy == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for %.250s", name);
    memcpy(copy, text, len);
    if (strncmp(copy, "\xef\xbb\xbf", 3) == 0) /* as editors of other systems mark UTF-8 */
        copy += 3;
    for (char *at = copy; err == PVMX_OK && *at != '\0';) {
        unsigned first = p.line;
        char *next = cut_line(&p, at);
        unsigned after = p.line;
        p.line = first;
        err = read_line(&p, at);
        if (err == PVMX_ERR_ARG && said != NULL) {
            said(pvmx_last_error());
            err = PVMX_OK;
        }
        p.line = after;
        at = next;
    }
    if (err != PVMX_OK)
        pxp_hostfile_free(out);
    return err;
}

pvmx_err pxp_hostfile_parse(const char *name, const char *text, size_t len,
                            struct pxp_hostfile *out)
{
    return parse(name, text, len, NULL, out);
}

static pvmx_err read_file(const char *path, void (*said)(const char *sentence),
                          struct pxp_hostfile *out)
{
    struct px_buf b = {0};
    char name[250];
    snprintf(name, sizeof name, "host file %s", path);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return px_fail_errno(errno, "%s", name);
    pvmx_err err = PVMX_OK;
    size_t n = 1;
    while (err == PVMX_OK && n > 0 && px_buf_len(&b) <= PXP_HOSTFILE_BYTES) {
        uint8_t *to = px_buf_reserve(&b, READ_BYTES);
        if (to == NULL)
            err = px_fail(PVMX_ERR_NOMEM, "no memory for %s", name);
        else
            b.end += n = fread(to, 1, READ_BYTES, f);
    }
    if (err == PVMX_OK && ferror(f))
        err = px_fail_errno(errno, "%s", name);
    fclose(f);
    if (err == PVMX_OK)
        err = parse(name, (const char *)px_buf_head(&b), px_buf_len(&b), said, out);
    px_buf_free(&b);
    return err;
}

pvmx_err pxp_hostfile_read(const char *path, struct pxp_hostfile *out)
{
    return read_file(path, NULL, out);
}

void pxp_hostfile_salvage(const char *path, void (*said)(const char *sentence),
                          struct pxp_hostfile *out)
{
    if (read_file(path, said, out) != PVMX_OK) {
        said(pvmx_last_error());
        *out = (struct pxp_hostfile){.defaults = nothing_said()};
    }
}

void pxp_hostfile_free(struct pxp_hostfile *f)
{
    pxp_zone_free(&f->zone);
    free(f->hosts);
    *f = (struct pxp_hostfile){0};
}

/* ---- what follows from a file ----------------------------------------------------------------- */

void pxp_hostfile_advise(const struct pxp_hostfile *f, struct pxp_host_spec *spec)
{
    const struct pxp_hostfile_host *h = pxp_hostfile_find(f, spec->name);
    const struct pxp_host_spec *from = h != NULL ? &h->spec : &f->defaults.spec;
    if (from->name == NULL) /* no file */
        return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i].field == FIELD(max_slots))
            continue;
        void *to = (char *)spec + keys[i].field - FIELD(spec);
        const void *value = (const char *)from + keys[i].field - FIELD(spec);
        if (keys[i].kind == TEXT && **(const char **)to == '\0')
            *(const char **)to = *(const char *const *)value;
        else if ((keys[i].kind == NUMBER || keys[i].kind == SECONDS) && *(uint32_t *)to == 0)
            *(uint32_t *)to = *(const uint32_t *)value;
    }
}

char *pxp_hostfile_list(const struct pxp_hostfile *f, uint32_t *slots)
{
    struct px_buf b = {0};
    uint32_t sum = 0;
    pvmx_err err = px_buf_append(&b, "", 1);
    for (size_t i = 0; err == PVMX_OK && i < f->n; i++) {
        const struct pxp_hostfile_host *h = &f->hosts[i];
        char word[NAME_BYTES + 32];
        bool colons = strchr(h->spec.name, ':') != NULL;
        if (h->later || h->unschedule)
            continue;
        int n = snprintf(word, sizeof word, "%s%s%s%s", px_buf_len(&b) > 1 ? "," : "",
                         colons ? "[" : "", h->spec.name, colons ? "]" : "");
        if (h->spec.slots != 0)
            n += snprintf(word + n, sizeof word - (size_t)n, ":%u", h->spec.slots);
        sum += h->spec.slots;
        b.end--; /* the NUL */
        err = px_buf_append(&b, word, (size_t)n + 1);
    }
    char *list = err == PVMX_OK ? strdup((const char *)px_buf_head(&b)) : NULL;
    px_buf_free(&b);
    if (list == NULL)
        px_fail(PVMX_ERR_NOMEM, "no memory for a list of hosts");
    else if (slots != NULL)
        *slots = sum;
    return list;
}

/* ---- names of hosts --------------------------------------------------------------------------- */

static bool same(const char *a, size_t len, const char *b, size_t blen)
{
    return len == blen && strncasecmp(a, b, len) == 0;
}

bool pxp_host_named(const char *name, size_t len, const char *host)
{
    size_t label = strcspn(host, "."), name_label = strcspn(name, ".:,+ ");
    return same(name, len, host, strlen(host)) || same(name, len, host, label) ||
           (host[label] == '\0' && name_label < len && same(name, name_label, host, label));
}

bool pxp_host_here(const char *name, size_t len)
{
    static const char self[][24] = {"localhost", "localhost.localdomain", "127.0.0.1",
                                    "::1", "[::1]"};
    for (size_t i = 0; i < sizeof self / sizeof *self; i++)
        if (same(name, len, self[i], strlen(self[i])))
            return true;
    return false;
}

/* An address of this kind (AF_INET, AF_INET6) as it stands in a list of interfaces. */
static bool holds_address(const struct sockaddr *a, int family, const void *bytes)
{
    if (a == NULL || a->sa_family != family)
        return false;
    return family == AF_INET
               ? memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr, bytes,
                        sizeof(struct in_addr)) == 0
               : memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, bytes,
                        sizeof(struct in6_addr)) == 0;
}

bool pxp_host_own_address(const char *name, size_t len)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t bytes[sizeof(struct in6_addr)];
    struct ifaddrs *all;
    bool found = false;
    if (len > 2 && name[0] == '[' && name[len - 1] == ']') {
        name++;
        len -= 2;
    }
    if (len >= sizeof text)
        return false;
    memcpy(text, name, len);
    text[len] = '\0';
    int family = inet_pton(AF_INET, text, bytes) == 1    ? AF_INET
                 : inet_pton(AF_INET6, text, bytes) == 1 ? AF_INET6
                                                         : AF_UNSPEC;
    if (family == AF_UNSPEC)
        return false;
    if (family == AF_INET && bytes[0] == 127) /* all of the network is this host */
        return true;
    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next)
        found = holds_address(i->ifa_addr, family, bytes);
    freeifaddrs(all);
    return found;
}

bool pxp_host_listens_at(const char *name, size_t len, const char *const *addresses, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *port = strrchr(addresses[i], ':');
        size_t alen = port != NULL ? (size_t)(port - addresses[i]) : strlen(addresses[i]);
        const char *bare = *addresses[i] == '[' && alen > 2 ? addresses[i] + 1 : NULL;
        if (len > 0 && (same(name, len, addresses[i], alen) ||
                        (bare != NULL && same(name, len, bare, alen - 2))))
            return true;
    }
    return false;
}
