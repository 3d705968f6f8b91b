/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening boards, and what the collectives over them are made of: see board.h. */
#include "coll/board.h"

#include "coll/watch.h"
#include "rt/err.h"

#include <stdlib.h>
#include <string.h>

/* A communicator that is used a few times only does not repay opening a board. */
enum { AFTER = 4, NEVER = -1 };

enum {
    PIECE = 64 * 1024
}; /* of what is fetched to be scattered: stays in the second-level cache */

static bool know_peers(struct xmpi_comm *comm)
{
    struct pvmx_peer *peer;
    for (int k = 0; k < comm->size; k++)
        if (xmpi_comm_peer(comm, k, &peer))
            return false;
    return true;
}

static bool in_vain(void *comm, const struct pvmx_board *board)
{
    return xmpi_watch_opening(comm, board);
}

/* All that hear of the place open it, or see that another does not. NULL: there is no board. */
static struct pvmx_board *opened(struct xmpi_comm *comm)
{
    const struct pvmx_board_doubt doubt = {in_vain, comm, xmpi_watch_first};
    uint64_t place = 0;
    struct pvmx_board *b = NULL;
    bool known = know_peers(comm);
    if (comm->rank == 0 && known && pvmx_engine_board_offer(comm->peers, comm->size, &place))
        place = 0;
    if (xmpi_coll_bcast_bytes(&place, sizeof place, 0, comm) || !place)
        return NULL;
    if (!known && comm->peers[0])
        pvmx_engine_board_refuse(comm->peers[0], place);
    bool open = known && pvmx_engine_board_open(comm->peers, comm->size, comm->rank,
                                                place, &doubt, &b) == PVMX_OK;
    return open ? b : NULL;
}

/* Others may ask meanwhile: what is opened, or given up, is so from one moment to the other. */
static void open_board(struct xmpi_comm *comm, uint32_t what)
{
    comm->board_calls = NEVER;
    pvmx_engine_lock();
    comm->opening = what;
    comm->opening_in_vain = false;
    pvmx_engine_unlock();
    struct pvmx_board *b = opened(comm);
    pvmx_engine_lock();
    comm->opening = 0;
    comm->board = b;
    if (b) /* to open it was its first operation */
        atomic_fetch_sub_explicit(&comm->coll_seq, (uint32_t)pvmx_engine_board_count(b),
                                  memory_order_relaxed);
    pvmx_engine_unlock();
}

bool xmpi_board_ready(struct xmpi_comm *comm, bool wanted, uint32_t what)
{
    if (comm->board || comm->board_calls == NEVER)
        return comm->board != NULL;
    if (++comm->board_calls < AFTER && !wanted)
        return false;
    open_board(comm, what);
    return comm->board != NULL;
}

void xmpi_coll_comm_gone(struct xmpi_comm *comm)
{
    xmpi_watch_gone(comm);
    pvmx_engine_lock();
    struct pvmx_board *board = comm->board;
    comm->board = NULL;
    pvmx_engine_unlock();
    if (board)
        pvmx_engine_board_close(board);
}

enum xmpi_way xmpi_board_way(const struct xmpi_comm *comm, struct xmpi_span mine)
{
    if (mine.len <= XMPI_SHOWN_BYTES)
        return XMPI_WAY_ENTRY;
    if (mine.len <= PVMX_BOARD_BULK)
        return XMPI_WAY_BULK;
    return !mine.type && pvmx_engine_board_open_memory(comm->board) ? XMPI_WAY_MEMORY
                                                                    : XMPI_WAY_MESSAGES;
}

static int begin(struct xmpi_comm *comm, enum pvmx_board_part part)
{
    pvmx_err err = pvmx_engine_board_begin(comm->board, part);
    return err ? xmpi_comm_error(comm, -1, err) : MPI_SUCCESS;
}

int xmpi_board_look(struct xmpi_comm *comm)
{
    return begin(comm, PVMX_BOARD_LOOKS);
}

