/* SPDX-License-Identifier: BSD-3-Clause */
/* What processes do in a collective, compared and told: see what.h. */
#include "coll/what.h"

#include "coll/algo.h"
#include "rt/err.h"

#include <assert.h>
#include <pvmx/engine/board.h>
#include <pvmx/engine/req.h>
#include <stdio.h>

static_assert(XMPI_COLL_KINDS < 1 << XMPI_WHAT_KIND_BITS &&
                  (int)XMPI_WHAT_BITS == (int)PVMX_BOARD_WORD_BITS &&
                  XMPI_ELEM_COUNT_ <= 1 << XMPI_WHAT_ELEM_BITS &&
                  XMPI_WHAT_VALID_AT < (int)XMPI_WHAT_BITS,
              "a word has room for them");

static uint32_t field(uint32_t what, int at, int bits)
{
    return what >> at & ((1u << bits) - 1);
}

/* The first predefined type of such elements. */
static const char *elements(uint32_t elem)
{
    for (uintptr_t handle = 0x201; elem && handle < 0x300; handle++) {
        const struct xmpi_dtype *t = xmpi_dtype_of((MPI_Datatype)handle);
        if (t && (uint32_t)t->elem == elem && t->name[0])
            return t->name;
    }
    return NULL;
}

static bool is_rooted(uint32_t kind)
{
    return kind == XMPI_COLL_BCAST || kind == XMPI_COLL_REDUCE ||
           kind == XMPI_COLL_GATHER || kind == XMPI_COLL_GATHERV ||
           kind == XMPI_COLL_SCATTER || kind == XMPI_COLL_SCATTERV;
}

const char *xmpi_what_text(uint32_t what, char *out)
{
    uint32_t kind = field(what, 0, XMPI_WHAT_KIND_BITS),
             op = field(what, XMPI_WHAT_OP_AT, XMPI_WHAT_OP_BITS);
    const char *type = elements(field(what, XMPI_WHAT_ELEM_AT, XMPI_WHAT_ELEM_BITS));
    char with[72] = "", root[24] = "";
    if (op == XMPI_WHAT_USERS_OP)
        snprintf(with, sizeof with, " with an operation of the program's");
    else if (op)
        snprintf(with, sizeof with, " with %s%s%s", xmpi_op_table[op].name,
                 type ? " of " : "", type ? type : "");
    if (kind < XMPI_COLL_KINDS && is_rooted(kind))
        snprintf(root, sizeof root, " with root %u",
                 field(what, XMPI_WHAT_ROOT_AT, XMPI_WHAT_ROOT_BITS));
    snprintf(out, XMPI_WHAT_TEXT, "%s%s%s",
             what && kind < XMPI_COLL_KINDS ? xmpi_algo_lists[kind].mpi_name
                                            : "another function",
             with, root);
    return out;
}

int xmpi_what_class(uint32_t a, uint32_t b)
{
    if (!a || !b || field(a, 0, XMPI_WHAT_KIND_BITS) != field(b, 0, XMPI_WHAT_KIND_BITS))
        return MPI_ERR_OTHER;
    if (field(a, XMPI_WHAT_ROOT_AT, XMPI_WHAT_ROOT_BITS) !=
        field(b, XMPI_WHAT_ROOT_AT, XMPI_WHAT_ROOT_BITS))
        return MPI_ERR_ROOT;
    return field(a, XMPI_WHAT_OP_AT, XMPI_WHAT_OP_BITS) !=
                   field(b, XMPI_WHAT_OP_AT, XMPI_WHAT_OP_BITS)
               ? MPI_ERR_OP
               : MPI_ERR_TYPE;
}

int xmpi_what_differs(int rank, uint32_t its, uint32_t mine)
{
    char a[XMPI_WHAT_TEXT], b[XMPI_WHAT_TEXT];
    return xmpi_err(xmpi_what_class(its, mine),
                    "rank %d calls %s where this process calls %s", rank,
                    xmpi_what_text(its, a), xmpi_what_text(mine, b));
}

/* ---- reasons: messages of their own, which the empty one comes after */

/* Beside that of the collectives, with the same tags. */
static uint64_t context(const struct xmpi_comm *comm)
{
    return (comm->ctx + 1) | XMPI_CTX_PARTITIONED;
}

void xmpi_reason_tell(const struct xmpi_comm *comm, struct pvmx_peer *to, int own_rank,
                      int32_t tag, const struct xmpi_reason *why)
{
    struct pvmx_req *req = NULL;
    if (!pvmx_engine_isend(to, context(comm), own_rank, tag, why, sizeof *why,
                           PVMX_SEND_BUFFERED, &req) &&
        req)
        pvmx_engine_req_free(req);
}

bool xmpi_reason_hear(const struct xmpi_comm *comm, struct pvmx_peer *from, int rank,
                      int32_t tag, struct xmpi_reason *why)
{
    struct pvmx_req *req;
    struct xmpi_reason r;
    if (pvmx_engine_irecv(from, NULL, context(comm), rank, tag, &r, sizeof r, &req))
        return false;
    pvmx_engine_req_cancel(req); /* it is there, or never will be */
    const struct pvmx_status *st = pvmx_engine_req_status(req);
    bool heard = !st->cancelled && !st->error && st->length == sizeof r &&
                 r.cls != XMPI_ERR_PROC_FAILED;
    pvmx_engine_req_free(req);
    if (heard)
        *why = r;
    return heard;
}

static int lengths_error(const struct xmpi_reason *why, const char *name, bool inter,
                         uint64_t mine)
{
    unsigned long long got = why->got, want = why->want;
    if (inter)
        return xmpi_err(why->cls,
                        "the processes of %s do not agree: one got %llu bytes where it "
                        "expects %llu",
                        name, got, want);
    if (why->sent)
        return xmpi_err(why->cls, "rank %d does not expect the %llu bytes that rank %d sends it in %s",
                        why->rank, want, why->finder, name);
    return xmpi_err(
        why->cls,
        "rank %d gave %llu bytes where rank %d expects %llu in %s; this process "
        "gives %llu",
        why->rank, got, why->finder, want, name, (unsigned long long)mine);
}

int xmpi_reason_error(const struct xmpi_reason *why, const char *name, bool inter,
                      uint64_t mine)
{
    char its[XMPI_WHAT_TEXT], own[XMPI_WHAT_TEXT];
    if (!why->words)
        return lengths_error(why, name, inter, mine);
    xmpi_what_text((uint32_t)why->got, its);
    xmpi_what_text((uint32_t)why->want, own);
    if (inter)
        return xmpi_err(why->cls, "one process calls %s where another calls %s", its, own);
    return xmpi_err(why->cls,
                    "rank %d calls %s where rank %d calls %s; this process calls %s",
                    why->rank, its, why->finder, own, name);
}
