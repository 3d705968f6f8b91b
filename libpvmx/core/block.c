/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks: this task's heap in the arena, and blocks of others that are open here.
 *
 * A loan has a cell at the head of the heap, which the reader sets when it has done; the owner looks
 * at a few cells whenever it needs memory. Both sides keep the other's slot from being used again:
 * the lender enters itself into the reader's contacts, so that a reader that has not looked at its
 * messages yet finds the block of a lender that has ended. */
#include "core/ctx.h"

#include "base/err.h"
#include "base/param.h"
#include "transport/shm/shm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum {
    CELLS = 64 * 1024, /* loans at one time */
    CLASS_MIN = 13, /* 8 KiB, doubled from class to class: 4 GiB of heap are only addresses */
    CLASSES = 19,                /* up to 2 GiB */
    LOOKS = 8,                   /* loans looked at for each block that is asked for */
    PAGE_OUT = 64 * 1024 * 1024, /* free memory beyond this goes back to the system */
};

struct own {
    struct pvmx_block pub;
    uint64_t off;
    uint32_t loans;
    uint8_t class;
    bool held; /* by the layer above */
    struct own *next, *next_of_all;
};

struct loan {
    struct own *block;
    pvmx_tid to;
    uint32_t cell;
};

struct heap { /* of another task */
    char *base;
    uint32_t uses;
};

enum { PAGE = 4096 }; /* blocks begin at a page */

static struct {
    char *base; /* NULL: not mapped yet */
    uint64_t top;
    struct own *free[CLASSES], *all;
    size_t nfree; /* bytes that free blocks keep */
    struct loan *loans;
    uint32_t nloans, cap, next; /* next: to be looked at */
    uint32_t *cells;            /* that are free */
    uint32_t ncells;
    struct px_map others; /* tid -> struct heap */
} heap;

static int64_t heap_allowed;

static const struct px_param heap_params[] = {
    {.name = "shm.heap",
     .type = PX_PARAM_BOOL,
     .dflt = "yes",
     .help = "keep long PVM messages in shared memory, where they outlive their sender",
     .store.number = &heap_allowed},
};

static size_t class_size(unsigned class)
{
    return (size_t)1 << (CLASS_MIN + class);
}

static _Atomic uint32_t *cell_at(char *base, uint32_t cell)
{
    return (_Atomic uint32_t *)(void *)base + cell;
}

static char *map_part(pvmx_tid tid, uint64_t off, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                   px_ctx.arena.fd, (off_t)(px_heap_offset(px_tid_slot(tid)) + off));
    return p == MAP_FAILED ? NULL : p;
}

static char *map_heap(pvmx_tid tid)
{
    return map_part(tid, 0, PX_HEAP_SIZE);
}

/* Heaps are only addresses, but those may be few. */
static bool few_addresses(void)
{
    struct rlimit r;
    return getrlimit(RLIMIT_AS, &r) == 0 && r.rlim_cur != RLIM_INFINITY;
}

static pvmx_err open_heap(void)
{
    if (heap.base)
        return PVMX_OK;
    px_param_register(heap_params, 1);
    if (px_ctx.arena.fd < 0 || !heap_allowed || few_addresses())
        return px_fail(PVMX_ERR_LIMIT, "this process has no shared memory to lend");
    heap.cells = malloc(CELLS * sizeof *heap.cells);
    heap.base = heap.cells ? map_heap(px_ctx.tid) : NULL;
    if (!heap.base) {
        free(heap.cells);
        heap.cells = NULL;
        return px_fail(PVMX_ERR_LIMIT, "no address space for messages");
    }
    for (uint32_t i = 0; i < CELLS; i++)
        heap.cells[heap.ncells++] = CELLS - 1 - i;
    heap.top = CELLS * sizeof(uint32_t);
    return PVMX_OK;
}

static void settle(struct own *b)
{
    if (b->held || b->loans)
        return;
    size_t size = class_size(b->class);
    if (heap.nfree + size > PAGE_OUT)
        madvise(b->pub.data, size, MADV_REMOVE);
    else
        heap.nfree += size;
    b->next = heap.free[b->class];
    heap.free[b->class] = b;
}

static bool task_gone(pvmx_tid tid)
{
    if (tid == px_ctx.tid)
        return false;
    const struct pvmx_peer *p = px_map_get(&px_ctx.ms.peers, (uint64_t)tid);
    return !p || p->dead;
}

/* Looks at up to n loans, whether their readers have done. */
static void collect(uint32_t n)
{
    for (n = n < heap.nloans ? n : heap.nloans; n && heap.nloans; n--) {
        if (heap.next >= heap.nloans)
            heap.next = 0;
        struct loan *l = &heap.loans[heap.next];
        if (!atomic_load_explicit(cell_at(heap.base, l->cell), memory_order_acquire) &&
            !task_gone(l->to)) {
            heap.next++;
            continue;
        }
        struct own *b = l->block;
        heap.cells[heap.ncells++] = l->cell;
        *l = heap.loans[--heap.nloans];
        b->loans--;
        settle(b);
    }
}

