/* SPDX-License-Identifier: BSD-3-Clause */
/* The command top. */
#include "cmds.h"
#include "screen.h"
#include "task.h"
#include "tasks.h"
#include "top.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HURRY = 3 }; /* part of the usual time that hosts have: keys wait meanwhile */

static const char keys[] =
    "q quit  arrows choose  k kill  P cpu  M memory  A age  N tid  J job  "
    "H host  O program  T tree";

/* ---- once ------------------------------------------------------------------------------------- */

static int look_once(struct console *c, const struct cmd *cmd, struct top *t)
{
    struct out o;
    bool complete = true;
    if (!top_look(t, &c->link, &complete))
        return cmd_error();
    out_begin(&o, cmd->columns, c->json);
    top_rows(t, &o, 0, t->n);
    out_end(&o);
    return complete ? CMD_OK : CMD_FAILED;
}

/* ---- live ------------------------------------------------------------------------------------- */

struct live {
    struct console *c;
    struct top top;
    uint64_t delay, next; /* the next look is due */
    bool asking;          /* whether to end the chosen task */
    bool leaves;
};

static void kill_chosen(struct live *v)
{
    struct target t = {0};
    uint32_t count = 0;
    int32_t tid = v->top.chosen;
    int status = target_add(&t, tid) ? task_signal_all(v->c, &t, 0, &count) : CMD_FAILED;
    snprintf(v->top.note, sizeof v->top.note,
             count    ? "t%x was asked to end"
             : status ? "t%x: its host does not answer"
                      : "t%x is not there any more",
             (unsigned)tid);
    target_free(&t);
    v->next = 0;
}

static void set_order(struct live *v, const char *order)
{
    v->top.order = order;
    v->top.first = 0;
    top_sort(&v->top);
}

static void sort_key(struct live *v, int key)
{
    static const struct {
        char key;
        char order[8];
    } orders[] = {{'P', "cpu"}, {'M', "memory"}, {'A', "age"},     {'N', "tid"},
                  {'J', "job"}, {'H', "host"},   {'O', "program"}, {'T', "tree"}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (orders[i].key == key)
            set_order(v, orders[i].order);
}

static void on_key(struct live *v, int key)
{
    struct top *t = &v->top;
    snprintf(t->note, sizeof t->note, "%s", keys);
    if (v->asking) {
        v->asking = false;
        if (key == 'y' || key == 'Y')
            kill_chosen(v);
        return;
    }
    switch (key) {
    case -1:
    case 'q':
        v->leaves = true;
        break;
    case SCREEN_UP:
        top_move(t, -1);
        break;
    case SCREEN_DOWN:
        top_move(t, 1);
        break;
    case SCREEN_PAGE_UP:
        top_move(t, -(long)t->page);
        break;
    case SCREEN_PAGE_DOWN:
        top_move(t, (long)t->page);
        break;
    case ' ':
        v->next = 0;
        break;
    case 'k':
        if (t->chosen) {
            snprintf(t->note, sizeof t->note, "end t%x? [y/N]", (unsigned)t->chosen);
            v->asking = true;
        }
        break;
    default:
        sort_key(v, key);
    }
}

static bool draw(struct live *v)
{
    size_t rows, columns, marked;
    screen_size(&rows, &columns);
    char *text = top_page(&v->top, v->c->link.info.vm, rows, &marked);
    if (!text)
        return false;
    screen_show(text, marked);
    free(text);
    return true;
}

/* false: the connection is lost, or Ctrl-C. */
static bool go_on(struct live *v)
{
    uint64_t now = px_now_ns();
    if (now >= v->next && !v->asking) {
        if (!top_look(&v->top, &v->c->link, NULL))
            return false;
        v->next = px_now_ns() + v->delay;
    }
    if (!draw(v))
        return false;
    int ready = link_wait_key(v->asking ? 0 : v->next ? v->next : 1);
    if (ready == 1)
        on_key(v, screen_key());
    link_noticed(); /* another size: it is drawn anew */
    return ready >= 0;
}

static int watch(struct console *c, struct live *v)
{
    bool well = true;
    if (!screen_enter())
        return cmd_fail("top: the terminal cannot be used");
    c->link.patience = survey_patience() / HURRY;
    snprintf(v->top.note, sizeof v->top.note, "%s", keys);
    link_notice(SIGWINCH, true);
    while (well && !v->leaves)
        well = go_on(v);
    link_notice(SIGWINCH, false);
    c->link.patience = 0;
    screen_leave();
    return well || link_interrupted() ? CMD_OK : cmd_error();
}

static int run_top(struct console *c, const struct cmd *cmd, struct args *a)
{
    const char *order = args_value(a, 's'), *delay = args_value(a, 'd');
    char *end = NULL;
    double seconds = delay ? strtod(delay, &end) : 2;
    if (order && !tasks_is_order(order))
        return cmd_usage(cmd, "top: -s %s: must be %s", order, tasks_orders);
    if (delay && (end == delay || *end || !(seconds >= 0.1 && seconds <= 3600)))
        return cmd_usage(cmd, "top: -d %s: must be from 0.1 to 3600 seconds", delay);
    struct live v = {.c = c,
                     .top.order = order ? order : "cpu",
                     .delay = (uint64_t)(seconds * PX_SEC)};
    int status = c->json || !screen_there() ? look_once(c, cmd, &v.top) : watch(c, &v);
    top_free(&v.top);
    return status;
}

const struct cmd cmd_top = {
    "top",
    "[-d SECONDS] [-s cpu|memory|age|tid|job|host|program|tree]",
    "watch hosts and tasks live",
    "Looks every SECONDS (2). Keys: q and Ctrl-C leave; arrows and page keys choose a "
    "task, k "
    "ends it; P sorts by cpu, M memory, A age, N tid, J job, H host, O program, T tree; "
    "space "
    "looks at once. Without a terminal, or with --json: one look.",
    "d:s:",
    0,
    0,
    CMD_VM,
    WORDS_NOTHING,
    top_columns,
    run_top};
