/* SPDX-License-Identifier: BSD-3-Clause */
/* The outcome of a spawn: collected, packed, told. */
#include "dpm/outcome.h"
#include "coll/coll.h"
#include "rt/err.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is broadcast: this head, then tid ranges (first, count), code runs, text without NUL. */
struct wire {
    int32_t cls, started;
    uint32_t nranges, ncodes, text_len;
    uint32_t bytes; /* with this head */
    uint64_t ctx;
};

/* ---- collecting -------------------------------------------------------------------- */

static int no_memory(void)
{
    return xmpi_err(MPI_ERR_NO_MEM, "no memory for the outcome of a spawn");
}

/* The error code of one process: what kept it from running. */
static int code_of(pvmx_err err)
{
    switch (err) {
    case PVMX_OK:
        return MPI_SUCCESS;
    case PVMX_ERR_NOENT:
        return MPI_ERR_NO_SUCH_FILE;
    case PVMX_ERR_PERM:
        return MPI_ERR_ACCESS;
    case PVMX_ERR_NOMEM:
        return MPI_ERR_NO_MEM;
    default:
        return MPI_ERR_SPAWN;
    }
}

int xmpi_outcome_fill(struct xmpi_outcome *out, int code, int n)
{
    if (n <= 0)
        return MPI_SUCCESS;
    if (out->ncodes > 0 && out->codes[out->ncodes - 1].value == code) {
        out->codes[out->ncodes - 1].count += n;
        return MPI_SUCCESS;
    }
    if (out->ncodes == out->codes_cap) {
        int cap = out->codes_cap ? 2 * out->codes_cap : 8;
        struct xmpi_run *more = realloc(out->codes, (size_t)cap * sizeof(*more));
        if (!more)
            return no_memory();
        out->codes = more;
        out->codes_cap = cap;
    }
    out->codes[out->ncodes++] = (struct xmpi_run){code, n};
    return MPI_SUCCESS;
}

int xmpi_outcome_fit(struct xmpi_outcome *out, int code, int n)
{
    int have = 0;
    for (int r = 0; r < out->ncodes; r++) {
        struct xmpi_run *run = &out->codes[r];
        if (have + run->count > n)
            run->count = n - have;
        have += run->count;
    }
    return xmpi_outcome_fill(out, code, n - have);
}

static int add_tid(struct xmpi_outcome *out, pvmx_tid tid)
{
    if (out->started == out->tids_cap) {
        int cap = out->tids_cap ? 2 * out->tids_cap : 16;
        pvmx_tid *more = realloc(out->tids, (size_t)cap * sizeof(*more));
        if (!more)
            return no_memory();
        out->tids = more;
        out->tids_cap = cap;
    }
    out->tids[out->started++] = tid;
    return MPI_SUCCESS;
}

int xmpi_outcome_add(struct xmpi_outcome *out, pvmx_tid tid, pvmx_err err)
{
    int cls = xmpi_outcome_fill(out, code_of(err), 1);
    return cls || !tid ? cls : add_tid(out, tid);
}

void xmpi_outcome_clear(struct xmpi_outcome *out)
{
    out->started = 0;
    out->ncodes = 0;
}

void xmpi_outcome_free(struct xmpi_outcome *out)
{
    free(out->tids);
    free(out->codes);
}

void xmpi_outcome_set_class(struct xmpi_outcome *out, int cls)
{
    const char *sentence = cls ? xmpi_err_sentence(cls) : NULL;
    out->cls = cls;
    if (sentence)
        snprintf(out->text, sizeof(out->text), "%s", sentence);
}

/* ---- telling ----------------------------------------------------------------------- */

static uint32_t count_ranges(const struct xmpi_outcome *out)
{
    uint32_t n = 0;
    for (int i = 0; i < out->started; i++)
        n += i == 0 || out->tids[i] != out->tids[i - 1] + 1;
    return n;
}

static void put_ranges(const struct xmpi_outcome *out, struct xmpi_run *to)
{
    struct xmpi_run *last = NULL;
    for (int i = 0; i < out->started; i++) {
        if (last && out->tids[i] == last->value + last->count) {
            last->count++;
            continue;
        }
        last = to++;
        *last = (struct xmpi_run){out->tids[i], 1};
    }
}

