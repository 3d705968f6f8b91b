/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames in words: top-level fields by name, lists as their counts. Environments may hold what is
 * not for a log, so that elements of lists are never shown. */
#include "proto/trace.h"
#include "base/log.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/reader.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { TEXT_SHOWN = 80 };

struct writer {
    char *at;
    size_t left;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(w->at, w->left, fmt, ap);
    va_end(ap);
    if (n <= 0)
        return;
    size_t step = (size_t)n < w->left ? (size_t)n : w->left - 1;
    w->at += step;
    w->left -= step;
}

/* Writes one value and steps over it. */
static bool put_value(struct writer *w, struct pxp_reader *in)
{
    struct pxp_reader here = *in;
    struct pxp_token t;
    if (!pxp_read(&here, &t) || !pxp_skip(in))
        return false;
    switch (t.kind) {
    case PXP_K_UINT:
        put(w, "%" PRIu64, t.u);
        break;
    case PXP_K_NINT:
        put(w, "%" PRId64, t.i);
        break;
    case PXP_K_BOOL:
        put(w, t.u ? "yes" : "no");
        break;
    case PXP_K_STR:
        put(w, "\"%.*s\"%s", t.u < TEXT_SHOWN ? (int)t.u : TEXT_SHOWN,
            (const char *)t.bytes, t.u > TEXT_SHOWN ? "..." : "");
        break;
    case PXP_K_ARRAY:
        put(w, "[%" PRIu64 "]", t.u);
        break;
    case PXP_K_MAP:
        put(w, "{%" PRIu64 "}", t.u);
        break;
    case PXP_K_BIN:
    case PXP_K_EXT:
        put(w, "<%" PRIu64 " bytes>", t.u);
        break;
    case PXP_K_NIL:
    case PXP_K_FLOAT:
        put(w, "?");
        break;
    }
    return true;
}

static const struct pxp_desc *desc_of(uint32_t number)
{
    size_t n;
    const struct pxp_desc *const *all = pxp_descs(&n);
    for (size_t i = 0; i < n; i++)
        if (all[i]->number == number)
            return all[i];
    return NULL;
}

static void put_key(struct writer *w, const struct pxp_desc *desc, uint64_t number)
{
    for (size_t i = 0; desc != NULL && i < desc->nfields; i++)
        if (desc->fields[i].number == number) {
            put(w, "%s=", desc->fields[i].name);
            return;
        }
    put(w, "%" PRIu64 "=", number);
}

void pxp_describe(const uint8_t *body, size_t len, char *text, size_t size)
{
    struct writer w = {text, size};
    uint32_t number, serial;
    struct pxp_token t;
    if (size == 0)
        return;
    text[0] = '\0';
    if (pxp_frame_head(body, len, &number, &serial) != PVMX_OK) {
        put(&w, "%zu bytes that are no message", len);
        return;
    }
    struct pxp_reader in = {body, body + len};
    const struct pxp_desc *desc = desc_of(number);
    put(&w, "%s(%" PRIu32 ") #%" PRIu32 " {", pxp_name(number), number, serial);
    bool ok = pxp_read(&in, &t) && pxp_skip(&in) && pxp_skip(&in) && pxp_read(&in, &t) &&
              t.kind == PXP_K_MAP;
    for (uint64_t pairs = t.u, i = 0; ok && i < pairs; i++) {
        ok = pxp_read(&in, &t) && t.kind == PXP_K_UINT;
        if (ok) {
            put(&w, i > 0 ? " " : "");
            put_key(&w, desc, t.u);
            ok = put_value(&w, &in);
        }
    }
    put(&w, ok ? "}" : " ...broken");
}

void pxp_trace(const char *way, const char *who, const uint8_t *body, size_t len)
{
    char text[1024];
    if (!px_log_enabled(PX_LOG_DEBUG))
        return;
    pxp_describe(body, len, text, sizeof text);
    px_log(PX_LOG_DEBUG, "PROTO", "%s %s %s", way, who, text);
}
