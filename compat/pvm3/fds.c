/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm_getfds: a descriptor to select on. Messages come through shared memory, so a thread that waits for
 * them makes it readable. It is there only once a program has asked. */
#include "msg.h"
#include "trace.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct {
    int fd; /* + 1; 0: none */
    pthread_t thread;
    bool stop;
    unsigned long told;
} event;

static bool news(void *arg)
{
    (void)arg;
    return event.stop || p3_msg_arrivals() != event.told;
}

static void *run(void *arg)
{
    (void)arg;
    while (pvmx_engine_wait_until(news, NULL, UINT64_MAX) == PVMX_OK && !event.stop) {
        uint64_t one = 1;
        event.told = p3_msg_arrivals();
        if (write(event.fd - 1, &one, sizeof one) != sizeof one)
            break;
    }
    return NULL;
}

void p3_fds_quiet(void)
{
    uint64_t n;
    if (event.fd && read(event.fd - 1, &n, sizeof n) < 0)
        return; /* was quiet */
}

void p3_fds_end(void)
{
    if (!event.fd)
        return;
    event.stop = true;
    pvmx_engine_wake();
    pvmx_engine_unlock();
    pthread_join(event.thread, NULL);
    pvmx_engine_lock();
    close(event.fd - 1);
    event.fd = 0;
    event.stop = false;
}

void p3_fds_forget(void)
{
    if (event.fd)
        close(event.fd - 1);
    event.fd = 0;
}

static int open_event(void)
{
    if (event.fd)
        return PvmOk;
    if (p3_go_threaded() != PvmOk)
        return PvmSysErr;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return PvmSysErr;
    event.fd = fd + 1;
    event.told = 0; /* what is here already counts */
    if (pthread_create(&event.thread, NULL, run, NULL) == 0)
        return PvmOk;
    close(fd);
    event.fd = 0;
    return PvmSysErr;
}

P3_PUBLIC int pvm_getfds(int **fds)
{
    static int list[1];
    /* The lock is taken after the process is known to have threads. */
    int cc = p3_leave("pvm_getfds", p3_enter());
    if (cc < 0)
        return cc;
    cc = fds ? open_event() : PvmBadParam;
    p3_enter_only();
    P3_TRACE_BARE(TEV_GETFDS);
    if (cc == PvmOk) {
        list[0] = event.fd - 1;
        *fds = list;
        cc = 1;
    }
    P3_TRACE_MORE({TEV_DID_FDS, cc, list});
    return p3_leave("pvm_getfds", cc);
}
