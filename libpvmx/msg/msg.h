/* SPDX-License-Identifier: BSD-3-Clause */
/* The messenger: peers, sends, receives and what flows between them. Everything here runs under
 * the engine's lock; nothing here blocks. */
#ifndef PX_MSG_H
#define PX_MSG_H

#include "base/list.h"
#include "base/map.h"
#include "match/match.h"
#include "msg/hdr.h"
#include "req/req.h"
#include "transport/shm/seg.h"
#include "transport/transport.h"
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/msg.h>
#include <pvmx/engine/post.h>
#include <string.h>

enum {
    PX_IFACES_MAX = 4,
    PX_BOUNCE = 64 * 1024, /* what a long message is fetched through when it goes to many places */
};

/* Tasks of other hosts, as the layer above knows them. */
struct px_far {
    pvmx_err (*dial)(pvmx_tid tid);
    /* Wants to hear of its end. */
    void (*watch)(pvmx_tid tid);
    /* True: it has ended, like this. */
    bool (*ended)(pvmx_tid tid, struct pvmx_end *end);
};

struct px_messenger;
struct pvmx_peer;

/* Posts that found no room in a ring, in the sender's heap: kept by the layer above. */
struct px_chains {
    /* A record has come that names the beginning. PVMX_ERR_AGAIN: there is more to read; the record is
     * to be offered again before those behind it. */
    pvmx_err (*arrived)(struct px_messenger *ms, struct pvmx_peer *from,
                        const uint8_t *body, size_t len);
    /* The peer has ended: forgets both directions. */
    void (*forget)(struct pvmx_peer *peer);
};

struct px_messenger {
    struct px_match match;
    struct px_iface *ifaces[PX_IFACES_MAX]; /* priority order; [i] may be NULL: not available */
    const struct px_transport *transports[PX_IFACES_MAX];
    unsigned nifaces;
    struct px_map peers; /* tid -> struct pvmx_peer, but for this process itself */
    struct pvmx_peer *self;
    struct px_map ids; /* id -> request that the other side may name           */
    uint64_t next_id;
    struct px_list blocked; /* peers with something in their out queue              */
    struct px_list scopes;
    struct px_req_pool pool;
    struct px_arena *arena;
    const struct px_far *far;       /* NULL: there are no other hosts */
    const struct px_chains *chains; /* NULL: there are none */
    unsigned chained; /* records of chains that were delivered since the last progress */
    pvmx_tid tid;
    size_t nsends; /* sends that are not complete                          */
    size_t nmsgs;  /* messages taken by mprobe and not yet received        */
    uint32_t share_gen[PX_SHARES];
    uint32_t share_next;  /* board to be used next */
    uint8_t *bounce;      /* PX_BOUNCE bytes; NULL until needed */
    uint32_t deaths_seen; /* arena head's counter at the last look                */
    bool check_deaths;    /* a peer may have died before anybody watched          */
    bool completed;       /* a request was completed: other waiting threads look  */
    /* What the one thread waits for: when it completes, progress ends its round at once (pause). The
     * next look at a ring costs a cache miss, and stands in the way of the answer. */
    const struct pvmx_req *awaited;
    bool pause;
    bool sleeping; /* a thread of this process sleeps */
    bool look_far; /* it comes from another host: sockets are looked at in each round */
    _Atomic unsigned failures; /* requests completed because a task has ended */
    struct px_map revoked;     /* contexts, see revoke.c */
    uint64_t *revoked_log;
    uint64_t nrevoked;
    void (*on_revoke)(uint64_t ctx); /* another task has begun it; NULL: nobody to be told */
    struct {
        pvmx_sink_fn *fn;
        void *arg;
    } sinks[PVMX_SINKS];
};

