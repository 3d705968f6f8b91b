/* SPDX-License-Identifier: BSD-3-Clause */
/* Transports: how bytes reach another task. A transport knows neither matching nor MPI; what it
 * carries are opaque records of at most caps.max_record bytes, in order for each endpoint.
 *
 * Threads: every function is called with the engine's lock held (or from the only thread).
 * Nothing here blocks. `deliver` is called from progress, for `self` also from push. */
#ifndef PX_TRANSPORT_H
#define PX_TRANSPORT_H

#include <pvmx/types.h>
#include <stdbool.h>

struct px_arena;
struct px_iface;

enum { PX_STREAM_HEAD = 32 };

struct px_slice {
    const void *data;
    size_t len;
};

enum {
    PX_SPARE = 56
}; /* bytes of the record that px_transport.push_spare leaves room for */

/* One direction to one task. Transports embed it as first member. */
struct px_ep {
    const struct px_transport *tr;
};

/* Where records come from. The transport keeps one for each sender, announces it once by
 * contact, and gives it with each record; `peer` is the upper layer's to fill. */
struct px_origin {
    pvmx_tid tid;
    void *peer;
};

/* Hands over a record that has arrived. The bytes are valid during the call only. PVMX_OK: taken.
 * PVMX_ERR_NOMEM: cannot be taken now; the transport keeps the record and offers it again. */
typedef pvmx_err px_deliver_fn(void *arg, struct px_origin *from, const uint8_t *bytes,
                               size_t len);
/* A sender was seen for the first time; without PVMX_OK it is announced again later. */
typedef pvmx_err px_contact_fn(void *arg, struct px_origin *from);

struct px_iface_params {
    struct px_arena *arena; /* this host's; lives longer than the interface */
    pvmx_tid self;
    px_deliver_fn *deliver;
    px_contact_fn *contact;
    void *arg;
    /* Asks for a connection with a task of another host; NULL: there are none. The outcome comes
     * later (px_tcp_arrived). */
    pvmx_err (*dial)(void *arg, pvmx_tid peer);
    /* Streamed records: where their bytes go, len of them behind a head of PX_STREAM_HEAD bytes. NULL: nobody
     * wants them (any more). Asked again before each piece, since the answer may change. */
    void *(*place)(void *arg, const uint8_t *head, size_t len);
    /* All of them are there. */
    void (*placed)(void *arg, const uint8_t *head, size_t len);
    const bool *look; /* what is waited for comes from another host: progress looks there each time */
    const bool *sleeping; /* a thread sleeps on what `descriptor` has returned */
    const bool *pause; /* set by deliver: progress is to return before it looks further */
};

struct px_caps {
    size_t max_record; /* bytes that one push can carry                                   */
    size_t eager;  /* largest message worth copying through records; above: rendezvous */
    size_t stream; /* largest streamed record; 0: has no stream */
    bool get;      /* has get */
    bool share;    /* has put and claim, and both ends see the same shared pieces */
};

struct px_transport {
    const char *name;  /* "self", "shm", ...                                            */
    unsigned priority; /* among those that reach a task, the highest wins               */

    pvmx_err (*open)(const struct px_iface_params *params, struct px_iface **out);
    void (*close)(struct px_iface *iface); /* gives everything back; endpoints are gone before */

    void (*caps)(const struct px_iface *iface, struct px_caps *out);
    bool (*reaches)(const struct px_iface *iface, pvmx_tid peer);
    /* Makes an endpoint; PVMX_ERR_PEER_DEAD when the task is known to have ended. */
    pvmx_err (*connect)(struct px_iface *iface, pvmx_tid peer, struct px_ep **out);
    void (*disconnect)(struct px_ep *ep);

    /* Publishes one record made of n slices. PVMX_ERR_AGAIN: no room now, nothing was kept and
     * the caller will be woken (if it sleeps) when there is room. */
    pvmx_err (*push)(struct px_ep *ep, const struct px_slice *v, unsigned n);
    /* The same, but only when a record of PX_SPARE bytes could be published after it. */
    pvmx_err (*push_spare)(struct px_ep *ep, const struct px_slice *v, unsigned n);
    /* Sends a record whose bytes go straight from here to where the receiver wants them: a head of
     * PX_STREAM_HEAD bytes and len others, which stay where they are until all have been taken. *done: how
     * many were taken now. PVMX_ERR_AGAIN: come again with the rest; until then nothing else may be pushed
     * to this endpoint. */
    pvmx_err (*stream)(struct px_ep *ep, const void *head, const void *bytes, size_t len,
                       size_t *done);
    /* Copies len bytes at address addr of the peer's memory to dst. PVMX_ERR_UNSUPPORTED: not
     * possible with this peer (use records); PVMX_ERR_PEER_DEAD: it has ended. */
    pvmx_err (*get)(struct px_ep *ep, void *dst, uint64_t addr, size_t len);

    /* The other direction of get: copies to address addr of the peer's memory. Same errors. */
    pvmx_err (*put)(struct px_ep *ep, uint64_t addr, const void *src, size_t len);
    /* Takes the next of `limit` pieces of the peer's shared message `board`, generation gen. False:
     * none is left, or the board has moved on. */
    bool (*claim)(struct px_ep *ep, unsigned board, uint32_t gen, uint32_t limit,
                  uint32_t *piece);

    /* Does the peer wait with a processor of its own, so that what is asked of it is answered at once? */
    bool (*attends)(struct px_ep *ep);

    /* A bounded batch of arrived records; returns how many. */
    unsigned (*progress)(struct px_iface *iface);
    /* Delivers all that `from` has published so far, however much it is. */
    void (*drain)(struct px_iface *iface, pvmx_tid from);
    /* The task has ended and has been drained: forget what it owned here. */
    void (*forget)(struct px_iface *iface, pvmx_tid from);
    /* What becomes readable when progress has something to do, for those who sleep; -1: nothing, the
     * doorbell rings. The next progress looks there at once. */
    int (*descriptor)(struct px_iface *iface);
    /* Does anything that was pushed wait here until this task makes progress? */
    bool (*unsent)(struct px_iface *iface);
};

/* All transports, highest priority first; NULL-terminated. Checked for completeness at start. */
extern const struct px_transport *const px_transports[];
/* Aborts the process when a table has a hole: a fault of this library, found by its tests. */
void px_transports_check(void);

/* Stubs for optional operations, so that no caller compares with NULL. */
pvmx_err px_transport_no_get(struct px_ep *ep, void *dst, uint64_t addr, size_t len);
pvmx_err px_transport_no_put(struct px_ep *ep, uint64_t addr, const void *src, size_t len);
bool px_transport_no_claim(struct px_ep *ep, unsigned board, uint32_t gen, uint32_t limit,
                           uint32_t *piece);
bool px_transport_no_attends(struct px_ep *ep);
int px_transport_no_descriptor(struct px_iface *iface);
bool px_transport_all_sent(struct px_iface *iface);
pvmx_err px_transport_no_stream(struct px_ep *ep, const void *head, const void *bytes,
                                size_t len, size_t *done);
void px_transport_no_peer(struct px_iface *iface, pvmx_tid from);

extern const struct px_transport px_transport_self, px_transport_shm, px_transport_tcp;

#endif
