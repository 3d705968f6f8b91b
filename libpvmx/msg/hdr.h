/* SPDX-License-Identifier: BSD-3-Clause */
/* The data plane's records: a fixed header, then what its kind needs. Native byte order: both sides
 * share a host's arena (other hosts get their own framing in their transport). */
#ifndef PX_HDR_H
#define PX_HDR_H

#include <assert.h>
#include <stdint.h>

enum px_am {
    PX_AM_EAGER, /* the message follows                                                    */
    PX_AM_SYNC, /* struct px_sync, then the message; answered by FIN when matched         */
    PX_AM_RTS, /* struct px_rts: a long message is ready to be fetched                   */
    PX_AM_FIN, /* ctx = id of the send that is complete                                  */
    PX_AM_CTS, /* ctx = id of the send, struct px_cts: please stream it, memory is closed */
    PX_AM_DATA, /* ctx = id of the receive, struct px_data, then bytes                    */
    PX_AM_SHARE,  /* ctx = id of the send, struct px_share: help to copy it */
    PX_AM_SHARED, /* ctx = id of the receive, struct px_shared: what the helper did */
    PX_AM_CANCEL, /* ctx = id of the send: if nobody has received it, drop it and answer by FIN */
    PX_AM_CHAIN, /* struct pvmx_loan: posts that found no room follow in the sender's heap */
    PX_AM_COUNT_
};

/* In the tag of a FIN: the message was dropped, since the receiver knows its context as revoked, or
 * since it was asked to. */
enum { PX_FIN_REVOKED = 1, PX_FIN_CANCELLED };

struct px_hdr {
    uint64_t ctx;
    int32_t source, tag;
    uint8_t am;
    uint8_t unused[7];
};

struct px_sync {
    uint64_t id;
};

struct px_rts { /* addr 0: the bytes do not lie in one run, they have to be streamed */
    uint64_t id, addr, len;
};

struct px_cts {
    uint64_t id;       /* of the receive */
    uint64_t len;      /* how many bytes are wanted */
    uint64_t straight; /* they go to one run of memory: streamed records will do */
};

struct px_share {
    uint64_t id;         /* of the receive */
    uint64_t addr, len;  /* where the bytes go */
    uint32_t board, gen; /* see px_slot.share */
    uint32_t piece;      /* bytes of one piece */
    uint32_t unused;
};

struct px_shared {
    uint32_t done;  /* pieces that the helper copied */
    int32_t failed; /* a piece that it took and could not copy; -1: none */
};

struct px_data {
    uint64_t offset;
};

static_assert(sizeof(struct px_hdr) == 24,
              "with the ring's word and 32 bytes of message: one line");

#endif
