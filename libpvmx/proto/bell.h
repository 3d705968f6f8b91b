/* SPDX-License-Identifier: BSD-3-Clause */
/* Waking a task that sleeps on sockets, where a futex does not reach it: an empty datagram to a Unix socket
 * without a file, whose name stands in its slot. A futex and a socket cannot be waited for together, and
 * an eventfd would have to be passed to every sender. */
#ifndef PXP_BELL_H
#define PXP_BELL_H

#include "proto/arena.h"

/* A new socket under a fresh name; -1 (errno). */
int pxp_bell_open(uint64_t *name);
/* Never blocks; a bell that is full already rings. */
void pxp_bell_send(uint64_t name);
/* Takes what has been sent to it. */
void pxp_bell_drain(int fd);

/* After the doorbell was rung. */
static inline void pxp_bell_after(struct px_slot *slot)
{
    if (__builtin_expect((atomic_load(&slot->rx_flags) & PX_RX_SOCKET) != 0, 0))
        pxp_bell_send(atomic_load(&slot->bell));
}

#endif