struct pvmx_peer {
    pvmx_tid tid;
    uint32_t refs;
    unsigned keep; /* boards in its slot that are open here: it must stay */
    bool self, dead;
    bool far;           /* on another host */
    uint64_t end_known; /* far: when its end was told; what it sent may still be on the way */
    bool ended;         /* all that it has sent is to be read at once */
    struct px_chain_out *chain_out; /* core/chain.c */
    struct px_chain_in *chain_in;
    bool open;              /* its memory has been read: both sides may copy at once */
    struct px_ep *ep;       /* NULL: nothing sent yet */
    struct px_caps caps;    /* valid with ep          */
    struct px_list out;     /* struct px_out, in the order to be pushed */
    struct px_list blocked; /* node in messenger.blocked while out is not empty */
    struct px_list dying;   /* node of px_peers_check's list                    */
    struct pvmx_end end;    /* valid when dead */
    struct px_messenger *ms;
};

/* Something that waits for room at a peer. push returns PVMX_OK when it is through (and then no
 * longer touches itself), PVMX_ERR_AGAIN when it must wait, other errors when it is lost. */
struct px_out {
    struct px_list node;
    pvmx_err (*push)(struct pvmx_peer *peer, struct px_out *out);
    void (*fail)(struct pvmx_peer *peer, struct px_out *out, pvmx_err err);
};

struct px_send {
    struct pvmx_req req;
    struct px_out out;
    struct pvmx_peer *peer;
    struct px_hdr hdr;
    const uint8_t *buf; /* with req.layout: base of `count` elements */
    uint64_t count;
    size_t len;
    void *copy;          /* our own copy in packed form, freed at completion */
    uint64_t id;         /* in messenger.ids; 0: none                   */
    bool eager, started; /* started: something has left this process    */
    uint64_t stream_to;  /* id of the receive that is streamed to       */
    size_t stream_len, stream_off;
};

struct px_recv {
    struct pvmx_req req;
    struct px_posted posted;
    struct pvmx_peer *from; /* named source; NULL: wildcard               */
    struct pvmx_scope *scope;
    struct pvmx_peer *sender; /* of the message being fetched or streamed   */
    uint8_t *buf;             /* with req.layout: base of `count` elements */
    uint64_t count;
    size_t cap;
    uint64_t id, sender_id; /* while streaming                            */
    size_t want, got;       /* bytes of a stream, pieces of a shared copy   */
    uint64_t addr;          /* shared copy: the sender's bytes              */
    size_t len;
    uint32_t piece; /* bytes of one piece; 0: not a shared copy     */
};

/* A message that has arrived and that nobody has received yet. */
struct px_arrived {
    struct px_unexp unexp;
    struct pvmx_peer *from; /* referenced */
    uint8_t am;
    uint64_t id, addr; /* sender's, for SYNC and RTS */
    size_t len;
    uint8_t data[]; /* EAGER and SYNC */
};

/* ---- messenger.c */
pvmx_err px_messenger_init(struct px_messenger *ms);
/* Opens transports that are not open yet: called at start and again when a VM is joined. */
pvmx_err px_messenger_open(struct px_messenger *ms, struct px_arena *arena, pvmx_tid tid);
void px_messenger_fini(struct px_messenger *ms);
unsigned px_messenger_progress(struct px_messenger *ms);
/* Does anything that was sent need more progress of ours? */
bool px_messenger_unsent(const struct px_messenger *ms);
/* What a sleeper has to watch besides its doorbell; -1: nothing. */
int px_messenger_descriptor(void *ms);
/* See px_tcp_arrived. */
void px_messenger_arrived(struct px_messenger *ms, pvmx_tid tid, int fd, bool called,
                          pvmx_err err);

/* What the one thread waits for; NULL: nothing. */
static inline void px_messenger_await(struct px_messenger *ms, const struct pvmx_req *req)
{
    const struct px_recv *r = (const struct px_recv *)req;
    ms->awaited = req;
    ms->look_far = req && req->kind == PX_REQ_RECV && r->from && r->from->far;
}

/* ---- peer.c */
pvmx_err px_peer_get(struct px_messenger *ms, pvmx_tid tid, struct pvmx_peer **out);
void px_peer_put(struct pvmx_peer *peer);
/* Takes one from peer->keep. */
void px_peer_release_slot(struct pvmx_peer *peer);
/* Makes sure that peer->ep is there. */
pvmx_err px_peer_connect(struct pvmx_peer *peer);
/* Hands out to the peer now or queues it behind what waits already. */
void px_peer_post(struct pvmx_peer *peer, struct px_out *out);
/* Looks which known peers have ended and fails what depends on them. */
void px_peers_check(struct px_messenger *ms);
/* The same by looking at the processes themselves, when no daemon keeps the arena up to date. */
void px_peers_check_pids(struct px_messenger *ms);
pvmx_err px_peer_contact(void *arg, struct px_origin *from);

