/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that make the virtual machine larger and smaller: add, delete. */
#include "cmds.h"
#include "progress.h"

#include "base/command.h"
#include "base/err.h"
#include "proto/hello.h"
#include "proto/hostfile.h"

#include <stdlib.h>
#include <string.h>

enum {
    HOST_MOST = 1000000, /* slots, and speed, of a host file's line too */
    DAY_S = 24 * 3600,
};

/* A number from 1 on; 0: it is none. */
static uint32_t read_number(const char *word)
{
    char *end;
    unsigned long v = strtoul(word, &end, 10);
    return *word >= '0' && *word <= '9' && !*end && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static int option(const struct cmd *cmd, const struct args *a, char letter,
                  const char *what, uint32_t most, uint32_t *out)
{
    const char *word = args_value(a, letter);
    *out = word ? read_number(word) : 0;
    if (word && (!*out || *out > most))
        return cmd_usage(cmd, "%s: \"%s\" is no %s (-%c takes a number from 1 to %u)",
                         cmd->name, word, what, letter, most);
    return CMD_OK;
}

/* What the options say where the host's own words do not. */
static void complete_spec(struct pxp_host_spec *s, const struct pxp_host_spec *options)
{
    s->launcher = *s->launcher ? s->launcher : options->launcher;
    s->daemon = *s->daemon ? s->daemon : options->daemon;
    s->wrapper = *s->wrapper ? s->wrapper : options->wrapper;
    s->slots = s->slots ? s->slots : options->slots;
    s->speed = s->speed ? s->speed : options->speed;
    s->timeout_ms = s->timeout_ms ? s->timeout_ms : options->timeout_ms;
    s->port = s->port ? s->port : options->port;
}

/* The hosts of an add, and the texts that they are made of. */
struct adding {
    struct pxp_hostfile file; /* empty: none was named */
    struct pxp_hostfile *words;
    struct pxp_host_spec *specs;
    size_t n;
};

static void adding_free(struct adding *a, int nwords)
{
    for (int i = 0; a->words && i < nwords; i++)
        pxp_hostfile_free(&a->words[i]);
    pxp_hostfile_free(&a->file);
    free(a->words);
    free(a->specs);
}

/* A word is a line of a host file; what it leaves open the file says. */
static int read_word(const struct cmd *cmd, struct adding *to, const char *word,
                     struct pxp_hostfile *w)
{
    if (pxp_hostfile_parse("", word, strlen(word), w))
        return cmd_usage(cmd, "add \"%s\": %s", word, pvmx_last_error());
    if (w->n != 1)
        return cmd_usage(cmd, "add: \"%s\" names no host", word);
    to->specs[to->n] = w->hosts[0].spec;
    pxp_hostfile_advise(&to->file, &to->specs[to->n++]);
    return CMD_OK;
}

/* The words' hosts, or without words all of the file that it does not keep for later. */
static int read_hosts(const struct cmd *cmd, struct adding *to, const char *path,
                      const struct args *a)
{
    int status = CMD_OK;
    if (path ? pxp_hostfile_read(path, &to->file) : pxp_hostfile_parse("", "", 0, &to->file))
        return cmd_error();
    to->words = calloc((size_t)a->n + 1, sizeof *to->words);
    to->specs = calloc((size_t)a->n + to->file.n + 1, sizeof *to->specs);
    if (!to->words || !to->specs)
        return cmd_fail("out of memory");
    for (int i = 0; i < a->n && !status; i++)
        status = read_word(cmd, to, a->words[i], &to->words[i]);
    for (size_t i = 0; a->n == 0 && i < to->file.n; i++)
        if (!to->file.hosts[i].later)
            to->specs[to->n++] = to->file.hosts[i].spec;
    return status;
}

/* Hosts that come and go are told to this connection from now on. */
static pvmx_err subscribe(struct link *l)
{
    struct pxp_hosts q = {.subscribe = true};
    return pxp_hosts_encode(&l->client.out, pxp_client_serial(&l->client), &q);
}

/* As link_answer, and says meanwhile how many hosts are up, or gone. */
static pvmx_err await(struct link *l, const struct cmd *cmd, size_t n, uint32_t serial,
                      uint8_t **body, size_t *len)
{
    bool adds = cmd == &cmd_add;
    size_t done = 0;
    *body = NULL;
    progress_say(0, n, adds ? "hosts are up" : "hosts are gone");
    for (;;) {
        uint32_t number, its;
        const uint8_t *at;
        size_t size;
        pvmx_err err = link_next(l, 0, &number, &its, &at, &size);
        if (err)
            return err;
        if (its == serial) {
            *body = number == PXP_HOST_ADDED ? malloc(size + 1) : NULL;
            if (*body)
                memcpy(*body, at, *len = size);
            else
                err = number == PXP_REFUSE ? pxp_client_refused(at, size)
                                           : px_fail(PVMX_ERR_NOMEM, "out of memory");
        } else if (number == PXP_HOST_EVENT) {
            struct pxp_host_event e;
            struct pxp_zone zone = {0};
            if (pxp_host_event_decode(at, size, &e, &zone) == PVMX_OK)
                done += e.host.state == (uint32_t)(adds ? PXP_HOST_UP : PXP_HOST_GONE);
            pxp_zone_free(&zone);
            progress_say(done < n ? done : n, n, adds ? "hosts are up" : "hosts are gone");
        }
        pxp_client_drop(&l->client);
        if (err || *body)
            return err;
    }
}

/* Says what has become of each of n hosts; CMD_FAILED when not all went well. twice: those that were there
 * before are no failure. */
static int tell(struct console *c, const struct cmd *cmd, size_t n, uint32_t serial, bool twice)
{
    struct pxp_host_added m;
    struct pxp_zone zone = {0};
    uint8_t *body = NULL;
    size_t len, bad = 0;
    struct out o;
    bool shown = n > 1 && progress_shown();
    pvmx_err err = shown ? subscribe(&c->link) : PVMX_OK;
    if (!err)
        err = link_send(&c->link, NULL, 0);
    if (!err)
        err = shown ? await(&c->link, cmd, n, serial, &body, &len)
                    : link_answer(&c->link, serial, PXP_HOST_ADDED, &body, &len);
    if (err && link_interrupted())
        link_withdraw(&c->link, serial);
    progress_end();
    if (!err)
        err = pxp_host_added_decode(body, len, &m, &zone);
    if (err) {
        free(body);
        return cmd_error();
    }
    out_begin(&o, cmd->columns, c->json);
    for (size_t i = 0; i < m.n_results; i++) {
        const struct pxp_host_result *r = &m.results[i];
        bad += r->error != PVMX_OK && !(twice && r->error == PVMX_ERR_EXISTS);
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
    const char *wrapper = args_value(a, 'w'), *path = args_value(a, 'f');
    char *command = px_command_here(launcher ? launcher : "");
    struct pxp_host_spec options = {.launcher = command ? command : "",
                                    .daemon = daemon ? daemon : "",
                                    .wrapper = wrapper ? wrapper : ""};
    struct adding hosts = {.n = 0};
    uint32_t seconds;
    int status = option(cmd, a, 'n', "number of slots", HOST_MOST, &options.slots);
    if (!status)
        status = option(cmd, a, 's', "speed", HOST_MOST, &options.speed);
    if (!status)
        status = option(cmd, a, 't', "number of seconds", DAY_S, &seconds);
    if (!status)
        status = option(cmd, a, 'p', "port", UINT16_MAX, &options.port);
    if (!status && a->n == 0 && !path)
        status = cmd_usage(cmd, "add: something is missing: a host, or --from FILE");
    if (status) {
        free(command);
        return status;
    }
    options.timeout_ms = seconds * 1000;
    status = read_hosts(cmd, &hosts, path, a);
    for (size_t i = 0; i < hosts.n && !status; i++)
        complete_spec(&hosts.specs[i], &options);
    if (!status && link_awake(&c->link))
        status = cmd_error();
    struct pxp_host_add m = {.hosts = hosts.specs, .n_hosts = hosts.n};
    uint32_t serial = pxp_client_serial(&c->link.client);
    if (!status)
        status = pxp_host_add_encode(&c->link.client.out, serial, &m)
                     ? cmd_error()
                     : tell(c, cmd, hosts.n, serial, path && a->n == 0);
    adding_free(&hosts, a->n);
    free(command);
    return status;
}

static int run_delete(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_host_delete m = {.names = (const char **)a->words, .n_names = (size_t)a->n};
    uint32_t serial = pxp_client_serial(&c->link.client);
    if (pxp_host_delete_encode(&c->link.client.out, serial, &m))
        return cmd_error();
    return tell(c, cmd, (size_t)a->n, serial, false);
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
    "[-l LAUNCHER] [-n SLOTS] [-s SPEED] [-t SECONDS] [-d PVMXD] [-p PORT] [-w WRAPPER] "
    "[--from FILE] [[USER@]HOST[:SLOTS]]...",
    "add hosts to the virtual machine",
    "Starts pvmxd on them, all at the same time. LAUNCHER is ssh, fork (a virtual host "
    "on this "
    "machine) or a command with %h (host), %u (user), %l (-l USER where one is said) and "
    "%c "
    "(what to run there), such as "
    "\"podman exec -i %h %c\"; without it the setting \"launcher\" says. SLOTS: as many "
    "as there are "
    "processors; SPEED: 1000 is usual; PVMXD: its path over there; PORT: of ssh; "
    "WRAPPER: a command "
    "that runs the tasks there. A host that does not come within SECONDS has failed, "
    "and so have, at Ctrl-C, those that have not come yet. "
    "FILE is a host "
    "file as PVM, LAM, MPICH or Open MPI have it: all of its hosts are added but those "
    "that are there "
    "and those it keeps for later (&); with HOST only these, as the file describes them. "
    "A HOST may "
    "bring its own options: \"node7 slots=4 wd=/scratch\".",
    "l:n:s:t:d:p:w:f:",
    0,
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
    WORDS_HOSTNAME,
    result_columns,
    run_delete};
