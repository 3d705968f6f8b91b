/* SPDX-License-Identifier: BSD-3-Clause */
/* What a message moves, handed to the engine: one run of memory, or a datatype's layout. */
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include <string.h>

int xmpi_pt2pt_toobig(MPI_Count count, const struct xmpi_dtype *type)
{
    return xmpi_err(MPI_ERR_COUNT, "%lld elements of %s are more than memory can hold",
                    (long long)count, xmpi_dtype_name(type));
}

pvmx_err xmpi_data_isend_view(const struct xmpi_data *d, struct pvmx_peer *to,
                              uint64_t ctx, int32_t source, int32_t tag,
                              enum pvmx_send_mode mode, struct pvmx_req **req)
{
    struct pvmx_view view = xmpi_data_view(d);
    return pvmx_engine_isend_view(to, ctx, source, tag, &view, mode, req);
}

pvmx_err xmpi_data_irecv_view(const struct xmpi_data *d, struct pvmx_peer *from,
                              struct pvmx_scope *scope, uint64_t ctx, int32_t source,
                              int32_t tag, struct pvmx_req **req)
{
    struct pvmx_view view = xmpi_data_view(d);
    return pvmx_engine_irecv_view(from, scope, ctx, source, tag, &view, req);
}

pvmx_err xmpi_data_imrecv(const struct xmpi_data *d, struct pvmx_msg *msg,
                          struct pvmx_req **req)
{
    if (!d->type)
        return pvmx_engine_imrecv(msg, d->buf, d->len, req);
    struct pvmx_view view = xmpi_data_view(d);
    return pvmx_engine_imrecv_view(msg, &view, req);
}

void xmpi_data_pack(const struct xmpi_data *d, void *out)
{
    if (d->type) {
        struct pvmx_view view = xmpi_data_view(d);
        pvmx_engine_pack(&view, 0, out, d->len);
    } else if (d->len > 0) {
        memcpy(out, d->buf, d->len);
    }
}
