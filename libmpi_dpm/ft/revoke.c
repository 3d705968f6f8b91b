/* SPDX-License-Identifier: BSD-3-Clause */
/* Revoking: the engine ends what waits in the communicator's contexts and drops what arrives; here it
 * is made sure that nothing new begins. */
#include "ft/ft.h"
#include "rt/err.h"
#include <pvmx/engine/board.h>
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/prog.h>
#include <stdlib.h>

/* Operations find no peer any more and so come to the place that looks at `revoked`: those on sound
 * communicators pay nothing for it. */
void xmpi_ft_mark(struct xmpi_comm *comm)
{
    struct pvmx_peer **none = calloc((size_t)comm->remote->size + 1, sizeof(*none));
    if (comm->revoked) {
        free(none);
        return;
    }
    comm->revoked = true;
    if (none) {
        comm->old_peers = comm->peers;
        __atomic_store_n(&comm->peers, none, __ATOMIC_RELEASE);
    }
    if (comm->board)
        pvmx_engine_board_break(comm->board);
    if (comm->local_comm)
        xmpi_ft_mark(comm->local_comm);
}

/* Its own two, and those of the two sides. */
static unsigned contexts(const struct xmpi_comm *comm)
{
    return comm->inter ? 4 : 2;
}

void xmpi_ft_on_revoke(uint64_t ctx)
{
    for (struct xmpi_comm *c = xmpi_comm_first(); c; c = c->next)
        if (ctx - c->ctx < contexts(c))
            xmpi_ft_mark(c);
}

int xmpi_ft_revoke(struct xmpi_comm *comm)
{
    pvmx_tid *tids;
    int n, cls = xmpi_ft_tids(comm, &tids, &n);
    if (cls)
        return cls;
    pvmx_engine_lock();
    xmpi_ft_mark(comm);
    pvmx_err err = pvmx_engine_revoke(comm->ctx, contexts(comm), tids, n);
    pvmx_engine_unlock();
    free(tids);
    return xmpi_err_engine(err);
}
