/* SPDX-License-Identifier: BSD-3-Clause */
/* What a request is, in words. */
#include "comm/comm.h"
#include "request/request.h"
#include <stdio.h>

static const char *name_of(const struct xmpi_request *req)
{
    static const char *const names[] = {
        [XMPI_REQ_SEND] = "nonblocking send",
        [XMPI_REQ_RECV] = "nonblocking receive",
        [XMPI_REQ_COLL] = "nonblocking collective operation",
        [XMPI_REQ_GENERAL] = "generalized request",
        [XMPI_REQ_OTHER] = "request",
        [XMPI_REQ_PERSIST_SEND] = "persistent send",
        [XMPI_REQ_PERSIST_RECV] = "persistent receive",
        [XMPI_REQ_PERSIST_COLL] = "persistent collective operation",
        [XMPI_REQ_PERSIST_PART] = "partitioned request",
    };
    return req->ops && req->ops->name ? req->ops->name : names[req->type];
}

/* " of 8 bytes from rank 1 with tag 2" */
static void describe_message(const struct xmpi_request *req, char *out, size_t size)
{
    char peer[32] = "any rank", tag[32] = "any tag";
    if (req->rank == MPI_PROC_NULL)
        snprintf(peer, sizeof(peer), "MPI_PROC_NULL");
    else if (req->rank != MPI_ANY_SOURCE)
        snprintf(peer, sizeof(peer), "rank %d", req->rank);
    if (req->tag != MPI_ANY_TAG)
        snprintf(tag, sizeof(tag), "tag %d", req->tag);
    snprintf(out, size, " of %zu bytes %s %s with %s", req->data.len,
             xmpi_request_is_receive(req) ? "from" : "to", peer, tag);
}

void xmpi_request_describe(const struct xmpi_request *req, char *out, size_t size)
{
    char message[128] = "", where[MPI_MAX_OBJECT_NAME + 32] = "";
    if (!req->ops)
        describe_message(req, message, sizeof(message));
    if (req->comm)
        snprintf(where, sizeof(where), " on %s",
                 req->comm->name[0] ? req->comm->name : "a communicator without name");
    snprintf(out, size, "%s%s%s, %s", name_of(req), message, where,
             !req->active             ? "not started"
             : xmpi_request_done(req) ? "complete"
                                      : "not complete");
}
