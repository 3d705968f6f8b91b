/* SPDX-License-Identifier: BSD-3-Clause */
/* Start and end of the world model. What it shares with sessions: rt/life.c. */
#include "coll/coll.h"
#include "comm/comm.h"
#include "dpm/dpm.h"
#include "pt2pt/pt2pt.h"
#include "rt/attr.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "rt/infoenv.h"
#include "rt/state.h"
#include "xmpi.h"
#include <pthread.h>
#include <stdlib.h>

int xmpi_state = XMPI_STATE_NONE;
int xmpi_thread_level = MPI_THREAD_SINGLE;
static pthread_t main_thread;

/* The intercommunicator to the parents takes over the world's handler. */
static int start_world(void)
{
    xmpi_comm_set_errhandler(&xmpi_world, xmpi_errhandler_initial());
    xmpi_comm_set_errhandler(&xmpi_self, xmpi_errhandler_initial());
    return xmpi_dpm_parent_make();
}

int xmpi_thread_level_for(int required)
{
    const char *name = getenv("PVMX_THREAD_LEVEL");
    int level;
    if (name && xmpi_thread_level_of(name, &level) && level > required)
        required = level;
    return xmpi_state == XMPI_STATE_UP && xmpi_thread_level > required ? xmpi_thread_level
                                                                       : required;
}

int xmpi_init_thread(int *argc, char ***argv, int required, int *provided)
{
    (void)argc;
    (void)argv;
    if (xmpi_state != XMPI_STATE_NONE)
        return xmpi_err(MPI_ERR_OTHER,
                        xmpi_state == XMPI_STATE_FINALIZED
                            ? "MPI cannot be started again after MPI_Finalize"
                            : "MPI is initialized already");
    if (required != MPI_THREAD_SINGLE && required != MPI_THREAD_FUNNELED &&
        required != MPI_THREAD_SERIALIZED && required != MPI_THREAD_MULTIPLE)
        return xmpi_err(MPI_ERR_ARG, "required is %d, which is not a thread level", required);
    if (!provided)
        return xmpi_err(MPI_ERR_ARG, "provided is a null pointer");

    const int level = xmpi_thread_level_for(required);
    xmpi_state = XMPI_STATE_STARTING;
    int cls = xmpi_life_begin(level == MPI_THREAD_MULTIPLE, false);
    if (!cls) {
        cls = start_world();
        if (cls)
            xmpi_life_end();
    }
    if (cls) {
        xmpi_state = XMPI_STATE_NONE;
        return cls;
    }
    main_thread = pthread_self();
    xmpi_thread_level = level;
    xmpi_info_env_started(xmpi_world.size);
    xmpi_state = XMPI_STATE_UP;
    *provided = level;
    return MPI_SUCCESS;
}

int xmpi_init(int *argc, char ***argv)
{
    int provided;
    return xmpi_init_thread(argc, argv, MPI_THREAD_SINGLE, &provided);
}

int xmpi_finalize(void)
{
    /* The first thing, while everything still works: what a library has left on MPI_COMM_SELF to
     * be called at the end (MPI 5.0 §11.2.4). */
    int cls = xmpi_attrs_delete_all(&xmpi_self);
    if (cls)
        return cls;
    xmpi_bsend_stop(NULL);
    /* Nobody leaves before all of the world are here. Whoever has died by then is not waited for,
     * and is no reason not to end. */
    if (xmpi_world.size > 1)
        (void)xmpi_coll_barrier(&xmpi_world);
    xmpi_state = XMPI_STATE_FINALIZED;
    if (xmpi_users > 1)
        xmpi_comm_stop_of(NULL); /* sessions go on with theirs */
    xmpi_life_end();
    return MPI_SUCCESS;
}

int xmpi_initialized(int *flag)
{
    *flag = xmpi_state == XMPI_STATE_UP || xmpi_state == XMPI_STATE_FINALIZED;
    return MPI_SUCCESS;
}

int xmpi_finalized(int *flag)
{
    *flag = xmpi_state == XMPI_STATE_FINALIZED;
    return MPI_SUCCESS;
}

int xmpi_query_thread(int *provided)
{
    *provided = xmpi_thread_level;
    return MPI_SUCCESS;
}

int xmpi_is_thread_main(int *flag)
{
    *flag = pthread_equal(main_thread, pthread_self()) != 0;
    return MPI_SUCCESS;
}
