/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes. */
#include "mailbox.h"
#include "base/err.h"
#include "book.h"
#include "caller.h"
#include "far.h"
#include "hosts.h"
#include "peer.h"
#include "server.h"
#include "tasks.h"
#include "waiter.h"
#include <pvmx/engine/box.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_LEN = 4096,
    INDEX_MAX = 1 << 21, /* exclusive */
};

/* One entry. */
struct box {
    struct px_list in_owner; /* task.boxes; alone when it has no owner */
    struct box_class *class;
    struct task *owner;
    struct fact *fact;
};

/* All entries of a name, by index. Names with the same hash are a chain. */
struct box_class {
    struct box_class *next;
    struct box **entries;
    size_t n, cap;
    char name[];
};

/* A box_get that waits; all stand in server.box_waits. */
struct box_wait {
    struct waiter w;
    struct pxp_box_get m;
    struct pxp_zone zone;
};

static struct box_class *find_class(struct server *sv, const char *name)
{
    struct box_class *c = px_map_get(&sv->boxes, px_map_text(name));
    while (c != NULL && strcmp(c->name, name) != 0)
        c = c->next;
    return c;
}

static struct box_class *make_class(struct server *sv, const char *name)
{
    size_t len = strlen(name) + 1;
    struct box_class *c = calloc(1, sizeof *c + len);
    if (c == NULL)
        return NULL;
    memcpy(c->name, name, len);
    c->next = px_map_get(&sv->boxes, px_map_text(name));
    if (px_map_put(&sv->boxes, px_map_text(name), c) == PVMX_OK)
        return c;
    free(c);
    return NULL;
}

static void free_class(struct server *sv, struct box_class *c)
{
    uint64_t h = px_map_text(c->name);
    struct box_class *first = px_map_get(&sv->boxes, h);
    if (first != c) {
        while (first->next != c)
            first = first->next;
        first->next = c->next;
    } else if (c->next != NULL) {
        px_map_put(&sv->boxes, h, c->next); /* replaces: needs no memory */
    } else {
        px_map_remove(&sv->boxes, h);
    }
    free(c->entries);
    free(c);
}

/* Place of the first entry at or behind index. */
static size_t place_of(const struct box_class *c, uint32_t index)
{
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c->entries[mid]->fact->number < index)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct box *find_entry(struct server *sv, const char *name, uint32_t index, bool first)
{
    const struct box_class *c = find_class(sv, name);
    size_t at = c != NULL ? place_of(c, index) : 0;
    if (c == NULL || at == c->n || (!first && c->entries[at]->fact->number != index))
        return NULL;
    return c->entries[at];
}

static void remove_entry(struct server *sv, struct box *b)
{
    struct box_class *c = b->class;
    size_t at = place_of(c, b->fact->number);
    memmove(c->entries + at, c->entries + at + 1, (--c->n - at) * sizeof *c->entries);
    px_list_remove(&b->in_owner);
    book_del(sv, b->fact);
    free(b);
    if (c->n == 0)
        free_class(sv, c);
}

/* Entries are dense mostly: the lowest free index from first on is where index and place part. */
static uint32_t lowest_free(const struct box_class *c, uint32_t first)
{
    size_t begin = place_of(c, first), low = begin, high = c->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c->entries[mid]->fact->number - first == mid - begin)
            low = mid + 1;
        else
            high = mid;
    }
    return first + (uint32_t)(low - begin);
}

static pvmx_err insert(struct box_class *c, struct box *b)
{
    if (c->n == c->cap) {
        size_t cap = c->cap > 0 ? c->cap * 2 : 4;
        struct box **entries = realloc(c->entries, cap * sizeof *entries);
        if (entries == NULL)
            return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for another entry");
        c->entries = entries;
        c->cap = cap;
    }
    size_t at = place_of(c, b->fact->number);
    memmove(c->entries + at + 1, c->entries + at, (c->n++ - at) * sizeof *c->entries);
    c->entries[at] = b;
    b->class = c;
    return PVMX_OK;
}

static bool may_change(const struct box *b, const struct task *t)
{
    return b->owner == t || (b->fact->flags & PVMX_BOX_SHARED) != 0;
}

