/* SPDX-License-Identifier: BSD-3-Clause */
/* Packing in the external representation: the native packed form passes through a small buffer, number
 * by number in the order of the type map. */
#include "datatype/elements.h"
#include "datatype/made.h"
#include "datatype/number.h"
#include "datatype/pack.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "xmpi.h"
#include <string.h>

enum { STAGE = 4096 };

struct stream {
    struct pvmx_view view;
    uint64_t at; /* byte of the native packed form that is next to be fetched or stored */
    char *external;
    bool unpack;
    size_t pos, used; /* of the buffer: [pos, used) waits to be converted, or stored (pos 0) */
    char stage[STAGE];
};

static void flush(struct stream *s)
{
    s->at += pvmx_engine_unpack(&s->view, s->at, s->stage, s->used);
    s->used = 0;
}

/* Some more bytes behind those that are still there. */
static void fetch(struct stream *s)
{
    memmove(s->stage, s->stage + s->pos, s->used - s->pos);
    s->used -= s->pos;
    s->pos = 0;
    uint64_t got = pvmx_engine_pack(&s->view, s->at, s->stage + s->used, STAGE - s->used);
    s->at += got;
    s->used += got;
}

static void move(struct stream *s, const struct xmpi_number *of, uint64_t n)
{
    while (n > 0) {
        size_t room = (s->unpack ? STAGE - s->used : s->used - s->pos) / of->native;
        size_t now = n < room ? (size_t)n : room;
        if (now == 0) {
            (s->unpack ? flush : fetch)(s);
            continue;
        }
        if (s->unpack) {
            xmpi_number_in(of, s->external, s->stage + s->used, now);
            s->used += now * of->native;
        } else {
            xmpi_number_out(of, s->stage + s->pos, s->external, now);
            s->pos += now * of->native;
        }
        s->external += now * of->external;
        n -= now;
    }
}

/* The basic type that all elements are of, or NULL. */
static const struct xmpi_dtype *only_basic(const struct xmpi_dtype *type)
{
    if (type->made)
        return type->made->basic;
    return xmpi_dtype_parts(type) > 0 ? NULL : type;
}

static void walk(struct stream *s, const struct xmpi_dtype *type, uint64_t count)
{
    const struct xmpi_dtype *basic;
    while (!(basic = only_basic(type)) && xmpi_dtype_parts(type) == 1) {
        uint64_t n;
        type = xmpi_dtype_part(type, 0, &n);
        count *= n;
    }
    if (basic) {
        struct xmpi_number of = xmpi_number_of(basic);
        move(s, &of, count * xmpi_dtype_elements(type) * of.repeat);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        for (MPI_Count k = 0, parts = xmpi_dtype_parts(type); k < parts; k++) {
            uint64_t n;
            const struct xmpi_dtype *child = xmpi_dtype_part(type, k, &n);
            walk(s, child, n);
        }
}

uint64_t xmpi_dtype_external(const struct xmpi_dtype *type)
{
    if (type->made)
        return type->made->external;
    const struct xmpi_dtype *value, *index;
    if (xmpi_pair_of(type, &value, &index))
        return xmpi_dtype_external(value) + xmpi_dtype_external(index);
    struct xmpi_number of = xmpi_number_of(type);
    return (uint64_t)of.external * of.repeat;
}

/* The bytes of so many elements, after a look at the name of the representation. */
static int external_bytes(const char *datarep, MPI_Count count,
                          const struct xmpi_dtype *type, uint64_t *bytes)
{
    if (!datarep)
        return xmpi_err(MPI_ERR_ARG, "datarep is a null pointer");
    if (strcmp(datarep, "external32") != 0)
        return xmpi_err(MPI_ERR_UNSUPPORTED_DATAREP,
                        "datarep is \"%.*s\"; only \"external32\" is known",
                        MPI_MAX_DATAREP_STRING, datarep);
    size_t native;
    if (xmpi_dtype_bytes(type, count, &native) ||
        __builtin_mul_overflow((uint64_t)count, xmpi_dtype_external(type), bytes) ||
        *bytes > INT64_MAX)
        return xmpi_pt2pt_toobig(count, type);
    return MPI_SUCCESS;
}

int xmpi_pack_external(const char *datarep, const void *inbuf, MPI_Count incount,
                       struct xmpi_dtype *datatype, void *outbuf, MPI_Count outsize,
                       MPI_Count *position)
{
    uint64_t bytes = 0;
    int cls = external_bytes(datarep, incount, datatype, &bytes);
    if (!cls)
        cls = xmpi_pack_room(bytes, outbuf, outsize, "outsize", *position);
    if (cls)
        return cls;
    struct stream s;
    s.view = xmpi_dtype_view(datatype, inbuf, incount);
    s.external = (char *)outbuf + *position;
    s.unpack = false;
    s.at = s.pos = s.used = 0;
    walk(&s, datatype, (uint64_t)incount);
    *position += (MPI_Count)bytes;
    return MPI_SUCCESS;
}

int xmpi_unpack_external(const char datarep[], const void *inbuf, MPI_Count insize,
                         MPI_Count *position, void *outbuf, MPI_Count outcount,
                         struct xmpi_dtype *datatype)
{
    uint64_t bytes = 0;
    int cls = external_bytes(datarep, outcount, datatype, &bytes);
    if (!cls)
        cls = xmpi_pack_room(bytes, inbuf, insize, "insize", *position);
    if (cls)
        return cls;
    struct stream s;
    s.view = xmpi_dtype_view(datatype, outbuf, outcount);
    s.external = (char *)(uintptr_t)inbuf + *position;
    s.unpack = true;
    s.at = s.pos = s.used = 0;
    walk(&s, datatype, (uint64_t)outcount);
    flush(&s);
    *position += (MPI_Count)bytes;
    return MPI_SUCCESS;
}

int xmpi_pack_external_size(const char *datarep, MPI_Count incount,
                            struct xmpi_dtype *datatype, MPI_Count *size)
{
    uint64_t bytes = 0;
    int cls = external_bytes(datarep, incount, datatype, &bytes);
    if (!cls)
        *size = (MPI_Count)bytes;
    return cls;
}
