/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoding of any message from its table. */
#include "base/err.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include <msgpack/pack.h>
#include <string.h>

/* Where the packer's bytes go. The limit is tested here so that a monstrous request does not first
 * fill the memory. */
struct sink {
    struct px_buf *out;
    size_t room;
    pvmx_err err;
};

static int sink_write(void *data, const char *bytes, size_t n)
{
    struct sink *s = data;
    if (n > s->room)
        s->err = PVMX_ERR_TOOBIG;
    if (s->err == PVMX_OK)
        s->err = px_buf_append(s->out, bytes, n);
    if (s->err != PVMX_OK)
        return -1;
    s->room -= n;
    return 0;
}

static int put_record(msgpack_packer *pk, const struct pxp_desc *desc, const char *m);

static int put_value(msgpack_packer *pk, const struct pxp_field *f, const void *v)
{
    switch (f->type) {
    case PXP_T_U32:
        return msgpack_pack_uint32(pk, *(const uint32_t *)v);
    case PXP_T_U64:
        return msgpack_pack_uint64(pk, *(const uint64_t *)v);
    case PXP_T_I32:
        return msgpack_pack_int32(pk, *(const int32_t *)v);
    case PXP_T_BOOL:
        return *(const bool *)v ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
    case PXP_T_STR: {
        const char *text = *(const char *const *)v;
        size_t len = text != NULL ? strlen(text) : 0;
        return msgpack_pack_str(pk, len) || msgpack_pack_str_body(pk, text, len);
    }
    case PXP_T_STRUCT:
        return put_record(pk, f->sub, v);
    case PXP_T_BIN:
        break;
    }
    return -1;
}

static size_t count_of(const struct pxp_field *f, const char *m)
{
    return *(const size_t *)(m + f->count_at);
}

static int put_field(msgpack_packer *pk, const struct pxp_field *f, const char *m)
{
    const void *v = m + f->at;
    if (!f->list && f->type != PXP_T_BIN)
        return put_value(pk, f, v);
    const char *data = *(const char *const *)v;
    size_t n = count_of(f, m);
    if (n > PXP_FRAME_MAX) {
        ((struct sink *)pk->data)->err = PVMX_ERR_TOOBIG;
        return -1;
    }
    if (f->type == PXP_T_BIN)
        return msgpack_pack_bin(pk, n) || msgpack_pack_bin_body(pk, data, n);
    int bad = msgpack_pack_array(pk, n);
    for (size_t i = 0; !bad && i < n; i++)
        bad = put_value(pk, f, data + i * pxp_value_size(f));
    return bad;
}

/* Zero and empty are left out: they are what an absent field decodes to. */
static bool is_present(const struct pxp_field *f, const char *m)
{
    if (f->list || f->type == PXP_T_BIN)
        return count_of(f, m) > 0;
    switch (f->type) {
    case PXP_T_U32:
    case PXP_T_I32:
        return *(const uint32_t *)(m + f->at) != 0;
    case PXP_T_U64:
        return *(const uint64_t *)(m + f->at) != 0;
    case PXP_T_BOOL:
        return *(const bool *)(m + f->at);
    case PXP_T_STR: {
        const char *text = *(const char *const *)(m + f->at);
        return text != NULL && text[0] != '\0';
    }
    case PXP_T_BIN:
    case PXP_T_STRUCT:
        break;
    }
    return true;
}

static int put_record(msgpack_packer *pk, const struct pxp_desc *desc, const char *m)
{
    size_t n = 0;
    for (size_t i = 0; i < desc->nfields; i++)
        n += is_present(&desc->fields[i], m);
    int bad = msgpack_pack_map(pk, n);
    for (size_t i = 0; !bad && i < desc->nfields; i++) {
        const struct pxp_field *f = &desc->fields[i];
        if (is_present(f, m))
            bad = msgpack_pack_uint32(pk, f->number) || put_field(pk, f, m);
    }
    return bad;
}

pvmx_err pxp_encode(const struct pxp_desc *desc, struct px_buf *out, uint32_t serial,
                    const void *m)
{
    static const uint8_t no_length[4];
    struct sink sink = {.out = out, .room = PXP_FRAME_MAX};
    size_t before = px_buf_len(out);
    pvmx_err err = px_buf_append(out, no_length, sizeof no_length);
    if (err != PVMX_OK)
        return err;
    msgpack_packer pk = {.data = &sink, .callback = sink_write};
    if (msgpack_pack_array(&pk, 3) || msgpack_pack_uint32(&pk, desc->number) ||
        msgpack_pack_uint32(&pk, serial) || put_record(&pk, desc, m)) {
        out->end = out->start + before;
        if (sink.err == PVMX_ERR_TOOBIG)
            return px_fail(sink.err, "message %s is larger than %d MiB", desc->name,
                           PXP_FRAME_MAX >> 20);
        return sink.err != PVMX_OK ? sink.err : PVMX_ERR_INTERN;
    }
    size_t len = px_buf_len(out) - before - sizeof no_length;
    for (unsigned i = 0; i < 4; i++)
        out->data[out->start + before + i] = (uint8_t)(len >> (24 - 8 * i));
    return PVMX_OK;
}
