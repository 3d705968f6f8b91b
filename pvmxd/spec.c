/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of hosts that are to be added. */
#include "spec.h"
#include "base/err.h"
#include "hosts.h"
#include "join.h"
#include "launcher.h"
#include "server.h"
#include "spread.h"
#include "table.h"
#include <string.h>

/* Texts that become lines of what a new daemon reads. */
static bool texts_ok(const struct pxp_host_spec *s)
{
    const char *const texts[] = {s->wdir, s->path, s->wrapper, s->debugger};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strlen(texts[i]) >= JOIN_TEXT)
            return false;
        for (const char *c = texts[i]; *c != '\0'; c++)
            if ((unsigned char)*c < ' ')
                return false;
    }
    return true;
}

bool spec_is_here(struct server *sv, const struct pxp_host_spec *s)
{
    return strcmp(launcher_name(s), "ssh") == 0 && *s->address == '\0' &&
           spread_is_here(s->name, sv->host);
}

pvmx_err spec_check(struct server *sv, const struct pxp_host_spec *s)
{
    if (!table_name_ok(s->name))
        return px_fail(PVMX_ERR_ARG, "\"%.80s\" is no name for a host", s->name);
    if (*launcher_name(s) == '\0')
        return px_fail(
            PVMX_ERR_ARG,
            "host %s: \"%.80s\" is no launcher: use fork, ssh, or a command with %%h "
            "(host) and %%c (command) in it",
            s->name, s->launcher);
    if (s->address[0] == '-' || s->user[0] == '-' || s->port > 65535)
        return px_fail(PVMX_ERR_ARG, "host %s: address, user or port make no sense", s->name);
    if (!texts_ok(s))
        return px_fail(
            PVMX_ERR_ARG,
            "host %s: wd=, ep=, bx= and wrapper= are texts of at most %d bytes "
            "without control characters",
            s->name, JOIN_TEXT - 1);
    if (spec_is_here(sv, s))
        return px_fail(PVMX_ERR_EXISTS,
                       "%s is host %s, which is in the virtual machine already", s->name,
                       sv->host);
    const struct host *h = hosts_named(sv, s->name);
    if (h != NULL && strcmp(h->name, s->name) == 0)
        return px_fail(PVMX_ERR_EXISTS, "host %s is in the virtual machine already", s->name);
    return PVMX_OK;
}
