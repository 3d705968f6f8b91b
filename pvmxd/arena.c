/* SPDX-License-Identifier: BSD-3-Clause */
/* The arena as its creator sees it. */
#include "arena.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "proto/bell.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum arena_use { USE_FREE, USE_TASK, USE_DEAD };
enum {
    LOCAL_MAX = 0x40000, /* local numbers have 18 bits; 0 is no task */
    CONTACT_WORDS = PX_NSLOTS / 64,
    /* The window holds only the control blocks, side by side: the page tables for all slots are
     * 1 MB, where one mapping of the whole arena would grow to 48 MB of them. */
    BLOCK = PX_BIRTH_OFF,
};

static pvmx_err arena_map(struct arena *a)
{
    a->head = mmap(NULL, PX_ARENA_HEAD, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd, 0);
    if (a->head == MAP_FAILED) {
        a->head = NULL;
        return px_fail_errno(errno, "cannot map the shared memory");
    }
    a->window = mmap(NULL, (size_t)PX_NSLOTS * BLOCK, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (a->window == MAP_FAILED) {
        a->window = NULL;
        return px_fail_errno(errno, "cannot reserve %d MB of addresses (see ulimit -v)",
                             PX_NSLOTS / 1024 * BLOCK / 1024);
    }
    return PVMX_OK;
}

pvmx_err arena_open(struct arena *a, uint32_t ncpus, uint32_t host)
{
    memset(a, 0, sizeof *a);
    a->fd = memfd_create("pvmx-arena", MFD_CLOEXEC);
    if (a->fd < 0)
        return px_fail_errno(errno, "cannot create the shared memory of this host");
    struct stat st;
    pvmx_err err = PVMX_OK;
    if (ftruncate(a->fd, (off_t)PX_ARENA_SIZE) < 0)
        err = px_fail_errno(errno, "cannot size the shared memory of this host%s",
                            errno == EFBIG ? " (raise ulimit -f)" : "");
    else if (fstat(a->fd, &st) < 0)
        err = px_fail_errno(errno, "cannot look at the shared memory of this host");
    else
        err = arena_map(a);
    if (err != PVMX_OK) {
        arena_close(a);
        return err;
    }
    a->inode = st.st_ino;
    a->nfree = PX_NSLOTS;
    a->next_local = 1;
    struct px_arena_head *h = a->head;
    h->version = PX_ARENA_VERSION;
    h->head_size = PX_ARENA_HEAD;
    h->nslots = PX_NSLOTS;
    h->slot_size = PX_SLOT_SIZE;
    h->host_index = host;
    h->daemon_pid = (uint32_t)getpid();
    h->magic = PX_ARENA_MAGIC;
    arena_set_cpus(a, ncpus);
    arena_set_universe(a, ncpus);
    return PVMX_OK;
}

void arena_close(struct arena *a)
{
    if (a->window != NULL)
        munmap(a->window, (size_t)PX_NSLOTS * BLOCK);
    if (a->head != NULL)
        munmap(a->head, PX_ARENA_HEAD);
    a->window = NULL;
    a->head = NULL;
    px_fd_close(&a->fd);
}

void arena_set_cpus(struct arena *a, uint32_t ncpus)
{
    a->head->ncpus = ncpus;
}

void arena_set_universe(struct arena *a, uint32_t slots)
{
    atomic_store(&a->head->universe, slots);
}

int32_t arena_alloc(struct arena *a)
{
    if (a->nfree == 0)
        return 0;
    for (;;) {
        uint32_t local = a->next_local;
        a->next_local = (local + 1) % LOCAL_MAX;
        a->wrapped = a->wrapped || a->next_local == 0;
        if (local == 0 || a->use[local % PX_NSLOTS] != USE_FREE)
            continue;
        a->use[local % PX_NSLOTS] = USE_TASK;
        a->nfree--;
        return (int32_t)(a->head->host_index << 18 | local);
    }
}

bool arena_ever(const struct arena *a, int32_t tid)
{
    uint32_t local = (uint32_t)tid & (LOCAL_MAX - 1);
    return tid > 0 && (uint32_t)tid >> 18 == a->head->host_index && local != 0 &&
           (a->wrapped || local < a->next_local);
}

static void arena_punch(struct arena *a, uint32_t slot)
{
    const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(a->fd, mode, (off_t)px_slot_offset(slot), (off_t)PX_SLOT_SIZE) < 0 ||
        fallocate(a->fd, mode, (off_t)px_heap_offset(slot), (off_t)PX_HEAP_SIZE) < 0)
        px_log(PX_LOG_ERROR, "ARENA-PUNCH", "cannot free the memory of slot %u: %s", slot,
               strerror(errno));
    a->use[slot] = USE_FREE;
    a->nfree++;
}

