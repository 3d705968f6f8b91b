/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoding of any message from its table. What arrives is the peer's and may be anything: each
 * mistake ends in PVMX_ERR_PROTO and a sentence that names message and field. */
#include "base/err.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/reader.h"
#include <string.h>

struct decoder {
    struct pxp_reader in;
    struct pxp_zone *zone;
    const struct pxp_desc *message; /* for sentences */
};

size_t pxp_value_size(const struct pxp_field *f)
{
    switch (f->type) {
    case PXP_T_U32:
    case PXP_T_I32:
        return sizeof(uint32_t);
    case PXP_T_U64:
        return sizeof(uint64_t);
    case PXP_T_BOOL:
        return sizeof(bool);
    case PXP_T_STR:
    case PXP_T_BIN:
        return sizeof(void *);
    case PXP_T_STRUCT:
        return f->sub->size;
    }
    return 0;
}

static pvmx_err wrong(const struct decoder *d, const struct pxp_field *f, const char *why)
{
    return px_fail(PVMX_ERR_PROTO, "message %s, field %s: %s", d->message->name, f->name,
                   why);
}

static pvmx_err broken(const struct decoder *d)
{
    return px_fail(PVMX_ERR_PROTO, "message %s is cut short or is no msgpack",
                   d->message->name);
}

static void *alloc(struct decoder *d, const struct pxp_field *f, size_t n, pvmx_err *err)
{
    void *p = pxp_zone_alloc(d->zone, n);
    if (p == NULL) {
        bool limit = n > PXP_ZONE_MAX || d->zone->total > PXP_ZONE_MAX - n;
        *err = px_fail(limit ? PVMX_ERR_TOOBIG : PVMX_ERR_NOMEM,
                       limit ? "message %s, field %s: more than the limit of a message"
                             : "message %s, field %s: no memory",
                       d->message->name, f->name);
    }
    return p;
}

/* What absent fields hold: everything is zero already, but strings are never NULL. */
static void set_defaults(const struct pxp_desc *desc, char *m)
{
    for (size_t i = 0; i < desc->nfields; i++) {
        const struct pxp_field *f = &desc->fields[i];
        if (f->type == PXP_T_STR && !f->list)
            *(const char **)(m + f->at) = "";
        else if (f->type == PXP_T_STRUCT && !f->list)
            set_defaults(f->sub, m + f->at);
    }
}

static pvmx_err get_text(struct decoder *d, const struct pxp_field *f,
                         const struct pxp_token *t, const char **out)
{
    pvmx_err err = PVMX_OK;
    if (t->kind != PXP_K_STR && t->kind != PXP_K_BIN)
        return wrong(d, f, "not a text");
    if (t->u > 0 && memchr(t->bytes, '\0', t->u) != NULL)
        return wrong(d, f, "a text that contains a zero byte");
    char *text = alloc(d, f, t->u + 1, &err);
    if (text == NULL)
        return err;
    memcpy(text, t->bytes != NULL ? t->bytes : (const uint8_t *)"", t->u);
    *out = text;
    return PVMX_OK;
}

static pvmx_err get_record(struct decoder *d, const struct pxp_desc *desc, uint64_t pairs,
                           char *m);

static pvmx_err get_value(struct decoder *d, const struct pxp_field *f, char *to)
{
    struct pxp_token t;
    if (!pxp_read(&d->in, &t))
        return broken(d);
    switch (f->type) {
    case PXP_T_U32:
        if (t.kind != PXP_K_UINT || t.u > UINT32_MAX)
            return wrong(d, f, "not a number from 0 to 2^32-1");
        *(uint32_t *)to = (uint32_t)t.u;
        return PVMX_OK;
    case PXP_T_U64:
        if (t.kind != PXP_K_UINT)
            return wrong(d, f, "not a number from 0 to 2^64-1");
        *(uint64_t *)to = t.u;
        return PVMX_OK;
    case PXP_T_I32:
        if (!(t.kind == PXP_K_UINT && t.u <= INT32_MAX) &&
            !(t.kind == PXP_K_NINT && t.i >= INT32_MIN))
            return wrong(d, f, "not a number from -2^31 to 2^31-1");
        *(int32_t *)to = (int32_t)(t.kind == PXP_K_UINT ? (int64_t)t.u : t.i);
        return PVMX_OK;
    case PXP_T_BOOL:
        if (t.kind != PXP_K_BOOL)
            return wrong(d, f, "neither true nor false");
        *(bool *)to = t.u != 0;
        return PVMX_OK;
    case PXP_T_STR:
        return get_text(d, f, &t, (const char **)to);
    case PXP_T_STRUCT:
        if (t.kind != PXP_K_MAP)
            return wrong(d, f, "not a map");
        return get_record(d, f->sub, t.u, to);
    case PXP_T_BIN:
        break;
    }
    return wrong(d, f, "of an unknown type");
}

