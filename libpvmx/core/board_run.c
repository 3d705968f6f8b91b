/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations on a board.
 *
 * An entry's number is stored last. Who finds, after showing its own value, that all others that are
 * to show one have done so wakes the reader: the last one always does, since of two who show at the
 * same time at least one sees the other (fences). A member uses an entry again when all have ended
 * the operation that it was for: it knows that from having seen all begin a later one, else from
 * what they note of it. */
#include "core/board.h"

#include "base/clock.h"
#include "base/err.h"
#include "transport/shm/copy.h"
#include "transport/shm/wake.h"

#include <string.h>

static uint64_t number_of(const struct pvmx_board *b)
{
    return b->op << PX_BOARD_STEP_BITS | b->step;
}

/* Member k's of an operation's first step. */
static struct px_board_entry *entry_at(const struct pvmx_board *b, int k, uint64_t op)
{
    return &b->area->of[k].entry[op % PVMX_BOARD_DEPTH];
}

static struct px_board_entry *entry_of(const struct pvmx_board *b, int k)
{
    return b->step ? &b->area->of[k].step[b->step % 2] : entry_at(b, k, b->op);
}

/* The line will be written next: it is taken from those who have read it while we do something else.
 * (__builtin_prefetch asks for it to be read unless the compiler may use all of a newer processor.) */
static inline void take_line(const void *line)
{
#ifdef __x86_64__
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

static bool shown(const struct pvmx_board *b, int k)
{
    return atomic_load_explicit(&entry_of(b, k)->number, memory_order_acquire) >=
           number_of(b);
}

static void ring(struct pvmx_board *b, int k)
{
    if (b->member[k].slot)
        px_bell_after_publish(b->member[k].slot, PX_NRINGS);
}

static void ring_all(struct pvmx_board *b)
{
    for (int k = 0; k < b->n; k++)
        ring(b, k);
}

/* This member leaves the board for good; who awaits it need not wait any longer. */
static pvmx_err revoked(struct pvmx_board *b)
{
    atomic_store(&b->area->of[b->self].left, 1);
    ring_all(b);
    return px_fail(PVMX_ERR_REVOKED, "the communicator has been revoked");
}

/* Finds out up to which operation all members have come. */
static void look_at_others(struct pvmx_board *b)
{
    uint64_t least = b->op - 1;
    for (int k = 0; k < b->n; k++) {
        uint64_t done = atomic_load_explicit(&b->area->of[k].done, memory_order_acquire);
        const struct pvmx_peer *peer = b->member[k].peer;
        bool gone = !peer || peer->dead || b->area->of[k].left;
        if (!gone && done < least)
            least = done;
        if (peer && peer->dead && !peer->end.left) /* one that is through with all may leave */
            b->lost = k;
    }
    b->ended = least;
}

struct room {
    struct pvmx_board *b;
    uint64_t depth;
};

static bool has_room(void *arg)
{
    struct room *r = arg;
    look_at_others(r->b);
    return r->b->op <= r->b->ended + r->depth || r->b->broken;
}

/* The wait for room; others note their progress now and then, and wake us if they see us wait. */
static void wait_room(struct pvmx_board *b, uint64_t depth)
{
    struct room r = {b, depth};
    px_lock();
    if (!has_room(&r)) {
        atomic_fetch_add(&b->area->waiting, 1);
        px_ctx_wait(has_room, &r, PX_NEVER);
        atomic_fetch_sub(&b->area->waiting, 1);
    }
    px_unlock();
}

static void next_op(struct pvmx_board *b)
{
    __atomic_store_n(&b->op, b->op + 1, __ATOMIC_RELAXED);
    b->step = 0;
    b->seen = 0;
}

pvmx_err pvmx_engine_board_begin(struct pvmx_board *b, enum pvmx_board_part part)
{
    uint64_t depth = part == PVMX_BOARD_GIVES_BULK ? PX_BOARD_BULK_DEPTH : PVMX_BOARD_DEPTH;
    next_op(b);
    if (__builtin_expect(part != PVMX_BOARD_LOOKS && b->op > b->ended + depth, 0))
        wait_room(b, depth);
    return b->broken ? revoked(b) : PVMX_OK;
}

void pvmx_engine_board_step(struct pvmx_board *b)
{
    b->step++;
    b->seen = 0;
}

void pvmx_engine_board_end(struct pvmx_board *b)
{
    take_line(entry_at(b, b->self, b->op + 1));
    if (b->op % PX_BOARD_NOTE)
        return;
    atomic_store_explicit(&b->area->of[b->self].done, b->op, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&b->area->waiting, memory_order_relaxed))
        ring_all(b);
}

