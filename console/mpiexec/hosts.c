/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts of options and files become the words of pvmxd/spread.h: the daemon knows the hosts of the VM. */
#include "parse.h"

#include "base/err.h"
#include "proto/hostfile.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MAX = 1000000 };

/* list, behind what *to has already. */
static bool append(struct parse *p, const char **to, const char *list)
{
    const char *before = *to ? *to : "";
    *to = parse_printf(p, "%s%s%s", before, *before ? "," : "", list);
    return *to != NULL;
}

/* One host, perhaps with :N; an address in brackets keeps its colons. */
static bool check_host(struct parse *p, const char *what, const char *text, size_t len)
{
    const char *end = *text == '[' ? memchr(text, ']', len) : text;
    const char *colon = end ? memchr(end, ':', len - (size_t)(end - text)) : NULL;
    uint32_t slots;
    if (len == 0 || colon == text)
        return parse_fail(p, "%s: the name of a host is missing", what);
    for (size_t i = 0; i < len; i++)
        if (isspace((unsigned char)text[i]))
            return parse_fail(p, "%s: \"%.*s\" is no name of a host (commas separate them)",
                              what, (int)(len < 100 ? len : 100), text);
    if (!colon)
        return true;
    char *number = parse_printf(p, "%.*s", (int)(text + len - colon - 1), colon + 1);
    return number && parse_number(p, parse_printf(p, "%s %.*s", what, (int)len, text),
                                  number, 1, SLOTS_MAX, &slots);
}

bool hosts_list(struct parse *p, const char *what, const char *list)
{
    struct opts_app *app = parse_more(p);
    for (const char *at = list; app; at++) {
        size_t len = strcspn(at, ",");
        if (!check_host(p, what, at, len))
            return false;
        at += len;
        if (!*at)
            return append(p, &app->hosts, list);
    }
    return false;
}

bool hosts_file(struct parse *p, const char *path)
{
    struct pxp_hostfile f;
    uint32_t slots = 0;
    if (pxp_hostfile_read(path, &f) != PVMX_OK)
        return parse_fail(p, "%s", pvmx_last_error());
    char *list = pxp_hostfile_list(&f, &slots);
    pxp_hostfile_free(&f);
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

bool hosts_where(struct parse *p, const struct opts_app *app, const char **where)
{
    const char *hosts = app->hosts ? app->hosts : p->opts->hosts;
    bool each = p->opts->ppn != 0;
    *where = "";
    if (!hosts && !app->arch && !each)
        return true;
    if (hosts)
        *where = parse_printf(p, "hosts=%s ", hosts);
    if (app->arch && *where)
        *where = parse_printf(p, "%sarch=%s ", *where, app->arch);
    if (each && *where)
        *where = parse_printf(p, "%seach=%u ", *where, p->opts->ppn);
    return *where != NULL;
}
