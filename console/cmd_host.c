/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that make the virtual machine larger and smaller: add, delete. */
#include "cmds.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* A number from 1 on; 0: it is none. */
static uint32_t read_number(const char *word)
{
    char *end;
    unsigned long v = strtoul(word, &end, 10);
    return *word >= '0' && *word <= '9' && !*end && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static int option(const struct cmd *cmd, const struct args *a, char letter,
                  const char *what, uint32_t *out)
{
    const char *word = args_value(a, letter);
    *out = word ? read_number(word) : 0;
    if (word && !*out)
        return cmd_usage(cmd, "%s: \"%s\" is no %s (-%c takes a number from 1 on)",
                         cmd->name, word, what, letter);
    return CMD_OK;
}

/* [USER@]HOST[:SLOTS]; changes the word. */
static int read_host(const struct cmd *cmd, char *word, struct pxp_host_spec *s)
{
    char *at = strchr(word, '@'), *colon = strrchr(word, ':');
    if (at) {
        *at = '\0';
        s->user = word;
        word = at + 1;
    }
    if (colon && strchr(word, ':') == colon) { /* several: an IPv6 address */
        *colon = '\0';
        s->slots = read_number(colon + 1);
        if (!s->slots)
            return cmd_usage(cmd, "add: \"%s\" is no number of slots for host %s",
                             colon + 1, word);
    }
    s->name = word;
    return *word ? CMD_OK : cmd_usage(cmd, "add: a host has no name");
}

/* Says what has become of each host; CMD_FAILED when not all went well. */
static int tell(struct console *c, const struct cmd *cmd, uint32_t serial)
{
    struct pxp_host_added m;
    struct pxp_zone zone = {0};
    uint8_t *body = NULL;
    size_t len, bad = 0;
    struct out o;
    pvmx_err err = link_send(&c->link, NULL, 0);
    if (!err)
        err = link_answer(&c->link, serial, PXP_HOST_ADDED, &body, &len);
    if (!err)
        err = pxp_host_added_decode(body, len, &m, &zone);
    if (err) {
        free(body);
        return cmd_error();
    }
    out_begin(&o, cmd->columns, c->json);
    for (size_t i = 0; i < m.n_results; i++) {
        const struct pxp_host_result *r = &m.results[i];
        bad += r->error != PVMX_OK;
        out_row(&o, (struct out_cell[]){{.text = r->name},
                                        {.number = r->index},
                                        {.text = pvmx_err_name(r->error)},
                                        {.text = r->text}});
    }
    out_end(&o);
    int status = bad ? cmd_fail("%s: %zu of %zu hosts failed", cmd->name, bad, m.n_results)
                     : CMD_OK;
    pxp_zone_free(&zone);
    free(body);
    return status;
}

static int run_add(struct console *c, const struct cmd *cmd, struct args *a)
{
    const char *launcher = args_value(a, 'l'), *daemon = args_value(a, 'd');
    uint32_t slots, speed, seconds, port;
    int status = option(cmd, a, 'n', "number of slots", &slots);
    if (!status)
        status = option(cmd, a, 's', "speed", &speed);
    if (!status)
        status = option(cmd, a, 't', "number of seconds", &seconds);
    if (!status)
        status = option(cmd, a, 'p', "port", &port);
    struct pxp_host_spec *specs = calloc((size_t)a->n, sizeof *specs);
    if (!specs)
        return cmd_fail("out of memory");
    for (int i = 0; i < a->n && !status; i++) {
        specs[i] = (struct pxp_host_spec){.name = "",
                                          .launcher = launcher ? launcher : "",
                                          .address = "",
                                          .user = "",
                                          .daemon = daemon ? daemon : "",
                                          .slots = slots,
                                          .speed = speed,
                                          .timeout_ms = seconds * 1000,
                                          .port = port};
        status = read_host(cmd, a->words[i], &specs[i]);
    }
    struct pxp_host_add m = {.hosts = specs, .n_hosts = (size_t)a->n};
    uint32_t serial = pxp_client_serial(&c->link.client);
    if (!status)
        status = pxp_host_add_encode(&c->link.client.out, serial, &m)
                     ? cmd_error()
                     : tell(c, cmd, serial);
    free(specs);
    return status;
}

static int run_delete(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_host_delete m = {.names = (const char **)a->words, .n_names = (size_t)a->n};
    uint32_t serial = pxp_client_serial(&c->link.client);
    if (pxp_host_delete_encode(&c->link.client.out, serial, &m))
        return cmd_error();
    return tell(c, cmd, serial);
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column result_columns[] = {
    {"host", OUT_TEXT, "as it was named"},
    {"index", OUT_NUMBER, "its number in the host table; 0: none"},
    {"result", OUT_TEXT, "PVMX_OK, or the error"},
    {"text", OUT_TEXT, "what was wrong"},
    {0},
};

const struct cmd cmd_add = {
    "add",
    "[-l LAUNCHER] [-n SLOTS] [-s SPEED] [-t SECONDS] [-d PVMXD] [-p PORT] "
    "[USER@]HOST[:SLOTS]...",
    "add hosts to the virtual machine",
    "Starts pvmxd on them, all at the same time. LAUNCHER is ssh, fork (a virtual host "
    "on this "
    "machine) or a command with %h (host), %u (user) and %c (what to run there), such as "
    "\"podman exec -i %h %c\"; without it the setting \"launcher\" says. SLOTS: as many "
    "as there are "
    "processors; SPEED: 1000 is usual; PVMXD: its path over there; PORT: of ssh. A host "
    "that does "
    "not come within SECONDS has failed.",
    "l:n:s:t:d:p:",
    1,
    CMD_MANY,
    CMD_VM | CMD_STARTS,
    WORDS_NOTHING,
    result_columns,
    run_add};
const struct cmd cmd_delete = {
    "delete",
    "HOST...",
    "end hosts with their tasks and take them out",
    "A host is named, or given by its number in the host table. The other hosts go on.",
    "",
    1,
    CMD_MANY,
    CMD_VM,
    WORDS_HOST,
    result_columns,
    run_delete};
