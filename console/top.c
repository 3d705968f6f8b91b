/* SPDX-License-Identifier: BSD-3-Clause */
/* See top.h. */
#include "top.h"

#include "survey.h"
#include "target.h"
#include "tasks.h"

#include "proto/hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- looking ---------------------------------------------------------------------------------- */

static int past_by_tid(const void *a, const void *b)
{
    const struct top_past *p = a, *q = b;
    return p->tid < q->tid ? -1 : p->tid > q->tid;
}

/* What has been seen becomes the past. */
static void remember(struct top *t)
{
    struct top_past *past = malloc((t->n + 1) * sizeof *past);
    free(t->past);
    t->past = past;
    t->npast = 0;
    for (size_t i = 0; past && i < t->n; i++) {
        const struct pxp_task_info *task = t->rows[i].task;
        past[t->npast++] = (struct top_past){task->tid, task->cpu_ms, task->age_ms};
    }
    if (past)
        qsort(past, t->npast, sizeof *past, past_by_tid);
}

/* Since the look before; at first of its whole life. */
static uint64_t percent(const struct top *t, const struct pxp_task_info *task)
{
    struct top_past key = {.tid = task->tid};
    const struct top_past *p =
        t->npast ? bsearch(&key, t->past, t->npast, sizeof *t->past, past_by_tid) : NULL;
    bool same = p && p->age_ms < task->age_ms && p->cpu_ms <= task->cpu_ms;
    uint64_t used = task->cpu_ms - (same ? p->cpu_ms : 0),
             time = task->age_ms - (same ? p->age_ms : 0);
    return time ? used * 10000 / time : 0;
}

static int by_percent(const void *a, const void *b)
{
    const struct top_row *p = a, *q = b;
    if (p->percent != q->percent)
        return p->percent > q->percent ? -1 : 1;
    return p->task->tid < q->task->tid ? -1 : p->task->tid > q->task->tid;
}

bool top_sort(struct top *t)
{
    struct tasks_view v;
    struct top_row *rows = malloc((t->status.n_tasks + 1) * sizeof *rows);
    if (!rows || !tasks_arrange(&v, &t->status, t->order)) {
        free(rows);
        return false;
    }
    for (size_t i = 0; i < v.n; i++)
        rows[i] = (struct top_row){v.tasks[i], percent(t, v.tasks[i]), v.depths[i]};
    if (strcmp(t->order, "cpu") == 0 && v.n)
        qsort(rows, v.n, sizeof *rows, by_percent);
    free(t->rows);
    t->rows = rows;
    t->n = v.n;
    tasks_view_free(&v);
    top_move(t, 0);
    return true;
}

bool top_look(struct top *t, struct link *l, bool *complete)
{
    struct pxp_status_is status;
    struct pxp_zone zone = {0};
    if (survey_status(l, true, &status, &zone, complete)) {
        pxp_zone_free(&zone);
        return false;
    }
    if (t->rows)
        remember(t);
    pxp_zone_free(&t->zone);
    t->status = status;
    t->zone = zone;
    t->n = 0; /* the rows point into what has gone */
    return top_sort(t);
}

void top_free(struct top *t)
{
    pxp_zone_free(&t->zone);
    free(t->rows);
    free(t->past);
}

/* ---- the list --------------------------------------------------------------------------------- */

static size_t chosen_row(const struct top *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i].task->tid == t->chosen)
            return i;
    return 0;
}

void top_move(struct top *t, long by)
{
    long at = (long)chosen_row(t) + by, last = (long)t->n - 1;
    at = at > last ? last : at;
    at = at < 0 ? 0 : at;
    t->chosen = t->n ? t->rows[at].task->tid : 0;
    if ((size_t)at < t->first)
        t->first = (size_t)at;
    if (t->page && (size_t)at >= t->first + t->page)
        t->first = (size_t)at - t->page + 1;
    if (t->first + t->page > t->n)
        t->first = t->n > t->page ? t->n - t->page : 0;
}