static pvmx_err get_bin(struct decoder *d, const struct pxp_field *f, char *m)
{
    struct pxp_token t;
    pvmx_err err = PVMX_OK;
    if (!pxp_read(&d->in, &t))
        return broken(d);
    if (t.kind != PXP_K_BIN)
        return wrong(d, f, "not binary data");
    void *bytes = NULL;
    if (t.u > 0) {
        bytes = alloc(d, f, t.u, &err);
        if (bytes == NULL)
            return err;
        memcpy(bytes, t.bytes, t.u);
    }
    *(const void **)(m + f->at) = bytes;
    *(size_t *)(m + f->count_at) = t.u;
    return PVMX_OK;
}

static pvmx_err get_list(struct decoder *d, const struct pxp_field *f, char *m)
{
    struct pxp_token t;
    pvmx_err err = PVMX_OK;
    if (!pxp_read(&d->in, &t))
        return broken(d);
    if (t.kind != PXP_K_ARRAY)
        return wrong(d, f, "not a list");
    char *items = NULL;
    size_t size = pxp_value_size(f);
    if (t.u > 0) {
        /* The reader has bounded the count by the body's size: no overflow. */
        items = alloc(d, f, t.u * size, &err);
        if (items == NULL)
            return err;
    }
    for (uint64_t i = 0; err == PVMX_OK && i < t.u; i++)
        err = get_value(d, f, items + i * size);
    if (err != PVMX_OK)
        return err;
    *(void **)(m + f->at) = items;
    *(size_t *)(m + f->count_at) = t.u;
    return PVMX_OK;
}

static const struct pxp_field *find_field(const struct pxp_desc *desc, uint64_t number)
{
    for (size_t i = 0; i < desc->nfields; i++)
        if (desc->fields[i].number == number)
            return &desc->fields[i];
    return NULL;
}

/* Recursion is bounded by the description: its structs nest four deep at most and only structs
 * that it knows are entered. */
static pvmx_err get_record(struct decoder *d, const struct pxp_desc *desc, uint64_t pairs,
                           char *m)
{
    set_defaults(desc, m);
    for (; pairs > 0; pairs--) {
        struct pxp_token key;
        if (!pxp_read(&d->in, &key))
            return broken(d);
        if (key.kind != PXP_K_UINT)
            return px_fail(PVMX_ERR_PROTO, "message %s: a field's key is not a number",
                           d->message->name);
        const struct pxp_field *f = find_field(desc, key.u);
        pvmx_err err = PVMX_OK;
        if (f == NULL) {
            if (!pxp_skip(&d->in))
                err = broken(d);
        } else if (f->list) {
            err = get_list(d, f, m);
        } else if (f->type == PXP_T_BIN) {
            err = get_bin(d, f, m);
        } else {
            err = get_value(d, f, m + f->at);
        }
        if (err != PVMX_OK)
            return err;
    }
    return PVMX_OK;
}

/* Number and serial; *elements how many values follow them in the outermost array. */
static pvmx_err read_head(struct pxp_reader *in, uint32_t *number, uint32_t *serial,
                          uint64_t *elements)
{
    struct pxp_token array, n, s;
    if (!pxp_read(in, &array) || array.kind != PXP_K_ARRAY || array.u < 3 ||
        !pxp_read(in, &n) || n.kind != PXP_K_UINT || n.u == 0 || n.u > UINT32_MAX ||
        !pxp_read(in, &s) || s.kind != PXP_K_UINT || s.u > UINT32_MAX)
        return px_fail(PVMX_ERR_PROTO,
                       "a frame that does not begin with a message number");
    *number = (uint32_t)n.u;
    *serial = (uint32_t)s.u;
    *elements = array.u - 2;
    return PVMX_OK;
}

pvmx_err pxp_frame_head(const uint8_t *body, size_t len, uint32_t *number, uint32_t *serial)
{
    struct pxp_reader in = {body, body + len};
    uint64_t elements;
    return read_head(&in, number, serial, &elements);
}

pvmx_err pxp_decode(const struct pxp_desc *desc, const uint8_t *body, size_t len, void *m,
                    struct pxp_zone *z)
{
    struct decoder d = {{body, body + len}, z, desc};
    uint32_t number, serial;
    uint64_t elements;
    struct pxp_token t;
    pvmx_err err = read_head(&d.in, &number, &serial, &elements);
    if (err != PVMX_OK)
        return err;
    if (number != desc->number)
        return px_fail(PVMX_ERR_PROTO, "message %s (%u) where %s was expected",
                       pxp_name(number), number, desc->name);
    if (!pxp_read(&d.in, &t))
        return broken(&d);
    if (t.kind != PXP_K_MAP)
        return px_fail(PVMX_ERR_PROTO, "message %s has no map of fields", desc->name);
    memset(m, 0, desc->size);
    err = get_record(&d, desc, t.u, m);
    /* A later version may add more elements to the outermost array. */
    for (; err == PVMX_OK && elements > 1; elements--)
        if (!pxp_skip(&d.in))
            err = broken(&d);
    if (err == PVMX_OK && d.in.at != d.in.end)
        err = px_fail(PVMX_ERR_PROTO,
                      "message %s is followed by %zu stray bytes in its frame",
                      desc->name, (size_t)(d.in.end - d.in.at));
    return err;
}