static void arena_uncount(struct arena *a, uint32_t slot)
{
    if (!a->counted[slot])
        return;
    a->counted[slot] = false;
    if (atomic_exchange(&arena_slot(a, slot)->asleep, 1) == 0)
        atomic_fetch_sub(&a->head->running, 1);
}

void arena_unalloc(struct arena *a, uint32_t slot)
{
    arena_uncount(a, slot);
    arena_punch(a, slot);
}

struct px_slot *arena_slot(struct arena *a, uint32_t slot)
{
    uint8_t *at = a->window + (size_t)slot * BLOCK;
    if (!a->mapped[slot]) {
        if (mmap(at, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, a->fd,
                 (off_t)px_slot_offset(slot)) == MAP_FAILED)
            return NULL;
        a->mapped[slot] = true; /* for good: 8192 mappings of 16 pages are cheap */
    }
    return (struct px_slot *)at;
}

pvmx_err arena_announce(struct arena *a, int32_t tid)
{
    struct px_slot *s = arena_slot(a, px_tid_slot(tid));
    if (s == NULL)
        return px_fail_errno(errno, "cannot map a slot of the shared memory");
    atomic_store_explicit(&s->tid, tid, memory_order_relaxed);
    atomic_store(&s->state, PX_SLOT_BORN);
    return PVMX_OK;
}

bool arena_announced(struct arena *a, int32_t tid)
{
    const struct px_slot *s = arena_ever(a, tid) && a->use[px_tid_slot(tid)] == USE_TASK
                                  ? arena_slot(a, px_tid_slot(tid))
                                  : NULL;
    return s != NULL && atomic_load(&s->tid) == tid &&
           (atomic_load(&s->state) == PX_SLOT_BORN || atomic_load(&s->state) == PX_SLOT_LIVE);
}

pvmx_err arena_fill(struct arena *a, int32_t tid, const void *birth, size_t len)
{
    uint32_t slot = px_tid_slot(tid);
    struct px_slot *s = arena_slot(a, slot);
    if (s == NULL)
        return px_fail_errno(errno, "cannot map a slot of the shared memory");
    if (len > PX_BIRTH_MAX)
        return px_fail(
            PVMX_ERR_TOOBIG,
            "the group of parents is too scattered: its description takes %zu bytes "
            "of at most %d",
            len, PX_BIRTH_MAX);
    /* Written through the descriptor: the daemon never looks at it again and needs no mapping. */
    if (len > 0 && pwrite(a->fd, birth, len, (off_t)px_slot_offset(slot) + PX_BIRTH_OFF) !=
                       (ssize_t)len)
        return px_fail_errno(errno, "cannot write to the shared memory");
    s->birth_len = (uint32_t)len;
    atomic_store_explicit(&s->tid, tid, memory_order_relaxed);
    atomic_store(&s->state, PX_SLOT_BORN);
    atomic_fetch_add(&a->head->running, 1);
    a->counted[slot] = true;
    return PVMX_OK;
}

void arena_set_pid(struct arena *a, uint32_t slot, pid_t pid)
{
    int32_t none = 0;
    atomic_compare_exchange_strong(&arena_slot(a, slot)->pid, &none, pid);
}

void arena_enter(struct arena *a, uint32_t slot)
{
    a->live_at[slot] = a->nlive;
    a->live[a->nlive++] = slot;
}

