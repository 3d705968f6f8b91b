/* SPDX-License-Identifier: BSD-3-Clause */
/* There are no performance variables, events and sources, and every function says it in the way
 * that the standard has for it. */
#include "mtest.h"
#include <stddef.h>

static void on_event(MPI_T_event_instance i, MPI_T_event_registration r,
                     MPI_T_cb_safety s, void *data)
{
    (void)i, (void)r, (void)s, (void)data;
}

static void on_free(MPI_T_event_registration r, MPI_T_cb_safety s, void *data)
{
    (void)r, (void)s, (void)data;
}

static void on_drop(MPI_Count n, MPI_T_event_registration r, int source,
                    MPI_T_cb_safety s, void *data)
{
    (void)n, (void)r, (void)source, (void)s, (void)data;
}

static void performance_variables(void)
{
    MPI_T_pvar_session session = MPI_T_PVAR_SESSION_NULL, none = MPI_T_PVAR_SESSION_NULL;
    MPI_T_pvar_handle handle = MPI_T_PVAR_HANDLE_NULL;
    int n = -1, index, value;
    OK(MPI_T_pvar_get_num(&n));
    CHECK_EQ(n, 0);
    CHECK_EQ(MPI_T_pvar_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                                 NULL, NULL, NULL),
             MPI_T_ERR_INVALID_INDEX);
    CHECK_EQ(MPI_T_pvar_get_index("x", MPI_T_PVAR_CLASS_COUNTER, &index),
             MPI_T_ERR_INVALID_NAME);
    OK(MPI_T_pvar_session_create(&session));
    CHECK(session != MPI_T_PVAR_SESSION_NULL);
    CHECK_EQ(MPI_T_pvar_handle_alloc(session, 0, NULL, &handle, &n), MPI_T_ERR_INVALID_INDEX);
    CHECK_EQ(MPI_T_pvar_handle_alloc(none, 0, NULL, &handle, &n), MPI_T_ERR_INVALID_SESSION);
    CHECK_EQ(MPI_T_pvar_handle_free(session, &handle), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_pvar_start(session, handle), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_pvar_stop(session, handle), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_pvar_reset(session, handle), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_pvar_read(session, handle, &value), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_pvar_readreset(session, handle, &value), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_pvar_write(session, handle, &value), MPI_T_ERR_INVALID_HANDLE);
    OK(MPI_T_pvar_start(session, MPI_T_PVAR_ALL_HANDLES));
    OK(MPI_T_pvar_stop(session, MPI_T_PVAR_ALL_HANDLES));
    OK(MPI_T_pvar_reset(session, MPI_T_PVAR_ALL_HANDLES));
    CHECK_EQ(MPI_T_pvar_start(none, MPI_T_PVAR_ALL_HANDLES), MPI_T_ERR_INVALID_SESSION);
    OK(MPI_T_pvar_session_free(&session));
    CHECK(session == MPI_T_PVAR_SESSION_NULL);
    CHECK_EQ(MPI_T_pvar_session_free(&session), MPI_T_ERR_INVALID_SESSION);
}

static void events(void)
{
    MPI_T_event_registration reg = NULL;
    MPI_T_event_instance instance = NULL;
    MPI_Info info;
    MPI_Count when;
    int n = -1, index, value;
    OK(MPI_T_event_get_num(&n));
    CHECK_EQ(n, 0);
    CHECK_EQ(MPI_T_event_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                                  NULL, NULL),
             MPI_T_ERR_INVALID_INDEX);
    CHECK_EQ(MPI_T_event_get_index("x", &index), MPI_T_ERR_INVALID_NAME);
    CHECK_EQ(MPI_T_event_handle_alloc(0, NULL, MPI_INFO_NULL, &reg), MPI_T_ERR_INVALID_INDEX);
    CHECK_EQ(MPI_T_event_handle_get_info(reg, &info), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_handle_set_info(reg, MPI_INFO_NULL), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_register_callback(reg, MPI_T_CB_REQUIRE_NONE, MPI_INFO_NULL,
                                           NULL, on_event),
             MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_callback_get_info(reg, MPI_T_CB_REQUIRE_NONE, &info),
             MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_callback_set_info(reg, MPI_T_CB_REQUIRE_NONE, MPI_INFO_NULL),
             MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_set_dropped_handler(reg, on_drop), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_handle_free(reg, NULL, on_free), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_read(instance, 0, &value), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_copy(instance, &value), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_get_timestamp(instance, &when), MPI_T_ERR_INVALID_HANDLE);
    CHECK_EQ(MPI_T_event_get_source(instance, &index), MPI_T_ERR_INVALID_HANDLE);
    OK(MPI_T_source_get_num(&n));
    CHECK_EQ(n, 0);
    CHECK_EQ(MPI_T_source_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
             MPI_T_ERR_INVALID_INDEX);
    CHECK_EQ(MPI_T_source_get_timestamp(0, &when), MPI_T_ERR_INVALID_INDEX);
}

int main(void)
{
    int provided, n;
    MPI_T_pvar_session session;
    CHECK_EQ(MPI_T_pvar_get_num(&n), MPI_T_ERR_NOT_INITIALIZED);
    CHECK_EQ(MPI_T_pvar_session_create(&session), MPI_T_ERR_NOT_INITIALIZED);
    CHECK_EQ(MPI_T_event_get_num(&n), MPI_T_ERR_NOT_INITIALIZED);
    CHECK_EQ(MPI_T_source_get_num(&n), MPI_T_ERR_NOT_INITIALIZED);
    OK(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided));
    performance_variables();
    events();
    OK(MPI_T_finalize());
    return mt_failures() != 0;
}