uint64_t pvmx_engine_board_skip(struct pvmx_board *b, uint32_t word)
{
    next_op(b);
    atomic_store_explicit(&b->area->of[b->self].skipped[b->op % PVMX_BOARD_DEPTH],
                          b->op << PVMX_BOARD_WORD_BITS | word, memory_order_release);
    pvmx_engine_board_end(b);
    return b->op;
}

uint64_t pvmx_engine_board_count(const struct pvmx_board *b)
{
    return __atomic_load_n(&b->op, __ATOMIC_RELAXED);
}

int pvmx_engine_board_lost(const struct pvmx_board *b)
{
    return b->lost;
}

void *pvmx_engine_board_value(struct pvmx_board *b)
{
    return entry_of(b, b->self)->value;
}

/* Have all others (but the reader) shown theirs too? */
static bool last_one(const struct pvmx_board *b, int reader)
{
    for (int k = 0; k < b->n; k++)
        if (k != reader && !shown(b, k))
            return false;
    return true;
}

void pvmx_engine_board_show(struct pvmx_board *b, int giver, int reader)
{
    atomic_store_explicit(&entry_of(b, b->self)->number, number_of(b), memory_order_release);
    if (giver == PVMX_BOARD_ALL && b->n > 2) {
        atomic_thread_fence(memory_order_seq_cst);
        if (!last_one(b, reader))
            return;
    }
    if (reader == PVMX_BOARD_ALL)
        ring_all(b);
    else
        ring(b, reader);
}

static bool all_shown(struct pvmx_board *b)
{
    for (; b->seen < b->n; b->seen++)
        if (b->seen != b->self && !shown(b, b->seen))
            return false;
    return true;
}

struct wait {
    struct pvmx_board *b;
    int giver;
    bool patient;
    int missing; /* has ended without showing what is awaited; -1: nobody */
    bool left;   /* the same, but it has been told that the communicator is revoked */
};

static bool is_shown(struct pvmx_board *b, int giver)
{
    return giver == PVMX_BOARD_ALL ? all_shown(b) : shown(b, giver);
}

/* Will it never show what is awaited of it? */
static bool hopeless(struct wait *w, int k)
{
    const struct pvmx_board *b = w->b;
    bool left = atomic_load(&b->area->of[k].left) != 0;
    if (k == b->self || (!left && !b->member[k].peer->dead) || shown(b, k))
        return false;
    w->left = w->left || left;
    w->missing = left ? w->missing : k;
    return true;
}

/* Also when a member that has not shown its value never will: at once, or when nobody else is left to
 * wait for. A member that has heard that the communicator is revoked may be ahead of the news. */
static bool over(void *arg)
{
    struct wait *w = arg;
    struct pvmx_board *b = w->b;
    if (is_shown(b, w->giver))
        return true;
    bool all = w->giver == PVMX_BOARD_ALL;
    int waits = 0, from = all ? b->seen : w->giver, to = all ? b->n : w->giver + 1;
    w->missing = -1;
    w->left = false;
    for (int k = from; k < to; k++)
        waits += k != b->self && !hopeless(w, k) && !shown(b, k);
    if (w->patient)
        return waits == 0 && (!w->left || b->broken);
    return w->missing >= 0 || b->broken || px_board_refused(b);
}

static pvmx_err why_not(const struct wait *w)
{
    struct pvmx_board *b = w->b;
    if (b->broken && (w->left || !w->patient))
        return revoked(b);
    if (w->missing < 0)
        return px_fail(PVMX_ERR_LIMIT, "a member cannot open the board");
    return px_fail(PVMX_ERR_PEER_DEAD, "task t%x has ended",
                   (unsigned)b->member[w->missing].peer->tid);
}

