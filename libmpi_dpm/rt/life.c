/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of the library: what the world model and all sessions share is made with the first of
 * them and goes with the last. */
#include "coll/coll.h"
#include "comm/comm.h"
#include "datatype/dtype.h"
#include "dpm/dpm.h"
#include "request/request.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "rt/leaks.h"
#include "rt/state.h"
#include <pthread.h>
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/prog.h>
#include <stdlib.h>
#include <unistd.h>

int xmpi_users;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t keeper; /* the process that keeps its task; 0: none does */

/* A child of the process that calls exit must not leave in its parent's name. */
static void leave_at_exit(void)
{
    if (keeper == getpid())
        pvmx_engine_leave();
}

/* A task that has left cannot come back as the same one, with its place in its job. So one that a
 * daemon has started does not leave between two sessions: one use of the engine lasts until exit. */
static void keep_task(void)
{
    if (keeper || !pvmx_engine_birth() || pvmx_engine_init(false) != PVMX_OK)
        return;
    keeper = getpid();
    if (atexit(leave_at_exit) != 0) {
        keeper = 0;
        pvmx_engine_leave();
    }
}

static int start_parts(void)
{
    int cls = xmpi_dtype_start();
    if (cls)
        return cls;
    cls = xmpi_comm_start();
    if (cls)
        xmpi_dtype_stop();
    else
        xmpi_coll_start();
    return cls;
}

static void stop_parts(void)
{
    xmpi_leaks_report();
    xmpi_dpm_stop();
    xmpi_comm_stop();
    xmpi_coll_stop();
    xmpi_request_stop();
    xmpi_dtype_stop();
    xmpi_errhandler_stop();
}

int xmpi_life_begin(bool threads, bool for_session)
{
    pthread_mutex_lock(&lock);
    int cls = xmpi_err_engine(pvmx_engine_init(threads));
    if (!cls && xmpi_users == 0) {
        cls = start_parts();
        if (cls)
            pvmx_engine_leave();
    }
    if (!cls) {
        if (for_session)
            keep_task();
        __atomic_store_n(&xmpi_users, xmpi_users + 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&lock);
    return cls;
}

void xmpi_life_end(void)
{
    pthread_mutex_lock(&lock);
    bool last = xmpi_users == 1;
    if (last)
        stop_parts();
    __atomic_store_n(&xmpi_users, xmpi_users - 1, __ATOMIC_RELEASE);
    pvmx_engine_leave();
    pthread_mutex_unlock(&lock);
}
