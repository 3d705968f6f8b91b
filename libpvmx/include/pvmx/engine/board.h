/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: boards. A board is a piece of shared memory in which a few tasks of one host
 * show each other short values all at once: one step of a barrier or of a short reduction without
 * messages, in which every task has to run just once. Rules of use as in <pvmx/engine/msg.h>.
 *
 * Member 0 offers a board and tells the others its place; everyone opens it, and uses it only when
 * all have been able to. Then all call exchange the same number of times. */
#ifndef PVMX_ENGINE_BOARD_H
#define PVMX_ENGINE_BOARD_H

#include <pvmx/engine/msg.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pvmx_board;

enum {
    PVMX_BOARD_MEMBERS = 32, /* most that a board can have                        */
    PVMX_BOARD_BYTES = 248,  /* longest value that a member shows in one exchange */
};

/* Makes place for a board of these members (peers[0] is this task) in this task's shared memory.
 * PVMX_ERR_LIMIT: no room, too many members, or a member is not a task of this host. */
PVMX_API pvmx_err pvmx_engine_board_offer(struct pvmx_peer *const *peers, int n,
                                          uint64_t *place);
/* Opens the board at `place` of peers[0], as its member `self`. Failure of member 0 to open takes
 * the offer back. */
PVMX_API pvmx_err pvmx_engine_board_open(struct pvmx_peer *const *peers, int n, int self,
                                         uint64_t place, struct pvmx_board **out);
/* The place is used again when all members have closed the board or ended. */
PVMX_API void pvmx_engine_board_close(struct pvmx_board *board);

/* Shows len bytes to all members and returns when all have done so. PVMX_ERR_PEER_DEAD: a member
 * has ended before it did; then this exchange fails for all others, and the board is of no use
 * any more. */
PVMX_API pvmx_err pvmx_engine_board_exchange(struct pvmx_board *board, const void *mine,
                                             size_t len);
/* What a member showed in the last exchange; valid until this task's next one; 8-byte aligned. */
/* Nobody need wait for the others any more: exchange fails with PVMX_ERR_REVOKED. With the engine's
 * lock held. */
PVMX_API void pvmx_engine_board_break(struct pvmx_board *board);
PVMX_API const void *pvmx_engine_board_part(const struct pvmx_board *board, int member);

#ifdef __cplusplus
}
#endif

#endif