pvmx_err pvmx_engine_board_await(struct pvmx_board *b, int giver, bool patient,
                                 uint64_t patience_ns, int *missing)
{
    struct wait w = {.b = b, .giver = giver, .patient = patient, .missing = -1};
    if (!is_shown(b, giver)) {
        px_lock();
        pvmx_err err = px_wait_for(&px_ctx.progress, over, &w, patience_ns);
        px_unlock();
        if (!err && !is_shown(b, giver))
            err = why_not(&w);
        if (err) {
            *missing = w.missing;
            return err;
        }
    } else if (giver != PVMX_BOARD_ALL) {
        __builtin_prefetch(entry_at(b, giver, b->op + 1)); /* who is ahead has shown that too */
    }
    if (giver == PVMX_BOARD_ALL && b->op - 1 > b->ended)
        b->ended = b->op - 1; /* who has begun this one has ended the last */
    return PVMX_OK;
}

bool pvmx_engine_board_has(const struct pvmx_board *b, int member, bool in_step)
{
    const struct px_board_entry *e = entry_at(b, member, b->op);
    return in_step ? shown(b, member)
                   : atomic_load_explicit(&e->number, memory_order_acquire) >=
                         b->op << PX_BOARD_STEP_BITS;
}

void *pvmx_engine_board_spare(struct pvmx_board *b)
{
    if (pvmx_engine_board_has(b, b->self, false))
        return NULL;
    px_lock();
    look_at_others(b);
    px_unlock();
    return b->op <= b->ended + PVMX_BOARD_DEPTH ? entry_at(b, b->self, b->op)->value : NULL;
}

void pvmx_engine_board_admit(struct pvmx_board *b)
{
    atomic_store_explicit(&entry_at(b, b->self, b->op)->number,
                          b->op << PX_BOARD_STEP_BITS, memory_order_release);
    ring_all(b);
}

static uint64_t skip_of(const struct pvmx_board *b, int member, uint64_t op)
{
    return atomic_load_explicit(&b->area->of[member].skipped[op % PVMX_BOARD_DEPTH],
                                memory_order_acquire);
}

uint32_t pvmx_engine_board_skipped(const struct pvmx_board *b, int member, uint64_t op)
{
    uint64_t skip = skip_of(b, member, op);
    return skip >> PVMX_BOARD_WORD_BITS == op
               ? (uint32_t)skip & ((1u << PVMX_BOARD_WORD_BITS) - 1)
               : 0;
}

bool pvmx_engine_board_passed(const struct pvmx_board *b, int member)
{
    const struct px_board_member *m = &b->area->of[member];
    if (atomic_load(&m->left)) /* it says why itself */
        return false;
    if (atomic_load_explicit(&m->done, memory_order_acquire) >= b->op)
        return true;
    for (uint64_t k = 0; k < PVMX_BOARD_DEPTH; k++) {
        uint64_t number = atomic_load_explicit(&m->entry[k].number, memory_order_acquire);
        if (number >> PX_BOARD_STEP_BITS > b->op ||
            skip_of(b, member, k) >> PVMX_BOARD_WORD_BITS >= b->op)
            return true;
    }
    return false;
}

const void *pvmx_engine_board_part(const struct pvmx_board *b, int member)
{
    return entry_at(b, member, b->op)->value;
}

const void *pvmx_engine_board_answer(const struct pvmx_board *b, int member)
{
    return entry_of(b, member)->value;
}

void *pvmx_engine_board_bulk(const struct pvmx_board *b, int member)
{
    size_t k = (size_t)member * PX_BOARD_BULK_DEPTH + (size_t)(b->op % PX_BOARD_BULK_DEPTH);
    return b->bulk + k * PX_BOARD_BULK_STRIDE;
}

pvmx_err pvmx_engine_board_read(const struct pvmx_board *b, int member, void *dst,
                                uint64_t addr, size_t len)
{
    if (member == b->self)
        memmove(dst, (const void *)(uintptr_t)addr, len);
    else
        return px_copy_read(b->member[member].pid, dst, addr, len);
    return PVMX_OK;
}

pvmx_err pvmx_engine_board_write(const struct pvmx_board *b, int member, uint64_t addr,
                                 const void *src, size_t len)
{
    if (member == b->self)
        memmove((void *)(uintptr_t)addr, src, len);
    else
        return px_copy_write(b->member[member].pid, addr, src, len);
    return PVMX_OK;
}

void pvmx_engine_board_break(struct pvmx_board *b)
{
    b->broken = true;
}
