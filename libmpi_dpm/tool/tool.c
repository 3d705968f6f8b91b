/* SPDX-License-Identifier: BSD-3-Clause */
/* Start and end of the tool interface, and what its parts share. */
#include "tool/tool.h"
#include "xmpi.h"
#include <stdatomic.h>
#include <string.h>

static atomic_int inits;

bool xmpi_tool_is_up(void)
{
    return atomic_load_explicit(&inits, memory_order_relaxed) > 0;
}

int xmpi_t_init_thread(int required, int *provided)
{
    if (required != MPI_THREAD_SINGLE && required != MPI_THREAD_FUNNELED &&
        required != MPI_THREAD_SERIALIZED && required != MPI_THREAD_MULTIPLE)
        return MPI_T_ERR_INVALID;
    xmpi_tool_settings();
    (void)pvmx_engine_setting_count(); /* registers the others */
    atomic_fetch_add(&inits, 1);
    if (provided)
        *provided = MPI_THREAD_MULTIPLE;
    return MPI_SUCCESS;
}

int xmpi_t_finalize(void)
{
    int n = atomic_load(&inits);
    while (n > 0)
        if (atomic_compare_exchange_weak(&inits, &n, n - 1))
            return MPI_SUCCESS;
    return MPI_T_ERR_NOT_INITIALIZED;
}

void xmpi_tool_text(const char *text, char *name, int *len)
{
    if (!len)
        return;
    int needed = (int)strlen(text) + 1;
    if (!name || *len <= 0) {
        *len = needed;
        return;
    }
    if (needed > *len)
        needed = *len;
    memcpy(name, text, (size_t)needed - 1);
    name[needed - 1] = '\0';
    *len = needed;
}

int xmpi_tool_row(int index, struct pvmx_setting_row *row)
{
    return pvmx_engine_setting_row(index, row) ? MPI_SUCCESS : MPI_T_ERR_INVALID_INDEX;
}
