/* SPDX-License-Identifier: BSD-3-Clause */
/* Boards: making place for them in the own shared memory, opening and closing them. What is done with
 * them: board_run.c. */
#include "core/board.h"

#include "base/err.h"
#include "transport/shm/copy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    OFFERS_MAX = 64,
    PAGE = 4096, /* all that is needed of a member's slot is in its first page */
};
static_assert(offsetof(struct px_slot, asleep) < PAGE, "the bell is in the first page");

/* Boards in the own slot; private, under the engine's lock. */
static struct {
    uint64_t off;
    size_t size; /* 0: not used */
} offers[OFFERS_MAX];

/* Of all but the bulks. */
static size_t head_size(int n)
{
    size_t size = sizeof(struct px_board_area) + (size_t)n * sizeof(struct px_board_member);
    return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static size_t area_size(int n)
{
    size_t bulks = (size_t)n * PX_BOARD_BULK_DEPTH * PX_BOARD_BULK_STRIDE;
    return head_size(n) + ((bulks + PAGE - 1) & ~(size_t)(PAGE - 1));
}

static struct px_board_area *own_area(uint64_t place)
{
    return px_slot_at(px_ctx.arena.slot, (size_t)place);
}

static bool still_in(pvmx_tid tid)
{
    struct px_slot line;
    size_t n = offsetof(struct px_slot, birth_len);
    off_t at = (off_t)px_slot_offset(px_tid_slot(tid));
    if (pread(px_ctx.arena.fd, &line, n, at) != (ssize_t)n)
        return true;
    return line.tid == tid && (line.state == PX_SLOT_BORN || line.state == PX_SLOT_LIVE);
}

/* Gives up offers whose members have all closed or ended. */
static void reclaim(void)
{
    for (int i = 0; i < OFFERS_MAX; i++) {
        bool used = false;
        for (int k = 0; offers[i].size && !used && k < PVMX_BOARD_MEMBERS; k++) {
            pvmx_tid tid = atomic_load(&own_area(offers[i].off)->member[k]);
            used = tid != 0 && still_in(tid);
        }
        if (!used)
            offers[i].size = 0;
    }
}

/* First fit; 0: no room. */
static uint64_t find_room(size_t size)
{
    for (uint64_t off = PX_BOARDS_OFF; off + size <= PX_SLOT_SIZE;) {
        uint64_t end = 0;
        for (int i = 0; i < OFFERS_MAX; i++)
            if (offers[i].size && off < offers[i].off + offers[i].size &&
                offers[i].off < off + size)
                end = offers[i].off + offers[i].size;
        if (!end)
            return off;
        off = end;
    }
    return 0;
}

static bool same_host(const struct pvmx_peer *p)
{
    return p->self || (px_ctx.tid && (p->tid >> 18) == (px_ctx.tid >> 18));
}

static pvmx_err offer(struct pvmx_peer *const *peers, int n, uint64_t *place)
{
    struct px_arena *a = &px_ctx.arena;
    if (n > PVMX_BOARD_MEMBERS || a->fd < 0)
        return px_fail(PVMX_ERR_LIMIT, "no board for %d members", n);
    for (int k = 0; k < n; k++)
        if (!same_host(peers[k]))
            return px_fail(PVMX_ERR_LIMIT, "t%x is on another host", (unsigned)peers[k]->tid);
    reclaim();
    int i = 0;
    while (i < OFFERS_MAX && offers[i].size)
        i++;
    size_t size = area_size(n);
    uint64_t off = i < OFFERS_MAX ? find_room(size) : 0;
    if (!off)
        return px_fail(PVMX_ERR_LIMIT, "no room for another board");
    struct px_board_area *area = own_area(off);
    memset(area, 0, head_size(n));
    for (int k = 0; k < n; k++)
        atomic_store(&area->member[k], peers[k]->self ? px_ctx.tid : peers[k]->tid);
    offers[i].off = off;
    offers[i].size = size;
    *place = off;
    return PVMX_OK;
}

pvmx_err pvmx_engine_board_offer(struct pvmx_peer *const *peers, int n, uint64_t *place)
{
    px_lock();
    pvmx_err err = offer(peers, n, place);
    px_unlock();
    return err;
}

static void *map_part(pvmx_tid tid, size_t off, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, px_ctx.arena.fd,
                   (off_t)(px_slot_offset(px_tid_slot(tid)) + off));
    return p == MAP_FAILED ? NULL : p;
}

static void undo_open(struct pvmx_board *b)
{
    for (int k = 0; k < b->n; k++) {
        if (b->member[k].slot)
            munmap(b->member[k].slot, PAGE);
        if (b->member[k].peer)
            px_peer_put(b->member[k].peer);
    }
    if (b->map)
        munmap(b->map, b->map_size);
    free(b);
}

static pvmx_err map_members(struct pvmx_board *b, struct pvmx_peer *const *peers)
{
    b->reads = true;
    for (int k = 0; k < b->n; k++) {
        if (k == b->self)
            continue;
        b->member[k].peer = peers[k];
        peers[k]->refs++;
        b->member[k].slot = map_part(peers[k]->tid, 0, PAGE);
        if (!b->member[k].slot)
            return px_fail(PVMX_ERR_NOMEM, "cannot map a slot of the arena");
        b->member[k].pid = atomic_load(&b->member[k].slot->pid);
        b->reads = b->reads && px_copy_probe(b->member[k].slot);
    }
    return PVMX_OK;
}

