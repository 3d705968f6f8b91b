/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: boards. A board is a piece of shared memory in which a few tasks of one host
 * show each other values: a step of a barrier or of a reduction without messages, in which every task
 * has to run just once. Rules of use as in <pvmx/engine/msg.h>.
 *
 * Member 0 offers a board and tells the others its place; all open it, or nobody has it. Then all
 * members run the same operations on it, in the same order. An operation is
 *     begin   show or await or both   [step   show or await or both]...   end
 * or, for all that is done in another way and is to be counted with the others,
 *     skip
 * and members that only show need not wait for the others: they may be a few operations ahead. What
 * members show in begin's part stays until they have all ended the operation; what they show in a
 * step stays until the next but one. At most PVMX_BOARD_STEPS steps.
 *
 * A member that has ended without showing what another awaits is an error of that await alone: the
 * operation goes on, so that all others find in it what they await, and so does the board. */
#ifndef PVMX_ENGINE_BOARD_H
#define PVMX_ENGINE_BOARD_H

#include <pvmx/engine/msg.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pvmx_board;

enum {
    PVMX_BOARD_MEMBERS = 32, /* most that a board can have                            */
    PVMX_BOARD_BYTES = 248,  /* a value: begins 8 bytes after the start of a cache line */
    PVMX_BOARD_BULK = 16 * 1024, /* more of it, for the operation as a whole              */
    PVMX_BOARD_STEPS = 3,
    /* Operations that a member may be ahead of another. With more members than processors each runs
     * through so many of them when it has its turn. */
    PVMX_BOARD_DEPTH = 32,
    PVMX_BOARD_WORD_BITS = 24, /* of pvmx_engine_board_skip */
    PVMX_BOARD_ALL = -1,       /* instead of a member */
};

/* Makes place for a board of these members (peers[0] is this task) in this task's shared memory.
 * PVMX_ERR_LIMIT: no room, too many members, or a member is not a task of this host. */
PVMX_API pvmx_err pvmx_engine_board_offer(struct pvmx_peer *const *peers, int n,
                                          uint64_t *place);
/* Asked after patience_ns of waiting for the others, and then less and less often: true: one of those
 * that have not come (board_has) never will. */
struct pvmx_board_doubt {
    bool (*in_vain)(void *arg, const struct pvmx_board *board);
    void *arg;
    uint64_t patience_ns;
};
/* Opens the board at `place` of peers[0], as its member `self`. Collective; fails for all or for
 * nobody, also when a member ends meanwhile. */
PVMX_API pvmx_err pvmx_engine_board_open(struct pvmx_peer *const *peers, int n, int self,
                                         uint64_t place, const struct pvmx_board_doubt *doubt,
                                         struct pvmx_board **out);
/* Instead of open, by a member that cannot: it fails for all others. owner: peers[0]. */
PVMX_API void pvmx_engine_board_refuse(struct pvmx_peer *owner, uint64_t place);
/* The place is used again when all members have closed the board or ended. */
PVMX_API void pvmx_engine_board_close(struct pvmx_board *board);
/* May every member read and write every other's memory (board_read, board_write)? */
PVMX_API bool pvmx_engine_board_open_memory(const struct pvmx_board *board);

/* What this member does in an operation: only look, show a value, or write to its bulk too. */
enum pvmx_board_part { PVMX_BOARD_LOOKS, PVMX_BOARD_GIVES, PVMX_BOARD_GIVES_BULK };

/* Begins the next operation; waits until this member may do its part. Fails only with
 * PVMX_ERR_REVOKED. */
PVMX_API pvmx_err pvmx_engine_board_begin(struct pvmx_board *board,
                                          enum pvmx_board_part part);
PVMX_API void pvmx_engine_board_step(struct pvmx_board *board);
/* Nothing that others have shown is looked at any more. */
PVMX_API void pvmx_engine_board_end(struct pvmx_board *board);
/* An operation in which nothing is done here. word: what is done instead, not 0. Returns the operations
 * begun so far. With the engine's lock held. */
PVMX_API uint64_t pvmx_engine_board_skip(struct pvmx_board *board, uint32_t word);
/* Operations that this member has begun so far; any thread. */
PVMX_API uint64_t pvmx_engine_board_count(const struct pvmx_board *board);
/* A member that was found to have ended when this one waited to begin an operation; -1: none. So who only
 * shows values, and awaits nobody, hears of it after at most as many operations as it may be ahead. */
PVMX_API int pvmx_engine_board_lost(const struct pvmx_board *board);
/* Where this member writes its value before it shows it: in the operation, or in its present step. */
PVMX_API void *pvmx_engine_board_value(struct pvmx_board *board);
/* Shows it. giver: who shows something here, this member or (and then it is `ALL`) every member but
 * possibly the reader; reader: who awaits it. */
PVMX_API void pvmx_engine_board_show(struct pvmx_board *board, int giver, int reader);
/* Waits until `giver` has shown its value, or all others have. PVMX_ERR_PEER_DEAD: *missing has ended
 * before it did. PVMX_ERR_REVOKED. patient: fails only when all others have shown theirs, ended, or
 * found that the communicator is revoked; for who must not go on while others use its memory.
 * PVMX_ERR_TIMEDOUT: not within patience_ns (0: no limit); may be called again. */
PVMX_API pvmx_err pvmx_engine_board_await(struct pvmx_board *board, int giver,
                                          bool patient, uint64_t patience_ns, int *missing);
/* For who doubts that others run the same operation. Has a member shown something in it (in_step: in its
 * present step)? spare: where a value can be written that this member was not to show at all, NULL: it
 * has shown one, or has no room. admit: shows that to whom it may concern. */
PVMX_API bool pvmx_engine_board_has(const struct pvmx_board *board, int member, bool in_step);
PVMX_API void *pvmx_engine_board_spare(struct pvmx_board *board);
PVMX_API void pvmx_engine_board_admit(struct pvmx_board *board);
/* The word with which a member has skipped operation op; 0: it has not, or long ago. */
PVMX_API uint32_t pvmx_engine_board_skipped(const struct pvmx_board *board, int member,
                                            uint64_t op);
/* Has a member left the present operation behind? What it has not shown there then, it never will. */
PVMX_API bool pvmx_engine_board_passed(const struct pvmx_board *board, int member);
/* What a member has shown, after await: in the operation, and in its present step. */
PVMX_API const void *pvmx_engine_board_part(const struct pvmx_board *board, int member);
PVMX_API const void *pvmx_engine_board_answer(const struct pvmx_board *board, int member);
/* A member's bulk for the operation; everyone may write there what the members agree on. Aligned to
 * a cache line. */
PVMX_API void *pvmx_engine_board_bulk(const struct pvmx_board *board, int member);

/* Copies from or to a member's memory (this one included); the operation's awaits and shows say when
 * that is allowed. */
PVMX_API pvmx_err pvmx_engine_board_read(const struct pvmx_board *board, int member,
                                         void *dst, uint64_t addr, size_t len);
PVMX_API pvmx_err pvmx_engine_board_write(const struct pvmx_board *board, int member,
                                          uint64_t addr, const void *src, size_t len);

/* Nobody need wait for the others any more: begin and await fail with PVMX_ERR_REVOKED. With the
 * engine's lock held. */
PVMX_API void pvmx_engine_board_break(struct pvmx_board *board);

#ifdef __cplusplus
}
#endif

#endif