/* ---- send.c */
pvmx_err px_send_start(struct pvmx_peer *to, const struct px_hdr *hdr, const void *buf,
                       size_t len, enum pvmx_send_mode mode, struct pvmx_req **req);
pvmx_err px_send_start_view(struct pvmx_peer *to, const struct px_hdr *hdr,
                            const struct pvmx_view *view, enum pvmx_send_mode mode,
                            struct pvmx_req **req);
/* One record of at most PVMX_POST_MAX bytes, whatever is usual for messages of that length. */
pvmx_err px_send_post(struct pvmx_peer *to, const struct px_hdr *hdr, const void *buf,
                      size_t len);
/* Publishes the record at once, or says false; with spare: only when a short record could be published
 * after it. */
bool px_send_now(struct pvmx_peer *to, const struct px_hdr *hdr, const void *buf,
                 size_t len, bool spare);
/* FIN of id, CTS to stream it. Unknown ids are ignored (cancelled or failed meanwhile). */
void px_send_on_fin(struct px_messenger *ms, uint64_t id, int32_t tag);
void px_send_on_cts(struct px_messenger *ms, uint64_t id, const struct px_cts *cts);
void px_send_fail(struct px_send *s, pvmx_err err);
/* Takes a send that is not complete back, at once or, when it has left this process, if the receiver
 * says that nobody has matched it. */
void px_send_cancel(struct px_send *s);
struct px_send *px_send_find(struct px_messenger *ms, uint64_t id);
/* A record without data: FIN, CTS. */
pvmx_err px_send_control(struct pvmx_peer *to, const struct px_hdr *hdr, const void *body,
                         size_t len);

/* Ends sends in revoked contexts, but for those that the receiver may be fetching. */
void px_sends_revoke(struct px_messenger *ms);

/* ---- revoke.c */
static inline bool px_revoked(const struct px_messenger *ms, uint64_t ctx)
{
    return __builtin_expect(ms->revoked.count != 0, 0) && px_map_get(&ms->revoked, ctx);
}
/* False: all of them were revoked before. */
bool px_revoke(struct px_messenger *ms, uint64_t ctx, unsigned count);
void px_revoke_fini(struct px_messenger *ms);
/* A message that nobody will receive: lets its sender go on. */
void px_arrived_refuse(struct pvmx_peer *from, uint8_t am, uint64_t id);

/* ---- recv.c */
/* Where a message goes: cap bytes at buf or, with a layout, count elements at buf, cap bytes in all. */
struct px_place {
    void *buf;
    size_t cap;
    struct pvmx_layout *layout;
    uint64_t count;
};

pvmx_err px_recv_start(struct px_messenger *ms, struct pvmx_peer *from,
                       struct pvmx_scope *scope, const struct px_key *key,
                       const struct px_place *to, struct px_recv **out);
pvmx_err px_recv_probe(struct px_messenger *ms, struct pvmx_peer *from,
                       struct pvmx_scope *scope, const struct px_key *key, bool take,
                       struct px_arrived **found);
pvmx_err px_recv_matched(struct px_messenger *ms, struct px_arrived *msg,
                         const struct px_place *to, struct px_recv **out);
