/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that list what tasks have published: names, ports. */
#include "cmds.h"
#include "survey.h"

#include <stdlib.h>

struct listing {
    const struct cmd *cmd;
    struct out out;
};

static pvmx_err add_rows(void *arg, const uint8_t *body, size_t len)
{
    struct listing *l = arg;
    struct pxp_catalog_is m;
    struct pxp_zone zone = {0};
    pvmx_err err = pxp_catalog_is_decode(body, len, &m, &zone);
    for (size_t i = 0; !err && l->cmd == &cmd_names && i < m.n_names; i++)
        out_row(&l->out, (struct out_cell[]){{.text = m.names[i].name},
                                             {.number = (uint32_t)m.names[i].owner},
                                             {.text = m.names[i].port}});
    for (size_t i = 0; !err && l->cmd == &cmd_ports && i < m.n_ports; i++)
        out_row(&l->out, (struct out_cell[]){{.text = m.ports[i].port},
                                             {.number = (uint32_t)m.ports[i].owner},
                                             {.number = m.ports[i].accepts},
                                             {.number = m.ports[i].connects}});
    pxp_zone_free(&zone);
    return err;
}

static int run_catalog(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct survey s;
    struct pxp_catalog m = {.unused = 0};
    struct px_buf frame = {0};
    struct listing l = {.cmd = cmd};
    bool complete = true;
    (void)a;
    pvmx_err err = survey_begin(&s, &c->link, PXP_CATALOG_IS);
    if (!err)
        err = pxp_catalog_encode(&frame, s.serial, &m);
    bool begun = !err;
    if (begun)
        out_begin(&l.out, cmd->columns, c->json);
    err = survey_run(&s, err, &frame, add_rows, &l, &complete);
    if (begun)
        out_end(&l.out);
    return err ? cmd_error() : complete ? CMD_OK : CMD_FAILED;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column names_columns[] = {
    {"name", OUT_TEXT, "as it was published"},
    {"owner", OUT_TID, "task that has published it"},
    {"port", OUT_TEXT, "what it stands for"},
    {0},
};

static const struct out_column ports_columns[] = {
    {"port", OUT_TEXT, "its name"},
    {"owner", OUT_TID, "task that has opened it"},
    {"accepting", OUT_NUMBER, "how many wait there to accept"},
    {"connecting", OUT_NUMBER, "how many wait there to connect"},
    {0},
};

const struct cmd cmd_names = {"names",
                              "",
                              "list published names",
                              "",
                              "",
                              0,
                              0,
                              CMD_VM,
                              WORDS_NOTHING,
                              names_columns,
                              run_catalog};
const struct cmd cmd_ports = {
    "ports",       "",         "list open ports", "", "", 0, 0, CMD_VM, WORDS_NOTHING,
    ports_columns, run_catalog};
