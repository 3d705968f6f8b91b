/* SPDX-License-Identifier: BSD-3-Clause */
/* The command clean. */
#include "cmds.h"
#include "task.h"

#include "base/clock.h"

#include <stdio.h>

/* Every host ends its tasks; *count: how many there are. */
static int ask_all(struct console *c, uint32_t *count)
{
    struct survey s;
    struct pxp_clean m = {.unused = 0};
    struct px_buf frame = {0};
    pvmx_err err = survey_begin(&s, &c->link, PXP_DONE);
    if (!err)
        err = pxp_clean_encode(&frame, s.serial, &m);
    if (!err)
        err = survey_ask(&s, 0, &frame);
    px_buf_free(&frame);
    int status = err ? cmd_error() : task_count_done(&s, count);
    survey_end(&s);
    return status;
}

static int ask_person(struct console *c)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    pvmx_err err = survey_status(&c->link, false, &s, &zone, NULL);
    pxp_zone_free(&zone);
    if (err)
        return cmd_error();
    return s.n_tasks == 0 ? CMD_OK
                          : repl_ask(c, "end %s%zu task%s?", s.n_tasks > 1 ? "all " : "",
                                     s.n_tasks, s.n_tasks > 1 ? "s" : "");
}

static int run_clean(struct console *c, const struct cmd *cmd, struct args *a)
{
    uint32_t ended = 0, left;
    (void)cmd;
    int status = args_has(a, 'y') ? CMD_OK : ask_person(c);
    uint64_t begin = px_now_ns();
    if (!status)
        status = ask_all(c, &ended);
    /* Again and again: those that were just being started have come meanwhile. */
    for (left = ended; !status && left > 0 && task_ends_awaited(begin);)
        status = ask_all(c, &left);
    if (status)
        return status;
    if (left > 0)
        return cmd_fail("clean: %u tasks have not ended (ps lists them)", left);
    if (c->json)
        out_object(task_count_columns, &(struct out_cell){.number = ended});
    else
        printf("%u task%s ended; names, ports, boxes and groups are forgotten\n", ended,
               ended == 1 ? "" : "s");
    return CMD_OK;
}

const struct cmd cmd_clean = {"clean",
                              "[-y]",
                              "end all tasks on all hosts and forget what they have left",
                              "Ports, published names, boxes (also those that were put "
                              "to be kept), groups, and what "
                              "ended tasks have written go. It is done when all tasks "
                              "have ended; the virtual machine "
                              "stays. At a terminal you are asked; -y: no question.",
                              "y",
                              0,
                              0,
                              CMD_VM | CMD_OBJECT,
                              WORDS_NOTHING,
                              task_count_columns,
                              run_clean};
