/* SPDX-License-Identifier: BSD-3-Clause */
/* Performance variables, events and their sources: there are none, and this is how the standard
 * wants that to be said. Sessions for performance variables can be made all the same. */
#include "tool/tool.h"
#include "xmpi.h"
#include <stdint.h>
#include <stdlib.h>

/* Every parameter describes something that does not exist. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* ---- performance variables --------------------------------------------------------- */

/* Unlikely bits: how a wild handle is told. */
enum { SESSION_LIVE = 0x7c0a5e55, SESSION_FREED = 0x7c0adead };

struct pvar_session {
    uint32_t magic;
};

static struct pvar_session *session_of(MPI_T_pvar_session session)
{
    struct pvar_session *s = (struct pvar_session *)(void *)session;
    return s && (uintptr_t)s % _Alignof(struct pvar_session) == 0 && s->magic == SESSION_LIVE
               ? s
               : NULL;
}

/* No handle is one; all of a session's handles are none, and so served. */
static int with_handle(MPI_T_pvar_session session, MPI_T_pvar_handle handle, bool all)
{
    XMPI_TOOL_ENTER();
    if (!session_of(session))
        return MPI_T_ERR_INVALID_SESSION;
    return all && handle == MPI_T_PVAR_ALL_HANDLES ? MPI_SUCCESS : MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_pvar_get_num(int *num_pvar)
{
    XMPI_TOOL_ENTER();
    if (!num_pvar)
        return MPI_T_ERR_INVALID;
    *num_pvar = 0;
    return MPI_SUCCESS;
}

int xmpi_t_pvar_get_info(int pvar_index, char *name, int *name_len, int *verbosity,
                         int *var_class, MPI_Datatype *datatype, MPI_T_enum *enumtype,
                         char *desc, int *desc_len, int *bind, int *readonly,
                         int *continuous, int *atomic)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_INDEX;
}

int xmpi_t_pvar_get_index(const char *name, int var_class, int *pvar_index)
{
    XMPI_TOOL_ENTER();
    return name && pvar_index ? MPI_T_ERR_INVALID_NAME : MPI_T_ERR_INVALID;
}

int xmpi_t_pvar_session_create(MPI_T_pvar_session *session)
{
    XMPI_TOOL_ENTER();
    if (!session)
        return MPI_T_ERR_INVALID;
    struct pvar_session *s = malloc(sizeof(*s));
    if (!s)
        return MPI_T_ERR_OUT_OF_SESSIONS;
    s->magic = SESSION_LIVE;
    *session = (MPI_T_pvar_session)(void *)s;
    return MPI_SUCCESS;
}

int xmpi_t_pvar_session_free(MPI_T_pvar_session *session)
{
    XMPI_TOOL_ENTER();
    struct pvar_session *s = session ? session_of(*session) : NULL;
    if (!s)
        return MPI_T_ERR_INVALID_SESSION;
    s->magic = SESSION_FREED;
    free(s);
    *session = MPI_T_PVAR_SESSION_NULL;
    return MPI_SUCCESS;
}

int xmpi_t_pvar_handle_alloc(MPI_T_pvar_session session, int pvar_index, void *obj_handle,
                             MPI_T_pvar_handle *handle, int *count)
{
    XMPI_TOOL_ENTER();
    return session_of(session) ? MPI_T_ERR_INVALID_INDEX : MPI_T_ERR_INVALID_SESSION;
}

int xmpi_t_pvar_handle_free(MPI_T_pvar_session session, MPI_T_pvar_handle *handle)
{
    return with_handle(session, handle ? *handle : MPI_T_PVAR_HANDLE_NULL, false);
}

int xmpi_t_pvar_start(MPI_T_pvar_session session, MPI_T_pvar_handle handle)
{
    return with_handle(session, handle, true);
}

int xmpi_t_pvar_stop(MPI_T_pvar_session session, MPI_T_pvar_handle handle)
{
    return with_handle(session, handle, true);
}

int xmpi_t_pvar_reset(MPI_T_pvar_session session, MPI_T_pvar_handle handle)
{
    return with_handle(session, handle, true);
}

int xmpi_t_pvar_read(MPI_T_pvar_session session, MPI_T_pvar_handle handle, void *buf)
{
    return with_handle(session, handle, false);
}

int xmpi_t_pvar_readreset(MPI_T_pvar_session session, MPI_T_pvar_handle handle, void *buf)
{
    return with_handle(session, handle, false);
}

int xmpi_t_pvar_write(MPI_T_pvar_session session, MPI_T_pvar_handle handle, const void *buf)
{
    return with_handle(session, handle, false);
}

/* ---- events and sources ------------------------------------------------------------ */

int xmpi_t_event_get_num(int *num_events)
{
    XMPI_TOOL_ENTER();
    if (!num_events)
        return MPI_T_ERR_INVALID;
    *num_events = 0;
    return MPI_SUCCESS;
}

int xmpi_t_event_get_info(int event_index, char *name, int *name_len, int *verbosity,
                          MPI_Datatype array_of_datatypes[],
                          MPI_Aint array_of_displacements[], int *num_elements,
                          MPI_T_enum *enumtype, MPI_Info *info, char *desc, int *desc_len,
                          int *bind)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_INDEX;
}

int xmpi_t_event_get_index(const char *name, int *event_index)
{
    XMPI_TOOL_ENTER();
    return name && event_index ? MPI_T_ERR_INVALID_NAME : MPI_T_ERR_INVALID;
}

int xmpi_t_event_handle_alloc(int event_index, void *obj_handle, MPI_Info info,
                              MPI_T_event_registration *event_registration)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_INDEX;
}

int xmpi_t_event_handle_get_info(MPI_T_event_registration event_registration,
                                 MPI_Info *info_used)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_handle_set_info(MPI_T_event_registration event_registration, MPI_Info info)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_handle_free(MPI_T_event_registration event_registration, void *user_data,
                             MPI_T_event_free_cb_function free_cb_function)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_register_callback(MPI_T_event_registration event_registration,
                                   MPI_T_cb_safety cb_safety, MPI_Info info, void *user_data,
                                   MPI_T_event_cb_function event_cb_function)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_callback_get_info(MPI_T_event_registration event_registration,
                                   MPI_T_cb_safety cb_safety, MPI_Info *info_used)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_callback_set_info(MPI_T_event_registration event_registration,
                                   MPI_T_cb_safety cb_safety, MPI_Info info)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_set_dropped_handler(MPI_T_event_registration event_registration,
                                     MPI_T_event_dropped_cb_function dropped_cb_function)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_read(MPI_T_event_instance event_instance, int element_index, void *buffer)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_copy(MPI_T_event_instance event_instance, void *buffer)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_get_timestamp(MPI_T_event_instance event_instance, MPI_Count *event_timestamp)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_event_get_source(MPI_T_event_instance event_instance, int *source_index)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_HANDLE;
}

int xmpi_t_source_get_num(int *num_sources)
{
    XMPI_TOOL_ENTER();
    if (!num_sources)
        return MPI_T_ERR_INVALID;
    *num_sources = 0;
    return MPI_SUCCESS;
}

int xmpi_t_source_get_info(int source_index, char *name, int *name_len, char *desc,
                           int *desc_len, MPI_T_source_order *ordering,
                           MPI_Count *ticks_per_second, MPI_Count *max_ticks, MPI_Info *info)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_INDEX;
}

int xmpi_t_source_get_timestamp(int source_index, MPI_Count *timestamp)
{
    XMPI_TOOL_ENTER();
    return MPI_T_ERR_INVALID_INDEX;
}
