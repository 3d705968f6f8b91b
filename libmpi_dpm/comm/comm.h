/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups and communicators. A group is a list of tids in rank order; 0 stands for this process as
 * long as it has no tid. A communicator has two contexts: ctx for point-to-point, ctx + 1 for
 * collectives. In both the `source` of a message is the sender's rank in its local group.
 *
 * Context ids come in blocks: an intracommunicator owns 2, an intercommunicator owns 6: +0..1
 * itself, +2..3 the intracommunicators of its two sides (whose receivers are disjoint, so they may
 * share), +4..5 its first merge. The intercommunicator of a spawn has the last 6 of the 8 ids of
 * <pvmx/engine/dyn.h>. Groups of one split share one block for the same reason. */
#ifndef XMPI_COMM_H
#define XMPI_COMM_H

#include "mpi.h"
#include "rt/obj.h"
#include <pvmx/engine/msg.h>

struct pvmx_board;
struct xmpi_errhandler;
struct xmpi_info;
struct xmpi_attrs;
struct xmpi_bsend;
struct xmpi_request;
struct xmpi_ft;
struct xmpi_session;
struct xmpi_topo;

struct xmpi_group {
    struct xmpi_obj obj;
    int size;
    int rank;                     /* of this process, MPI_UNDEFINED when not a member */
    struct xmpi_session *session; /* that it comes from, with a reference; NULL: world model */
    pvmx_tid tids[];
};

struct xmpi_comm {
    struct xmpi_obj obj;
    uint64_t ctx;
    int rank, size; /* in the local group                                           */
    bool inter;
    bool high; /* inter: this side's choice is arbitrary but differs from the other's */
    bool merge_used; /* inter: the block's ids for a merge are taken                 */
    bool dropped;    /* the user's handle is gone, only requests keep the object     */
    struct xmpi_group *local;
    struct xmpi_group *remote; /* where ranks of send and receive point; == local for intra    */
    struct pvmx_peer **peers; /* remote->size entries, NULL until first used                  */
    struct pvmx_scope *scope; /* for wildcard receives, NULL until first used                 */
    bool revoked; /* MPIX_Comm_revoke; engine lock for writing                       */
    struct pvmx_peer **old_peers; /* revoked: what peers was, which nobody finds any more       */
    struct xmpi_ft *ft; /* ft/ft.h; NULL: no failure has been looked for                   */
    uint32_t agreements; /* begun so far                                                    */
    uint32_t outcomes; /* likewise                                                        */
    struct xmpi_comm *local_comm; /* inter: of the local group alone, for collectives */
    struct xmpi_errhandler *errhandler;
    struct xmpi_attrs *attrs;
    struct xmpi_info *info;
    struct xmpi_topo *topo; /* topo/topo.h; NULL: no virtual topology                       */
    struct xmpi_bsend *bsend; /* MPI_Comm_attach_buffer; NULL: none                           */
    struct xmpi_session *session; /* as its group's                                               */
    struct xmpi_request *active; /* requests started and not collected; engine lock              */
    unsigned requests; /* that exist; together they hold one reference; engine lock   */
    struct xmpi_request *orphans,
        **orphans_tail; /* given up by MPI_Request_free; engine lock  */
    struct xmpi_comm *next,
        **pprev; /* all communicators of this process; engine lock          */
    struct pvmx_board *board; /* coll/board.h; NULL: none (yet)                               */
    uint32_t doing;  /* coll/what.h; of the collective that this process is in          */
    int board_calls; /* short collectives so far; < 0: never a board                 */
    /* Number of collectives begun; from the opening of a board on it counts them. Tags of messages. */
    _Atomic uint32_t coll_seq;
    uint32_t by_messages; /* 1 + number of the last one begun by messages; engine lock       */
    /* Engine lock: what this process does, as `doing`, while it opens the board for that; another one
     * has done without, so that it is in vain. */
    uint32_t opening;
    bool opening_in_vain;
    _Atomic uint32_t persist_seq; /* the same for persistent collectives made                   */
    char name[MPI_MAX_OBJECT_NAME];
};

/* Tags in the collective context: collectives use their number & XMPI_TAG_COLL_MASK, the rest belongs
 * to comm/ and dpm/, which need tags that no number of collectives reaches. */
enum {
    XMPI_TAG_COLL_MASK = 0x0fffffff,
    XMPI_TAG_LEFT = 0x10000000, /* | number of one over a board: what is left to messages  */
    XMPI_TAG_OPEN = 0x20000000, /* | number of one that a board is opened for              */
    XMPI_TAG_GROUP = 0x40000000, /* | tag given to create_group; 28 bits are kept           */
    XMPI_TAG_INTER = 0x50000000, /* | tag given to intercomm_create; 28 bits are kept       */
    XMPI_TAG_PERSIST = 0x60000000, /* | number of a persistent collective; 28 bits          */
    XMPI_TAG_OUTCOME = 0x70000000, /* | number of a spawn, accept or connect; 27 bits       */
    XMPI_TAG_USER_MASK = 0x0fffffff,
    XMPI_TAG_CID = 0x7ffffff0,
    XMPI_TAG_MERGE = 0x7ffffff1,
    XMPI_TAG_LEADERS = 0x7ffffff2,
    XMPI_TAG_IDUP = 0x7ffffff3,
    XMPI_TAG_DISCONNECT = 0x7ffffff4,
    XMPI_TAG_EDGES = 0x7ffffff5,
};