/* Bytes off..off+len-1 of the message (in packed form) have come. */
static inline void px_recv_put(struct px_recv *r, size_t off, const void *bytes, size_t len)
{
    if (__builtin_expect(r->req.layout != NULL, 0))
        pvmx_engine_unpack(&(struct pvmx_view){r->req.layout, r->buf, r->count}, off,
                           bytes, len);
    else if (len)
        memcpy(r->buf + off, bytes, len);
}
void px_recv_fail(struct px_recv *r, pvmx_err err);
/* Messages that have arrived before their context had a sink. */
pvmx_err px_recv_sink(struct px_messenger *ms, uint64_t ctx);
/* Before the request is given back: a wildcard receive that a death has ended is still posted. */
void px_recv_unpost(struct px_messenger *ms, struct px_recv *r);
/* Deaths were acknowledged: the scope's receives wait again. */
void px_recv_scope_acked(struct px_messenger *ms, struct pvmx_scope *scope);
void px_arrived_free(struct px_arrived *m);
void px_arrived_status(const struct px_arrived *m, struct pvmx_status *st);
/* The sender takes message `id` back. */
void px_arrived_cancel(struct px_messenger *ms, struct pvmx_peer *from, uint64_t id);
/* Receives posted for a peer that has ended, or for a scope that it is in. */
void px_recv_peer_died(struct px_messenger *ms, struct pvmx_peer *peer);

/* ---- rndv.c: fetching long messages */
void px_rndv_fetch(struct px_recv *r, struct pvmx_peer *sender, uint64_t id,
                   uint64_t addr, size_t len);
/* Streamed records, as the transports' parameters have them. */
void *px_rndv_place(void *ms, const uint8_t *head, size_t len);
void px_rndv_placed(void *ms, const uint8_t *head, size_t len);
void px_rndv_on_data(struct px_messenger *ms, uint64_t id, const uint8_t *bytes, size_t len);

/* Says FIN and completes the receive. */
void px_rndv_finish(struct px_recv *r, struct pvmx_peer *sender, uint64_t id);
/* Remembers r as waiting for records of the sender; r->id is then its id. */
pvmx_err px_rndv_expect(struct px_recv *r, struct pvmx_peer *sender, uint64_t id);
/* The opposite, when everything has come: no longer expects, and finishes. */
void px_rndv_settle(struct px_recv *r);

/* ---- share.c: both sides copy one long message */
/* Is it worth to ask the sender for help? */
bool px_share_worth(const struct pvmx_peer *sender, size_t len);
pvmx_err px_share_fetch(struct px_recv *r, struct pvmx_peer *sender, uint64_t id,
                        uint64_t addr, size_t len);
void px_share_on_offer(struct px_messenger *ms, struct pvmx_peer *from, uint64_t id,
                       const struct px_share *offer);
void px_share_on_done(struct px_messenger *ms, uint64_t id, const struct px_shared *done);

/* ---- deliver.c */
px_deliver_fn px_deliver;

/* ---- complete.c */
/* The rest of px_req_complete: a failure, a layout to be given back, an orphan. True: r is gone. */
bool px_req_complete_rest(struct px_messenger *ms, struct pvmx_req *r);

/* The one place where requests become complete. */
static inline void px_req_complete(struct px_messenger *ms, struct pvmx_req *r, pvmx_err err)
{
    r->st.error = err;
    if (__builtin_expect(err || r->layout || r->orphan, 0) && px_req_complete_rest(ms, r))
        return;
    __atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
    ms->completed = true;
    if (r == ms->awaited)
        ms->pause = true;
}

/* ---- scope.c */
bool px_scope_blocked(const struct pvmx_scope *scope);
void px_scopes_peer_died(struct px_messenger *ms, pvmx_tid tid);
pvmx_err px_scope_new(struct px_messenger *ms, const pvmx_tid *tids, size_t n,
                      struct pvmx_scope **out);
void px_scope_free(struct px_messenger *ms, struct pvmx_scope *scope);
size_t px_scope_dead(const struct pvmx_scope *scope, int32_t *index);
/* The first n deaths noticed count no more. */
void px_scope_ack(struct pvmx_scope *scope, size_t n);

/* ---- an id for a request that the other side will name */
static inline pvmx_err px_id_new(struct px_messenger *ms, void *req, uint64_t *id)
{
    pvmx_err err = px_map_put(&ms->ids, ms->next_id, req);
    if (!err)
        *id = ms->next_id++;
    return err;
}

static_assert(sizeof(struct px_send) <= PX_REQ_BLOCK && sizeof(struct px_recv) <= PX_REQ_BLOCK,
              "requests fit the pool's blocks");

#endif
