/* SPDX-License-Identifier: BSD-3-Clause */
/* Moving on what was sent. */
#include "mover.h"

#include <pthread.h>
#include <pvmx/engine/prog.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

static struct {
    bool runs;
    atomic_bool stop;
    atomic_bool busy; /* has been told, and has not done yet */
    pthread_t thread;
    sem_t work;
} mover;

static bool all_sent(void *arg)
{
    (void)arg;
    return mover.stop || !pvmx_engine_unsent();
}

static void *run(void *arg)
{
    /* Most programs are in the library again by then, and move it on themselves. */
    static const struct timespec grace = {0, 1000000};
    (void)arg;
    for (;;) {
        while (sem_wait(&mover.work) != 0)
            ;
        nanosleep(&grace, NULL);
        atomic_store(&mover.busy, false); /* what is sent from now on tells again */
        if (mover.stop || pvmx_engine_wait_until(all_sent, NULL, UINT64_MAX) != PVMX_OK ||
            mover.stop)
            return NULL;
    }
}

static bool start(void)
{
    sigset_t all, old;
    if (p3_go_threaded() != PvmOk || sem_init(&mover.work, 0, 0) != 0)
        return false;
    mover.stop = false;
    atomic_store(&mover.busy, false);
    sigfillset(&all); /* signals are for the program's own threads */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    mover.runs = pthread_create(&mover.thread, NULL, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return mover.runs;
}

void p3_mover_check(void)
{
    if (!p3.up || !pvmx_engine_unsent() || (!mover.runs && !start()))
        return;
    if (!atomic_exchange(&mover.busy, true))
        sem_post(&mover.work);
}

void p3_mover_end(void)
{
    if (!mover.runs)
        return;
    mover.stop = true;
    sem_post(&mover.work);
    pvmx_engine_wake();
    pvmx_engine_unlock();
    pthread_join(mover.thread, NULL);
    pvmx_engine_lock();
    sem_destroy(&mover.work);
    mover.runs = false;
}

void p3_mover_forget(void)
{
    mover.runs = false;
}