static pvmx_err denied(const struct box *b)
{
    char whose[24] = "is to stay";
    if (b->owner != NULL)
        snprintf(whose, sizeof whose, "belongs to t%x", (unsigned)b->owner->tid);
    return px_fail(PVMX_ERR_PERM, "entry %u of '%.200s' %s", b->fact->number,
                   b->class->name, whose);
}

static pvmx_err answer(struct peer *p, uint32_t serial, const struct box *b, bool data)
{
    struct pxp_box_at m = {.index = b->fact->number,
                           .owner = b->owner != NULL ? b->owner->tid : 0,
                           .flags = b->fact->flags,
                           .data = data ? b->fact->data : NULL,
                           .data_len = data ? b->fact->len : 0};
    return pxp_box_at_encode(peer_out(p), serial, &m);
}

/* ---- putting ---------------------------------------------------------------------------------- */

static pvmx_err check_put(const struct peer *p, const struct pxp_box_put *m)
{
    /* A console's is nobody's from its beginning, as one that its task has left. */
    bool has_owner = p->task != NULL && !p->task->left;
    if (!has_owner && ((m->flags & PVMX_BOX_KEEP) == 0 || m->owner != 0))
        return px_fail(PVMX_ERR_STATE, "a process must enrol before it can put an entry");
    if (*m->name == '\0' || strlen(m->name) >= NAME_MAX_LEN)
        return px_fail(PVMX_ERR_ARG, "the name of an entry has 1 to %d bytes",
                       NAME_MAX_LEN - 1);
    if (m->index >= INDEX_MAX)
        return px_fail(PVMX_ERR_ARG, "there is no index %u", m->index);
    return PVMX_OK;
}

/* Takes the entry that the new one replaces away, and says where the new one goes. */
static pvmx_err make_room(struct server *sv, struct task *t, const struct pxp_box_put *m,
                          uint32_t *index)
{
    struct box_class *c = find_class(sv, m->name);
    *index = m->direct ? m->index : 0;
    if (c == NULL)
        return PVMX_OK;
    if (m->flags & PVMX_BOX_MULTI) {
        *index = lowest_free(c, *index);
        return *index < INDEX_MAX
                   ? PVMX_OK
                   : px_fail(PVMX_ERR_LIMIT, "'%.200s' has too many entries", m->name);
    }
    struct box *old = find_entry(sv, m->name, *index, false);
    if (old != NULL && !may_change(old, t))
        return denied(old);
    if (old != NULL)
        remove_entry(sv, old);
    return PVMX_OK;
}

/* Those who have waited for it; one that takes it leaves nothing for the others. */
static void answer_waits(struct server *sv, const char *name)
{
    px_list_foreach(it, &sv->box_waits) {
        struct box_wait *w = px_container_of(it, struct box_wait, w.in_queue);
        if (strcmp(w->m.name, name) != 0)
            continue;
        struct box *b = find_entry(sv, name, w->m.index, (w->m.flags & PVMX_BOX_FIRST) != 0);
        if (b == NULL)
            continue;
        bool take = (w->m.flags & PVMX_BOX_TAKE) != 0;
        pvmx_err err = take && !may_change(b, w->w.peer->task)
                           ? denied(b)
                           : answer(w->w.peer, w->w.serial, b, true);
        if (err != PVMX_OK) {
            waiter_refuse(&w->w, err);
            continue;
        }
        waiter_end(&w->w);
        if (take)
            remove_entry(sv, b);
    }
}

/* NULL: no memory. */
static struct box *load(struct server *sv, struct task *t, struct fact *f)
{
    struct box *b = malloc(sizeof *b);
    struct box_class *c = find_class(sv, f->name);
    if (b != NULL && c == NULL)
        c = make_class(sv, f->name);
    if (b == NULL || c == NULL) {
        free(b);
        return NULL;
    }
    b->fact = f;
    if (insert(c, b) != PVMX_OK) {
        if (c->n == 0)
            free_class(sv, c);
        free(b);
        return NULL;
    }
    b->owner = t;
    px_list_init(&b->in_owner);
    if (t != NULL)
        px_list_push_back(&t->boxes, &b->in_owner);
    return b;
}

bool box_load(struct server *sv, struct task *owner, struct fact *f)
{
    return load(sv, owner, f) != NULL;
}