static struct own *take_free(unsigned class)
{
    struct own *b = heap.free[class];
    if (!b)
        return NULL;
    heap.free[class] = b->next;
    size_t size = class_size(class);
    heap.nfree -= heap.nfree < size ? heap.nfree : size;
    return b;
}

static struct own *carve(unsigned class)
{
    size_t size = class_size(class);
    if (heap.top + size > PX_HEAP_SIZE)
        return NULL;
    struct own *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->off = heap.top;
    b->class = (uint8_t) class;
    b->pub = (struct pvmx_block){heap.base + heap.top, size};
    heap.top += size;
    b->next_of_all = heap.all;
    heap.all = b;
    return b;
}

static pvmx_err new_block(size_t size, struct pvmx_block **out)
{
    unsigned class = 0;
    pvmx_err err = open_heap();
    if (err)
        return err;
    while (class < CLASSES && class_size(class) < size)
        class ++;
    if (class == CLASSES)
        return px_fail(PVMX_ERR_LIMIT, "a block cannot have %zu bytes", size);
    collect(LOOKS);
    struct own *b = take_free(class);
    if (!b)
        b = carve(class);
    if (!b) {
        collect(heap.nloans);
        for (unsigned c = class; !b && c < CLASSES; c++)
            b = take_free(c);
    }
    if (!b)
        return px_fail(PVMX_ERR_LIMIT, "no room for a block of %zu bytes", size);
    b->held = true;
    *out = &b->pub;
    return PVMX_OK;
}

pvmx_err pvmx_engine_block_new(size_t size, struct pvmx_block **out)
{
    px_lock();
    pvmx_err err = new_block(size, out);
    px_unlock();
    return err;
}

void pvmx_engine_block_free(struct pvmx_block *block)
{
    px_lock();
    if (heap.base) { /* else the engine has ended meanwhile, and the block with it */
        struct own *b = px_container_of(block, struct own, pub);
        b->held = false;
        settle(b);
    }
    px_unlock();
}

/* The reader must keep our slot when we end before it has seen the message. */
static pvmx_err bind_reader(struct pvmx_peer *to)
{
    if (to->self)
        return PVMX_OK;
    pvmx_err err = px_peer_connect(to);
    if (err)
        return err;
    if (to->ep->tr != &px_transport_shm)
        return px_fail(PVMX_ERR_LIMIT, "t%x is on another host", (unsigned)to->tid);
    uint32_t self = px_ctx.arena.index;
    uint64_t bit = 1ull << self % 64;
    _Atomic uint64_t *word = &((struct px_shm_ep *)to->ep)->slot->contacts[self / 64];
    if (!(atomic_load_explicit(word, memory_order_relaxed) & bit))
        atomic_fetch_or(word, bit);
    return PVMX_OK;
}

static pvmx_err lend(struct own *b, struct pvmx_peer *to, struct pvmx_loan *out)
{
    pvmx_err err = bind_reader(to);
    if (err)
        return err;
    if (!heap.ncells)
        collect(heap.nloans);
    if (!heap.ncells)
        return px_fail(PVMX_ERR_LIMIT, "%d messages are waiting for their receivers", CELLS);
    if (heap.nloans == heap.cap) {
        uint32_t cap = heap.cap ? heap.cap * 2 : 64;
        struct loan *loans = realloc(heap.loans, cap * sizeof *loans);
        if (!loans)
            return px_fail(PVMX_ERR_NOMEM, "no memory for a message");
        heap.loans = loans;
        heap.cap = cap;
    }
    uint32_t cell = heap.cells[--heap.ncells];
    atomic_store_explicit(cell_at(heap.base, cell), 0, memory_order_relaxed);
    heap.loans[heap.nloans++] = (struct loan){b, to->self ? px_ctx.tid : to->tid, cell};
    b->loans++;
    *out = (struct pvmx_loan){.place = b->off, .cell = cell};
    return PVMX_OK;
}

pvmx_err pvmx_engine_block_lend(struct pvmx_block *block, struct pvmx_peer *to,
                                struct pvmx_loan *out)
{
    px_lock();
    pvmx_err err = lend(px_container_of(block, struct own, pub), to, out);
    px_unlock();
    return err;
}

/* ---- the reader */

static void close_other(pvmx_tid owner, struct heap *h)
{
    px_map_remove(&heap.others, (uint64_t)owner);
    munmap(h->base, PX_HEAP_SIZE);
    free(h);
}

/* Heaps of tasks that have ended after their last block was closed: looked for when another one is
 * opened, so that addresses do not run out. */
static void close_unused(void)
{
    size_t pos = 0;
    uint64_t tid;
    void *v;
    while (px_map_next(&heap.others, &pos, &tid, &v)) {
        struct heap *h = v;
        if (!h->uses && task_gone((pvmx_tid)tid))
            close_other((pvmx_tid)tid, h);
    }
}