void top_rows(const struct top *t, struct out *o, size_t first, size_t n)
{
    for (size_t i = first; i < t->n && i < first + n; i++) {
        const struct top_row *r = &t->rows[i];
        char text[400];
        const char *command = tasks_command(r->task);
        if (!o->json) {
            snprintf(text, sizeof text, "%*s%s%s", (int)(r->depth < 20 ? r->depth : 20) * 2,
                     "", r->depth ? "\\_ " : "", command);
            command = text;
        }
        out_row(o, (struct out_cell[]){{.number = (uint32_t)r->task->tid},
                                       {.number = r->task->job},
                                       {.text = r->task->host},
                                       {.text = target_state(r->task)},
                                       {.number = r->percent},
                                       {.number = r->task->cpu_ms},
                                       {.number = r->task->rss_kb},
                                       {.number = r->task->age_ms},
                                       {.text = command}});
    }
}

/* ---- a page ----------------------------------------------------------------------------------- */

static void put_hosts(const struct top *t, FILE *f, size_t most)
{
    static const struct out_column columns[] = {
        {"host", OUT_TEXT, ""},    {"slots", OUT_NUMBER, ""},
        {"tasks", OUT_NUMBER, ""}, {"load", OUT_CENTS, ""},
        {"memory_kb", OUT_KB, ""}, {"free_kb", OUT_KB, ""},
        {"state", OUT_TEXT, ""},   {0},
    };
    struct out o;
    out_begin(&o, columns, false);
    o.to = f;
    for (size_t i = 0; i < t->status.n_hosts && i < most; i++) {
        const struct pxp_host_info *h = &t->status.hosts[i];
        out_row(&o, (struct out_cell[]){{.text = h->name},
                                        {.number = h->slots},
                                        {.number = h->tasks},
                                        {.number = h->load},
                                        {.number = h->memory_kb},
                                        {.number = h->memory_free_kb},
                                        {.text = h->state == PXP_HOST_UP ? "up" : "silent"}});
    }
    out_end(&o);
}

char *top_page(struct top *t, const char *vm, size_t rows, size_t *marked)
{
    char *text = NULL;
    size_t size, hosts = t->status.n_hosts, used = 0;
    FILE *f = open_memstream(&text, &size);
    struct out o;
    if (!f)
        return NULL;
    hosts = hosts < rows / 3 ? hosts : rows / 3;
    fprintf(f, "pvmx top: %s, %zu host%s, %zu task%s, by %s\n", vm, t->status.n_hosts,
            t->status.n_hosts == 1 ? "" : "s", t->n, t->n == 1 ? "" : "s", t->order);
    put_hosts(t, f, hosts);
    fputc('\n', f);
    used = hosts + 5; /* two heads, the line above, the empty one, the note */
    t->page = rows > used ? rows - used : 1;
    top_move(t, 0);
    out_begin(&o, top_columns, false);
    o.to = f;
    top_rows(t, &o, t->first, t->page);
    out_end(&o);
    size_t shown = t->n - t->first < t->page ? t->n - t->first : t->page;
    for (size_t i = shown; i < t->page; i++)
        fputc('\n', f);
    fputs(t->note, f);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    *marked = t->n ? hosts + 4 + chosen_row(t) - t->first : SIZE_MAX;
    return text;
}

const struct out_column top_columns[] = {
    {"tid", OUT_TID, "its task identifier"},
    {"job", OUT_NUMBER, "number of its job; 0: none"},
    {"host", OUT_TEXT, "where it runs"},
    {"state", OUT_TEXT, "as in ps"},
    {"cpu_percent", OUT_CENTS,
     "share of one processor: since the look before; in a single look, of its life"},
    {"cpu_ms", OUT_MS, "processor time that it has used"},
    {"memory_kb", OUT_KB, "memory that it has resident"},
    {"age_ms", OUT_MS, "how long it has run"},
    {"command", OUT_TEXT, "what runs, with its arguments"},
    {0},
};