/* Whose entry it becomes, when another's; its end must be heard of. */
static pvmx_err find_owner(struct server *sv, int32_t tid, struct task **out)
{
    bool is_there = far_host(tid) == sv->hosts.self ? task_find(sv, tid) != NULL
                                                    : hosts_find(sv, far_host(tid)) != NULL;
    *out = is_there ? caller_task(sv, tid) : NULL;
    return *out != NULL ? PVMX_OK
                        : px_fail(PVMX_ERR_NOTASK, "there is no task t%x", (unsigned)tid);
}

static pvmx_err put(struct server *sv, struct task *t, const struct pxp_box_put *m,
                    struct box **out)
{
    struct pxp_fact info = {.kind = FACT_BOX,
                            .name = m->name,
                            .flags = m->flags,
                            .data = m->data,
                            .data_len = m->data_len};
    struct task *owner = t;
    pvmx_err err = m->owner != 0 ? find_owner(sv, m->owner, &owner) : PVMX_OK;
    if (err == PVMX_OK)
        err = make_room(sv, t, m, &info.number);
    if (err != PVMX_OK)
        return err;
    info.owner = owner != NULL ? owner->tid : 0;
    struct fact *f = book_put(sv, &info);
    *out = f != NULL ? load(sv, owner, f) : NULL;
    if (*out != NULL)
        return PVMX_OK;
    if (f != NULL)
        book_del(sv, f);
    return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for an entry of %zu bytes",
                   m->data_len);
}

pvmx_err box_put(struct server *sv, struct peer *p, uint32_t serial, const uint8_t *body,
                 size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_box_put m;
    struct box *b = NULL;
    pvmx_err err = pxp_box_put_decode(body, len, &m, &zone);
    if (err == PVMX_OK)
        err = check_put(p, &m);
    if (err == PVMX_OK)
        err = put(sv, p->task, &m, &b);
    if (err == PVMX_OK) {
        err = answer(p, serial, b, false);
        answer_waits(sv, m.name);
    }
    pxp_zone_free(&zone);
    return err;
}

/* ---- getting ---------------------------------------------------------------------------------- */

static void wait_free(struct waiter *w)
{
    struct box_wait *b = px_container_of(w, struct box_wait, w);
    pxp_zone_free(&b->zone);
    free(b);
}

static void wait_late(struct waiter *w)
{
    px_fail(PVMX_ERR_TIMEDOUT, "there is no entry of '%.200s'",
            px_container_of(w, struct box_wait, w)->m.name);
}

static pvmx_err get_now(struct server *sv, struct peer *p, uint32_t serial,
                        const struct pxp_box_get *m, struct box *b)
{
    bool take = (m->flags & PVMX_BOX_TAKE) != 0;
    if (take && !may_change(b, p->task))
        return denied(b);
    pvmx_err err = answer(p, serial, b, true);
    if (err == PVMX_OK && take)
        remove_entry(sv, b);
    return err;
}

