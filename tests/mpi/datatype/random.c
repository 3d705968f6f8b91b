/* SPDX-License-Identifier: BSD-3-Clause */
/* Random nested datatypes of all constructors against a flat type map: bounds, pack, unpack, external32,
 * messages. usage: random [SEED [ROUNDS]]; the same seed makes the same types in every process. */
#include "flatmap.h"
#include "typetest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 400 /* basic elements of one element */, DEPTH = 4, BLOCKS = 5 };

static uint64_t state;
static MPI_Comm comm;

static int below(int n)
{
    state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (int)((z ^ (z >> 31)) % (uint64_t)n);
}

static int around(int n)
{
    return below(2 * n + 1) - n;
}

/* A type and what it should be. */
struct twin {
    MPI_Datatype t;
    struct flatmap map;
};

static void drop(struct twin *p)
{
    int ni, na, nd, combiner;
    MPI_Type_get_envelope(p->t, &ni, &na, &nd, &combiner);
    if (combiner != MPI_COMBINER_NAMED)
        OK(MPI_Type_free(&p->t));
    flat_free(&p->map);
}

static struct twin random_type(int depth);

static struct twin leaf(void)
{
    static const struct {
        MPI_Datatype t;
        int size[2], at, align;
    } rows[] = {{MPI_CHAR, {1, 0}, 0, 1},
                {MPI_SHORT, {2, 0}, 0, 2},
                {MPI_INT, {4, 0}, 0, 4},
                {MPI_DOUBLE, {8, 0}, 0, 8},
                {MPI_DOUBLE_INT, {8, 4}, 8, 8},
                {MPI_SHORT_INT, {2, 4}, 4, 4},
                {MPI_C_FLOAT_COMPLEX, {8, 0}, 0, 4}};
    int k = below((int)(sizeof(rows) / sizeof(rows[0])));
    struct twin p = {.t = rows[k].t};
    flat_basic(&p.map, 0, rows[k].size[0], rows[k].align);
    if (rows[k].size[1])
        flat_basic(&p.map, rows[k].at, rows[k].size[1], rows[k].align);
    return p;
}

/* -- constructors; each consumes nothing and makes a twin of its child */

static struct twin vector(const struct twin *c)
{
    struct twin p = {0};
    int n = below(5), len = below(4), stride = below(3) ? around(9) : len;
    bool h = below(2), large = below(2);
    MPI_Aint bytes = h ? around(70) : stride * flat_extent(&c->map);
    for (int i = 0; i < n; i++)
        flat_append(&p.map, &c->map, len, i * bytes);
    if (h)
        OK(large ? MPI_Type_create_hvector_c(n, len, bytes, c->t, &p.t)
                 : MPI_Type_create_hvector(n, len, bytes, c->t, &p.t));
    else
        OK(large ? MPI_Type_vector_c(n, len, stride, c->t, &p.t)
                 : MPI_Type_vector(n, len, stride, c->t, &p.t));
    return p;
}

static struct twin contiguous(const struct twin *c)
{
    struct twin p = {0};
    int n = below(5);
    flat_append(&p.map, &c->map, n, 0);
    OK(below(2) ? MPI_Type_contiguous_c(n, c->t, &p.t) : MPI_Type_contiguous(n, c->t, &p.t));
    return p;
}

