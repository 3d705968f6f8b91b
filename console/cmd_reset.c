/* SPDX-License-Identifier: BSD-3-Clause */
/* The command reset. */
#include "boxes.h"
#include "cmds.h"
#include "survey.h"
#include "task.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tasks with PvmNoReset have an entry of this name. */
#define SPARED "###_PVM_NO_RESET_###"

/* All tasks but those that want to stay. */
static int choose(struct console *c, struct target *t)
{
    struct pxp_status_is s;
    struct pxp_box_list_is spared = {0};
    struct pxp_zone zone = {0}, box_zone = {0};
    uint8_t *body = NULL;
    int status = survey_status(&c->link, false, &s, &zone, NULL) ? cmd_error() : CMD_OK;
    if (!status && boxes_list(&c->link, SPARED, &spared, &box_zone, &body))
        status = cmd_error();
    for (size_t i = 0; !status && i < s.n_tasks; i++) {
        size_t k = 0;
        while (k < spared.n_entries && (spared.entries[k].owner != s.tasks[i].tid ||
                                        strcmp(spared.entries[k].name, SPARED) != 0))
            k++;
        if (k == spared.n_entries && !target_add(t, s.tasks[i].tid))
            status = cmd_fail("out of memory");
    }
    pxp_zone_free(&zone);
    pxp_zone_free(&box_zone);
    free(body);
    return status;
}

/* Until none of them is there. */
static int await_ends(struct console *c, const struct target *t)
{
    uint64_t begin = px_now_ns();
    size_t left = t->n;
    if (left == 0)
        return CMD_OK;
    do {
        struct pxp_status_is s;
        struct pxp_zone zone = {0};
        pvmx_err err = survey_status(&c->link, false, &s, &zone, NULL);
        left = 0;
        for (size_t i = 0; !err && i < s.n_tasks; i++)
            for (size_t k = 0; k < t->n; k++)
                left += s.tasks[i].tid == t->tids[k];
        pxp_zone_free(&zone);
        if (err)
            return cmd_error();
    } while (left > 0 && task_ends_awaited(begin));
    return left ? cmd_fail("reset: %zu tasks have not ended (ps lists them)", left) : CMD_OK;
}

static int end_tasks(struct console *c, const struct args *a, uint32_t *count)
{
    struct target t = {0};
    int status = choose(c, &t);
    if (!status && t.n > 1 && !args_has(a, 'y'))
        status = repl_ask(c, "end all %zu tasks?", t.n);
    if (!status)
        status = task_signal_all(c, &t, 0, count);
    if (!status)
        status = await_ends(c, &t);
    target_free(&t);
    return status;
}

/* "info [NAME [INDEX]]"; index < 0: all. */
static int read_info(const struct cmd *cmd, const struct args *a, const char **name,
                     long *index)
{
    char *end = NULL;
    *name = a->n > 1 ? a->words[1] : NULL;
    *index = -1;
    if (a->n > 0 && strcmp(a->words[0], "info") != 0)
        return cmd_usage(cmd, "reset: \"%s\" is not understood", a->words[0]);
    if (a->n > 2) {
        *index = strtol(a->words[2], &end, 10);
        if (end == a->words[2] || *end || *index < 0 || *index > INT32_MAX)
            return cmd_usage(cmd, "reset: %s: must be the index of an entry", a->words[2]);
    }
    return CMD_OK;
}

static int run_reset(struct console *c, const struct cmd *cmd, struct args *a)
{
    const char *name;
    long index;
    uint32_t tasks = 0, entries = 0;
    int status = read_info(cmd, a, &name, &index);
    if (!status && a->n == 0)
        status = end_tasks(c, a, &tasks);
    if (!status && boxes_drop_left(&c->link, name, index, c->boxes, &entries))
        status = cmd_error();
    if (status)
        return status;
    if (c->json)
        out_object(cmd->columns, (struct out_cell[]){{.number = tasks}, {.number = entries}});
    if (!c->json && a->n == 0)
        printf("%u task%s ended\n", tasks, tasks == 1 ? "" : "s");
    if (!c->json && (a->n > 0 || entries > 0))
        printf("%u entr%s of the mailbox deleted\n", entries, entries == 1 ? "y" : "ies");
    return CMD_OK;
}

static const struct out_column reset_columns[] = {
    {"tasks", OUT_NUMBER, "how many tasks have ended"},
    {"entries", OUT_NUMBER, "how many entries of PVM's mailbox were deleted"},
    {0},
};

const struct cmd cmd_reset = {
    "reset",
    "[-y] [info [NAME [INDEX]]]",
    "end all tasks; the virtual machine stays",
    "But not PVM's consoles and other tasks with PvmNoReset. When they have ended, "
    "entries of PVM's mailbox are deleted that ended tasks and consoles have left; "
    "info: only this, of one name, and of one index there. At a terminal you are "
    "asked when several tasks are meant; -y: no question. clean ends and forgets "
    "more.",
    "y",
    0,
    3,
    CMD_VM | CMD_OBJECT,
    WORDS_NOTHING,
    reset_columns,
    run_reset};
