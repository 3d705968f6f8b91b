/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection to the daemon as a source of progress: requests with their replies, notices. */
#ifndef PX_CTL_H
#define PX_CTL_H

#include "base/list.h"
#include "base/map.h"
#include "proto/client.h"
#include <pvmx/engine/dyn.h>
#include <stdbool.h>

enum { PX_CTL_FDS = 64 };

struct px_ctl {
    struct pxp_client client;
    bool up; /* connected; false and lost: the daemon has gone */
    bool lost;
    int fds[PX_CTL_FDS]; /* have come, and their messages have not been handled */
    size_t nfds;
    uint32_t seq_seen;    /* slot.ctl_seq at the last read */
    struct px_list calls; /* struct px_ctl_call, waiting for their replies */
    struct px_list watches;
    struct px_map ends; /* tid -> struct px_end_record: what the daemon told */
};

/* A request on its way. body stays valid until px_ctl_call_free. */
struct px_ctl_call {
    struct px_list node;
    uint32_t serial;
    _Atomic bool done;
    pvmx_err err; /* not PVMX_OK: refused (sentence recorded by px_ctl_finish), connection lost */
    uint32_t number; /* of the reply */
    uint8_t *body;   /* malloc'ed copy of the reply's frame */
    size_t len;
};

/* Sends what stands in ctl->client.out (one request with this call's serial) and waits for the reply
 * while making progress. PVMX_ERR_VM_LOST, or the refusal with the daemon's sentence. */
pvmx_err px_ctl_call(struct px_ctl_call *call, const int *fds, size_t nfds);
/* The same without waiting: done is set from progress; then px_ctl_outcome says what px_ctl_call
 * would have returned. */
void px_ctl_call_start(struct px_ctl_call *call, const int *fds, size_t nfds);
pvmx_err px_ctl_call_wait(struct px_ctl_call *call);
pvmx_err px_ctl_outcome(const struct px_ctl_call *call);
/* Either of them: waits unless it is done already, since progress itself may call this. */
pvmx_err px_ctl_done(struct px_ctl_call *call);
void px_ctl_call_free(struct px_ctl_call *call);
/* Joins or starts the VM if need be, and gives the call its serial. */
pvmx_err px_ctl_begin(struct px_ctl_call *call);
/* Serial for the next request, to be given to its encoder. */
uint32_t px_ctl_serial(struct px_ctl_call *call);
/* PVMX_OK when requests can be sent; PVMX_ERR_VM_LOST with a sentence. */
pvmx_err px_ctl_check(void);
/* Sends a request without reply. */
pvmx_err px_ctl_post(void);

/* Source of progress. */
unsigned px_ctl_progress(void *arg);
/* Is the daemon still there? Looks at the socket itself. */
void px_ctl_probe(void *arg);
void px_ctl_close(void);

/* ---- far.c: tasks of other hosts */
extern const struct px_far px_far;
void px_far_dialled(const uint8_t *body, size_t len);

/* ---- hosts.c */
void px_hosts_event(const uint8_t *body, size_t len);
/* Encodes a request, which stands in `frame`, for another host's daemon. */
pvmx_err px_hosts_ask(struct px_ctl_call *call, uint32_t host, const struct px_buf *frame);

/* ---- help.c */
void px_help_task(const uint8_t *body, size_t len);
void px_help_hosts(const uint8_t *body, size_t len);

/* ---- ft.c */
void px_ft_revoked(const uint8_t *body, size_t len);

/* ---- notify.c */
void px_notify_ended(const uint8_t *body, size_t len);
/* Tells ends whose tasks' last messages have come meanwhile; how many. */
unsigned px_notify_settle(struct px_ctl *ctl);
/* How a task ended, if the daemon has told it. */
bool px_notify_end_of(pvmx_tid tid, struct pvmx_end *end);
void px_notify_fini(struct px_ctl *ctl);

#endif
