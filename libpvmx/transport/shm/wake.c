/* SPDX-License-Identifier: BSD-3-Clause */
/* Doorbells over futexes in the arena. */
#include "transport/shm/wake.h"

#include "base/clock.h"
#include "proto/bell.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CALM = 64
}; /* waits in a row on a host that is not crowded, before fences are given up */

bool px_bell_fenced;
static bool registered; /* others' barriers reach this process */
static unsigned calm;

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

void px_bell_open(struct px_slot *own)
{
    registered = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0;
    atomic_store(&own->barrier, registered);
}

void px_bell_crowd(struct px_slot *own)
{
    calm = 0;
    if (px_bell_fenced || !registered)
        return;
    px_bell_fenced = true;
    atomic_store(&own->barrier, 0);
    membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED); /* for those that have seen it at 1 */
}

void px_bell_calm(struct px_slot *own)
{
    if (++calm < CALM)
        return;
    px_bell_fenced = false;
    atomic_store(&own->barrier, 1);
}

void px_bell_settle(struct px_slot *own)
{
    /* 0.6 us, where a fence after each message waits for the line to come from the receiver. */
    if (!atomic_load_explicit(&own->barrier, memory_order_relaxed) ||
        membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) != 0)
        atomic_thread_fence(memory_order_seq_cst);
}

void px_bell_ring(struct px_slot *slot)
{
    atomic_fetch_add(&slot->doorbell, 1);
    syscall(SYS_futex, &slot->doorbell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    pxp_bell_after(slot);
}

/* The owner wants to be told which ring has news, or to be woken. */
static void publish_slow(struct px_slot *slot, uint32_t idx, uint32_t flags)
{
    if ((flags & PX_RX_READY) && idx < PX_NRINGS) {
        atomic_fetch_or(&slot->ready[idx / 64], 1ull << (idx % 64));
        atomic_fetch_or(&slot->ready_sum[idx / 4096], 1ull << (idx / 64 % 64));
        flags = atomic_load(&slot->rx_flags);
    }
    /* Only who takes the flag away pays for the system call. */
    if ((flags & PX_RX_SLEEPING) &&
        (atomic_fetch_and(&slot->rx_flags, ~(uint32_t)PX_RX_SLEEPING) & PX_RX_SLEEPING))
        px_bell_ring(slot);
}

void px_bell_after_publish(struct px_slot *slot, uint32_t idx)
{
    if (registered && atomic_load_explicit(&slot->barrier, memory_order_relaxed))
        atomic_signal_fence(memory_order_seq_cst);
    else
        atomic_thread_fence(memory_order_seq_cst);
    uint32_t flags = atomic_load_explicit(&slot->rx_flags, memory_order_relaxed);
    if (__builtin_expect(flags != 0, 0))
        publish_slow(slot, idx, flags);
}

void px_bell_sleep(struct px_slot *slot, uint32_t seen, uint64_t timeout_ns)
{
    struct timespec t = {.tv_sec = (time_t)(timeout_ns / PX_SEC),
                         .tv_nsec = (long)(timeout_ns % PX_SEC)};
    syscall(SYS_futex, &slot->doorbell, FUTEX_WAIT, seen, &t, NULL, 0);
}

void px_bell_poll(struct px_slot *slot, uint32_t seen, int bell, int fd, uint64_t timeout_ns)
{
    struct timespec t = {.tv_sec = (time_t)(timeout_ns / PX_SEC),
                         .tv_nsec = (long)(timeout_ns % PX_SEC)};
    struct pollfd p[2] = {{.fd = bell, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    if (atomic_load(&slot->doorbell) == seen) /* after this the datagram is there, or will be */
        ppoll(p, 2, &t, NULL);
    if (p[0].revents != 0)
        pxp_bell_drain(bell);
}
