/* SPDX-License-Identifier: BSD-3-Clause */
/* Single-copy transfer of long messages: process_vm_readv, tested once for each peer. */
#ifndef PX_SHM_COPY_H
#define PX_SHM_COPY_H

#include "transport/shm/seg.h"
#include <stdbool.h>
#include <sys/types.h>

/* Publishes in the own slot what peers test with. Setting shm.cma=no publishes nothing, so that no
 * peer reads this task's memory. */
void px_copy_offer(struct px_slot *own, bool allowed);
/* Can this process read the memory of the slot's owner? One system call. */
bool px_copy_probe(struct px_slot *peer);
/* Reads len bytes at addr of process pid. PVMX_ERR_PEER_DEAD, PVMX_ERR_UNSUPPORTED (refused). */
pvmx_err px_copy_read(pid_t pid, void *dst, uint64_t addr, size_t len);
/* The same in the other direction. */
pvmx_err px_copy_write(pid_t pid, uint64_t addr, const void *src, size_t len);

#endif
