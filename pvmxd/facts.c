/* SPDX-License-Identifier: BSD-3-Clause */
/* See facts.h. */
#include "facts.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

void facts_init(struct facts *s)
{
    *s = (struct facts){0};
    px_list_init(&s->all);
    px_list_init(&s->answers);
}

static uint64_t key_of(uint32_t kind, const char *name, uint32_t number, int32_t owner)
{
    uint64_t x = (uint64_t)number << 4 | kind;
    if (kind == FACT_ANSWER)
        x ^= (uint64_t)(uint32_t)owner << 36;
    return px_map_text(name) ^ (x + 1) * 0x9e3779b97f4a7c15u;
}

static uint64_t key(const struct fact *f)
{
    return key_of(f->kind, f->name, f->number, f->owner);
}

struct fact *facts_find(const struct facts *s, uint32_t kind, const char *name,
                        uint32_t number, int32_t owner)
{
    struct fact *f = px_map_get(&s->map, key_of(kind, name, number, owner));
    while (f != NULL && (f->kind != kind || f->number != number || strcmp(f->name, name) != 0 ||
                         (kind == FACT_ANSWER && f->owner != owner)))
        f = f->next;
    return f;
}

void facts_touch(struct facts *s, struct fact *f)
{
    f->stamp = ++s->last;
    px_list_remove(&f->node);
    px_list_push_back(&s->all, &f->node);
}

void facts_remove(struct facts *s, struct fact *f)
{
    struct fact *first = px_map_get(&s->map, key(f));
    px_list_remove(&f->node);
    px_list_remove(&f->in_answers);
    if (first != f) {
        while (first->next != f)
            first = first->next;
        first->next = f->next;
    } else if (f->next != NULL) {
        px_map_put(&s->map, key(f), f->next); /* replaces: needs no memory */
    } else {
        px_map_remove(&s->map, key(f));
    }
    free(f);
}

struct fact *facts_put(struct facts *s, const struct pxp_fact *m)
{
    size_t len = strlen(m->name) + 1;
    struct fact *f = malloc(sizeof *f + len + m->data_len);
    struct fact *old = facts_find(s, m->kind, m->name, m->number, m->owner);
    if (f == NULL)
        return NULL;
    *f = (struct fact){.kind = m->kind,
                       .number = m->number,
                       .flags = m->flags,
                       .owner = m->owner,
                       .len = m->data_len};
    memcpy(f->name, m->name, len);
    f->data = (uint8_t *)f->name + len;
    if (m->data_len > 0)
        memcpy(f->name + len, m->data, m->data_len);
    px_list_init(&f->node);
    px_list_init(&f->in_answers);
    f->next = px_map_get(&s->map, key(f));
    if (px_map_put(&s->map, key(f), f) != PVMX_OK) {
        free(f);
        return NULL;
    }
    if (f->kind == FACT_ANSWER)
        px_list_push_back(&s->answers, &f->in_answers);
    facts_touch(s, f);
    if (old != NULL)
        facts_remove(s, old);
    return f;
}

bool facts_settle(struct facts *s, int32_t host, uint32_t before)
{
    bool some = false;
    px_list_foreach(it, &s->answers) {
        struct fact *f = px_container_of(it, struct fact, in_answers);
        if (f->owner != host || (int32_t)(f->number - before) >= 0)
            continue;
        facts_remove(s, f);
        some = true;
    }
    return some;
}

pvmx_err facts_apply(struct facts *s, const struct pxp_fact *m)
{
    if (m->kind == FACT_SETTLED) {
        facts_settle(s, m->owner, m->number);
        return PVMX_OK;
    }
    if (!m->gone)
        return facts_put(s, m) != NULL
                   ? PVMX_OK
                   : px_fail(PVMX_ERR_NOMEM, "no memory for a copy of the leader's book");
    struct fact *f = facts_find(s, m->kind, m->name, m->number, m->owner);
    if (f != NULL)
        facts_remove(s, f);
    return PVMX_OK;
}

struct pxp_fact facts_write(const struct fact *f)
{
    return (struct pxp_fact){.kind = f->kind,
                             .name = f->name,
                             .number = f->number,
                             .owner = f->owner,
                             .flags = f->flags,
                             .data = f->data,
                             .data_len = f->len};
}

void facts_clear(struct facts *s)
{
    while (!px_list_empty(&s->all))
        facts_remove(s, px_container_of(s->all.next, struct fact, node));
    px_map_free(&s->map);
    s->term = s->version = s->last = 0;
}
