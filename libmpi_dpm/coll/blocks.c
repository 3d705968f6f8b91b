/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks: where the parts of a collective lie; and the exchange of one with every process. */
#include "coll/algo.h"

struct xmpi_blocks xmpi_blocks_v(const void *base, struct xmpi_cvec counts,
                                 struct xmpi_cvec displs, const struct xmpi_dtype *type)
{
    if (!type)
        return (struct xmpi_blocks){.base = NULL};
    return (struct xmpi_blocks){.base = (char *)(uintptr_t)base,
                                .type = type,
                                .vary = true,
                                .counts = counts,
                                .displs = displs};
}

struct xmpi_blocks xmpi_blocks_w(const void *base, struct xmpi_cvec counts,
                                 struct xmpi_cvec displs, const MPI_Datatype *types)
{
    return (struct xmpi_blocks){.base = (char *)(uintptr_t)base,
                                .vary = true,
                                .counts = counts,
                                .displs = displs,
                                .types = types};
}

MPI_Count xmpi_block_count(const struct xmpi_blocks *b, int k)
{
    return b->vary ? xmpi_cvec_at(b->counts, k) : b->count;
}

char *xmpi_block_place(const struct xmpi_blocks *b, int k)
{
    return xmpi_at(b->base, xmpi_cvec_at(b->displs, k) * (b->type ? b->type->extent : 1));
}

struct xmpi_span xmpi_block_vary(const struct xmpi_blocks *b, int k)
{
    return xmpi_span(xmpi_block_at(b, k), xmpi_block_count(b, k),
                     b->types ? xmpi_dtype_of(b->types[k]) : b->type);
}

struct xmpi_span xmpi_block_range(const struct xmpi_blocks *b, int k, int n)
{
    return xmpi_span(xmpi_block_at(b, k), n * b->count, b->type);
}

void xmpi_part_exchange(struct xmpi_sched *s, const struct xmpi_blocks *out,
                        const struct xmpi_blocks *in, bool paired)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int n = t->size, r = t->rank % n, first = t->comm->inter ? 0 : 1;
    for (int i = first; i < n; i++) {
        int from = (r - i + n) % n, to = (r + i) % n;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, from, xmpi_block(in, from));
        if (!paired)
            continue;
        xmpi_sched_send(s, XMPI_TEAM_MAIN, to, xmpi_block(out, to));
        xmpi_sched_fence(s);
    }
    for (int i = first; i < n && !paired; i++)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (r + i) % n, xmpi_block(out, (r + i) % n));
}

void xmpi_part_keep(struct xmpi_sched *s, const struct xmpi_blocks *out,
                    const struct xmpi_blocks *in)
{
    int r = s->team[XMPI_TEAM_MAIN].rank;
    xmpi_sched_copy(s, xmpi_block(in, r), xmpi_block(out, r));
}
