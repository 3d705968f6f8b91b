/* SPDX-License-Identifier: BSD-3-Clause */
/* Doorbells: how a sender wakes a task that sleeps, and how a task goes to sleep. */
#ifndef PX_SHM_WAKE_H
#define PX_SHM_WAKE_H

#include "transport/shm/seg.h"

/* Rings the bell whoever sleeps behind it: adds 1 and wakes all. */
void px_bell_ring(struct px_slot *slot);
/* Agrees on how this process and those that it hears keep publishing and sleeping in order: by
 * barriers that only who sleeps pays for, where the kernel has them. Once for a slot, by its owner. */
void px_bell_open(struct px_slot *own);
/* To be called after something was published for the slot's owner, with ring index idx when it came
 * through a ring (else PX_NRINGS): does what the owner asks for. One look when it is awake. */
void px_bell_after_publish(struct px_slot *slot, uint32_t idx);
/* More tasks than processors: they sleep so often that the barriers of all of them cost more than fences
 * (an allreduce of 8 tasks on 2 processors 150 us instead of 22). Publishers are asked for fences. */
void px_bell_crowd(struct px_slot *own);
/* A wait is over, and there are processors enough: after some of these fences are not needed again. */
extern bool px_bell_fenced; /* px_bell_crowd has been called since; only read */
void px_bell_calm(struct px_slot *own);
/* To be called by the owner between asking for something in rx_flags and the last look at what may
 * have been published: the publisher sees the flag, or the owner what was published. */
void px_bell_settle(struct px_slot *own);
/* Sleeps until the doorbell differs from seen, timeout_ns has passed or a signal came. */
void px_bell_sleep(struct px_slot *slot, uint32_t seen, uint64_t timeout_ns);
/* The same, and wakes also when fd is readable. bell: the own socket, whose name is in the slot, with
 * PX_RX_SOCKET set since before `seen` was read. */
void px_bell_poll(struct px_slot *slot, uint32_t seen, int bell, int fd, uint64_t timeout_ns);

#endif
