/* SPDX-License-Identifier: BSD-3-Clause */
/* See bench.h. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

const char *const coll_form_names[COLL_FORMS] = {"blocking", "nonblocking", "persistent"};

static struct shape shapes[COLL_SHAPES];

/* Made once: plain integers; with gaps after them; with a gap before and after; plain ones again. */
static const struct shape *shape_of(int k)
{
    static const struct {
        int stride, first;
    } lies[COLL_SHAPES] = {{1, 0}, {2, 0}, {3, 1}, {1, 0}};
    struct shape *s = &shapes[k];
    if (s->stride)
        return s;
    *s = (struct shape){MPI_INT, lies[k].stride, lies[k].first};
    if (s->stride > 1) {
        MPI_Aint at = s->first * (MPI_Aint)sizeof(int);
        MPI_Datatype moved;
        MPI_Type_create_hindexed_block(1, 1, &at, MPI_INT, &moved);
        MPI_Type_create_resized(moved, 0, s->stride * (MPI_Aint)sizeof(int), &s->type);
        MPI_Type_free(&moved);
        MPI_Type_commit(&s->type);
    }
    return s;
}

void bench_shapes_free(void)
{
    for (int k = 0; k < COLL_SHAPES; k++)
        if (shapes[k].stride > 1)
            MPI_Type_free(&shapes[k].type);
    memset(shapes, 0, sizeof shapes);
}

struct bench bench_open(const struct coll_case *c)
{
    struct bench b = {.c = c};
    int inter;
    MPI_Comm_test_inter(c->comm, &inter);
    MPI_Comm_rank(c->comm, &b.rank);
    MPI_Comm_size(c->comm, &b.size);
    b.inter = inter;
    b.others = b.size;
    b.mine = b.theirs = 2 * c->salt;
    b.in_place = c->in_place && !inter;
    b.root = c->root;
    b.i_am_root = b.rank == c->root;
    b.takes_part = true;
    b.in = *shape_of(c->shape ? (c->shape + b.rank) % COLL_SHAPES : 0);
    b.out = *shape_of(c->shape ? (c->shape + b.rank + 1) % COLL_SHAPES : 0);
    if (inter) {
        MPI_Comm_remote_size(c->comm, &b.others);
        b.mine += c->high;
        b.theirs += !c->high;
        bool here = c->high == c->from_high;
        b.i_am_root = here && b.rank == c->root;
        b.takes_part = !here || b.i_am_root;
        b.root = !here ? c->root : b.i_am_root ? MPI_ROOT : MPI_PROC_NULL;
    }
    return b;
}

void bench_finish(struct bench *b)
{
    if (b->c->form == COLL_BLOCKING)
        return;
    MPI_Wait(&b->request, MPI_STATUS_IGNORE);
    if (b->c->form == COLL_PERSISTENT) {
        lab_check(b->request != MPI_REQUEST_NULL);
        if (!b->c->in_place || b->inter) { /* all processes must do the same */
            MPI_Start(&b->request);
            MPI_Wait(&b->request, MPI_STATUS_IGNORE);
        }
        MPI_Request_free(&b->request);
    }
    lab_check(b->request == MPI_REQUEST_NULL);
}

void *bench_memory(size_t bytes)
{
    char *p = malloc(bytes + 128);
    lab_check(p != NULL);
    memset(p, GUARD, bytes + 128);
    return p + 64;
}

void bench_release(void *mem, size_t bytes)
{
    const char *p = (const char *)mem - 64;
    for (int i = 0; i < 64; i++)
        lab_check(p[i] == GUARD && p[64 + bytes + i] == GUARD);
    free((char *)mem - 64);
}

static size_t ints(const struct shape *s, int n)
{
    return (size_t)n * (size_t)s->stride * sizeof(int);
}

int *bench_ints(const struct shape *s, int n)
{
    return bench_memory(ints(s, n));
}

void bench_ints_release(int *buf, const struct shape *s, int n)
{
    bench_release(buf, ints(s, n));
}

void bench_fill(int *buf, const struct shape *s, int at, int n, int rank, int64_t from,
                unsigned salt)
{
    for (int i = 0; i < n; i++)
        buf[(at + i) * s->stride + s->first] = (int)lab_value(rank, from + i, salt);
}

static bool untouched(int word)
{
    int guard;
    memset(&guard, GUARD, sizeof guard);
    return word == guard;
}

void bench_check(const int *buf, const struct shape *s, int at, int n, int rank,
                 int64_t from, unsigned salt)
{
    for (int i = 0; i < n; i++) {
        const int *element = buf + (ptrdiff_t)(at + i) * s->stride;
        lab_check(element[s->first] == (int)lab_value(rank, from + i, salt));
        for (int k = 0; k < s->stride; k++)
            lab_check(k == s->first || untouched(element[k]));
    }
}

void bench_check_untouched(const int *buf, const struct shape *s, int at, int n)
{
    for (int i = at * s->stride; i < (at + n) * s->stride; i++)
        lab_check(untouched(buf[i]));
}

int bench_block_count(int count, int from, int to)
{
    return (count * (from + 2 * to + 1)) % (count + 3);
}

struct bench_layout bench_layout_make(int count, int me, int n, bool to_me, bool pairwise)
{
    struct bench_layout l = {calloc((size_t)n + 1, sizeof(int)),
                             calloc((size_t)n + 1, sizeof(int)), 0};
    for (int k = n - 1; k >= 0; k--) {
        int from = to_me ? k : me, to = to_me ? me : k;
        l.counts[k] = bench_block_count(count, pairwise || to_me ? from : 0,
                                        pairwise || !to_me ? to : 0);
        l.displs[k] = l.total;
        l.total += l.counts[k] + 1;
    }
    return l;
}

void bench_layout_free(struct bench_layout *l)
{
    free(l->counts);
    free(l->displs);
}

void bench_check_gaps(const int *buf, const struct shape *s, const struct bench_layout *l,
                      int n)
{
    for (int k = 0; k < n; k++)
        bench_check_untouched(buf, s, l->displs[k] + l->counts[k], 1);
}
