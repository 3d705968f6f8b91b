/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: messages in contexts. For libmpi_dpm and compat/pvm3 only; may change with
 * every release. All functions may be called from any thread after pvmx_engine_init with
 * threads = true, else from one thread at a time. Every function that can fail leaves a sentence
 * for pvmx_last_error(). Outputs are written on success only unless stated.
 *
 * A message carries (context, source, tag). `source` is whatever number the sender calls itself in
 * that context: MPI uses the rank in the sender's local group, PVM the tid. Messages of one pair of
 * tasks in one context match in the order sent. Tags and sources used in messages are >= 0. */
#ifndef PVMX_ENGINE_MSG_H
#define PVMX_ENGINE_MSG_H

#include <pvmx/engine/layout.h>
#include <pvmx/types.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Another task (or this one) as an address for messages. Reference counted. */
struct pvmx_peer;
/* An operation in progress. */
struct pvmx_req;
/* The set of tasks that a wildcard receive may hear from; see pvmx_engine_scope_create. */
struct pvmx_scope;
/* A message taken out of matching by improbe, to be received by imrecv. */
struct pvmx_msg;

/* Highest tag and number of context ids below which contexts are fixed by convention. */
enum { PVMX_ENGINE_TAG_UB = 0x7fffffff, PVMX_ENGINE_CTX_RESERVED = 1024 };

enum pvmx_send_mode {
    PVMX_SEND_STANDARD, /* complete when the buffer may be used again */
    PVMX_SEND_SYNC,     /* complete when the receiver has matched it */
    PVMX_SEND_READY,    /* as STANDARD; the caller promises a posted receive */
    PVMX_SEND_BUFFERED, /* complete at once: the engine copies what it cannot push */
};

/* Finds or makes the peer for a tid; tid 0 or the own tid is this process itself. Never talks to
 * anyone. Each get is paid back by one put. A peer that is dead is a valid peer: operations on
 * it fail with PVMX_ERR_PEER_DEAD. PVMX_ERR_NOTASK: the tid is not a task id of this VM. */
PVMX_API pvmx_err pvmx_engine_peer_get(pvmx_tid tid, struct pvmx_peer **out);
PVMX_API void pvmx_engine_peer_put(struct pvmx_peer *peer);
PVMX_API pvmx_tid pvmx_engine_peer_tid(const struct pvmx_peer *peer);
/* True once the task's end has been noticed here. */
PVMX_API bool pvmx_engine_peer_dead(const struct pvmx_peer *peer);

/* Returns the first of n consecutive context ids that nobody else in the VM has or will get. */
PVMX_API uint64_t pvmx_engine_ctx_alloc(unsigned n);

/* Starts a send. *req is NULL when it is complete already, else it must be given to
 * pvmx_engine_req_free after completion. The buffer must stay as it is until completion. */
PVMX_API pvmx_err pvmx_engine_isend(struct pvmx_peer *to, uint64_t ctx, int32_t source,
                                    int32_t tag, const void *buf, size_t len,
                                    enum pvmx_send_mode mode, struct pvmx_req **req);
/* isend and wait. */
PVMX_API pvmx_err pvmx_engine_send(struct pvmx_peer *to, uint64_t ctx, int32_t source,
                                   int32_t tag, const void *buf, size_t len,
                                   enum pvmx_send_mode mode);

/* Starts a receive of at most cap bytes. source and tag may be wildcards. `from` is the peer that
 * source names (its death fails the receive), NULL for a wildcard source; `scope` is used when
 * `from` is NULL and may be NULL (then no death fails the receive). *req is never NULL on success.
 * A longer message fills the buffer, the status says PVMX_ERR_TRUNCATE and the full length. */
PVMX_API pvmx_err pvmx_engine_irecv(struct pvmx_peer *from, struct pvmx_scope *scope,
                                    uint64_t ctx, int32_t source, int32_t tag, void *buf,
                                    size_t cap, struct pvmx_req **req);
/* irecv and wait; returns the operation's own error, which also stands in *st (st may be NULL). */
PVMX_API pvmx_err pvmx_engine_recv(struct pvmx_peer *from, struct pvmx_scope *scope,
                                   uint64_t ctx, int32_t source, int32_t tag, void *buf,
                                   size_t cap, struct pvmx_status *st);

/* The same for messages that do not lie in one run of memory (<pvmx/engine/layout.h>): the bytes
 * travel in packed form, so either side may use any layout or none. The view is copied and its layout
 * referenced until completion. */
PVMX_API pvmx_err pvmx_engine_isend_view(struct pvmx_peer *to, uint64_t ctx, int32_t source,
                                         int32_t tag, const struct pvmx_view *view,
                                         enum pvmx_send_mode mode, struct pvmx_req **req);
PVMX_API pvmx_err pvmx_engine_irecv_view(struct pvmx_peer *from, struct pvmx_scope *scope,
                                         uint64_t ctx, int32_t source, int32_t tag,
                                         const struct pvmx_view *view,
                                         struct pvmx_req **req);
PVMX_API pvmx_err pvmx_engine_imrecv_view(struct pvmx_msg *msg, const struct pvmx_view *view,
                                          struct pvmx_req **req);

/* Looks for a matching message without receiving it. iprobe: *found says whether there is one;
 * makes progress once. probe waits for it. Same `from`/`scope` rules as irecv. */
PVMX_API pvmx_err pvmx_engine_iprobe(struct pvmx_peer *from, struct pvmx_scope *scope,
                                     uint64_t ctx, int32_t source, int32_t tag,
                                     bool *found, struct pvmx_status *st);
PVMX_API pvmx_err pvmx_engine_probe(struct pvmx_peer *from, struct pvmx_scope *scope,
                                    uint64_t ctx, int32_t source, int32_t tag,
                                    struct pvmx_status *st);
/* As iprobe/probe, and takes the message out of matching: *msg (NULL when not found) is then
 * received exactly once by imrecv, which consumes it. wait = true: as probe. */
PVMX_API pvmx_err pvmx_engine_mprobe(struct pvmx_peer *from, struct pvmx_scope *scope,
                                     uint64_t ctx, int32_t source, int32_t tag, bool wait,
                                     struct pvmx_msg **msg, struct pvmx_status *st);
PVMX_API pvmx_err pvmx_engine_imrecv(struct pvmx_msg *msg, void *buf, size_t cap,
                                     struct pvmx_req **req);

/* A scope names the tasks whose death concerns wildcard receives of a context. When a member has
 * died and is not acknowledged, or no other member is left, receives that use the scope fail with
 * PVMX_ERR_DEAD_PENDING once no matching message is left. Such a receive is done, but stays posted until
 * it is freed: after ack() it is no longer done and waits again. The tids are copied; dead(): how many
 * members are known dead, and their indices (caller's array of n, may be NULL); members that have left
 * in good order are not. ack(): accept that n members are dead. */
PVMX_API pvmx_err pvmx_engine_scope_create(const pvmx_tid *tids, size_t n,
                                           struct pvmx_scope **out);
PVMX_API void pvmx_engine_scope_free(struct pvmx_scope *scope);
PVMX_API size_t pvmx_engine_scope_dead(struct pvmx_scope *scope, int32_t *index);
PVMX_API void pvmx_engine_scope_ack(struct pvmx_scope *scope, size_t n);

#ifdef __cplusplus
}
#endif
#endif