static pvmx_err open_other(pvmx_tid owner, struct heap **out)
{
    struct heap *h = px_map_get(&heap.others, (uint64_t)owner);
    if (!h) {
        close_unused();
        h = calloc(1, sizeof *h);
        if (!h || !(h->base = map_heap(owner)) ||
            px_map_put(&heap.others, (uint64_t)owner, h) != PVMX_OK) {
            if (h && h->base)
                munmap(h->base, PX_HEAP_SIZE);
            free(h);
            return px_fail(PVMX_ERR_NOMEM, "no address space for messages of t%x",
                           (unsigned)owner);
        }
    }
    *out = h;
    return PVMX_OK;
}

/* Where addresses are few: this block alone. */
static pvmx_err open_part(pvmx_tid owner, const struct pvmx_loan *loan, size_t len,
                          struct pvmx_lent *out)
{
    out->mapped = len;
    out->data = map_part(owner, loan->place, len);
    return out->data ? PVMX_OK
                     : px_fail(PVMX_ERR_NOMEM, "no address space for %zu bytes of t%x",
                               len, (unsigned)owner);
}

static pvmx_err open_whole(pvmx_tid owner, const struct pvmx_loan *loan, struct pvmx_lent *out)
{
    struct heap *h = NULL;
    pvmx_err err = open_other(owner, &h);
    if (err)
        return err;
    h->uses++;
    out->data = h->base + loan->place;
    return PVMX_OK;
}

static pvmx_err open_lent(pvmx_tid owner, const struct pvmx_loan *loan, size_t len,
                          struct pvmx_lent *out)
{
    struct pvmx_lent lent = {.cell = loan->cell};
    if (loan->cell >= CELLS || loan->place % PAGE || loan->place > PX_HEAP_SIZE || !len ||
        len > PX_HEAP_SIZE - loan->place)
        return px_fail(PVMX_ERR_PROTO, "t%x lends what is not in its heap", (unsigned)owner);
    pvmx_err err = px_peer_get(&px_ctx.ms, owner, &lent.owner);
    if (err)
        return err;
    if (lent.owner->self && (err = open_heap()) == PVMX_OK)
        lent.data = heap.base + loan->place;
    else if (!err && !px_map_get(&heap.others, (uint64_t)owner) && few_addresses())
        err = open_part(owner, loan, len, &lent);
    else if (!err)
        err = open_whole(owner, loan, &lent);
    if (err) {
        px_peer_put(lent.owner);
        return err;
    }
    if (!lent.owner->self)
        lent.owner->keep++;
    *out = lent;
    return PVMX_OK;
}

pvmx_err pvmx_engine_block_open(pvmx_tid owner, const struct pvmx_loan *loan, size_t len,
                                struct pvmx_lent *out)
{
    px_lock();
    pvmx_err err = open_lent(owner, loan, len, out);
    px_unlock();
    return err;
}

/* Tells its owner that it has been read. */
static void close_part(const struct pvmx_lent *lent)
{
    enum { CELLS_OF_PAGE = PAGE / sizeof(uint32_t) };
    munmap((void *)(uintptr_t)lent->data, lent->mapped);
    char *page = map_part(lent->owner->tid, lent->cell / CELLS_OF_PAGE * PAGE, PAGE);
    if (!page)
        return; /* the block is kept until we end */
    atomic_store_explicit(cell_at(page, lent->cell % CELLS_OF_PAGE), 1, memory_order_release);
    munmap(page, PAGE);
}

static void close_whole(const struct pvmx_lent *lent)
{
    struct pvmx_peer *peer = lent->owner;
    struct heap *h = peer->self ? NULL : px_map_get(&heap.others, (uint64_t)peer->tid);
    char *base = h ? h->base : heap.base;
    atomic_store_explicit(cell_at(base, lent->cell), 1, memory_order_release);
    if (h && --h->uses == 0 && peer->dead)
        close_other(peer->tid, h);
}

void pvmx_engine_block_close(struct pvmx_lent *lent)
{
    px_lock();
    struct pvmx_peer *peer = lent->owner;
    if (peer && px_ctx.inits > 0) {
        if (lent->mapped)
            close_part(lent);
        else
            close_whole(lent);
        if (!peer->self)
            px_peer_release_slot(peer);
        px_peer_put(peer);
    }
    *lent = (struct pvmx_lent){0};
    px_unlock();
}

void px_blocks_fini(void)
{
    size_t pos = 0;
    uint64_t tid;
    void *v;
    while (px_map_next(&heap.others, &pos, &tid, &v)) {
        munmap(((struct heap *)v)->base, PX_HEAP_SIZE);
        free(v);
    }
    px_map_free(&heap.others);
    for (struct own *b; (b = heap.all) != NULL;) {
        heap.all = b->next_of_all;
        free(b);
    }
    memset(heap.free, 0, sizeof heap.free);
    if (heap.base)
        munmap(heap.base, PX_HEAP_SIZE);
    free(heap.cells);
    free(heap.loans);
    heap.base = NULL;
    heap.cells = NULL;
    heap.loans = NULL;
    heap.top = heap.nfree = 0;
    heap.nloans = heap.cap = heap.next = heap.ncells = 0;
}

void px_blocks_forget(void)
{
    memset(&heap, 0, sizeof heap);
}
