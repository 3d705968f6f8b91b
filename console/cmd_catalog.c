/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that list what tasks have published: names, ports. */
#include "boxes.h"
#include "cmds.h"
#include "survey.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    const struct cmd *cmd;
    const char *pattern; /* of names; "": all */
    struct out out;
};

/* As the daemon has it: parts between '*' occur in this order. */
static bool fits(const char *name, const char *pattern)
{
    while (*pattern) {
        size_t len = strcspn(pattern, "*");
        const char *at = len ? memmem(name, strlen(name), pattern, len) : name;
        if (!at)
            return false;
        name = at + len;
        pattern += len + (pattern[len] == '*');
    }
    return true;
}

static void name_row(struct listing *l, const char *name, int32_t owner, const char *port,
                     const char *kind, uint32_t index, uint32_t flags)
{
    out_row(&l->out, (struct out_cell[]){{.text = name},
                                         {.number = (uint32_t)owner},
                                         {.text = port},
                                         {.text = kind},
                                         {.number = index},
                                         {.number = flags}});
}

static pvmx_err add_rows(void *arg, const uint8_t *body, size_t len)
{
    struct listing *l = arg;
    struct pxp_catalog_is m;
    struct pxp_zone zone = {0};
    pvmx_err err = pxp_catalog_is_decode(body, len, &m, &zone);
    for (size_t i = 0; !err && l->cmd == &cmd_names && i < m.n_names; i++)
        if (fits(m.names[i].name, l->pattern))
            name_row(l, m.names[i].name, m.names[i].owner, m.names[i].port, "mpi", 0, 0);
    for (size_t i = 0; !err && l->cmd == &cmd_ports && i < m.n_ports; i++)
        out_row(&l->out, (struct out_cell[]){{.text = m.ports[i].port},
                                             {.number = (uint32_t)m.ports[i].owner},
                                             {.number = m.ports[i].accepts},
                                             {.number = m.ports[i].connects}});
    pxp_zone_free(&zone);
    return err;
}

static pvmx_err add_boxes(struct link *link, struct listing *l)
{
    struct pxp_box_list_is is;
    struct pxp_zone zone = {0};
    uint8_t *body;
    pvmx_err err = boxes_list(link, l->pattern, &is, &zone, &body);
    for (size_t i = 0; !err && i < is.n_entries; i++)
        name_row(l, is.entries[i].name, is.entries[i].owner, "", "pvm",
                 is.entries[i].index, is.entries[i].flags);
    pxp_zone_free(&zone);
    free(body);
    return err;
}

static int run_catalog(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct survey s;
    struct pxp_catalog m = {.unused = 0};
    struct px_buf frame = {0};
    struct listing l = {.cmd = cmd, .pattern = a->n ? a->words[0] : ""};
    bool complete = true;
    pvmx_err err = survey_begin(&s, &c->link, PXP_CATALOG_IS);
    if (!err)
        err = pxp_catalog_encode(&frame, s.serial, &m);
    bool begun = !err;
    if (begun)
        out_begin(&l.out, cmd->columns, c->json);
    err = survey_run(&s, err, &frame, add_rows, &l, &complete);
    if (!err && cmd == &cmd_names)
        err = add_boxes(&c->link, &l);
    if (begun)
        out_end(&l.out);
    return err ? cmd_error() : complete ? CMD_OK : CMD_FAILED;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column names_columns[] = {
    {"name", OUT_TEXT, "as it was published"},
    {"owner", OUT_TID,
     "task that has published it; null: it has ended and the entry was to "
     "be kept, or a console has put it"},
    {"port", OUT_TEXT, "what it stands for; empty: an entry of PVM's mailbox"},
    {"kind", OUT_TEXT, "\"mpi\": MPI_Publish_name; \"pvm\": pvm_putinfo, pvm_insert, put"},
    {"index", OUT_NUMBER, "of several entries of PVM with one name"},
    {"flags", OUT_NUMBER, "of an entry of PVM, the sum that put and pvm_putinfo have"},
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
                              "[PATTERN]",
                              "list published names and entries of PVM's mailbox",
                              "PATTERN: those in which what stands between its '*' "
                              "occurs in this order, as PVM has it.",
                              "",
                              0,
                              1,
                              CMD_VM,
                              WORDS_NOTHING,
                              names_columns,
                              run_catalog};
const struct cmd cmd_ports = {
    "ports",       "",         "list open ports", "", "", 0, 0, CMD_VM, WORDS_NOTHING,
    ports_columns, run_catalog};