pvmx_err box_get(struct server *sv, struct peer *p, uint32_t serial, const uint8_t *body,
                 size_t len)
{
    struct box_wait *w = calloc(1, sizeof *w);
    if (w == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to look for an entry");
    w->w.late = wait_late;
    w->w.free = wait_free;
    pvmx_err err = pxp_box_get_decode(body, len, &w->m, &w->zone);
    struct box *b = NULL;
    if (err == PVMX_OK)
        b = find_entry(sv, w->m.name, w->m.index, (w->m.flags & PVMX_BOX_FIRST) != 0);
    if (b != NULL) {
        err = get_now(sv, p, serial, &w->m, b);
    } else if (err == PVMX_OK && (w->m.flags & PVMX_BOX_WAIT) != 0) {
        waiter_start(&w->w, p, serial, &sv->box_waits, WAITER_FOREVER);
        return PVMX_OK;
    } else if (err == PVMX_OK) {
        err = px_fail(PVMX_ERR_NOENT, "there is no entry %u of '%.200s'", w->m.index,
                      w->m.name);
    }
    wait_free(&w->w);
    return err;
}

pvmx_err box_drop(struct server *sv, struct peer *p, uint32_t serial, const uint8_t *body,
                  size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_box_drop m;
    pvmx_err err = pxp_box_drop_decode(body, len, &m, &zone);
    struct box *b = err == PVMX_OK ? find_entry(sv, m.name, m.index, false) : NULL;
    if (err == PVMX_OK && b == NULL)
        err = px_fail(PVMX_ERR_NOENT, "there is no entry %u of '%.200s'", m.index, m.name);
    else if (err == PVMX_OK && !may_change(b, p->task))
        err = denied(b);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    remove_entry(sv, b);
    struct pxp_done done = {.count = 1};
    return pxp_done_encode(peer_out(p), serial, &done);
}

/* ---- lists ------------------------------------------------------------------------------------ */

/* Do the parts of the pattern between '*' occur in this order? */
static bool matches(const char *name, const char *pattern)
{
    while (*pattern != '\0') {
        size_t len = strcspn(pattern, "*");
        if (len > 0) {
            const char *at = name;
            while (*at != '\0' && strncmp(at, pattern, len) != 0)
                at++;
            if (*at == '\0')
                return false;
            name = at + len;
        }
        pattern += len + (pattern[len] == '*');
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct pxp_box_entry *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    return c != 0 ? c : (x->index > y->index) - (x->index < y->index);
}

static size_t count_all(const struct server *sv)
{
    size_t n = 0, pos = 0;
    uint64_t key;
    void *v;
    while (px_map_next(&sv->boxes, &pos, &key, &v))
        for (const struct box_class *c = v; c != NULL; c = c->next)
            n += c->n;
    return n;
}

static size_t collect(const struct server *sv, const char *pattern, struct pxp_box_entry *out)
{
    size_t n = 0, pos = 0;
    uint64_t key;
    void *v;
    while (px_map_next(&sv->boxes, &pos, &key, &v))
        for (const struct box_class *c = v; c != NULL; c = c->next)
            for (size_t i = 0; matches(c->name, pattern) && i < c->n; i++) {
                const struct box *b = c->entries[i];
                out[n++] =
                    (struct pxp_box_entry){.name = c->name,
                                           .index = b->fact->number,
                                           .owner = b->owner != NULL ? b->owner->tid : 0,
                                           .flags = b->fact->flags};
            }
    return n;
}

pvmx_err box_list(struct server *sv, struct peer *p, uint32_t serial, const uint8_t *body,
                  size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_box_list m;
    struct pxp_box_list_is rep = {0};
    pvmx_err err = pxp_box_list_decode(body, len, &m, &zone);
    if (err == PVMX_OK) {
        rep.entries = malloc((count_all(sv) + 1) * sizeof *rep.entries);
        if (rep.entries == NULL)
            err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the list");
    }
    if (err == PVMX_OK) {
        rep.n_entries = collect(sv, m.pattern, rep.entries);
        qsort(rep.entries, rep.n_entries, sizeof *rep.entries, by_name);
        err = pxp_box_list_is_encode(peer_out(p), serial, &rep);
    }
    free(rep.entries);
    pxp_zone_free(&zone);
    return err;
}

pvmx_err box_number(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    (void)body;
    (void)len;
    struct pxp_done done = {.count = ++sv->last_number};
    return pxp_done_encode(peer_out(p), serial, &done);
}

void boxes_forget_task(struct task *t)
{
    while (!px_list_empty(&t->boxes)) {
        struct box *b = px_container_of(t->boxes.next, struct box, in_owner);
        if ((b->fact->flags & PVMX_BOX_KEEP) == 0) {
            remove_entry(t->sv, b);
            continue;
        }
        px_list_remove(&b->in_owner);
        b->owner = NULL;
        book_set(t->sv, b->fact, 0, b->fact->flags);
    }
}

void boxes_clear(struct server *sv)
{
    for (;;) {
        size_t pos = 0;
        uint64_t key;
        void *v;
        if (!px_map_next(&sv->boxes, &pos, &key, &v))
            return;
        const struct box_class *c = v;
        remove_entry(sv, c->entries[c->n - 1]); /* the last takes its name along */
    }
}

void boxes_fini(struct server *sv)
{
    size_t pos = 0;
    uint64_t key;
    void *v;
    while (px_map_next(&sv->boxes, &pos, &key, &v))
        for (struct box_class *c = v, *next; c != NULL; c = next) {
            next = c->next;
            for (size_t i = 0; i < c->n; i++)
                free(c->entries[i]);
            free(c->entries);
            free(c);
        }
    px_map_free(&sv->boxes);
}
