/* SPDX-License-Identifier: BSD-3-Clause */
/* The command doctor. */
#include "cmds.h"
#include "doctor.h"

void doctor_note(struct checkup *k, const char *what, bool good, const char *text,
                 const char *advice)
{
    k->troubles += !good;
    out_row(&k->out, (struct out_cell[]){{.text = what},
                                         {.text = good ? "good" : "trouble"},
                                         {.text = text},
                                         {.text = good ? "" : advice}});
}

static int run_doctor(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct checkup k = {.troubles = 0};
    out_begin(&k.out, cmd->columns, c->json);
    doctor_daemon(c, &k);
    doctor_limits(&k);
    doctor_ptrace(&k);
    doctor_left(c, &k);
    if (c->link.up) {
        doctor_ports(c, &k);
        doctor_hosts(c, &k);
    }
    doctor_ssh(&k, a->n, a->words);
    if (link_interrupted()) { /* what it would say of hosts is not so */
        out_drop(&k.out);
        return CMD_INTERRUPTED;
    }
    out_end(&k.out);
    return k.troubles ? CMD_FAILED : CMD_OK;
}

static const struct out_column doctor_columns[] = {
    {"check", OUT_TEXT, "what was looked at"},
    {"result", OUT_TEXT, "\"good\" or \"trouble\""},
    {"found", OUT_TEXT, "what was found"},
    {"advice", OUT_TEXT, "what to do"},
    {0},
};

const struct cmd cmd_doctor = {
    "doctor",
    "[HOST...]",
    "look for what may be wrong, and say what to do",
    "Looks at this machine (programs, directories, limits, what earlier virtual machines "
    "have "
    "left) and at the hosts of a running one (do they answer, with which version, can "
    "their "
    "ports be reached). HOST: would ssh start a daemon there, without a password? That "
    "changes nothing there. The exit status is 1 when there is trouble.",
    "",
    0,
    CMD_MANY,
    0,
    WORDS_NOTHING,
    doctor_columns,
    run_doctor};
