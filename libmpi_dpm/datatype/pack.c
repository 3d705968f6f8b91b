/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Pack and MPI_Unpack: the packed form of the engine, which is also what messages carry. */
#include "datatype/pack.h"
#include "comm/comm.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "xmpi.h"

int xmpi_pack_room(uint64_t bytes, const void *packed, MPI_Count size, const char *what,
                   MPI_Count position)
{
    if (position < 0)
        return xmpi_err(MPI_ERR_ARG, "position is %lld; it must not be negative",
                        (long long)position);
    if (position > size || bytes > (uint64_t)(size - position))
        return xmpi_err(MPI_ERR_TRUNCATE,
                        "%llu bytes at position %lld do not fit into %s, which is %lld",
                        (unsigned long long)bytes, (long long)position, what,
                        (long long)size);
    if (bytes > 0 && !packed)
        return xmpi_err(MPI_ERR_BUFFER, "the buffer of packed data is a null pointer");
    return MPI_SUCCESS;
}

int xmpi_pack(const void *inbuf, MPI_Count incount, struct xmpi_dtype *datatype,
              void *outbuf, MPI_Count outsize, MPI_Count *position, struct xmpi_comm *comm)
{
    (void)comm; /* all communicators have one representation */
    size_t bytes;
    if (xmpi_dtype_bytes(datatype, incount, &bytes))
        return xmpi_pt2pt_toobig(incount, datatype);
    int cls = xmpi_pack_room(bytes, outbuf, outsize, "outsize", *position);
    if (cls)
        return cls;
    struct pvmx_view view = xmpi_dtype_view(datatype, inbuf, incount);
    pvmx_engine_pack(&view, 0, (char *)outbuf + *position, bytes);
    *position += (MPI_Count)bytes;
    return MPI_SUCCESS;
}

int xmpi_unpack(const void *inbuf, MPI_Count insize, MPI_Count *position, void *outbuf,
                MPI_Count outcount, struct xmpi_dtype *datatype, struct xmpi_comm *comm)
{
    (void)comm;
    size_t bytes;
    if (xmpi_dtype_bytes(datatype, outcount, &bytes))
        return xmpi_pt2pt_toobig(outcount, datatype);
    int cls = xmpi_pack_room(bytes, inbuf, insize, "insize", *position);
    if (cls)
        return cls;
    struct pvmx_view view = xmpi_dtype_view(datatype, outbuf, outcount);
    pvmx_engine_unpack(&view, 0, (const char *)inbuf + *position, bytes);
    *position += (MPI_Count)bytes;
    return MPI_SUCCESS;
}

int xmpi_pack_size(MPI_Count incount, struct xmpi_dtype *datatype, struct xmpi_comm *comm,
                   MPI_Count *size)
{
    (void)comm;
    size_t bytes;
    if (xmpi_dtype_bytes(datatype, incount, &bytes) || bytes > INT64_MAX)
        return xmpi_pt2pt_toobig(incount, datatype);
    *size = (MPI_Count)bytes;
    return MPI_SUCCESS;
}
