/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that list hosts: conf, hosts, mstat. */
#include "cmds.h"
#include "survey.h"

#include "proto/hello.h"

#include <stdio.h>
#include <string.h>

static const char *host_state(uint32_t state)
{
    return state == PXP_HOST_UP         ? "up"
           : state == PXP_HOST_STARTING ? "starting"
           : state == SURVEY_SILENT     ? "silent"
                                        : "down";
}

static void conf_row(struct out *o, const struct pxp_host_info *h)
{
    out_row(o, (struct out_cell[]){{.text = h->name},
                                   {.number = (uint32_t)h->tid},
                                   {.text = h->arch},
                                   {.number = h->slots}});
}

static void hosts_row(struct out *o, const struct pxp_host_info *h)
{
    out_row(o, (struct out_cell[]){{.text = h->name},
                                   {.text = host_state(h->state)},
                                   {.number = h->slots},
                                   {.number = h->tasks},
                                   {.number = h->load},
                                   {.number = h->memory_kb},
                                   {.number = h->memory_free_kb},
                                   {.number = h->since_ms},
                                   {.text = h->arch},
                                   {.text = h->release},
                                   {.number = h->pid}});
}

/* conf and hosts. */
static int run_list(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct out o;
    bool complete = true;
    (void)a;
    if (survey_status(&c->link, false, &s, &zone, &complete)) {
        pxp_zone_free(&zone);
        return cmd_error();
    }
    if (!c->json && cmd == &cmd_conf)
        printf("%zu host%s, 1 data format\n", s.n_hosts, s.n_hosts == 1 ? "" : "s");
    out_begin(&o, cmd->columns, c->json);
    for (size_t i = 0; i < s.n_hosts; i++)
        (cmd == &cmd_conf ? conf_row : hosts_row)(&o, &s.hosts[i]);
    out_end(&o);
    pxp_zone_free(&zone);
    return complete ? CMD_OK : CMD_FAILED;
}

static int run_mstat(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct out o;
    int status = CMD_OK;
    if (survey_status(&c->link, false, &s, &zone, NULL)) {
        pxp_zone_free(&zone);
        return cmd_error();
    }
    out_begin(&o, cmd->columns, c->json);
    for (int i = 0; i < a->n; i++) {
        const char *state = "no such host";
        for (size_t k = 0; k < s.n_hosts; k++)
            if (strcmp(s.hosts[k].name, a->words[i]) == 0)
                state = host_state(s.hosts[k].state);
        status = strcmp(state, "up") == 0 ? status : CMD_FAILED;
        out_row(&o, (struct out_cell[]){{.text = a->words[i]}, {.text = state}});
    }
    out_end(&o);
    pxp_zone_free(&zone);
    return status;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column conf_columns[] = {
    {"host", OUT_TEXT, "its name"},
    {"dtid", OUT_TID, "tid of its daemon"},
    {"arch", OUT_TEXT, "its processors' architecture"},
    {"slots", OUT_NUMBER, "tasks that it takes without oversubscription"},
    {0},
};

static const struct out_column hosts_columns[] = {
    {"host", OUT_TEXT, "its name"},
    {"state", OUT_TEXT, "\"up\", \"starting\", or \"silent\": it does not answer"},
    {"slots", OUT_NUMBER, "tasks that it takes without oversubscription"},
    {"tasks", OUT_NUMBER, "tasks that run there"},
    {"load", OUT_CENTS, "runnable processes, mean of the last minute"},
    {"memory_kb", OUT_KB, "memory that it has"},
    {"free_kb", OUT_KB, "memory that is available"},
    {"since_ms", OUT_MS, "how long it has belonged to the VM"},
    {"arch", OUT_TEXT, "its processors' architecture"},
    {"release", OUT_TEXT, "version of its daemon"},
    {"pid", OUT_NUMBER, "process of its daemon"},
    {0},
};

static const struct out_column mstat_columns[] = {
    {"host", OUT_TEXT, "as it was named"},
    {"state", OUT_TEXT, "as in hosts, or \"no such host\""},
    {0},
};

const struct cmd cmd_conf = {"conf",
                             "",
                             "list the hosts of the virtual machine",
                             "",
                             "",
                             0,
                             0,
                             CMD_VM,
                             WORDS_NOTHING,
                             conf_columns,
                             run_list};
const struct cmd cmd_hosts = {"hosts",
                              "",
                              "list the hosts with load and memory",
                              "",
                              "",
                              0,
                              0,
                              CMD_VM,
                              WORDS_NOTHING,
                              hosts_columns,
                              run_list};
const struct cmd cmd_mstat = {"mstat",
                              "HOST...",
                              "tell whether hosts are in the virtual machine and answer",
                              "The exit status is 0 when all are up.",
                              "",
                              1,
                              CMD_MANY,
                              CMD_VM,
                              WORDS_HOSTNAME,
                              mstat_columns,
                              run_mstat};
