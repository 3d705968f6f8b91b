/* SPDX-License-Identifier: BSD-3-Clause */
/* Random but valid values for any message. */
#include "sample.h"
#include <string.h>

uint64_t dice_roll(struct dice *d)
{
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return d->state;
}

size_t dice_below(struct dice *d, size_t n)
{
    return (size_t)(dice_roll(d) % n);
}

/* Edges of msgpack's formats and of the types are more interesting than the middle. */
static uint64_t number(struct dice *d)
{
    static const uint64_t edges[] = {0,          1,          127,        128,
                                     255,        256,        65535,      65536,
                                     0x7fffffff, 0x80000000, 0xffffff80, 0xffffffdf,
                                     0xffff8000, 0xffffffff, UINT64_MAX};
    if (dice_below(d, 2))
        return edges[dice_below(d, sizeof edges / sizeof edges[0])];
    return dice_roll(d) >> dice_below(d, 64);
}

static char *text(struct dice *d, size_t richness, struct pxp_zone *z)
{
    size_t len = dice_below(d, richness + 1);
    char *s = pxp_zone_alloc(z, len + 1);
    for (size_t i = 0; i < len; i++)
        s[i] = (char)(1 + dice_below(d, 255));
    return s;
}

static void value(struct dice *d, const struct pxp_field *f, size_t richness, char *to,
                  struct pxp_zone *z)
{
    switch (f->type) {
    case PXP_T_U32:
    case PXP_T_I32:
        *(uint32_t *)to = (uint32_t)number(d);
        break;
    case PXP_T_U64:
        *(uint64_t *)to = number(d);
        break;
    case PXP_T_BOOL:
        *(bool *)to = dice_below(d, 2);
        break;
    case PXP_T_STR:
        *(const char **)to = text(d, richness, z);
        break;
    case PXP_T_STRUCT:
        memcpy(to, sample_message(d, f->sub, richness / 2, z), f->sub->size);
        break;
    case PXP_T_BIN:
        break;
    }
}

void *sample_message(struct dice *d, const struct pxp_desc *desc, size_t richness,
                     struct pxp_zone *z)
{
    char *m = pxp_zone_alloc(z, desc->size);
    for (size_t i = 0; i < desc->nfields; i++) {
        const struct pxp_field *f = &desc->fields[i];
        if (!f->list && f->type != PXP_T_BIN) {
            if (dice_below(d, 8) != 0)
                value(d, f, richness, m + f->at, z);
            continue;
        }
        size_t n = dice_below(d, richness + 1), size = f->list ? pxp_value_size(f) : 1;
        char *items = pxp_zone_alloc(z, n * size + 1);
        for (size_t k = 0; k < n && f->list; k++)
            value(d, f, richness, items + k * size, z);
        *(void **)(m + f->at) = items;
        *(size_t *)(m + f->count_at) = n;
    }
    return m;
}

const uint8_t *sample_body(const struct px_buf *frame, size_t *len)
{
    *len = px_buf_len(frame) - 4;
    return px_buf_head(frame) + 4;
}
