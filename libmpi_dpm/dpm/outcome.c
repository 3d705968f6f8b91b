/* SPDX-License-Identifier: BSD-3-Clause */
/* The outcome of a spawn or meeting: collected, packed, told. */
#include "dpm/outcome.h"
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

static int pack(const struct xmpi_outcome *out, char **block, size_t *size)
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

/* A block that says no more than that the root has no memory. */
static void pack_failure(char block[XMPI_OUTCOME_FIRST])
{
    struct wire w = {.cls = MPI_ERR_NO_MEM, .bytes = sizeof(w)};
    memset(block, 0, XMPI_OUTCOME_FIRST);
    memcpy(block, &w, sizeof(w));
}

int xmpi_outcome_tag(struct xmpi_comm *comm)
{
    return XMPI_TAG_OUTCOME | (int)(comm->outcomes++ & XMPI_TAG_USER_MASK >> 1);
}

/* Who has ended needs no outcome. */
static void send_part(struct xmpi_comm *comm, int rank, int tag, const char *at, size_t len)
{
    if (len > 0)
        (void)xmpi_comm_send_bytes(comm, rank, tag, at, len);
}

void xmpi_outcome_send(const struct xmpi_outcome *out, int tag, struct xmpi_comm *comm)
{
    char *block = NULL, failure[XMPI_OUTCOME_FIRST];
    size_t size = XMPI_OUTCOME_FIRST;
    if (comm->size == 1)
        return;
    int cls = pack(out, &block, &size);
    if (cls) /* the others must hear something */
        pack_failure(failure);
    const char *from = cls ? failure : block;
    for (int r = 0; r < comm->size; r++) {
        if (r == comm->rank)
            continue;
        send_part(comm, r, tag, from, XMPI_OUTCOME_FIRST);
        if (size > XMPI_OUTCOME_FIRST)
            send_part(comm, r, tag, from + XMPI_OUTCOME_FIRST, size - XMPI_OUTCOME_FIRST);
    }
    if (!cls)
        free(block);
}

static int hear(struct xmpi_outcome *out, int tag, int root, struct xmpi_comm *comm)
{
    char *block = malloc(XMPI_OUTCOME_FIRST);
    if (!block)
        return no_memory();
    int cls = xmpi_comm_recv_bytes(comm, root, tag, block, XMPI_OUTCOME_FIRST);
    size_t size = cls ? 0 : xmpi_outcome_size(block);
    if (size > XMPI_OUTCOME_FIRST) {
        char *whole = realloc(block, size);
        cls = whole ? xmpi_comm_recv_bytes(comm, root, tag, whole + XMPI_OUTCOME_FIRST,
                                           size - XMPI_OUTCOME_FIRST)
                    : no_memory();
        block = whole ? whole : block;
    }
    if (!cls)
        cls = xmpi_outcome_unpack(out, block);
    free(block);
    return cls;
}

int xmpi_outcome_tell(struct xmpi_outcome *out, int root, struct xmpi_comm *comm)
{
    int tag = xmpi_outcome_tag(comm);
    if (comm->rank != root)
        return hear(out, tag, root, comm);
    xmpi_outcome_send(out, tag, comm);
    return MPI_SUCCESS;
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