static struct twin indexed(const struct twin *c)
{
    struct twin p = {0};
    int n = below(BLOCKS + 1), lens[BLOCKS], displs[BLOCKS], next = around(5);
    MPI_Aint bytes[BLOCKS];
    MPI_Count clens[BLOCKS], cdispls[BLOCKS];
    bool block = below(2), h = below(2), large = below(2);
    for (int k = 0; k < n; k++) {
        lens[k] = block && k ? lens[0] : below(4);
        displs[k] = below(3) ? next : around(12);
        next = displs[k] + lens[k] + below(2);
        bytes[k] = h ? (MPI_Aint)displs[k] * 5 : displs[k] * flat_extent(&c->map);
        clens[k] = lens[k];
        cdispls[k] = h ? bytes[k] : displs[k];
        flat_append(&p.map, &c->map, lens[k], bytes[k]);
    }
    int len = n ? lens[0] : 2;
    if (block && h)
        OK(large ? MPI_Type_create_hindexed_block_c(n, len, cdispls, c->t, &p.t)
                 : MPI_Type_create_hindexed_block(n, len, bytes, c->t, &p.t));
    else if (block)
        OK(large ? MPI_Type_create_indexed_block_c(n, len, cdispls, c->t, &p.t)
                 : MPI_Type_create_indexed_block(n, len, displs, c->t, &p.t));
    else if (h)
        OK(large ? MPI_Type_create_hindexed_c(n, clens, cdispls, c->t, &p.t)
                 : MPI_Type_create_hindexed(n, lens, bytes, c->t, &p.t));
    else
        OK(large ? MPI_Type_indexed_c(n, clens, cdispls, c->t, &p.t)
                 : MPI_Type_indexed(n, lens, displs, c->t, &p.t));
    return p;
}

static struct twin structure(int depth)
{
    struct twin p = {0}, of[BLOCKS];
    int n = below(BLOCKS + 1), lens[BLOCKS];
    MPI_Aint displs[BLOCKS], next = around(40);
    MPI_Count clens[BLOCKS], cdispls[BLOCKS];
    MPI_Datatype types[BLOCKS];
    for (int k = 0; k < n; k++) {
        of[k] = random_type(depth - 1);
        types[k] = of[k].t;
        clens[k] = lens[k] = below(3);
        cdispls[k] = displs[k] = below(4) ? next : around(150);
        next = displs[k] + lens[k] * flat_extent(&of[k].map) + below(2) * 4;
        flat_append(&p.map, &of[k].map, lens[k], displs[k]);
    }
    OK(below(2) ? MPI_Type_create_struct_c(n, clens, cdispls, types, &p.t)
                : MPI_Type_create_struct(n, lens, displs, types, &p.t));
    for (int k = 0; k < n; k++)
        drop(&of[k]);
    return p;
}

static struct twin changed(const struct twin *c)
{
    struct twin p = {0};
    flat_append(&p.map, &c->map, 1, 0);
    if (below(3) == 0) {
        OK(MPI_Type_dup(c->t, &p.t));
        return p;
    }
    int lb = around(20), extent = around(60);
    flat_mark(&p.map, lb, extent);
    OK(below(2) ? MPI_Type_create_resized_c(c->t, lb, extent, &p.t)
                : MPI_Type_create_resized(c->t, lb, extent, &p.t));
    return p;
}

/* Whether this process has element i of a dimension. */
static bool have(int i, int size, int dist, int darg, int procs, int coord)
{
    bool dflt = darg == MPI_DISTRIBUTE_DFLT_DARG;
    if (dist == MPI_DISTRIBUTE_NONE)
        return true;
    if (dist == MPI_DISTRIBUTE_BLOCK)
        return i / (dflt ? (size + procs - 1) / procs : darg) == coord;
    return i / (dflt ? 1 : darg) % procs == coord;
}