static void arena_wake(struct px_slot *s)
{
    /* Sequentially consistent against the sleeper, who sets the flag and then looks once more. */
    if ((atomic_load(&s->rx_flags) & PX_RX_SLEEPING) == 0)
        return;
    atomic_fetch_add(&s->doorbell, 1);
    syscall(SYS_futex, &s->doorbell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    pxp_bell_after(s);
}

void arena_ring(struct arena *a, uint32_t slot)
{
    struct px_slot *s = arena_slot(a, slot);
    atomic_fetch_add(&s->ctl_seq, 1);
    arena_wake(s);
}

static void arena_tell(struct arena *a, uint32_t slot)
{
    uint64_t bit = UINT64_C(1) << slot % 64;
    atomic_fetch_add(&a->head->deaths, 1);
    for (uint32_t i = 0; i < a->nlive; i++) {
        struct px_slot *s = arena_slot(a, a->live[i]);
        if (a->live[i] != slot && (atomic_load(&s->contacts[slot / 64]) & bit) != 0)
            arena_wake(s);
    }
}

void arena_left(struct arena *a, uint32_t slot)
{
    struct px_slot *s = arena_slot(a, slot);
    uint32_t state = atomic_load(&s->state);
    while (state == PX_SLOT_BORN || state == PX_SLOT_LIVE)
        if (atomic_compare_exchange_weak(&s->state, &state, PX_SLOT_LEFT))
            break;
    arena_tell(a, slot);
}

void arena_died(struct arena *a, uint32_t slot, int status, int signal)
{
    struct px_slot *s = arena_slot(a, slot);
    atomic_store(&s->exit_status, status);
    atomic_store(&s->exit_signal, signal);
    atomic_store(&s->left, atomic_load(&s->state) == PX_SLOT_LEFT);
    atomic_store(&s->state, PX_SLOT_DEAD);
    arena_uncount(a, slot);
    arena_tell(a, slot);
}

bool arena_give_up(struct arena *a, uint32_t slot)
{
    struct px_slot *s = arena_slot(a, slot);
    uint32_t state = PX_SLOT_BORN;
    /* The details first: whoever sees DEAD may read them. The owner may be claiming its slot at
     * this moment, and then it has won. */
    atomic_store(&s->exit_status, -1);
    atomic_store(&s->given_up, 1);
    if (!atomic_compare_exchange_strong(&s->state, &state, PX_SLOT_DEAD)) {
        atomic_store(&s->given_up, 0);
        atomic_store(&s->exit_status, 0);
        return false;
    }
    arena_uncount(a, slot);
    arena_tell(a, slot);
    return true;
}

void arena_retire(struct arena *a, uint32_t slot)
{
    arena_uncount(a, slot);
    struct px_slot *s = arena_slot(a, slot);
    bool well = atomic_load(&s->state) == PX_SLOT_LEFT || atomic_load(&s->left);
    atomic_store(&a->head->left[slot], well ? atomic_load(&s->tid) : 0);
    uint32_t at = a->live_at[slot], last = a->live[--a->nlive];
    a->live[at] = last;
    a->live_at[last] = at;
    a->use[slot] = USE_DEAD;
    a->dead[a->ndead++] = slot;
    /* A task that was killed between its two steps of going to sleep is counted wrongly; with
     * nobody left the right number is known. */
    if (a->nlive == 0)
        atomic_store(&a->head->running, 0);
}

/* Union of the contacts of all tasks that may still write to a peer. */
static void arena_contacts(struct arena *a, uint64_t all[CONTACT_WORDS])
{
    memset(all, 0, CONTACT_WORDS * sizeof all[0]);
    for (uint32_t i = 0; i < a->nlive; i++) {
        struct px_slot *s = arena_slot(a, a->live[i]);
        if (atomic_load(&s->state) == PX_SLOT_LEFT)
            continue;
        for (uint32_t w = 0; w < CONTACT_WORDS; w++)
            all[w] |= atomic_load_explicit(&s->contacts[w], memory_order_acquire);
    }
}

static bool has_bit(const uint64_t *words, uint32_t bit)
{
    return (words[bit / 64] >> bit % 64 & 1) != 0;
}

/* A peer sets its bit and then looks at tid and state; we clear the state and then look at the
 * bits once more. One of the two sees the other. */
uint32_t arena_scan(struct arena *a)
{
    uint64_t all[CONTACT_WORDS];
    uint32_t kept = 0, candidates = 0;
    if (a->ndead == 0)
        return 0;
    arena_contacts(a, all);
    for (uint32_t i = 0; i < a->ndead; i++) {
        uint32_t slot = a->dead[i];
        if (has_bit(all, slot))
            continue;
        atomic_store(&arena_slot(a, slot)->state, PX_SLOT_FREE);
        candidates++;
    }
    if (candidates == 0)
        return a->ndead;
    atomic_thread_fence(memory_order_seq_cst);
    arena_contacts(a, all);
    for (uint32_t i = 0; i < a->ndead; i++) {
        uint32_t slot = a->dead[i];
        struct px_slot *s = arena_slot(a, slot);
        if (has_bit(all, slot)) {
            atomic_store(&s->state, PX_SLOT_DEAD);
            a->dead[kept++] = slot;
        } else if (atomic_load(&s->state) == PX_SLOT_FREE) {
            atomic_store(&s->tid, 0);
            arena_punch(a, slot);
        } else {
            a->dead[kept++] = slot;
        }
    }
    a->ndead = kept;
    return kept;
}
