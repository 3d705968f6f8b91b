/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading what is said about hosts. */
#include "hostspec.h"

#include "env.h"
#include "state.h"

#include <errno.h>
#include <pvmx/engine/vm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPEED_MAX = 1000000 };
#define BLANK " \t\r\n"

static int copy(char *to, size_t size, const char *from)
{
    return (size_t)snprintf(to, size, "%s", from) < size ? PvmOk : PvmBadParam;
}

/* Places for programs and directories (ep, wd, bx), PVM's ways to ask for passwords (so) and ids of
 * machines (id) are the daemon's own affair there: they are taken and not used. */
static int option(struct p3_hostspec *s, const char *word)
{
    static const char names[][3] = {"lo", "dx", "ip", "sp", "so", "ep", "wd", "bx", "id"};
    const char *value = word + 3;
    size_t i = 0, n = sizeof names / sizeof names[0];
    while (i < n && strncmp(word, names[i], 2) != 0)
        i++;
    if (i == n || word[2] != '=')
        return PvmBadParam;
    switch (i) {
    case 0:
        return copy(s->user, sizeof s->user, value);
    case 1:
        p3_env_expand(value, s->daemon, sizeof s->daemon);
        return PvmOk;
    case 2:
        return copy(s->address, sizeof s->address, value);
    case 3:
        s->speed = (uint32_t)strtoul(value, NULL, 10);
        return s->speed >= 1 && s->speed <= SPEED_MAX ? PvmOk : PvmBadParam;
    default:
        return PvmOk;
    }
}

static int options(struct p3_hostspec *s, char *words)
{
    char *save = NULL;
    int cc = PvmOk;
    for (char *w = strtok_r(words, BLANK, &save); !cc && w; w = strtok_r(NULL, BLANK, &save))
        cc = option(s, w);
    return cc;
}

/* PVM_RSH is called as PVM calls it, in place of the daemon's launcher, but without -n: what the new
 * daemon has to know comes through its standard input. */
static void by_rsh(struct p3_hostspec *s)
{
    const char *rsh = p3_env("PVM_RSH");
    if (*rsh && !strchr(rsh, '%'))
        snprintf(s->launcher, sizeof s->launcher, "%s %%h%s %%c", rsh,
                 *s->user ? " -l %u" : "");
}

int p3_hostspec_read(const char *line, const struct p3_hostspec *dflt, struct p3_hostspec *out)
{
    if (!line)
        return PvmBadParam;
    char *words = strdup(line + strspn(line, BLANK));
    if (!words)
        return PvmNoMem;
    size_t len = strcspn(words, BLANK);
    char *rest = words + len + (words[len] != 0);
    words[len] = 0;
    *out = dflt ? *dflt : (struct p3_hostspec){.speed = 0};
    if (!*out->daemon)
        p3_env_expand(p3_env("PVM_DPATH"), out->daemon, sizeof out->daemon);
    int cc = len ? copy(out->name, sizeof out->name, words) : PvmBadParam;
    if (!cc)
        cc = options(out, rest);
    if (!cc)
        by_rsh(out);
    free(words);
    return cc;
}

struct pvmx_host_spec p3_hostspec_view(const struct p3_hostspec *s)
{
    return (struct pvmx_host_spec){.name = s->name,
                                   .launcher = s->launcher,
                                   .address = s->address,
                                   .user = s->user,
                                   .daemon = s->daemon,
                                   .speed = s->speed};
}

/* ---- files ------------------------------------------------------------------------------------ */

struct reading {
    struct p3_hostspec *list, dflt;
    int n;
};

/* One line without its comment. */
static int take_line(struct reading *r, char *line)
{
    struct p3_hostspec s;
    line += strspn(line, BLANK);
    if (!*line || *line == '&') /* & only says how a host is to be started later */
        return PvmOk;
    if (*line == '*')
        return options(&r->dflt, line + 1);
    int cc = p3_hostspec_read(line + (*line == '$'), &r->dflt, &s);
    if (cc)
        return cc;
    struct p3_hostspec *more = realloc(r->list, ((size_t)r->n + 1) * sizeof *more);
    if (!more)
        return PvmNoMem;
    r->list = more;
    r->list[r->n++] = s;
    return PvmOk;
}

int p3_hostfile_read(const char *path, struct p3_hostspec **list)
{
    struct reading r = {.n = 0};
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    if (!f) {
        fprintf(stderr, "libpvm: cannot read host file %s: %s\n", path, strerror(errno));
        return PvmNoFile;
    }
    for (int number = 1; getline(&line, &cap, f) >= 0; number++) {
        line[strcspn(line, "#\n")] = 0;
        if (take_line(&r, line) != PvmOk)
            fprintf(stderr, "libpvm: %s:%d makes no sense: %s\n", path, number, line);
    }
    free(line);
    fclose(f);
    *list = r.list;
    return r.n;
}
