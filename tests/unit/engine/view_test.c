/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that do not lie in one run of memory, between processes and to oneself: any layout to
 * any other, short and long, in all modes, cut, probed. */
#include "lab.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CTX = 3000, GAP = 0xee };

/* Runs of `block` bytes, each followed by twice as much that is not touched; 0: one run. */
static const size_t blocks[] = {0, 8, 60, 20000};
static const size_t lengths[] = {40, 280, 4000, 360000, 1200000};

struct spread {
    uint8_t *mem;
    size_t block, len;
    struct pvmx_view view;
};

static size_t room(size_t len)
{
    return 3 * len + 64;
}

static int spread_make(struct spread *s, size_t block, size_t len)
{
    struct pvmx_layout *bytes;
    s->mem = malloc(room(len));
    s->block = block && block < len && len % block == 0 ? block : 0;
    s->len = len;
    memset(s->mem, GAP, room(len));
    LAB_CHECK(!pvmx_engine_layout_bytes(1, &bytes));
    if (s->block)
        LAB_CHECK(!pvmx_engine_layout_vector(len / s->block, s->block, 3 * (int64_t)s->block,
                                             bytes, &s->view.layout));
    else
        LAB_CHECK(!pvmx_engine_layout_bytes(len, &s->view.layout));
    pvmx_engine_layout_put(bytes);
    s->view.base = s->mem;
    s->view.count = 1;
    return 0;
}

static void spread_free(struct spread *s)
{
    pvmx_engine_layout_put(s->view.layout);
    free(s->mem);
}

static size_t place(const struct spread *s, size_t i)
{
    return s->block ? i / s->block * 3 * s->block + i % s->block : i;
}

static uint8_t value(size_t i, unsigned seed)
{
    return (uint8_t)((i * 7 + i / 255 + seed) % 233); /* never GAP */
}

static void spread_fill(struct spread *s, unsigned seed)
{
    for (size_t i = 0; i < s->len; i++)
        s->mem[place(s, i)] = value(i, seed);
}

/* The first `n` bytes have come, and nothing else was touched. */
static bool spread_holds(const struct spread *s, size_t n, unsigned seed)
{
    size_t touched = 0, end = s->block ? 3 * s->len : s->len;
    for (size_t i = 0; i < n; i++)
        if (s->mem[place(s, i)] != value(i, seed))
            return false;
    for (size_t i = 0; i < end + 64; i++)
        touched += s->mem[i] != GAP;
    return touched == n;
}

/* Rank 0 sends with one layout, rank 1 receives with the other and sends that back. */
static int pair(int rank, size_t len, size_t out, size_t in, enum pvmx_send_mode mode, int tag)
{
    struct pvmx_peer *peer = lab_peer(1 - rank);
    struct pvmx_req *req;
    struct spread s;
    int bad = spread_make(&s, rank ? in : out, len);
    if (bad)
        return bad;
    for (int turn = 0; turn < 2; turn++) {
        if (turn == rank) {
            if (!rank)
                spread_fill(&s, (unsigned)tag);
            LAB_CHECK(!pvmx_engine_isend_view(peer, CTX, rank, tag, &s.view, mode, &req));
        } else {
            memset(s.mem, GAP, room(len));
            LAB_CHECK(!pvmx_engine_irecv_view(peer, NULL, CTX, 1 - rank, tag, &s.view, &req));
        }
        if (!req)
            continue;
        LAB_CHECK(!pvmx_engine_req_wait(req));
        LAB_CHECK(turn == rank || pvmx_engine_req_status(req)->length == len);
        pvmx_engine_req_free(req);
        LAB_CHECK(turn == rank || spread_holds(&s, len, (unsigned)tag));
    }
    spread_free(&s);
    return 0;
}

static int all_pairs(int rank)
{
    int tag = 0, bad;
    for (size_t o = 0; o < 4; o++)
        for (size_t i = 0; i < 4; i++)
            for (size_t c = 0; c < 5; c++)
                for (int mode = 0; mode <= PVMX_SEND_BUFFERED; mode++, tag++)
                    if ((bad = pair(rank, lengths[c], blocks[o], blocks[i],
                                    (enum pvmx_send_mode)mode, tag)) != 0)
                        return bad;
    return 0;
}

Test(view, any_layout_reaches_any_other)
{
    cr_assert_eq(lab_run(2, all_pairs, -1), 0);
}

Test(view, any_layout_reaches_any_other_without_access_to_memory)
{
    setenv("PVMX_SHM_CMA", "no", 1);
    cr_assert_eq(lab_run(2, all_pairs, -1), 0);
}

/* A receive that is too short takes the head of the message; then a probed one. */
static int cut_and_probed(int rank)
{
    struct pvmx_peer *peer = lab_peer(1 - rank);
    struct pvmx_req *req;
    struct pvmx_msg *msg;
    struct pvmx_status st;
    struct spread s;
    for (int k = 0; k < 4; k++) {
        size_t len = k & 1 ? 800000 : 800;
        int bad = spread_make(&s, 8, rank && k < 2 ? len / 2 : len);
        if (bad)
            return bad;
        if (rank == 0) {
            spread_fill(&s, 5);
            LAB_CHECK(!pvmx_engine_isend_view(peer, CTX, 0, k, &s.view, PVMX_SEND_SYNC, &req));
        } else if (k < 2) {
            LAB_CHECK(!pvmx_engine_irecv_view(peer, NULL, CTX, 0, k, &s.view, &req));
        } else {
            LAB_CHECK(!pvmx_engine_mprobe(peer, NULL, CTX, 0, k, true, &msg, &st));
            LAB_CHECK(st.length == len);
            LAB_CHECK(!pvmx_engine_imrecv_view(msg, &s.view, &req));
        }
        pvmx_err err = pvmx_engine_req_wait(req);
        LAB_CHECK(err == (rank && k < 2 ? PVMX_ERR_TRUNCATE : PVMX_OK));
        LAB_CHECK(!rank || pvmx_engine_req_status(req)->length == len);
        pvmx_engine_req_free(req);
        LAB_CHECK(!rank || spread_holds(&s, s.len, 5));
        spread_free(&s);
    }
    return 0;
}

Test(view, cut_and_probed_messages)
{
    cr_assert_eq(lab_run(2, cut_and_probed, -1), 0);
}

static int to_self(int rank)
{
    struct pvmx_peer *self = lab_peer(rank);
    for (size_t o = 0; o < 4; o++)
        for (size_t i = 0; i < 4; i++)
            for (size_t c = 0; c < 5; c++) {
                struct pvmx_req *in, *out;
                struct spread a, b;
                size_t len = lengths[c];
                int bad = spread_make(&a, blocks[o], len);
                if (bad || (bad = spread_make(&b, blocks[i], len)) != 0)
                    return bad;
                spread_fill(&a, 9);
                LAB_CHECK(!pvmx_engine_irecv_view(self, NULL, CTX, rank, 1, &b.view, &in));
                LAB_CHECK(!pvmx_engine_isend_view(self, CTX, rank, 1, &a.view,
                                                  PVMX_SEND_SYNC, &out));
                LAB_CHECK(!pvmx_engine_req_wait(in) && !pvmx_engine_req_wait(out));
                LAB_CHECK(spread_holds(&b, len, 9));
                pvmx_engine_req_free(in);
                pvmx_engine_req_free(out);
                spread_free(&a);
                spread_free(&b);
            }
    return 0;
}

Test(view, to_oneself)
{
    cr_assert_eq(lab_run(1, to_self, -1), 0);
}
