/* SPDX-License-Identifier: BSD-3-Clause */
/* Events of calls in traced tasks: messages of their libraries (<pvmtev.h>) into records of a
 * trace. The first
 * record of a kind comes with the names and types of its parts; later ones have values only. */
#include "console.h"
#include "sddf.h"

#include <pvmtev.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRY = 0x4000,
    EXIT = 0x8000,
    KIND = 0x3fff,
    KINDS = TEV_MAX + 1,
    DATA_IDS = TEV_DID_MAX + 1
};

extern struct Pvmtevinfo pvmtevinfo[];
extern struct Pvmtevdid pvmtevdidlist[];

/* ---- parts ------------------------------------------------------------------------------------ */

static bool take_int(int *out)
{
    return pvm_upkint(out, 1, 1) >= 0;
}

/* A text of the message; it cannot be longer than the message. NULL: there is none. */
static char *take_text(void)
{
    int bytes, tag, tid;
    if (pvm_bufinfo(pvm_getrbuf(), &bytes, &tag, &tid) < 0 || bytes < 0)
        return NULL;
    char *text = malloc((size_t)bytes + 1);
    if (text && pvm_upkstr(text) < 0) {
        free(text);
        text = NULL;
    }
    return text;
}

/* The description of a kind, as far as it is known by now. */
static struct calls_shape *shape_of(struct calls *c, int event)
{
    for (int i = 0; i < c->n; i++)
        if (c->shapes[i].event == event)
            return &c->shapes[i];
    if (c->n == CALLS_SHAPES)
        return NULL;
    c->shapes[c->n] = (struct calls_shape){.event = event};
    return &c->shapes[c->n++];
}

/* "recv(0.0)" where it begins, "recv(1.1)" where it ends, "endtask(0)" of what is one. */
static int number_of(int event, char *name, size_t size)
{
    int kind = event & KIND;
    const char *form = event & EXIT ? "(1.1)" : event & ENTRY ? "(0.0)" : "(0)";
    snprintf(name, size, "%s%s", pvmtevinfo[kind].name, form);
    return (event & EXIT ? 2001 : 1000) + 2 * kind;
}

static void describe(struct trace *t, unsigned who, struct calls_shape *s)
{
    char name[64];
    int number = number_of(s->event, name, sizeof name);
    trace_describe_begin(t, who, number, name);
    for (int i = 0; i < s->n; i++) {
        const struct Pvmtevdid *d = &pvmtevdidlist[s->parts[i].did];
        int type = s->parts[i].type;
        trace_describe_field(t, who, d->did, d->desc,
                             (type & ~TEV_DATA_ARRAY) == TEV_DATA_STRING,
                             type & TEV_DATA_ARRAY);
    }
    trace_describe_end(t, who);
    s->described = true;
}

static void free_value(struct calls_value *v)
{
    free(v->text);
    for (int i = 0; v->list && i < v->number; i++)
        free(v->list[i]);
    free(v->list);
    *v = (struct calls_value){0};
}

/* As many as the message says, and holds: a number takes 4 bytes of it. */
static bool take_list(bool texts, struct calls_value *v)
{
    int n, bytes, tag, tid, number, width;
    if (!take_int(&n) || pvm_bufinfo(pvm_getrbuf(), &bytes, &tag, &tid) < 0 || n < 0 ||
        n > bytes / 4 || !(v->list = calloc((size_t)n + 1, sizeof *v->list)))
        return false;
    v->width = texts; /* of none: "" */
    for (v->number = 0; v->number < n; v->number++) {
        char **to = &v->list[v->number];
        if (texts)
            *to = take_text();
        else if (!take_int(&number) || asprintf(to, "%d", number) < 0)
            *to = NULL;
        if (!*to)
            return false;
        width = texts ? (int)strlen(*to) + 1 : 0;
        v->width = width > v->width ? width : v->width;
    }
    return true;
}

static bool take_value(int type, struct calls_value *v)
{
    if (type & TEV_DATA_ARRAY)
        return take_list(type == (TEV_DATA_STRING | TEV_DATA_ARRAY), v);
    if (type == TEV_DATA_STRING)
        return (v->text = take_text()) != NULL;
    return take_int(&v->number);
}

/* Values up to the end of the record; false: this is no such record. */
static bool take_values(struct calls_shape *s, bool named, struct calls_value *v, int *n)
{
    for (*n = 0;; ++*n) {
        int i = *n, did, type, end;
        if (named) {
            if (!take_int(&did))
                return false;
            if (did == TEV_MARK_EVENT_DESC_END)
                return true;
            if (i == CALLS_PARTS || did < 0 || did >= DATA_IDS || !take_int(&type))
                return false;
            s->parts[i].did = did;
            s->parts[i].type = type;
            s->n = i + 1;
        } else if (i == s->n) {
            return take_int(&end) && end == TEV_MARK_EVENT_RECORD_END;
        }
        if (!take_value(s->parts[i].type, &v[i]))
            return false;
    }
}

/* What the console tells itself, or is of no use. */
static bool is_known(int event)
{
    return event == TEV_NEWTASK || event == TEV_SPNTASK;
}

/* After "mark, event"; false: the rest of the message makes no sense. */
static bool take_record(struct trace *t, struct calls *c, bool named)
{
    struct calls_value v[CALLS_PARTS] = {{.text = NULL}};
    int event, n = 0;
    if (!take_int(&event) || event < 0 || (event & KIND) >= KINDS)
        return false;
    struct calls_shape *s = shape_of(c, event);
    char *name = s && named ? take_text() : NULL;
    bool ok = s && (!named || name) && take_values(s, named, v, &n);
    free(name);
    if (ok && n >= 3 && !is_known(event)) {
        int tid = v[2].number;
        unsigned who = event & (ENTRY | EXIT) ? (unsigned)tid
                                              : 0x80000000u | (unsigned)pvm_tidtohost(tid);
        char text[64];
        number_of(event, text, sizeof text);
        if (!s->described)
            describe(t, who, s);
        trace_record(t, who, text, v, n);
    }
    for (int i = 0; i < CALLS_PARTS; i++)
        free_value(&v[i]);
    return ok;
}

void calls_take(struct trace *t, struct calls *c)
{
    int mark, shown = pvm_setopt(PvmAutoErr, 0); /* that a message has an end is no error */
    while (take_int(&mark)) {
        if (mark == TEV_MARK_EVENT_BUFFER)
            continue;
        if (mark != TEV_MARK_EVENT_DESC && mark != TEV_MARK_EVENT_RECORD)
            break; /* the end, or names of data, which we know */
        if (!take_record(t, c, mark == TEV_MARK_EVENT_DESC))
            break;
    }
    pvm_setopt(PvmAutoErr, shown);
}
