/* SPDX-License-Identifier: BSD-3-Clause */
/* See place.h. */
#include "proto/place.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 1 << 20 };

static const char *const levels[] = {"hwthread", "core", "numa", "socket"};

static bool read_number(const char **at, uint32_t least, uint32_t *out)
{
    uint32_t v = 0;
    const char *c = *at;
    while (*c >= '0' && *c <= '9' && v <= COUNT_MAX)
        v = v * 10 + (uint32_t)(*c++ - '0');
    if (c == *at || v > COUNT_MAX || v < least)
        return false;
    *at = c;
    *out = v;
    return true;
}

/* Reads a level's name up to one of ends. */
static bool read_level(const char **at, const char *ends, enum pxp_level *out)
{
    size_t len = strcspn(*at, ends);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strlen(levels[i]) == len && strncmp(*at, levels[i], len) == 0) {
            *at += len;
            *out = (enum pxp_level)i;
            return true;
        }
    return false;
}

static pvmx_err bad(const char *word, size_t len, const char *expected)
{
    return px_fail(PVMX_ERR_ARG, "placement \"%.*s\": expected %s",
                   (int)(len < 80 ? len : 80), word, expected);
}

static pvmx_err read_bind(const char *v, const char *word, size_t len, struct pxp_place *p)
{
    if (strncmp(v, "none", 4) == 0 && v == word + 5 && len == 9) {
        p->bind = false;
        return PVMX_OK;
    }
    p->bind = true;
    if (!read_level(&v, ": ", &p->level))
        return bad(word, len, "none, hwthread, core, numa or socket");
    if (*v == ':') {
        v++;
        if (!read_number(&v, 1, &p->count))
            return bad(word, len, "a number from 1 after the colon");
    }
    return v == word + len ? PVMX_OK : bad(word, len, "LEVEL or LEVEL:COUNT");
}

static pvmx_err read_map(const char *v, const char *word, size_t len, struct pxp_place *p)
{
    if (len == 10 && strncmp(v, "packed", 6) == 0) {
        p->map = PXP_LEVEL_HOST;
        return PVMX_OK;
    }
    return read_level(&v, " ", &p->map)
               ? PVMX_OK
               : bad(word, len, "packed, hwthread, core, numa or socket");
}

static pvmx_err read_procs(const char *v, const char *word, size_t len, struct pxp_place *p)
{
    free(p->procs);
    p->nprocs = 0;
    p->procs = malloc((len + 1) * sizeof *p->procs);
    if (p->procs == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a placement");
    for (;; v++) {
        if (!read_number(&v, 0, &p->procs[p->nprocs]))
            break;
        p->nprocs++;
        if (v == word + len)
            return PVMX_OK;
        if (*v != ',')
            break;
    }
    return bad(word, len, "numbers separated by commas");
}

static pvmx_err read_own(const char *v, const char *word, size_t len, struct pxp_place *p)
{
    struct pxp_place_own own;
    struct pxp_place_own *grown = realloc(p->own, (p->nown + 1) * sizeof *grown);
    if (grown == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a placement");
    p->own = grown;
    if (!read_number(&v, 0, &own.rank) || *v++ != '=' ||
        !read_number(&v, 1, &own.count) || v != word + len)
        return bad(word, len, "rRANK=COUNT with a count from 1");
    p->own[p->nown++] = own;
    return PVMX_OK;
}

static pvmx_err read_word(const char *w, size_t len, struct pxp_place *p)
{
    if (strncmp(w, "bind=", 5) == 0)
        return read_bind(w + 5, w, len, p);
    if (strncmp(w, "map=", 4) == 0)
        return read_map(w + 4, w, len, p);
    if (strncmp(w, "procs=", 6) == 0)
        return read_procs(w + 6, w, len, p);
    if (strncmp(w, "cpus=", 5) == 0) {
        const char *v = w + 5;
        return read_number(&v, 1, &p->count) && v == w + len
                   ? PVMX_OK
                   : bad(w, len, "a number of processors from 1");
    }
    return *w == 'r' ? read_own(w + 1, w, len, p)
                     : bad(w, len, "bind=, map=, cpus=, rRANK= or procs=");
}

pvmx_err pxp_place_read(const char *text, struct pxp_place *out)
{
    pvmx_err err = PVMX_OK;
    *out = (struct pxp_place){.level = PXP_LEVEL_CORE, .map = PXP_LEVEL_HOST, .count = 1};
    while (err == PVMX_OK && *text != '\0') {
        size_t len = strcspn(text, " ");
        if (len > 0)
            err = read_word(text, len, out);
        text += len + (text[len] == ' ');
    }
    if (err != PVMX_OK)
        pxp_place_free(out);
    return err;
}

void pxp_place_free(struct pxp_place *p)
{
    free(p->own);
    free(p->procs);
    *p = (struct pxp_place){0};
}

uint32_t pxp_place_count(const struct pxp_place *p, uint32_t rank)
{
    for (size_t i = p->nown; i-- > 0;) /* the last one said counts */
        if (p->own[i].rank == rank)
            return p->own[i].count;
    return p->count;
}