int xmpi_outcome_pack(const struct xmpi_outcome *out, char **block, size_t *size)
{
    struct wire w = {
        .cls = out->cls,
        .started = out->started,
        .nranges = count_ranges(out),
        .ncodes = (uint32_t)out->ncodes,
        .text_len = (uint32_t)strlen(out->text),
        .ctx = out->ctx,
    };
    size_t runs = (size_t)w.nranges + w.ncodes;
    w.bytes = (uint32_t)(sizeof(w) + runs * sizeof(struct xmpi_run) + w.text_len);
    char *b = calloc(1, w.bytes > XMPI_OUTCOME_FIRST ? w.bytes : XMPI_OUTCOME_FIRST);
    if (!b)
        return no_memory();
    struct xmpi_run *to = (struct xmpi_run *)(void *)(b + sizeof(w));
    memcpy(b, &w, sizeof(w));
    put_ranges(out, to);
    if (w.ncodes > 0)
        memcpy(to + w.nranges, out->codes, w.ncodes * sizeof(*to));
    memcpy(to + runs, out->text, w.text_len);
    *block = b;
    *size = w.bytes;
    return MPI_SUCCESS;
}

size_t xmpi_outcome_size(const char *block)
{
    struct wire w;
    memcpy(&w, block, sizeof(w));
    return w.bytes;
}

int xmpi_outcome_unpack(struct xmpi_outcome *out, const char *block)
{
    struct wire w;
    int cls = MPI_SUCCESS;
    memcpy(&w, block, sizeof(w));
    const struct xmpi_run *from = (const struct xmpi_run *)(const void *)(block + sizeof(w));
    out->cls = w.cls;
    out->ctx = w.ctx;
    for (uint32_t r = 0; r < w.nranges; r++)
        for (int32_t k = 0; k < from[r].count && !cls; k++)
            cls = add_tid(out, from[r].value + k);
    from += w.nranges;
    out->codes = malloc((w.ncodes + 1) * sizeof(*out->codes));
    if (cls || !out->codes)
        return cls ? cls : no_memory();
    memcpy(out->codes, from, w.ncodes * sizeof(*from));
    out->ncodes = out->codes_cap = (int)w.ncodes;
    memcpy(out->text, from + w.ncodes, w.text_len);
    out->text[w.text_len] = '\0';
    return MPI_SUCCESS;
}

void xmpi_outcome_pack_failure(char block[XMPI_OUTCOME_FIRST])
{
    struct wire w = {.cls = MPI_ERR_NO_MEM, .bytes = sizeof(w)};
    memset(block, 0, XMPI_OUTCOME_FIRST);
    memcpy(block, &w, sizeof(w));
}

/* The rest of a long outcome; *block has the first part. */
static int tell_rest(char **block, bool at_root, size_t bytes, int root,
                     struct xmpi_comm *comm)
{
    if (!at_root) {
        char *whole = realloc(*block, bytes);
        if (!whole)
            return no_memory();
        *block = whole;
    }
    return xmpi_coll_bcast_bytes(*block + XMPI_OUTCOME_FIRST, bytes - XMPI_OUTCOME_FIRST,
                                 root, comm);
}

int xmpi_outcome_tell(struct xmpi_outcome *out, int root, struct xmpi_comm *comm)
{
    bool at_root = comm->rank == root;
    char *block = NULL, failure[XMPI_OUTCOME_FIRST];
    size_t size;
    int cls = MPI_SUCCESS;
    if (at_root) {
        cls = xmpi_outcome_pack(out, &block, &size);
    } else {
        block = malloc(XMPI_OUTCOME_FIRST);
        cls = block ? MPI_SUCCESS : no_memory();
    }
    if (cls) {
        /* The others must hear something, and the root must be heard. */
        xmpi_outcome_pack_failure(failure);
        (void)xmpi_coll_bcast_bytes(failure, XMPI_OUTCOME_FIRST, root, comm);
        return cls;
    }
    cls = xmpi_coll_bcast_bytes(block, XMPI_OUTCOME_FIRST, root, comm);
    if (!cls) {
        size = xmpi_outcome_size(block);
        if (size > XMPI_OUTCOME_FIRST)
            cls = tell_rest(&block, at_root, size, root, comm);
    }
    if (!cls && !at_root)
        cls = xmpi_outcome_unpack(out, block);
    free(block);
    return cls;
}

void xmpi_outcome_codes(const struct xmpi_outcome *out, int codes[])
{
    int at = 0;
    for (int r = 0; r < out->ncodes; r++) {
        int code = out->codes[r].value;
        if (out->cls && code == MPI_SUCCESS)
            code = MPI_ERR_SPAWN;
        for (int k = 0; k < out->codes[r].count; k++)
            codes[at++] = code;
    }
}
