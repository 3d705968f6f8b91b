/* SPDX-License-Identifier: BSD-3-Clause */
/* See grow.h. */
#include "grow.h"

#include "base/command.h"
#include "base/err.h"
#include "proto/hello.h"
#include "proto/hostfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- how to reach a host ---------------------------------------------------------------------- */

/* The words of a command that ends with host and command, as ssh and rsh take them. */
static char *command_of(struct pxp_zone *z, const char *program)
{
    static const char rest[] = " %l %h %c";
    char *text = pxp_zone_alloc(z, 2 * strlen(program) + sizeof rest), *to = text;
    for (const char *c = program; text && *c; c++) {
        if (*c == '%')
            *to++ = '%';
        *to++ = *c;
    }
    if (text)
        memcpy(to, rest, sizeof rest);
    return text;
}

/* Launchers run in the daemon's directory. */
static pvmx_err keep_here(struct pxp_zone *z, struct pxp_host_spec *s)
{
    char *here = px_command_here(s->launcher);
    size_t size = here ? strlen(here) + 1 : 0;
    char *kept = here ? pxp_zone_alloc(z, size) : NULL;
    s->launcher = kept ? memcpy(kept, here, size) : NULL;
    free(here);
    return kept ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "out of memory");
}

/* What spec.launcher becomes where the host file says nothing: "" is the daemon's setting. */
static pvmx_err launcher_of(const struct opts *o, struct pxp_zone *z, struct pxp_host_spec *s)
{
    const char *name = o->launcher ? o->launcher : "", *exec = o->launcher_exec;
    if (s->launcher && *s->launcher)
        return PVMX_OK;
    if (exec && strcmp(name, "fork") != 0)
        s->launcher = strstr(exec, "%c") ? exec : command_of(z, exec);
    else if (strcmp(name, "rsh") == 0)
        s->launcher = command_of(z, "rsh");
    else if (!*name || strcmp(name, "ssh") == 0 || strcmp(name, "fork") == 0 ||
             strchr(name, '%'))
        s->launcher = name;
    else
        return px_fail(
            PVMX_ERR_ARG,
            "host %s is not in the virtual machine, and -launcher %s cannot add it: use "
            "ssh or fork, or -launcher-exec with a command that runs %%c on %%h",
            s->name, name);
    return s->launcher ? keep_here(z, s) : px_fail(PVMX_ERR_NOMEM, "out of memory");
}

/* ---- the requests ----------------------------------------------------------------------------- */

pvmx_err grow_begin(struct grow *g)
{
    struct pxp_hosts m = {0};
    if (g->opts->nwanted == 0)
        return PVMX_OK;
    g->serial = pxp_client_serial(g->client);
    return pxp_hosts_encode(&g->client->out, g->serial, &m); /* goes with the next round */
}

bool grow_over(const struct grow *g)
{
    return g->serial == 0;
}

/* As pvmxd/spread.h finds it, so that no host is added that the job would not find there. */
static bool is_there(const struct pxp_hosts_are *m, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < m->n_hosts; i++)
        if (m->hosts[i].state == PXP_HOST_UP &&
            (pxp_host_named(name, len, m->hosts[i].name) ||
             pxp_host_listens_at(name, len, m->hosts[i].addresses, m->hosts[i].n_addresses)))
            return true;
    return pxp_host_here(name, len) || pxp_host_own_address(name, len);
}

static pvmx_err on_hosts(struct grow *g, const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_hosts_are are;
    struct pxp_host_add m = {.passing = true};
    pvmx_err err = pxp_hosts_are_decode(body, len, &are, &zone);
    if (!err && !(m.hosts = pxp_zone_alloc(&zone, g->opts->nwanted * sizeof *m.hosts)))
        err = px_fail(PVMX_ERR_NOMEM, "out of memory");
    for (size_t i = 0; !err && i < g->opts->nwanted; i++) {
        if (is_there(&are, g->opts->wanted[i].name))
            continue;
        m.hosts[m.n_hosts] = g->opts->wanted[i];
        err = launcher_of(g->opts, &zone, &m.hosts[m.n_hosts++]);
    }
    g->serial = 0;
    if (!err && m.n_hosts > 0) {
        g->serial = pxp_client_serial(g->client);
        err = pxp_host_add_encode(&g->client->out, g->serial, &m);
    }
    pxp_zone_free(&zone);
    return err;
}

static pvmx_err on_added(struct grow *g, const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_host_added m;
    size_t bad = 0;
    pvmx_err err = pxp_host_added_decode(body, len, &m, &zone);
    g->serial = 0;
    for (size_t i = 0; !err && i < m.n_results; i++) {
        const struct pxp_host_result *r = &m.results[i];
        if (r->error != PVMX_OK) {
            bool needed = hosts_needed(g->opts, r->name);
            fprintf(stderr, "mpiexec: %s%s\n", *r->text ? r->text : pvmx_err_text(r->error),
                    needed ? "" : "; going on without it, since no process has to run there");
            bad += needed;
            if (!needed)
                hosts_drop(g->opts, r->name);
        } else if (g->opts->verbose)
            fprintf(stderr, "mpiexec: host %s was added\n", r->name);
    }
    if (bad)
        err = px_fail(PVMX_ERR_SPAWN,
                      "%zu of %zu hosts could not be added, so nothing was started", bad,
                      m.n_results);
    pxp_zone_free(&zone);
    return err;
}

pvmx_err grow_message(struct grow *g, uint32_t number, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    if (g->serial == 0 || serial != g->serial)
        return PVMX_OK;
    switch (number) {
    case PXP_HOSTS_ARE:
        return on_hosts(g, body, len);
    case PXP_HOST_ADDED:
        return on_added(g, body, len);
    case PXP_REFUSE:
        return pxp_client_refused(body, len);
    default:
        return PVMX_OK;
    }
}
