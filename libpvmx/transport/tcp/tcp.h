/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP transport: tasks of other hosts. It makes no connections by itself. When an endpoint needs
 * one, params.dial asks the daemon, which reaches the other host's daemon, lets it prove that it knows
 * the VM's key, and hands each of the two tasks its end of the connection: px_tcp_arrived. So a task has
 * no listening socket, no key, and nothing to do to be reached, and nobody can claim to be another task.
 *
 * A connection carries records in both directions: a word with the length, then the bytes. With the
 * word's highest bit set the record is a streamed one: its bytes go from the sender's memory straight to
 * the receiver's, without a buffer of ours between. An endpoint
 * sends through the first connection that it gets, whoever dialled, and stays with it, which keeps the
 * order; what comes is read from all connections of the task. So two that dial at the same moment simply
 * use one connection for each direction. */
#ifndef PX_TCP_H
#define PX_TCP_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "transport/transport.h"

enum {
    PX_TCP_RECORD_MAX = 256 * 1024,
    PX_TCP_EAGER = 64 * 1024,
    PX_TCP_READ = 64 * 1024,   /* bytes of one read */
    PX_TCP_QUEUE = 512 * 1024, /* bytes that wait for the socket; more: PVMX_ERR_AGAIN */
    PX_TCP_STREAM_MAX = 1 << 30,
    PX_TCP_FEW = 4, /* so many connections are read one by one, more by asking epoll which */
    PX_TCP_MAGIC = 0x32585650, /* "PVX2", in the dialler's byte order */
};
#define PX_TCP_STREAMED 0x80000000u

struct px_tcp_conn {
    struct px_list node, in_peer; /* in iface.conns; in peer.conns */
    struct px_tcp_peer *peer;
    int fd;
    bool greeted;     /* the dialler's greeting has been sent or has come */
    bool eof;         /* nothing more comes */
    bool broken;      /* nothing more can be sent */
    uint32_t watched; /* what epoll is asked for */
    struct px_buf in, out;
    size_t out_left; /* bytes of a streamed record that its sender still has */
    /* A streamed record that is coming: its head, its length, and how much of it is still to come. */
    uint8_t head[PX_STREAM_HEAD];
    size_t in_len, in_left;
};

struct px_tcp_peer {
    struct px_ep base; /* the endpoint, while `connected` */
    struct px_tcp_iface *iface;
    struct px_origin from;
    bool connected, dialling, announced;
    pvmx_err lost; /* nothing can be sent any more */
    struct px_tcp_conn *via;
    struct px_list conns;
};

struct px_tcp_iface {
    const struct px_transport *tr;
    struct px_iface_params params;
    struct px_map peers; /* tid -> struct px_tcp_peer */
    struct px_list conns;
    unsigned nconns;
    bool pending;  /* whole records have been read that could not be delivered */
    unsigned tick; /* rounds since sockets were last looked at */
    /* Epoll costs the sender of each message a call-back in its kernel. So only who sleeps, or has more
     * than a few connections, asks it for anything; who has not slept for a while asks for nothing. */
    int epoll; /* -1: no connection yet */
    bool watching;
    unsigned awake; /* rounds that brought something since the last sleep */
};

/* A connection with that task has come (fd is taken over), or cannot be had (err; fd -1). called: the
 * other side has dialled. */
void px_tcp_arrived(struct px_iface *iface, pvmx_tid tid, int fd, bool called, pvmx_err err);
/* Everything that the task has sent has been read, as far as can be told. */
bool px_tcp_finished(const struct px_iface *iface, pvmx_tid tid);

/* ---- between the files of this folder */
struct px_tcp_peer *px_tcp_peer(struct px_tcp_iface *s, pvmx_tid tid);
void px_tcp_conn_close(struct px_tcp_conn *c);
/* Writes what waits; false: the connection is broken. */
bool px_tcp_conn_flush(struct px_tcp_conn *c);
/* Reads once and delivers whole records; the number of events. */
unsigned px_tcp_conn_read(struct px_tcp_conn *c);
/* Tells epoll what is waited for; false: it has no memory. */
bool px_tcp_conn_watch(struct px_tcp_conn *c);
/* From now on epoll is asked, or not. */
bool px_tcp_watch(struct px_tcp_iface *s, bool watching);

#endif
