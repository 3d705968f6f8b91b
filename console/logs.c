/* SPDX-License-Identifier: BSD-3-Clause */
/* See logs.h. */
#include "logs.h"

#include "base/clock.h"
#include "base/err.h"
#include "proto/hello.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is known ---------------------------------------------------------------------------- */

bool logs_of_terminal(int32_t tid)
{
    return ((uint32_t)tid & 0x3ffff) == 0;
}

struct logs_task *logs_task(struct logs *g, int32_t tid)
{
    for (size_t i = 0; i < g->ntasks; i++)
        if (g->tasks[i].tid == tid)
            return &g->tasks[i];
    return NULL;
}

static struct logs_task *learn(struct logs *g, const struct pxp_log_info *info)
{
    struct logs_task *t = logs_task(g, info->tid);
    if (!t) {
        struct logs_task *grown = realloc(g->tasks, (g->ntasks + 1) * sizeof *grown);
        if (!grown)
            return NULL;
        g->tasks = grown;
        t = &grown[g->ntasks++];
        *t = (struct logs_task){.tid = info->tid, .job = info->job, .rank = info->rank};
        t->program = strdup(info->program);
    }
    t->ended = info->ended;
    t->input = info->input;
    return t;
}

static bool keep(struct logs *g, const struct pxp_log_piece *p)
{
    if (g->npieces == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 64;
        struct logs_piece *grown = realloc(g->pieces, cap * sizeof *grown);
        if (!grown)
            return false;
        g->pieces = grown;
        g->cap = cap;
    }
    uint8_t *copy = malloc(p->bytes_len + 1);
    if (!copy)
        return false;
    memcpy(copy, p->bytes, p->bytes_len);
    copy[p->bytes_len] = '\0';
    g->pieces[g->npieces++] = (struct logs_piece){.tid = p->tid,
                                                  .stream = p->stream,
                                                  .at_ms = p->at_ms,
                                                  .offset = p->offset,
                                                  .len = p->bytes_len,
                                                  .bytes = copy};
    return true;
}

void logs_drop_pieces(struct logs *g)
{
    for (size_t i = 0; i < g->npieces; i++)
        free(g->pieces[i].bytes);
    g->npieces = 0;
}

void logs_end(struct logs *g)
{
    logs_drop_pieces(g);
    for (size_t i = 0; i < g->ntasks; i++)
        free(g->tasks[i].program);
    free(g->tasks);
    free(g->pieces);
    survey_end(&g->survey);
    target_free(&g->wanted);
}

/* ---- asking ----------------------------------------------------------------------------------- */

/* Asks one host for what is not known yet. */
static pvmx_err ask(struct logs *g, uint32_t host, bool wait)
{
    struct pxp_logs m = {.job = g->job, .wait = wait};
    struct px_buf frame = {0};
    int32_t *tids = calloc(g->wanted.n + 1, sizeof *tids);
    struct pxp_log_from *from = calloc(g->ntasks + 1, sizeof *from);
    pvmx_err err = tids && from ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "out of memory");
    m.tids = tids;
    m.from = from;
    for (size_t i = 0; !err && i < g->wanted.n; i++)
        if ((uint32_t)g->wanted.tids[i] >> 18 == host)
            tids[m.n_tids++] = g->wanted.tids[i];
    for (size_t i = 0; !err && i < g->ntasks; i++)
        if ((uint32_t)g->tasks[i].tid >> 18 == host)
            from[m.n_from++] = (struct pxp_log_from){g->tasks[i].tid, g->tasks[i].next};
    if (!err)
        err = pxp_logs_encode(&frame, g->survey.serial, &m);
    if (!err && (m.n_tids || m.job))
        err = survey_ask(&g->survey, host, &frame);
    px_buf_free(&frame);
    free(tids);
    free(from);
    return err;
}

/* Takes an answer: more says whether that host has more for us now. */
static pvmx_err take(struct logs *g, const uint8_t *body, size_t len, bool *more)
{
    struct pxp_logs_are m;
    struct pxp_zone zone = {0};
    bool ok = true;
    pvmx_err err = pxp_logs_are_decode(body, len, &m, &zone);
    for (size_t i = 0; !err && ok && i < m.n_logs; i++) {
        struct logs_task *t = learn(g, &m.logs[i]);
        ok = t != NULL;
        if (ok && t->next < m.logs[i].first) {
            g->lost += m.logs[i].first - t->next;
            t->next = m.logs[i].first;
        }
    }
    for (size_t i = 0; !err && ok && i < m.n_pieces; i++) {
        struct logs_task *t = logs_task(g, m.pieces[i].tid);
        ok = keep(g, &m.pieces[i]);
        if (t && m.pieces[i].offset > t->next)
            g->lost += m.pieces[i].offset - t->next;
        if (t)
            t->next = m.pieces[i].offset + m.pieces[i].bytes_len;
    }
    *more = !err && m.more;
    pxp_zone_free(&zone);
    return err || ok ? err : px_fail(PVMX_ERR_NOMEM, "out of memory");
}

static int by_time(const void *a, const void *b)
{
    const struct logs_piece *p = a, *q = b;
    if (p->at_ms != q->at_ms)
        return p->at_ms < q->at_ms ? -1 : 1;
    if (p->tid != q->tid)
        return p->tid < q->tid ? -1 : 1;
    return p->offset < q->offset ? -1 : p->offset > q->offset;
}

bool logs_read(struct logs *g, struct link *l)
{
    const struct survey_host *from;
    uint8_t *body;
    size_t len;
    enum survey_got got = SURVEY_LOST;
    g->link = l;
    pvmx_err err = survey_begin(&g->survey, l, PXP_LOGS_ARE);
    for (size_t i = 0; !err && i < g->survey.n; i++)
        err = ask(g, g->survey.hosts[i].index, false);
    while (!err && (got = survey_next(&g->survey, &from, &body, &len)) == SURVEY_ANSWER) {
        bool more;
        err = take(g, body, len, &more);
        free(body);
        if (!err && more)
            err = ask(g, from->index, false);
    }
    if (g->npieces)
        qsort(g->pieces, g->npieces, sizeof *g->pieces, by_time);
    return !err && got == SURVEY_DONE;
}

/* Tasks of a host that may still write. */
static bool any_live(const struct logs *g, uint32_t host)
{
    for (size_t i = 0; i < g->ntasks; i++)
        if ((uint32_t)g->tasks[i].tid >> 18 == host && !g->tasks[i].ended)
            return true;
    return false;
}

bool logs_follow(struct logs *g)
{
    pvmx_err err = PVMX_OK;
    g->survey.until = 0;
    for (size_t i = 0; !err && i < g->survey.n; i++)
        if (!g->survey.hosts[i].silent && any_live(g, g->survey.hosts[i].index))
            err = ask(g, g->survey.hosts[i].index, true);
    return !err;
}

enum survey_got logs_next(struct logs *g)
{
    const struct survey_host *from;
    uint8_t *body;
    size_t len;
    bool more;
    enum survey_got got = survey_next(&g->survey, &from, &body, &len);
    if (got != SURVEY_ANSWER) {
        free(body);
        return got;
    }
    pvmx_err err = take(g, body, len, &more);
    free(body);
    if (!err && (more || any_live(g, from->index)))
        err = ask(g, from->index, !more);
    return err ? SURVEY_LOST : got;
}
