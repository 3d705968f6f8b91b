/* SPDX-License-Identifier: BSD-3-Clause */
/* See tasks.h. */
#include "tasks.h"

#include <stdlib.h>
#include <string.h>

typedef const struct pxp_task_info *entry;

static int by_tid(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    return (*p)->tid < (*q)->tid ? -1 : (*p)->tid > (*q)->tid;
}

static int down(uint64_t a, uint64_t b)
{
    return a > b ? -1 : a < b;
}

static int by_cpu(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    int order = down((*p)->cpu_ms, (*q)->cpu_ms);
    return order ? order : by_tid(a, b);
}

static int by_memory(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    int order = down((*p)->rss_kb, (*q)->rss_kb);
    return order ? order : by_tid(a, b);
}

static int by_age(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    int order = down((*p)->age_ms, (*q)->age_ms);
    return order ? order : by_tid(a, b);
}

static int by_job(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    int order = down((*q)->job, (*p)->job);
    return order ? order : by_tid(a, b);
}

static int by_host(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    int order = strcmp((*p)->host, (*q)->host);
    return order ? order : by_tid(a, b);
}

static int by_program(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    int order = strcmp((*p)->program, (*q)->program);
    return order ? order : by_tid(a, b);
}

static int by_parent(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    if ((*p)->parent != (*q)->parent)
        return (*p)->parent < (*q)->parent ? -1 : 1;
    return by_tid(a, b);
}

static const struct {
    char name[8];
    int (*compare)(const void *, const void *);
} orders[] = {
    {"tid", by_tid},   {"cpu", by_cpu}, {"memory", by_memory},   {"age", by_age},
    {"host", by_host}, {"job", by_job}, {"program", by_program}, {"tree", by_parent},
};

const char tasks_orders[] = "tree, tid, cpu, memory, age, host, job or program";

static int (*find_order(const char *order))(const void *, const void *)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strncmp(orders[i].name, order, sizeof orders[i].name) == 0)
            return orders[i].compare;
    return NULL;
}

const char *tasks_order(size_t i)
{
    return i < sizeof orders / sizeof *orders ? orders[i].name : NULL;
}

bool tasks_is_order(const char *order)
{
    return find_order(order) != NULL;
}

/* ---- the tree --------------------------------------------------------------------------------- */

/* From tasks that are sorted by parent. */
struct tree {
    const entry *sorted;
    size_t n;
    struct tasks_view *out;
};

/* The first task of sorted whose parent is not less. */
static size_t first_child(const struct tree *t, int32_t parent)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (t->sorted[mid]->parent < parent)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void put(struct tree *t, entry task, unsigned depth)
{
    struct tasks_view *v = t->out;
    v->tasks[v->n] = task;
    v->depths[v->n++] = depth;
    if (task->tid == 0)
        return;
    for (size_t i = first_child(t, task->tid);
         i < t->n && t->sorted[i]->parent == task->tid && v->n < t->n; i++)
        put(t, t->sorted[i], depth + 1);
}

static bool has_parent(const struct pxp_status_is *s, entry task)
{
    for (size_t i = 0; task->parent && i < s->n_tasks; i++)
        if (s->tasks[i].tid == task->parent)
            return true;
    return false;
}

bool tasks_arrange(struct tasks_view *v, const struct pxp_status_is *s, const char *order)
{
    int (*compare)(const void *, const void *) = find_order(order);
    entry *sorted = malloc((s->n_tasks + 1) * sizeof *sorted);
    *v = (struct tasks_view){.tasks = malloc((s->n_tasks + 1) * sizeof *v->tasks),
                             .depths = calloc(s->n_tasks + 1, sizeof *v->depths)};
    if (!sorted || !v->tasks || !v->depths) {
        free(sorted);
        tasks_view_free(v);
        return false;
    }
    for (size_t i = 0; i < s->n_tasks; i++)
        sorted[i] = &s->tasks[i];
    qsort(sorted, s->n_tasks, sizeof *sorted, compare);
    struct tree t = {sorted, s->n_tasks, v};
    for (size_t i = 0; i < s->n_tasks; i++) {
        if (compare != by_parent)
            v->tasks[v->n++] = sorted[i];
        else if (v->n < s->n_tasks && !has_parent(s, sorted[i]))
            put(&t, sorted[i], 0);
    }
    free(sorted);
    return true;
}

void tasks_view_free(struct tasks_view *v)
{
    free(v->tasks);
    free(v->depths);
    *v = (struct tasks_view){0};
}

const char *tasks_command(const struct pxp_task_info *t)
{
    return *t->command ? t->command : t->program;
}
