/* SPDX-License-Identifier: BSD-3-Clause */
/* The command clean. */
#include "cmds.h"
#include "survey.h"
#include "task.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TURN_US = 20 * 1000 };

#define LIMIT (30 * PX_SEC) /* much more than the grace period of tasks */

/* Every host ends its tasks; *count: how many. */
static int ask_all(struct console *c, uint32_t *count)
{
    struct survey s;
    struct pxp_clean m = {.unused = 0};
    struct px_buf frame = {0};
    const struct survey_host *from;
    uint8_t *body;
    size_t len;
    enum survey_got got = SURVEY_LOST;
    pvmx_err err = survey_begin(&s, &c->link, PXP_DONE);
    if (!err)
        err = pxp_clean_encode(&frame, s.serial, &m);
    if (!err)
        err = survey_ask(&s, 0, &frame);
    px_buf_free(&frame);
    while (!err && (got = survey_next(&s, &from, &body, &len)) == SURVEY_ANSWER) {
        struct pxp_done done = {.count = 0};
        struct pxp_zone zone = {0};
        if (pxp_done_decode(body, len, &done, &zone) == PVMX_OK)
            *count += done.count;
        pxp_zone_free(&zone);
        free(body);
    }
    int status = got != SURVEY_DONE    ? cmd_error()
                 : survey_complete(&s) ? CMD_OK
                                       : CMD_FAILED;
    survey_end(&s);
    return status;
}

/* How many tasks there are; -1: was reported. */
static long count_tasks(struct console *c)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    bool failed = survey_status(&c->link, false, &s, &zone, NULL) != PVMX_OK;
    if (failed)
        cmd_error();
    pxp_zone_free(&zone);
    return failed ? -1 : (long)s.n_tasks;
}

static int run_clean(struct console *c, const struct cmd *cmd, struct args *a)
{
    uint32_t ended = 0;
    long left = count_tasks(c);
    (void)cmd;
    if (left < 0)
        return link_interrupted() ? CMD_INTERRUPTED : CMD_FAILED;
    if (left > 0 && !args_has(a, 'y') && !repl_ask(c, "end all %ld tasks?", left))
        return CMD_FAILED;
    int status = ask_all(c, &ended);
    uint64_t until = px_now_ns() + LIMIT;
    while (!status && (left = count_tasks(c)) > 0) {
        if (link_interrupted())
            return CMD_INTERRUPTED;
        if (px_now_ns() > until)
            return cmd_fail("clean: %ld tasks have not ended (ps lists them)", left);
        usleep(TURN_US);
    }
    if (status || left < 0)
        return status ? status : CMD_FAILED;
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