static pvmx_err map_all(struct pvmx_board *b, struct pvmx_peer *const *peers, uint64_t place)
{
    if (px_ctx.arena.fd < 0 || place < PX_BOARDS_OFF ||
        place > PX_SLOT_SIZE - area_size(b->n))
        return px_fail(PVMX_ERR_ARG, "no board at %llu", (unsigned long long)place);
    pvmx_err err = map_members(b, peers);
    if (err)
        return err;
    if (b->self == 0) {
        b->area = own_area(place);
    } else {
        b->map_size = area_size(b->n);
        b->map = map_part(peers[0]->tid, place, b->map_size);
        if (!b->map)
            return px_fail(PVMX_ERR_NOMEM, "cannot map a board");
        b->area = b->map;
    }
    b->bulk = (char *)b->area + head_size(b->n);
    if (atomic_load(&b->area->member[b->self]) != px_ctx.tid)
        return px_fail(PVMX_ERR_STATE, "the board is not ours");
    return PVMX_OK;
}

/* All that have opened it show that. Who has ended before it did so, or refuses, is missed by all
 * others: they come to the same result. */
static pvmx_err agree(struct pvmx_board *b, const struct pvmx_board_doubt *doubt)
{
    int missing;
    uint64_t patience = doubt->patience_ns;
    bool in_vain = false;
    pvmx_err err;
    pvmx_engine_board_begin(b, PVMX_BOARD_GIVES);
    *(char *)pvmx_engine_board_value(b) = b->reads;
    pvmx_engine_board_show(b, PVMX_BOARD_ALL, PVMX_BOARD_ALL);
    while ((err = pvmx_engine_board_await(b, PVMX_BOARD_ALL, false, in_vain ? 1 : patience,
                                          &missing)) == PVMX_ERR_TIMEDOUT) {
        if (in_vain) /* and not all have come meanwhile */
            atomic_store(&b->area->refused, 1);
        in_vain = doubt->in_vain(doubt->arg, b);
        patience += patience / 2;
    }
    for (int k = 0; !err && k < b->n; k++)
        b->reads = b->reads && *(const char *)pvmx_engine_board_part(b, k);
    pvmx_engine_board_end(b);
    return err;
}

static void refuse(struct pvmx_peer *owner, uint64_t place)
{
    uint32_t yes = 1;
    pvmx_tid tid = owner->self ? px_ctx.tid : owner->tid;
    off_t at = (off_t)(px_slot_offset(px_tid_slot(tid)) + place +
                       offsetof(struct px_board_area, refused));
    if (px_ctx.arena.fd < 0 || place < PX_BOARDS_OFF || place >= PX_SLOT_SIZE ||
        pwrite(px_ctx.arena.fd, &yes, sizeof yes, at) != (ssize_t)sizeof yes)
        px_fail(PVMX_ERR_STATE, "cannot say that a board is refused");
}

void pvmx_engine_board_refuse(struct pvmx_peer *owner, uint64_t place)
{
    px_lock();
    refuse(owner, place);
    px_unlock();
}

static void close_board(struct pvmx_board *b)
{
    atomic_store(&b->area->member[b->self], 0);
    if (b->self != 0)
        px_peer_release_slot(b->member[0].peer);
    undo_open(b);
}

static pvmx_err map_board(struct pvmx_board *b, struct pvmx_peer *const *peers, uint64_t place)
{
    pvmx_err err = map_all(b, peers, place);
    if (err) {
        refuse(peers[0], place);
        undo_open(b);
        return err;
    }
    if (b->self != 0)
        peers[0]->keep++; /* its slot stays as long as we read there */
    return PVMX_OK;
}

pvmx_err pvmx_engine_board_open(struct pvmx_peer *const *peers, int n, int self,
                                uint64_t place, const struct pvmx_board_doubt *doubt,
                                struct pvmx_board **out)
{
    struct pvmx_board *b = calloc(1, sizeof *b + (size_t)n * sizeof b->member[0]);
    if (!b) {
        pvmx_engine_board_refuse(peers[0], place);
        return px_fail(PVMX_ERR_NOMEM, "no memory for a board");
    }
    b->n = n;
    b->self = self;
    b->lost = -1;
    px_lock();
    pvmx_err err = map_board(b, peers, place);
    px_unlock();
    if (err)
        return err;
    /* Without the lock: a wait gives it back once only, and threads of two processes that open two
     * boards would wait for each other's other thread. */
    err = agree(b, doubt);
    if (err)
        pvmx_engine_board_close(b);
    else
        *out = b;
    return err;
}

void pvmx_engine_board_close(struct pvmx_board *b)
{
    px_lock();
    close_board(b);
    px_unlock();
}

bool pvmx_engine_board_open_memory(const struct pvmx_board *b)
{
    return b->reads;
}

void px_boards_forget(void)
{
    memset(offers, 0, sizeof offers);
}
