/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that list what tasks have published: names, ports. */
#include "cmds.h"
#include "survey.h"

#include <stdlib.h>

static void add_rows(const struct cmd *cmd, const struct pxp_catalog_is *m, struct out *o)
{
    for (size_t i = 0; cmd == &cmd_names && i < m->n_names; i++)
        out_row(o, (struct out_cell[]){{.text = m->names[i].name},
                                       {.number = (uint32_t)m->names[i].owner},
                                       {.text = m->names[i].port}});
    for (size_t i = 0; cmd == &cmd_ports && i < m->n_ports; i++)
        out_row(o, (struct out_cell[]){{.text = m->ports[i].port},
                                       {.number = (uint32_t)m->ports[i].owner},
                                       {.number = m->ports[i].accepts},
                                       {.number = m->ports[i].connects}});
}

static int run_catalog(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct survey s;
    struct pxp_catalog m = {.unused = 0};
    struct px_buf frame = {0};
    const struct survey_host *from;
    uint8_t *body;
    size_t len;
    struct out o;
    enum survey_got got = SURVEY_LOST;
    (void)a;
    pvmx_err err = survey_begin(&s, &c->link, PXP_CATALOG_IS);
    if (!err)
        err = pxp_catalog_encode(&frame, s.serial, &m);
    if (!err)
        err = survey_ask(&s, 0, &frame);
    px_buf_free(&frame);
    if (!err)
        out_begin(&o, cmd->columns, c->json);
    while (!err && (got = survey_next(&s, &from, &body, &len)) == SURVEY_ANSWER) {
        struct pxp_catalog_is is;
        struct pxp_zone zone = {0};
        if (pxp_catalog_is_decode(body, len, &is, &zone) == PVMX_OK)
            add_rows(cmd, &is, &o);
        pxp_zone_free(&zone);
        free(body);
    }
    if (!err)
        out_end(&o);
    int status = got != SURVEY_DONE    ? cmd_error()
                 : survey_complete(&s) ? CMD_OK
                                       : CMD_FAILED;
    survey_end(&s);
    return status;
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
