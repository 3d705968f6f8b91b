/* SPDX-License-Identifier: BSD-3-Clause */
/* process_vm_readv with its permission test. */
#include "transport/shm/copy.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

/* The word that peers read; not secret, only unlikely to be found elsewhere by accident (another
 * pid namespace can make a pid name another process). */
static uint64_t probe_word;

void px_copy_offer(struct px_slot *own, bool allowed)
{
    probe_word = (px_now_ns() * 0x9e3779b97f4a7c15ull) ^ ((uint64_t)getpid() << 32) ^ 1;
    atomic_store(&own->probe, probe_word);
    atomic_store(&own->probe_addr, allowed ? (uint64_t)(uintptr_t)&probe_word : 0);
}

bool px_copy_probe(struct px_slot *peer)
{
    uint64_t got = 0, addr = atomic_load(&peer->probe_addr);
    if (!addr)
        return false;
    struct iovec to = {&got, sizeof got}, from = {(void *)(uintptr_t)addr, sizeof got};
    return process_vm_readv(atomic_load(&peer->pid), &to, 1, &from, 1, 0) == sizeof got &&
           got == atomic_load(&peer->probe);
}

typedef ssize_t vm_copy(pid_t, const struct iovec *, unsigned long, const struct iovec *,
                        unsigned long, unsigned long);

/* process_vm_readv and writev may do less than asked for. */
static pvmx_err copy(vm_copy *fn, pid_t pid, char *mine, uint64_t theirs, size_t len)
{
    size_t done = 0;
    while (done < len) {
        struct iovec local = {mine + done, len - done};
        struct iovec remote = {(void *)(uintptr_t)(theirs + done), len - done};
        ssize_t n = fn(pid, &local, 1, &remote, 1, 0);
        if (n <= 0) {
            if (n < 0 && errno == ESRCH)
                return px_fail(PVMX_ERR_PEER_DEAD, "process %d ended during the copy",
                               (int)pid);
            return px_fail_errno(n < 0 ? errno : EFAULT,
                                 "cannot copy from or to process %d", (int)pid);
        }
        done += (size_t)n;
    }
    return PVMX_OK;
}

pvmx_err px_copy_read(pid_t pid, void *dst, uint64_t addr, size_t len)
{
    return copy(process_vm_readv, pid, dst, addr, len);
}

pvmx_err px_copy_write(pid_t pid, uint64_t addr, const void *src, size_t len)
{
    return copy(process_vm_writev, pid, (char *)src, addr, len);
}
