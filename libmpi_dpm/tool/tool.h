/* SPDX-License-Identifier: BSD-3-Clause */
/* The tool information interface (MPI 5.0 §15.3). Control variables are the settings that the
 * library and its engine have in their tables; categories are the parts that the settings belong to
 * ("coll" of "coll.bcast"). There are no performance variables, events and sources of events.
 * Functions return MPI_SUCCESS or an MPI_T code and call no error handler; from any thread, before
 * MPI_Init and after MPI_Finalize too. */
#ifndef XMPI_TOOL_H
#define XMPI_TOOL_H

#include "mpi.h"
#include <pvmx/engine/util.h>
#include <stdbool.h>

enum { XMPI_TOOL_TEXT_MAX = 256 }; /* characters of a control variable that is a text */

/* Between MPI_T_init_thread and the MPI_T_finalize that belongs to it. */
bool xmpi_tool_is_up(void);
/* Writes a text as all functions of this interface do: at most *len characters with the final null;
 * *len becomes what was written, or what is needed when name is NULL or *len is 0. */
void xmpi_tool_text(const char *text, char *name, int *len);
static inline void xmpi_tool_number(int value, int *out)
{
    if (out)
        *out = value;
}
/* The setting of a control variable; MPI_T_ERR_INVALID_INDEX. */
int xmpi_tool_row(int index, struct pvmx_setting_row *row);

/* settings.c: adds the MPI library's own settings to the tables; once. */
void xmpi_tool_settings(void);
/* A setting was written: makes it count at once where the library keeps a copy. */
void xmpi_tool_written(const char *name);
/* Has to be the same in all processes. */
bool xmpi_tool_is_common(const char *name);

/* Every function begins so. */
#define XMPI_TOOL_ENTER()                                                                \
    do {                                                                                 \
        if (!xmpi_tool_is_up())                                                          \
            return MPI_T_ERR_NOT_INITIALIZED;                                            \
    } while (0)

#endif
