/* SPDX-License-Identifier: BSD-3-Clause */
/* See boxes.h. The console is no task: what it puts has no owner for the daemon, as what an ended task
 * has left, and the console itself deletes it when it leaves. */
#include "boxes.h"

#include "base/err.h"

#include <pvmx/engine/box.h>
#include <stdlib.h>
#include <string.h>

enum {
    INDEX_SHIFT = 10, /* PVM's flags have the index above: PvmMboxDirectIndex */
    HEAD_NUMBERS = 9, /* of a message that is kept, see pack_text */
    TEXT_MAX = 1 << 22,
};

pvmx_err boxes_list(struct link *l, const char *pattern, struct pxp_box_list_is *out,
                    struct pxp_zone *zone, uint8_t **body)
{
    struct pxp_box_list m = {.pattern = pattern};
    size_t len;
    uint32_t serial = pxp_client_serial(&l->client);
    *body = NULL;
    pvmx_err err = pxp_box_list_encode(&l->client.out, serial, &m);
    if (!err)
        err = link_ask(l, serial, PXP_BOX_LIST_IS, body, &len);
    return err ? err : pxp_box_list_is_decode(*body, len, out, zone);
}

/* ---- putting ---------------------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *to, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *to++ = (uint8_t)(v >> shift);
    return to;
}

/* The message that pvm_recvinfo unpacks: nine numbers, of which the first is the length of what follows
 * and the others, of a message that nobody has sent, are 0; then the text with its length in front.
 * Numbers have four bytes, the first one the highest; bytes are filled up to a multiple of four. To be
 * freed; NULL: no memory. */
static uint8_t *pack_text(const char *text, size_t *len)
{
    size_t n = strlen(text) + 1, padded = (n + 3) & ~(size_t)3;
    *len = (HEAD_NUMBERS + 1) * 4 + padded;
    uint8_t *data = calloc(1, *len), *to = data;
    if (!data)
        return NULL;
    to = put_number(to, (uint32_t)(4 + padded));
    to += (HEAD_NUMBERS - 1) * 4;
    to = put_number(to, (uint32_t)n);
    memcpy(to, text, n);
    return data;
}

static struct boxes_own *own_new(const char *name)
{
    size_t size = strlen(name) + 1;
    struct boxes_own *b = calloc(1, sizeof *b + size);
    if (b)
        memcpy(b->name, name, size);
    return b;
}

static pvmx_err ask_put(struct link *l, const struct pxp_box_put *m, uint32_t *index)
{
    struct pxp_box_at at;
    struct pxp_zone zone = {0};
    uint8_t *body = NULL;
    size_t len;
    uint32_t serial = pxp_client_serial(&l->client);
    pvmx_err err = pxp_box_put_encode(&l->client.out, serial, m);
    if (!err)
        err = link_ask(l, serial, PXP_BOX_AT, &body, &len);
    if (!err)
        err = pxp_box_at_decode(body, len, &at, &zone);
    if (!err)
        *index = at.index;
    pxp_zone_free(&zone);
    free(body);
    return err;
}

pvmx_err boxes_put(struct link *l, const char *name, uint32_t flags, const char *text,
                   struct boxes_own **own)
{
    uint32_t direct = flags >> INDEX_SHIFT;
    struct pxp_box_put m = {.name = name,
                            .flags = (flags & ((1u << INDEX_SHIFT) - 1)) | PVMX_BOX_KEEP,
                            .direct = direct != 0,
                            .index = direct};
    if (strlen(text) > TEXT_MAX)
        return px_fail(PVMX_ERR_TOOBIG, "the text is longer than %d bytes", TEXT_MAX);
    uint8_t *data = pack_text(text, &m.data_len);
    struct boxes_own *b = own_new(name);
    m.data = data;
    pvmx_err err =
        data && b ? ask_put(l, &m, &b->index) : px_fail(PVMX_ERR_NOMEM, "out of memory");
    free(data);
    if (err) {
        free(b);
        return err;
    }
    b->stays = (flags & PVMX_BOX_KEEP) != 0;
    b->next = *own;
    *own = b;
    return PVMX_OK;
}

/* ---- deleting --------------------------------------------------------------------------------- */

/* *count grows by one if it was there. */
static pvmx_err drop(struct link *l, const char *name, uint32_t index, uint32_t *count)
{
    struct pxp_box_drop m = {.name = name, .index = index};
    uint32_t serial = pxp_client_serial(&l->client);
    pvmx_err err = pxp_box_drop_encode(&l->client.out, serial, &m);
    if (!err)
        err = link_done(l, serial, NULL);
    *count += !err;
    return err == PVMX_ERR_NOENT ? PVMX_OK : err;
}

/* The newest one of this place, which has taken the others' place; NULL: none. */
static const struct boxes_own *own_find(const struct boxes_own *own,
                                        const struct pxp_box_entry *e)
{
    while (own && (own->index != e->index || strcmp(own->name, e->name) != 0))
        own = own->next;
    return own;
}

pvmx_err boxes_drop_left(struct link *l, const char *name, long index,
                         const struct boxes_own *own, uint32_t *count)
{
    struct pxp_box_list_is is;
    struct pxp_zone zone = {0};
    uint8_t *body;
    *count = 0;
    pvmx_err err = boxes_list(l, name ? name : "", &is, &zone, &body);
    for (size_t i = 0; !err && i < is.n_entries; i++) {
        const struct pxp_box_entry *e = &is.entries[i];
        bool meant = (!name || strcmp(e->name, name) == 0) &&
                     (index < 0 || e->index == (uint32_t)index);
        if (e->owner == 0 && meant && !own_find(own, e))
            err = drop(l, e->name, e->index, count);
    }
    pxp_zone_free(&zone);
    free(body);
    return err;
}

void boxes_leave(struct link *l, struct boxes_own **own)
{
    struct pxp_box_list_is is;
    struct pxp_zone zone = {0};
    uint8_t *body = NULL;
    uint32_t count = 0;
    bool goes = false;
    for (const struct boxes_own *b = *own; b; b = b->next)
        goes = goes || !b->stays;
    if (goes && link_open(l, false) == PVMX_OK &&
        boxes_list(l, "", &is, &zone, &body) == PVMX_OK)
        for (size_t i = 0; i < is.n_entries; i++) {
            const struct pxp_box_entry *e = &is.entries[i];
            const struct boxes_own *b = e->owner == 0 ? own_find(*own, e) : NULL;
            if (b && !b->stays)
                drop(l, e->name, e->index, &count);
        }
    pxp_zone_free(&zone);
    free(body);
    while (*own) {
        struct boxes_own *b = *own;
        *own = b->next;
        free(b);
    }
}
