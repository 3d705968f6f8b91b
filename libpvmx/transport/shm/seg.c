/* SPDX-License-Identifier: BSD-3-Clause */
/* Mapping of the arena. */
#include "transport/shm/seg.h"

#include "base/err.h"
#include "base/fd.h"
#include "transport/shm/ring.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is mapped of another's slot: its control block, and behind it a ring of it. */
enum { PEER_SIZE = PX_BIRTH_OFF + PX_RING_SIZE };

static void *map(const struct px_arena *a, uint32_t index, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, a->fd,
                   (off_t)px_slot_offset(index));
    if (p == MAP_FAILED) {
        px_fail_errno(errno, "cannot map %zu KiB of address space for a task (is `ulimit -v` set?)",
                      size >> 10);
        return NULL;
    }
    return p;
}

static pvmx_err check_head(const struct px_arena_head *h, off_t size)
{
    if (h->magic != PX_ARENA_MAGIC || h->head_size != PX_ARENA_HEAD ||
        h->nslots != PX_NSLOTS || h->slot_size != PX_SLOT_SIZE ||
        (uint64_t)size < PX_ARENA_SIZE)
        return px_fail(PVMX_ERR_PROTO,
                       "the descriptor that the daemon passed is not an arena");
    if (h->version != PX_ARENA_VERSION)
        return px_fail(
            PVMX_ERR_VERSION,
            "the daemon's arena has version %u, this library needs %d: end the old "
            "daemon (pvmxd) and start again",
            h->version, PX_ARENA_VERSION);
    return PVMX_OK;
}

pvmx_err px_arena_attach(struct px_arena *a, int fd, pvmx_tid tid)
{
    struct px_arena n = {.fd = fd, .head = MAP_FAILED, .index = px_tid_slot(tid)};
    struct stat st;
    pvmx_err err;
    if (fstat(fd, &st) < 0) {
        err = px_fail_errno(errno, "cannot look at the arena");
        goto undo;
    }
    n.head = mmap(NULL, PX_ARENA_HEAD, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (n.head == MAP_FAILED) {
        err = px_fail_errno(errno, "cannot map the arena's header");
        goto undo;
    }
    err = check_head(n.head, st.st_size);
    if (err)
        goto undo;
    n.slot = map(&n, n.index, PX_SLOT_SIZE);
    if (!n.slot) {
        err = PVMX_ERR_NOMEM;
        goto undo;
    }
    if (atomic_load(&n.slot->tid) != tid) {
        err = px_fail(PVMX_ERR_STATE, "slot %u of the arena belongs to t%x, not to t%x",
                      n.index, (unsigned)atomic_load(&n.slot->tid), (unsigned)tid);
        munmap(n.slot, PX_SLOT_SIZE);
        goto undo;
    }
    *a = n;
    return PVMX_OK;
undo:
    if (n.head != MAP_FAILED)
        munmap(n.head, PX_ARENA_HEAD);
    px_fd_close(&fd);
    return err;
}

pvmx_err px_arena_private(struct px_arena *a)
{
    char *p = mmap(NULL, PX_ARENA_HEAD + PX_BIRTH_OFF, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return px_fail_errno(errno, "no memory for the engine");
    *a = (struct px_arena){.fd = -1,
                           .head = (struct px_arena_head *)p,
                           .slot = (struct px_slot *)(p + PX_ARENA_HEAD)};
    cpu_set_t cpus;
    int n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    a->head->ncpus = n > 0 ? (uint32_t)n : 1;
    atomic_store(&a->head->universe, a->head->ncpus);
    atomic_store(&a->head->running, 1);
    return PVMX_OK;
}

void px_arena_detach(struct px_arena *a)
{
    if (!a->head)
        return;
    if (a->fd < 0) {
        munmap(a->head, PX_ARENA_HEAD + PX_BIRTH_OFF);
    } else {
        munmap(a->head, PX_ARENA_HEAD);
        munmap(a->slot, PX_SLOT_SIZE);
        px_fd_close(&a->fd);
    }
    *a = (struct px_arena){.fd = -1};
}

struct px_slot *px_arena_map_slot(const struct px_arena *a, uint32_t index)
{
    return map(a, index, PEER_SIZE);
}

struct px_ring *px_arena_map_ring(const struct px_arena *a, struct px_slot *slot,
                                  uint32_t index, uint32_t ring)
{
    off_t at = (off_t)(px_slot_offset(index) + PX_RINGS_OFF + (uint64_t)ring * PX_RING_SIZE);
    void *p = mmap(px_slot_at(slot, PX_BIRTH_OFF), PX_RING_SIZE, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_NORESERVE | MAP_FIXED, a->fd, at);
    if (p == MAP_FAILED) {
        px_fail_errno(errno, "cannot map the ring to a task");
        return NULL;
    }
    return p;
}

void px_arena_unmap_slot(struct px_slot *slot)
{
    munmap(slot, PEER_SIZE);
}