/* Two dimensions; element (i, j) of the array at (i * n[1] + j) in C order. */
static struct twin array(const struct twin *c)
{
    struct twin p = {0};
    int n[2] = {1 + below(5), 1 + below(5)}, sub[2], start[2], dist[2], darg[2], procs[2],
        coord[2];
    int order = below(2) ? MPI_ORDER_C : MPI_ORDER_FORTRAN;
    bool share = below(2);
    for (int d = 0; d < 2; d++) {
        static const int kinds[] = {MPI_DISTRIBUTE_NONE, MPI_DISTRIBUTE_BLOCK,
                                    MPI_DISTRIBUTE_CYCLIC};
        sub[d] = 1 + below(n[d]);
        start[d] = below(n[d] - sub[d] + 1);
        dist[d] = kinds[below(3)];
        procs[d] = dist[d] == MPI_DISTRIBUTE_NONE ? 1 : 1 + below(3);
        darg[d] = below(2)                           ? MPI_DISTRIBUTE_DFLT_DARG
                  : dist[d] == MPI_DISTRIBUTE_CYCLIC ? 1 + below(3)
                                                     : n[d];
        coord[d] = below(procs[d]);
    }
    bool by_rows = order == MPI_ORDER_C;
    int slow = by_rows ? 0 : 1, fast = 1 - slow;
    for (int i = 0; i < n[slow]; i++)
        for (int j = 0; j < n[fast]; j++) {
            int at[2] = {by_rows ? i : j, by_rows ? j : i};
            bool in = true;
            for (int d = 0; d < 2; d++)
                in &= share ? have(at[d], n[d], dist[d], darg[d], procs[d], coord[d])
                            : at[d] >= start[d] && at[d] < start[d] + sub[d];
            if (in)
                flat_append(&p.map, &c->map, 1, (i * n[fast] + j) * flat_extent(&c->map));
        }
    flat_mark(&p.map, 0, n[0] * n[1] * flat_extent(&c->map));
    if (share)
        OK(MPI_Type_create_darray(procs[0] * procs[1], coord[0] * procs[1] + coord[1], 2,
                                  n, dist, darg, procs, order, c->t, &p.t));
    else
        OK(MPI_Type_create_subarray(2, n, sub, start, order, c->t, &p.t));
    return p;
}

static struct twin random_type(int depth)
{
    if (depth <= 0)
        return leaf();
    struct twin c = random_type(depth - 1), p;
    if (c.map.n > LIMIT)
        return c;
    switch (below(8)) {
    case 0:
    case 1:
        p = vector(&c);
        break;
    case 2:
    case 3:
        p = indexed(&c);
        break;
    case 4:
        p = structure(depth);
        break;
    case 5:
        p = changed(&c);
        break;
    case 6:
        p = array(&c);
        break;
    default:
        p = contiguous(&c);
    }
    drop(&c);
    return p;
}

/* -- checks */

/* count elements in memory, as the oracle sees them. */
struct message {
    struct twin *p;
    int count;
    struct flatmap all;
    int64_t lo, hi, size;
    char *memory, *base, *packed;
    bool overlap;
};

static void message_make(struct message *m, struct twin *p, int count)
{
    *m = (struct message){.p = p, .count = count};
    flat_append(&m->all, &p->map, count, 0);
    flat_touched(&m->all, &m->lo, &m->hi);
    size_t room = (size_t)(m->hi - m->lo) + 1;
    m->memory = malloc(room);
    m->base = (char *)((uintptr_t)m->memory - (uintptr_t)m->lo);
    m->size = flat_size(&m->all);
    m->packed = malloc((size_t)m->size + 1);
    mt_fill(m->memory, room, (unsigned)below(100));
    m->overlap = flat_pack(&m->all, m->memory - m->lo, m->packed);
}

static void message_free(struct message *m)
{
    free(m->memory);
    free(m->packed);
    flat_free(&m->all);
}

static bool right_bounds(const struct twin *p)
{
    MPI_Count size, lb, extent, tlb, textent;
    int64_t lo, hi;
    flat_touched(&p->map, &lo, &hi);
    MPI_Type_size_c(p->t, &size);
    MPI_Type_get_extent_c(p->t, &lb, &extent);
    MPI_Type_get_true_extent_c(p->t, &tlb, &textent);
    return CHECK_EQ(size, flat_size(&p->map)) & CHECK_EQ(lb, flat_lb(&p->map)) &
           CHECK_EQ(extent, flat_extent(&p->map)) & CHECK_EQ(tlb, lo) &
           CHECK_EQ(textent, hi - lo);
}

/* Memory with another pattern, in which only what the map names is as in m. */
static bool arrived(const struct message *m, char *memory, char *before)
{
    flat_unpack(&m->all, before - m->lo, m->packed);
    return memcmp(memory, before, (size_t)(m->hi - m->lo)) == 0;
}

