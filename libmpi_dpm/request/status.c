/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Status: filled from the engine's, read and changed by programs. */
#include "datatype/elements.h"
#include "request/request.h"
#include "rt/err.h"
#include "xmpi.h"
#include <limits.h>
#include <string.h>

static void set_bytes(MPI_Status *st, uint64_t bytes)
{
    memcpy(st->MPI_internal, &bytes, sizeof(bytes)); /* the struct is only 4-aligned */
}

static uint64_t get_bytes(const MPI_Status *st)
{
    uint64_t bytes;
    memcpy(&bytes, st->MPI_internal, sizeof(bytes));
    return bytes;
}

static void fill(MPI_Status *st, int source, int tag, uint64_t bytes, int cancelled)
{
    if (st == MPI_STATUS_IGNORE)
        return;
    st->MPI_SOURCE = source;
    st->MPI_TAG = tag;
    set_bytes(st, bytes);
    st->MPI_internal[2] = cancelled;
}

void xmpi_status_set(MPI_Status *st, const struct pvmx_status *from)
{
    fill(st, from->source, from->tag, from->length, from->cancelled);
}

void xmpi_status_get(const MPI_Status *st, struct pvmx_status *to)
{
    to->source = st->MPI_SOURCE;
    to->tag = st->MPI_TAG;
    to->length = get_bytes(st);
    to->cancelled = st->MPI_internal[2] != 0;
    to->error = PVMX_OK;
}

void xmpi_status_set_empty(MPI_Status *st)
{
    fill(st, MPI_ANY_SOURCE, MPI_ANY_TAG, 0, 0);
    if (st != MPI_STATUS_IGNORE)
        st->MPI_ERROR = MPI_SUCCESS;
}

void xmpi_status_set_proc_null(MPI_Status *st)
{
    fill(st, MPI_PROC_NULL, MPI_ANY_TAG, 0, 0);
}

int xmpi_get_count(const MPI_Status *status, struct xmpi_dtype *datatype, MPI_Count *count)
{
    uint64_t bytes = get_bytes(status);
    size_t each = datatype->size;
    if (each == 0)
        *count = bytes ? MPI_UNDEFINED : 0;
    else
        *count = bytes % each ? MPI_UNDEFINED : (MPI_Count)(bytes / each);
    return MPI_SUCCESS;
}

int xmpi_get_elements(const MPI_Status *status, struct xmpi_dtype *datatype, MPI_Count *count)
{
    *count = xmpi_dtype_elements_in(datatype, get_bytes(status));
    return MPI_SUCCESS;
}

int xmpi_test_cancelled(const MPI_Status *status, int *flag)
{
    *flag = status->MPI_internal[2] != 0;
    return MPI_SUCCESS;
}

int xmpi_status_set_cancelled(MPI_Status *status, int flag)
{
    status->MPI_internal[2] = flag != 0;
    return MPI_SUCCESS;
}

int xmpi_status_set_elements(MPI_Status *status, struct xmpi_dtype *datatype, MPI_Count count)
{
    uint64_t bytes;
    if (count < 0)
        return xmpi_err(MPI_ERR_COUNT, "count is %lld, less than 0", (long long)count);
    if (!xmpi_dtype_bytes_of(datatype, (uint64_t)count, &bytes))
        return xmpi_err(MPI_ERR_COUNT,
                        "%lld basic elements of %s are more than memory can hold",
                        (long long)count, xmpi_dtype_name(datatype));
    set_bytes(status, bytes);
    return MPI_SUCCESS;
}

int xmpi_status_get_source(const MPI_Status *status, int *source)
{
    *source = status->MPI_SOURCE;
    return MPI_SUCCESS;
}

int xmpi_status_get_tag(const MPI_Status *status, int *tag)
{
    *tag = status->MPI_TAG;
    return MPI_SUCCESS;
}

int xmpi_status_get_error(const MPI_Status *status, int *error)
{
    *error = status->MPI_ERROR;
    return MPI_SUCCESS;
}

int xmpi_status_set_source(MPI_Status *status, int source)
{
    status->MPI_SOURCE = source;
    return MPI_SUCCESS;
}

int xmpi_status_set_tag(MPI_Status *status, int tag)
{
    status->MPI_TAG = tag;
    return MPI_SUCCESS;
}

int xmpi_status_set_error(MPI_Status *status, int error)
{
    status->MPI_ERROR = error;
    return MPI_SUCCESS;
}
