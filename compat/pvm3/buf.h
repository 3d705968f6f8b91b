/* SPDX-License-Identifier: BSD-3-Clause */
/* Message buffers: their ids, where their bytes are, how they grow. With the lock held.
 *
 * Short messages are in the process's own memory, with room for the head in front so that they are
 * sent in one piece. Longer ones are in a block of shared memory, which the receiver unpacks from;
 * where there is none, in the process's memory again. */
#ifndef P3_BUF_H
#define P3_BUF_H

#include "base/list.h"
#include "state.h"
#include <pvmx/engine/post.h>

enum p3_form { P3_XDR, P3_RAW, P3_INPLACE };

/* What a buffer is used for. One that was made the active send buffer after it was read is to be sent on;
 * packing begins it anew, reading reads it from its beginning. */
enum p3_use { P3_PACKED, P3_READ, P3_SENT_ON };

/* Flags: the sender has PvmRouteDirect; it speaks for a daemon; it is new to this tracer. */
enum { P3_DIRECT = 1, P3_AS_DAEMON = 2, P3_NEWTASK = 4 };

/* What precedes a message in a post. The tag is the engine's. */
struct p3_head {
    int32_t ctx, wid;
    uint8_t form, kind, flags;
    uint8_t unused[5];
};

enum {
    P3_WAYS = 4
}; /* to ask for a message: by source and tag, by one of them, by none */
enum { P3_SHORT_MAX = PVMX_POST_MAX - sizeof(struct p3_head) };

/* A part of an InPlace message: n items of `size` bytes, `step` bytes apart. */
struct p3_piece {
    const char *at;
    size_t size, n;
    ptrdiff_t step;
};

struct p3_buf {
    struct px_list node;           /* among arrived messages */
    struct px_list keyed[P3_WAYS]; /* waiting.c's, as are: */
    uint64_t arrival;
    bool waiting;
    int id; /* 0: none yet */
    enum p3_form form;
    enum p3_use use;
    int enc; /* as given to mkbuf */
    int ctx, tag, wid, src, dst, crc;
    int newtask; /* the task that a trace event announces; 0: none */
    char *data;
    size_t len, cap, pos;
    char *mem;                /* data - sizeof(struct p3_head), or NULL */
    struct pvmx_block *block; /* own shared memory, or NULL */
    struct pvmx_lent lent;    /* another's; then it cannot grow */
    struct p3_piece *pieces;  /* InPlace, not sent yet */
    size_t npieces, cap_pieces, in_place;
    struct pvmx_req *fetch; /* bytes are still on their way */
    bool queued;            /* among the arrived messages: not the program's yet */
};

extern int p3_sbuf, p3_rbuf; /* ids of the active ones; 0: none */

/* A buffer without id; NULL: no memory. */
struct p3_buf *p3_buf_new(int enc);
void p3_buf_free(struct p3_buf *b);
/* Makes sure that it has an id; PvmNoMem. */
int p3_buf_name(struct p3_buf *b);
struct p3_buf *p3_buf_find(int id);
/* The active send buffer, to be packed into; NULL: none. */
struct p3_buf *p3_buf_to_pack(void);
/* The buffer for a program's argument; NULL with *cc = PvmBadParam or PvmNoSuchBuf. */
struct p3_buf *p3_buf_arg(int id, int *cc);
/* Room for n more bytes: where to put them, NULL: no memory. The length is not changed. */
char *p3_buf_room(struct p3_buf *b, size_t n);
/* What pvm_initsend does. */
int p3_initsend(int enc);
/* Makes b the active receive buffer in place of the one that was, which is freed; returns its id. */
int p3_buf_receive(struct p3_buf *b);
/* An InPlace message as one run of bytes in a new Raw buffer; NULL: no memory. */
struct p3_buf *p3_buf_gather(const struct p3_buf *b);
/* The VM is left: buffers that the program holds keep their bytes. */
void p3_bufs_detach(void);

#endif
