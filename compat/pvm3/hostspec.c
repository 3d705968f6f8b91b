/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading what is said about hosts. */
#include "hostspec.h"

#include "state.h"

#include "base/pvmenv.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* dx=, else PVM_DPATH, with its variables. */
static char *daemon_of(const struct pvmx_host_spec *s)
{
    char text[PATH_MAX];
    px_pvm_expand(*s->daemon ? s->daemon : px_pvm_env("PVM_DPATH"), text, sizeof text);
    return strdup(text);
}

/* PVM_RSH is called as PVM calls it, in place of the daemon's launcher, but without -n: what the new
 * daemon has to know comes through its standard input. */
static char *launcher_of(const struct pvmx_host_spec *s)
{
    char text[PATH_MAX];
    const char *rsh = px_pvm_env("PVM_RSH");
    if (*s->launcher || !*rsh || strchr(rsh, '%'))
        return strdup(s->launcher);
    snprintf(text, sizeof text, "%s %%h %%l %%c", rsh);
    return strdup(text);
}

static int complete(struct p3_hosts *h)
{
    h->texts = calloc(2 * h->list.n + 1, sizeof *h->texts);
    if (!h->texts)
        return PvmNoMem;
    for (size_t i = 0; i < h->list.n; i++) {
        struct pvmx_host_spec *s = &h->list.specs[i];
        char *daemon = h->texts[2 * i] = daemon_of(s);
        char *launcher = h->texts[2 * i + 1] = launcher_of(s);
        if (!daemon || !launcher)
            return PvmNoMem;
        s->daemon = daemon;
        s->launcher = launcher;
    }
    return PvmOk;
}

int p3_hosts_read(const char *path, const char *line, struct p3_hosts *out)
{
    *out = (struct p3_hosts){0};
    if (!path && !line)
        return PvmBadParam;
    pvmx_err err = pvmx_engine_hosts_read(path, line, &out->list);
    if (err && path && pvmautoerr > 0)
        fprintf(stderr, "libpvm [t%x]: %s\n", (unsigned)pvmmytid, pvmx_last_error());
    if (err)
        return err == PVMX_ERR_NOMEM ? PvmNoMem
               : err == PVMX_ERR_ARG ? PvmBadParam
                                     : PvmNoFile;
    int cc = !path && out->list.n != 1 ? PvmBadParam : complete(out);
    if (cc)
        p3_hosts_free(out);
    return cc;
}

void p3_hosts_free(struct p3_hosts *h)
{
    for (size_t i = 0; h->texts && i < 2 * h->list.n; i++)
        free(h->texts[i]);
    free(h->texts);
    pvmx_engine_host_list_free(&h->list);
    h->texts = NULL;
}