int xmpi_board_begin(struct xmpi_comm *comm, struct xmpi_span mine)
{
    return begin(comm,
                 mine.len <= XMPI_SHOWN_BYTES ? PVMX_BOARD_GIVES : PVMX_BOARD_GIVES_BULK);
}

void xmpi_board_note(struct xmpi_comm *comm, struct xmpi_span mine, const void *to)
{
    struct xmpi_shown *v = pvmx_engine_board_value(comm->board);
    v->len = mine.len;
    v->way = xmpi_board_way(comm, mine);
    v->what = comm->doing;
    v->from = (uint64_t)(uintptr_t)mine.base;
    v->to = (uint64_t)(uintptr_t)to;
}

char *xmpi_board_place(struct xmpi_comm *comm)
{
    struct xmpi_shown *v = pvmx_engine_board_value(comm->board);
    if (v->way > XMPI_WAY_BULK)
        return NULL;
    return v->way == XMPI_WAY_ENTRY ? v->bytes
                                    : pvmx_engine_board_bulk(comm->board, comm->rank);
}

void xmpi_board_put(struct xmpi_comm *comm, struct xmpi_span mine, const void *to)
{
    xmpi_board_note(comm, mine, to);
    char *place = xmpi_board_place(comm);
    if (place)
        xmpi_span_copy(xmpi_bytes(place, mine.len), mine);
}

void xmpi_board_show(struct xmpi_comm *comm, struct xmpi_span mine, const void *to,
                     int giver, int reader)
{
    xmpi_board_put(comm, mine, to);
    pvmx_engine_board_show(comm->board, giver, reader);
}

/* Shows what this process does, although in that nobody waits for it. */
static void admit(struct xmpi_comm *comm)
{
    struct xmpi_shown *v = pvmx_engine_board_spare(comm->board);
    if (!v)
        return;
    v->what = comm->doing;
    pvmx_engine_board_admit(comm->board);
}

/* By who knows that process k does. */
static int differs(struct xmpi_comm *comm, int k)
{
    struct pvmx_board *b = comm->board;
    uint32_t its = pvmx_engine_board_skipped(b, k, pvmx_engine_board_count(b));
    if (!its && pvmx_engine_board_has(b, k, false))
        its = xmpi_shown(comm, k)->what;
    admit(comm);
    return xmpi_what_differs(k, its, comm->doing);
}

static bool is_unlike(struct xmpi_comm *comm, int k)
{
    return k != comm->rank && pvmx_engine_board_has(comm->board, k, false) &&
           xmpi_shown(comm, k)->what != comm->doing;
}

/* Does process k, which is awaited, do this one in another way? It has not shown what is awaited when it
 * goes on to the next one. */
static bool is_past(struct xmpi_comm *comm, int k)
{
    return k != comm->rank && pvmx_engine_board_passed(comm->board, k) &&
           !pvmx_engine_board_has(comm->board, k, true);
}

/* What is awaited takes long: a process that does something else, which would explain it; -1: none is
 * known. patient: only when nobody else is waited for. */
static int doubt(struct xmpi_comm *comm, int giver, bool patient)
{
    int other = -1;
    admit(comm);
    if (giver >= 0 && pvmx_engine_board_has(comm->board, giver, false))
        return is_unlike(comm, giver) ? giver : -1;
    for (int k = 0; k < comm->size; k++) {
        if (is_unlike(comm, k) || ((giver < 0 || giver == k) && is_past(comm, k)))
            other = k;
        else if (patient && k != comm->rank && !pvmx_engine_board_has(comm->board, k, true))
            return -1;
    }
    return other;
}

int xmpi_board_await(struct xmpi_comm *comm, int giver, bool patient)
{
    int missing = -1;
    for (uint64_t patience = xmpi_watch_first;; patience += patience / 2) {
        pvmx_err err =
            pvmx_engine_board_await(comm->board, giver, patient, patience, &missing);
        if (__builtin_expect(!err, 1))
            return MPI_SUCCESS;
        if (err != PVMX_ERR_TIMEDOUT)
            return xmpi_comm_error(comm, missing, err);
        int other = doubt(comm, giver, patient);
        if (other >= 0)
            return differs(comm, other);
    }
}

