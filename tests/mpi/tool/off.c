/* SPDX-License-Identifier: BSD-3-Clause */
/* Before MPI_T_init_thread and after the last MPI_T_finalize every function says so and looks at
 * nothing; each of them has a wrong index, handle or pointer besides. */
#include "mtest.h"
#include <stddef.h>

#define OFF(call) CHECK_EQ(call, MPI_T_ERR_NOT_INITIALIZED)

static void variables(void)
{
    OFF(MPI_T_cvar_get_index(NULL, NULL));
    OFF(MPI_T_cvar_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    OFF(MPI_T_cvar_get_num(NULL));
    OFF(MPI_T_cvar_handle_alloc(0, NULL, NULL, NULL));
    OFF(MPI_T_cvar_handle_free(NULL));
    OFF(MPI_T_cvar_read(NULL, NULL));
    OFF(MPI_T_cvar_write(NULL, NULL));
    OFF(MPI_T_enum_get_info(NULL, NULL, NULL, NULL));
    OFF(MPI_T_enum_get_item(NULL, 0, NULL, NULL, NULL));
    OFF(MPI_T_pvar_get_index(NULL, 0, NULL));
    OFF(MPI_T_pvar_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                            NULL, NULL));
    OFF(MPI_T_pvar_get_num(NULL));
    OFF(MPI_T_pvar_handle_alloc(NULL, 0, NULL, NULL, NULL));
    OFF(MPI_T_pvar_handle_free(NULL, NULL));
    OFF(MPI_T_pvar_read(NULL, NULL, NULL));
    OFF(MPI_T_pvar_readreset(NULL, NULL, NULL));
    OFF(MPI_T_pvar_reset(NULL, NULL));
    OFF(MPI_T_pvar_session_create(NULL));
    OFF(MPI_T_pvar_session_free(NULL));
    OFF(MPI_T_pvar_start(NULL, NULL));
    OFF(MPI_T_pvar_stop(NULL, NULL));
    OFF(MPI_T_pvar_write(NULL, NULL, NULL));
}

static void events(void)
{
    OFF(MPI_T_event_callback_get_info(NULL, MPI_T_CB_REQUIRE_NONE, NULL));
    OFF(MPI_T_event_callback_set_info(NULL, MPI_T_CB_REQUIRE_NONE, MPI_INFO_NULL));
    OFF(MPI_T_event_copy(NULL, NULL));
    OFF(MPI_T_event_get_index(NULL, NULL));
    OFF(MPI_T_event_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                             NULL, NULL));
    OFF(MPI_T_event_get_num(NULL));
    OFF(MPI_T_event_get_source(NULL, NULL));
    OFF(MPI_T_event_get_timestamp(NULL, NULL));
    OFF(MPI_T_event_handle_alloc(0, NULL, MPI_INFO_NULL, NULL));
    OFF(MPI_T_event_handle_free(NULL, NULL, NULL));
    OFF(MPI_T_event_handle_get_info(NULL, NULL));
    OFF(MPI_T_event_handle_set_info(NULL, MPI_INFO_NULL));
    OFF(MPI_T_event_read(NULL, 0, NULL));
    OFF(MPI_T_event_register_callback(NULL, MPI_T_CB_REQUIRE_NONE, MPI_INFO_NULL, NULL, NULL));
    OFF(MPI_T_event_set_dropped_handler(NULL, NULL));
    OFF(MPI_T_source_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    OFF(MPI_T_source_get_num(NULL));
    OFF(MPI_T_source_get_timestamp(0, NULL));
}

static void categories(void)
{
    OFF(MPI_T_category_changed(NULL));
    OFF(MPI_T_category_get_categories(0, 0, NULL));
    OFF(MPI_T_category_get_cvars(0, 0, NULL));
    OFF(MPI_T_category_get_events(0, 0, NULL));
    OFF(MPI_T_category_get_index(NULL, NULL));
    OFF(MPI_T_category_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    OFF(MPI_T_category_get_num(NULL));
    OFF(MPI_T_category_get_num_events(0, NULL));
    OFF(MPI_T_category_get_pvars(0, 0, NULL));
}

static void all(void)
{
    variables();
    events();
    categories();
    OFF(MPI_T_finalize());
}

int main(void)
{
    int provided = -1, n;
    all();
    CHECK_EQ(MPI_T_init_thread(77, &provided), MPI_T_ERR_INVALID);
    all();
    OK(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided));
    OK(MPI_T_cvar_get_num(&n));
    OK(MPI_T_finalize());
    all();
    return mt_failures() != 0;
}
