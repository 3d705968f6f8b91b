/* SPDX-License-Identifier: BSD-3-Clause */
/* Boards: values shown side by side in the shared memory of one member.
 *
 * Each member has two entries and uses them in turn: it begins exchange s + 2 only after all have
 * shown their values of s + 1, hence have read those of s. An entry's number is stored last. Who
 * finds, after showing its own, that all others are there wakes those that sleep: the last one
 * always does, since of two who show at the same time at least one sees the other (fences). */
#include "core/ctx.h"

#include "base/clock.h"
#include "base/err.h"
#include "transport/shm/wake.h"
#include <pvmx/engine/board.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    AREA_SIZE = 32 * 1024, /* the end of the birth record's area, which few records reach */
    AREA_OFF = PX_BIRTH_OFF + PX_BIRTH_MAX - AREA_SIZE,
    OFFERS_MAX = 16,
    PAGE = 4096, /* all that wakers need of a slot is in its first page */
};

struct entry {
    _Atomic uint64_t number;
    char value[PVMX_BOARD_BYTES];
};

struct area {
    _Atomic int32_t member[PVMX_BOARD_MEMBERS]; /* tid; 0: has closed, or was never one */
    struct entry entry[][2];
};
static_assert(sizeof(struct entry) == 256, "entries do not share cache lines");
static_assert(offsetof(struct px_slot, asleep) < PAGE, "the bell is in the first page");

struct pvmx_board {
    int n, self, seen; /* members up to `seen` have shown their value */
    bool broken;
    uint64_t number;
    uint64_t place;
    struct area *area;
    void *map; /* of AREA_SIZE; NULL: own memory */
    struct {
        struct pvmx_peer *peer; /* referenced; NULL: self */
        struct px_slot *slot;   /* first page; NULL: self */
    } member[];
};

/* Boards in the own slot; private, under the engine's lock. */
static struct {
    uint32_t off, size; /* size 0: not used */
} offers[OFFERS_MAX];

static size_t area_size(int n)
{
    return sizeof(struct area) + (size_t)n * sizeof(struct entry[2]);
}

static struct area *own_area(uint64_t place)
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
static uint32_t find_room(uint32_t size)
{
    for (uint32_t off = AREA_OFF; off + size <= AREA_OFF + AREA_SIZE;) {
        uint32_t end = 0;
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
    if (n > PVMX_BOARD_MEMBERS || a->fd < 0 || PX_BIRTH_OFF + a->slot->birth_len > AREA_OFF)
        return px_fail(PVMX_ERR_LIMIT, "no board for %d members", n);
    for (int k = 0; k < n; k++)
        if (!same_host(peers[k]))
            return px_fail(PVMX_ERR_LIMIT, "t%x is on another host", (unsigned)peers[k]->tid);
    reclaim();
    int i = 0;
    while (i < OFFERS_MAX && offers[i].size)
        i++;
    uint32_t size = (uint32_t)area_size(n), off = i < OFFERS_MAX ? find_room(size) : 0;
    if (!off)
        return px_fail(PVMX_ERR_LIMIT, "no room for another board");
    struct area *area = own_area(off);
    memset(area, 0, size);
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
        munmap(b->map, AREA_SIZE);
    free(b);
}

static pvmx_err open_board(struct pvmx_board *b, struct pvmx_peer *const *peers)
{
    if (px_ctx.arena.fd < 0 || b->place < AREA_OFF ||
        b->place + area_size(b->n) > AREA_OFF + AREA_SIZE)
        return px_fail(PVMX_ERR_ARG, "no board at %llu", (unsigned long long)b->place);
    for (int k = 0; k < b->n; k++) {
        if (k == b->self)
            continue;
        b->member[k].peer = peers[k];
        peers[k]->refs++;
        b->member[k].slot = map_part(peers[k]->tid, 0, PAGE);
        if (!b->member[k].slot)
            return px_fail(PVMX_ERR_NOMEM, "cannot map a slot of the arena");
    }
    if (b->self == 0) {
        b->area = own_area(b->place);
        return PVMX_OK;
    }
    b->map = map_part(peers[0]->tid, AREA_OFF, AREA_SIZE);
    if (!b->map)
        return px_fail(PVMX_ERR_NOMEM, "cannot map a board");
    b->area = (struct area *)((char *)b->map + (b->place - AREA_OFF));
    if (atomic_load(&b->area->member[b->self]) != px_ctx.tid)
        return px_fail(PVMX_ERR_STATE, "the board is not ours");
    return PVMX_OK;
}

pvmx_err pvmx_engine_board_open(struct pvmx_peer *const *peers, int n, int self,
                                uint64_t place, struct pvmx_board **out)
{
    struct pvmx_board *b = calloc(1, sizeof *b + (size_t)n * sizeof b->member[0]);
    if (!b)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a board");
    b->n = n;
    b->self = self;
    b->place = place;
    px_lock();
    pvmx_err err = open_board(b, peers);
    if (err)
        undo_open(b);
    else if (self != 0)
        peers[0]->keep++; /* its slot stays as long as we read there */
    px_unlock();
    if (!err)
        *out = b;
    return err;
}

void pvmx_engine_board_close(struct pvmx_board *b)
{
    px_lock();
    atomic_store(&b->area->member[b->self], 0);
    if (b->self != 0)
        px_peer_release_slot(b->member[0].peer);
    undo_open(b);
    px_unlock();
}

static struct entry *entry_of(const struct pvmx_board *b, int k)
{
    return &b->area->entry[k][b->number & 1];
}

static bool all_shown(struct pvmx_board *b)
{
    for (; b->seen < b->n; b->seen++)
        if (atomic_load_explicit(&entry_of(b, b->seen)->number, memory_order_acquire) <
            b->number)
            return false;
    return true;
}

/* Also when a member that has not shown its value never will. */
static bool over(void *arg)
{
    struct pvmx_board *b = arg;
    if (all_shown(b) || b->broken)
        return true;
    for (int k = b->seen; k < b->n; k++)
        if (b->member[k].peer && b->member[k].peer->dead &&
            atomic_load(&entry_of(b, k)->number) < b->number)
            return true;
    return false;
}

pvmx_err pvmx_engine_board_exchange(struct pvmx_board *b, const void *mine, size_t len)
{
    pvmx_err err = PVMX_OK;
    px_lock();
    if (b->broken) {
        px_unlock();
        return px_fail(PVMX_ERR_REVOKED, "the communicator has been revoked");
    }
    b->number++;
    b->seen = 0;
    struct entry *e = entry_of(b, b->self);
    memcpy(e->value, mine, len);
    atomic_store_explicit(&e->number, b->number, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (all_shown(b)) {
        for (int k = 0; k < b->n; k++)
            if (b->member[k].slot)
                px_bell_after_publish(b->member[k].slot, PX_NRINGS);
    } else {
        err = px_ctx_wait(over, b, PX_NEVER);
        if (!err && !all_shown(b) && b->broken)
            err = px_fail(PVMX_ERR_REVOKED, "the communicator has been revoked");
        else if (!err && !all_shown(b))
            err = px_fail(PVMX_ERR_PEER_DEAD, "task t%x has ended",
                          (unsigned)b->member[b->seen].peer->tid);
    }
    px_unlock();
    return err;
}

void pvmx_engine_board_break(struct pvmx_board *b)
{
    b->broken = true;
}

const void *pvmx_engine_board_part(const struct pvmx_board *b, int member)
{
    return entry_of(b, member)->value;
}