/* Added to a communicator's context for what sets up partitioned communication: no id that a task
 * makes has this bit. */
#define XMPI_CTX_PARTITIONED (UINT64_C(1) << 63)

/* Contexts in which processes meet that have no communicator yet: the other bits are a hash of the
 * name and the members. No tid has the bit that makes this one. */
#define XMPI_CTX_MEETING (UINT64_C(1) << 62)

/* Contexts of communicators that only this process is in (below PVMX_ENGINE_CTX_RESERVED). */
enum { XMPI_CTX_SELF = 512, XMPI_CTX_LONE_WORLD = 514 };

extern struct xmpi_comm xmpi_world, xmpi_self; /* valid between init and finalize */
extern struct xmpi_comm *xmpi_parent;          /* NULL: no parent, or disconnected */
extern struct xmpi_group xmpi_group_empty;     /* MPI_GROUP_EMPTY; static */

/* Makes xmpi_world (of the birth record, or this process alone), xmpi_self; after
 * pvmx_engine_init, by rt/init.c, which then sets their error handlers and calls
 * xmpi_dpm_parent_make. */
int xmpi_comm_start(void);
/* Frees them and every communicator that is left; before pvmx_engine_leave. */
void xmpi_comm_stop(void);
/* Frees the communicators that are left of one session (NULL: of the world model). */
void xmpi_comm_stop_of(const struct xmpi_session *session);

/* The peer for rank of the remote group (the caller has checked the range). */
int xmpi_comm_peer(struct xmpi_comm *comm, int rank, struct pvmx_peer **out);
/* The scope for wildcard receives. */
int xmpi_comm_scope(struct xmpi_comm *comm, struct pvmx_scope **out);
/* The class for an engine error of an operation with rank of the remote group (or MPI_ANY_SOURCE),
 * with a sentence that names the dead: "rank 2 of the remote group (t40005) has ended: killed by
 * signal 9". PVMX_OK -> MPI_SUCCESS. */
int xmpi_comm_error(struct xmpi_comm *comm, int rank, pvmx_err err);

/* The tid that stands for t in comparisons: this process's own for 0. */
pvmx_tid xmpi_tid(pvmx_tid t);

/* Groups are immutable; make takes tids by copy and finds the own rank. */
int xmpi_group_make(const pvmx_tid *tids, int n, struct xmpi_group **out);
void xmpi_group_release(struct xmpi_group *g);
/* Makes a new group one of a session, which may be NULL. */
void xmpi_group_set_session(struct xmpi_group *g, struct xmpi_session *session);
/* *ranks: the ranks that the members of group have in of (malloc, group->size entries).
 * MPI_ERR_GROUP when one is not a member. */
int xmpi_group_ranks_in(struct xmpi_group *group, struct xmpi_group *of, int **ranks);
/* True when no task is in both. */
int xmpi_group_disjoint(struct xmpi_group *a, struct xmpi_group *b, bool *disjoint);

/* Makes an intracommunicator (remote NULL) or intercommunicator from its parts, without any
 * communication. Takes its own references to the groups. parent: whose error handler is inherited,
 * may be NULL. */
int xmpi_comm_make(uint64_t ctx, struct xmpi_group *local, struct xmpi_group *remote,
                   struct xmpi_comm *parent, struct xmpi_comm **out);
/* Gives one reference back. */
void xmpi_comm_release(struct xmpi_comm *comm);
/* Ends the life of the user's handle: attributes, attached buffer, reference. MPI_SUCCESS or what a
 * delete callback said (then the communicator lives on). */
int xmpi_comm_drop(struct xmpi_comm *comm);
/* Head of the list of all communicators (by ->next; engine lock held). */
struct xmpi_comm *xmpi_comm_first(void);
/* The first communicator of a session (NULL: of the world model) that is wanted, with a reference; NULL:
 * there is none. Others may make and free communicators meanwhile. */
struct xmpi_comm *xmpi_comm_find(const struct xmpi_session *session,
                                 bool (*wanted)(const struct xmpi_comm *comm));

/* Of xmpi_intercomm_create, for leaders that have met already. peer_cls: they have not (the class),
 * peer_comm is then not looked at. */
int xmpi_inter_make(struct xmpi_comm *local_comm, int local_leader, int peer_cls,
                    struct xmpi_comm *peer_comm, int remote_leader, int tag,
                    struct xmpi_comm **out);

/* comm/cid.c: first of n new context ids, the same in every process of comm (both groups of an
 * intercommunicator). Collective; one broadcast. */
int xmpi_cid_make(struct xmpi_comm *comm, unsigned n, uint64_t *ctx);
/* Number of ids that a communicator of this form owns. */
static inline unsigned xmpi_cid_count(bool inter)
{
    return inter ? 6 : 2;
}
/* Messages inside the library, in the collective context. send does not wait for the receiver. */
int xmpi_comm_send_bytes(struct xmpi_comm *comm, int rank, int tag, const void *buf,
                         size_t len);
int xmpi_comm_recv_bytes(struct xmpi_comm *comm, int rank, int tag, void *buf, size_t len);

#endif
