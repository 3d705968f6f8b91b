/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts of options and files. The VM has one host as yet: names of others are an error that says so. */
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { SLOTS_MAX = 1000000 };

static bool same(const char *name, size_t len, const char *other, size_t other_len)
{
    return len == other_len && strncasecmp(name, other, len) == 0;
}

/* With or without its domain. */
static bool is_this_host(const char *name, size_t len)
{
    static const char *const self[] = {"localhost", "localhost.localdomain", "127.0.0.1",
                                       "[::1]"};
    char own[256] = "";
    gethostname(own, sizeof own - 1);
    for (size_t i = 0; i < sizeof self / sizeof *self; i++)
        if (same(name, len, self[i], strlen(self[i])))
            return true;
    size_t label = strcspn(own, "."), name_label = strcspn(name, ".:, \t\n");
    return same(name, len, own, strlen(own)) || same(name, len, own, label) ||
           (!own[label] && name_label < len && same(name, name_label, own, label));
}

static bool use_host(struct parse *p, const char *what, const char *name, size_t len,
                     uint32_t slots)
{
    char own[256] = "";
    if (is_this_host(name, len)) {
        p->opts->host_slots += slots;
        return p->opts->host_slots <= SLOTS_MAX ||
               parse_fail(p, "%s: more than %d slots", what, SLOTS_MAX);
    }
    gethostname(own, sizeof own - 1);
    return parse_fail(p,
                      "%s: %.*s is not a host of this virtual machine, whose only one is "
                      "%s",
                      what, (int)(len < 200 ? len : 200), name, own);
}

/* One host, perhaps with :N; an address in brackets keeps its colons. */
static bool read_host(struct parse *p, const char *what, const char *text, size_t len,
                      uint32_t slots)
{
    const char *from = *text == '[' ? memchr(text, ']', len) : text;
    from = from ? from : text;
    const char *colon = memchr(from, ':', len - (size_t)(from - text));
    if (colon) {
        char *number = parse_printf(p, "%.*s", (int)(text + len - colon - 1), colon + 1);
        if (!number || !parse_number(p, parse_printf(p, "%s %.*s", what, (int)len, text),
                                     number, 1, SLOTS_MAX, &slots))
            return false;
        len = (size_t)(colon - text);
    }
    if (len == 0)
        return parse_fail(p, "%s: the name of a host is missing", what);
    return use_host(p, what, text, len, slots);
}

bool hosts_list(struct parse *p, const char *what, const char *list)
{
    for (;; list++) {
        size_t len = strcspn(list, ",");
        if (!read_host(p, what, list, len, 0))
            return false;
        list += len;
        if (!*list)
            return true;
    }
}

/* slots=N, cpu=N; what else other systems have there means nothing here. */
static bool read_slots(struct parse *p, const char *where, char *word, uint32_t *slots)
{
    static const char *const names[] = {"slots=", "cpu=", "cpus=", "slots_max="};
    for (size_t i = 0; i < 3; i++)
        if (strncmp(word, names[i], strlen(names[i])) == 0)
            return parse_number(p, parse_printf(p, "%s: %s", where, names[i]),
                                word + strlen(names[i]), 1, SLOTS_MAX, slots);
    return strchr(word, '=') ||
           parse_fail(p, "%s: \"%s\" is not understood (HOST:N or HOST slots=N)", where,
                      word);
}

static bool read_line(struct parse *p, const char *where, char *line)
{
    char *save = NULL, *word;
    uint32_t slots = 0;
    line[strcspn(line, "#\n")] = '\0';
    char *host = strtok_r(line, " \t\r", &save);
    if (!host)
        return true;
    while ((word = strtok_r(NULL, " \t\r", &save)) != NULL)
        if (!read_slots(p, where, word, &slots))
            return false;
    return read_host(p, where, host, strlen(host), slots);
}

bool hosts_file(struct parse *p, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return parse_fail(p, "host file %s: %s", path, strerror(errno));
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    bool ok = true;
    while (ok && getline(&line, &size, f) >= 0) {
        const char *where = parse_printf(p, "host file %s, line %u", path, ++number);
        ok = where && read_line(p, where, line);
    }
    if (ok && ferror(f))
        ok = parse_fail(p, "host file %s: %s", path, strerror(errno));
    free(line);
    fclose(f);
    return ok;
}

bool hosts_arch(struct parse *p, const char *arch)
{
    struct utsname u;
    if (uname(&u) != 0 || strcasecmp(arch, u.machine) == 0)
        return true;
    return parse_fail(
        p,
        "-arch %s: no host of this virtual machine is one; its only one, %s, "
        "is %s",
        arch, u.nodename, u.machine);
}