int xmpi_board_check(int rank, uint64_t got, size_t want)
{
    if (got == want)
        return MPI_SUCCESS;
    return xmpi_err(got > want ? MPI_ERR_TRUNCATE : MPI_ERR_COUNT,
                    "rank %d gave %llu bytes where this process expects %zu", rank,
                    (unsigned long long)got, want);
}

int xmpi_board_unlike(struct xmpi_comm *comm, int k, const struct xmpi_shown *v, size_t want)
{
    return v->what == comm->doing ? xmpi_board_check(k, v->len, want) : differs(comm, k);
}

int xmpi_board_meet(struct xmpi_comm *comm, size_t len, enum xmpi_way *way)
{
    pvmx_engine_board_show(comm->board, PVMX_BOARD_ALL, PVMX_BOARD_ALL);
    int cls = xmpi_board_await(comm, PVMX_BOARD_ALL, false);
    *way = XMPI_WAY_ENTRY;
    for (int k = 0; !cls && k < comm->size; k++) {
        const struct xmpi_shown *v = xmpi_shown(comm, k);
        *way = v->way > *way ? v->way : *way;
        cls = xmpi_board_agree(comm, k, v, len);
    }
    return cls;
}

int xmpi_board_exchange(struct xmpi_comm *comm, struct xmpi_span mine, const void *to,
                        enum xmpi_way *way)
{
    int cls = xmpi_board_begin(comm, mine);
    if (cls)
        return cls;
    xmpi_board_put(comm, mine, to);
    return xmpi_board_meet(comm, mine.len, way);
}

int xmpi_board_sync(struct xmpi_comm *comm, int cls)
{
    pvmx_engine_board_step(comm->board);
    struct xmpi_shown *v = pvmx_engine_board_value(comm->board);
    v->way = (uint32_t)cls;
    pvmx_engine_board_show(comm->board, PVMX_BOARD_ALL, PVMX_BOARD_ALL);
    int waited = xmpi_board_await(comm, PVMX_BOARD_ALL, true);
    if (cls || waited)
        return waited ? waited : cls; /* the last sentence is its */
    for (int k = 0; k < comm->size; k++) {
        v = (struct xmpi_shown *)(uintptr_t)pvmx_engine_board_answer(comm->board, k);
        if (v->way)
            return xmpi_err((int)v->way, "rank %d could not do its part: %s", k,
                            xmpi_err_text((int)v->way));
    }
    return MPI_SUCCESS;
}

int xmpi_board_end(struct xmpi_comm *comm, int cls)
{
    pvmx_engine_board_end(comm->board);
    return cls;
}

int xmpi_board_fetch(struct xmpi_comm *comm, int k, uint64_t addr, struct xmpi_span to)
{
    pvmx_err err = PVMX_OK;
    if (!to.type) {
        err = to.len ? pvmx_engine_board_read(comm->board, k, to.base, addr, to.len)
                     : PVMX_OK;
        return err ? xmpi_comm_error(comm, k, err) : MPI_SUCCESS;
    }
    char *piece = malloc(PIECE);
    if (!piece)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a piece of a message");
    struct pvmx_view view =
        xmpi_dtype_view(to.type, to.base, (MPI_Count)(to.len / to.type->size));
    for (size_t at = 0; !err && at < to.len; at += PIECE) {
        size_t n = to.len - at < PIECE ? to.len - at : PIECE;
        err = pvmx_engine_board_read(comm->board, k, piece, addr + at, n);
        if (!err)
            pvmx_engine_unpack(&view, at, piece, n);
    }
    free(piece);
    return err ? xmpi_comm_error(comm, k, err) : MPI_SUCCESS;
}

int xmpi_board_barrier(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    enum xmpi_way way;
    (void)c;
    return xmpi_board_end(comm, xmpi_board_exchange(comm, xmpi_bytes(NULL, 0), NULL, &way));
}