static bool packs(struct message *m)
{
    size_t room = (size_t)(m->hi - m->lo) + 1;
    char *out = malloc((size_t)m->size + 1), *in = malloc(room), *want = malloc(room);
    MPI_Count at = 0, end = 0, external;
    OK(MPI_Pack_c(m->base, m->count, m->p->t, out, m->size, &at, MPI_COMM_SELF));
    bool ok = CHECK_EQ(at, m->size) & CHECK(memcmp(out, m->packed, (size_t)m->size) == 0);
    mt_fill(in, room, 101);
    mt_fill(want, room, 101);
    at = 0;
    if (!m->overlap) {
        OK(MPI_Unpack_c(m->packed, m->size, &at, in - m->lo, m->count, m->p->t,
                        MPI_COMM_SELF));
        ok &= CHECK(arrived(m, in, want));
        OK(MPI_Pack_external_size_c("external32", m->count, m->p->t, &external));
        char *ext = malloc((size_t)external + 1);
        at = 0;
        mt_fill(in, room, 102);
        mt_fill(want, room, 102);
        OK(MPI_Pack_external_c("external32", m->base, m->count, m->p->t, ext, external, &at));
        OK(MPI_Unpack_external_c("external32", ext, external, &end, in - m->lo, m->count,
                                 m->p->t));
        ok &= CHECK_EQ(at, external) & CHECK_EQ(end, external) & CHECK(arrived(m, in, want));
        free(ext);
    }
    free(out);
    free(in);
    free(want);
    return ok;
}

/* From rank 0 to rank 1, where it is received as the type or as bytes. */
static bool travels(struct message *m)
{
    bool as_bytes = below(3) == 0 || m->overlap, from_bytes = below(4) == 0, ok = true;
    size_t room = (size_t)(m->hi - m->lo) + 1;
    MPI_Status st;
    MPI_Count n;
    if (mt_rank == 0) {
        OK(from_bytes ? MPI_Send_c(m->packed, m->size, MPI_PACKED, 1, 1, comm)
                      : MPI_Send_c(m->base, m->count, m->p->t, 1, 1, comm));
    } else if (mt_rank == 1) {
        char *in = malloc(room), *want = malloc(room), *bytes = malloc((size_t)m->size + 1);
        mt_fill(in, room, 103);
        mt_fill(want, room, 103);
        if (as_bytes) {
            OK(MPI_Recv_c(bytes, m->size, MPI_BYTE, 0, 1, comm, &st));
            ok = CHECK(memcmp(bytes, m->packed, (size_t)m->size) == 0);
        } else {
            OK(MPI_Recv_c(in - m->lo, m->count, m->p->t, 0, 1, comm, &st));
            ok = CHECK(arrived(m, in, want));
        }
        OK(MPI_Get_elements_c(&st, m->p->t, &n));
        ok &= CHECK_EQ(n, m->size ? (MPI_Count)m->all.n : 0);
        free(in);
        free(want);
        free(bytes);
    }
    return ok;
}

int main(int argc, char **argv)
{
    comm = mt_begin(&argc, &argv, 2);
    long args[2] = {argc > 1 ? atol(argv[1]) : 1, argc > 2 ? atol(argv[2]) : 200};
    int64_t moved = 0;
    OK(MPI_Bcast(args, 2, MPI_LONG, 0, comm));
    for (long round = 0; round < args[1]; round++) {
        state = (uint64_t)(args[0] * 1000003 + round);
        struct twin p = random_type(1 + below(DEPTH));
        struct message m;
        OK(MPI_Type_commit(&p.t));
        bool ok = right_bounds(&p);
        message_make(&m, &p, p.map.n > LIMIT ? 1 : below(40));
        ok &= packs(&m);
        ok &= travels(&m);
        if (!ok) {
            fprintf(stderr, "in round %ld of seed %ld\n", round, args[0]);
            round = args[1];
        }
        moved += m.size;
        message_free(&m);
        drop(&p);
    }
    CHECK(args[1] < 100 || moved > 100000); /* else the generator makes too little */
    return mt_end();
}
