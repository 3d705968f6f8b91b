/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's end of a connection to the daemon: buffers and framing, no loop and no thread of its
 * own. One thread at a time. Its descriptor is always nonblocking; calls that wait do it in poll. */
#ifndef PXP_CLIENT_H
#define PXP_CLIENT_H

#include "base/buf.h"
#include "base/rundir.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pxp_client {
    int fd; /* -1: closed */
    struct px_buf in, out;
    const int *pass; /* descriptors that travel with the first byte of out */
    size_t npass;
    uint32_t serial; /* last one given to a request */
};

/* Of a program that a person can interrupt: does one who waits for the daemon, and whom a signal has woken,
 * give up (PVMX_ERR_CANCELLED)? NULL: waits on. */
extern bool (*pxp_client_given_up)(void);

/* What the daemon said of itself. */
struct pxp_welcome_info {
    uint32_t version;
    pid_t pid;
    char release[32], vm[80], host[256];
};

/* Connects and greets; w may be NULL. PVMX_ERR_NO_VM: nobody listens, or the daemon was just leaving:
 * start one and try again. A refusal's own error otherwise. On failure *c is closed. */
pvmx_err pxp_client_open(struct pxp_client *c, const struct px_rundir *dir, uint32_t role,
                         unsigned timeout_ms, struct pxp_welcome_info *w);
/* Takes over an inherited socket that has been greeted already. */
void pxp_client_adopt(struct pxp_client *c, int fd);

/* A fresh serial for a request, never 0. */
uint32_t pxp_client_serial(struct pxp_client *c);

/* Writes all of c->out, waiting where needed; the descriptors (at most PX_FD_PASS_MAX; they stay the
 * caller's) travel with its first byte. PVMX_ERR_CLOSED: the daemon is gone. */
pvmx_err pxp_client_flush(struct pxp_client *c, const int *fds, size_t nfds);
/* Writes as much of c->out as goes without waiting; PVMX_ERR_AGAIN: some is left. */
pvmx_err pxp_client_push(struct pxp_client *c);
/* The descriptors travel with the next byte that a push writes; they and the list stay the caller's and have
 * to be there until then. */
void pxp_client_pass(struct pxp_client *c, const int *fds, size_t nfds);
/* Reads once into c->in, after waiting at most timeout_ms (-1: for ever, 0: not at all). *nfds in:
 * room in fds, out: how many came (close-on-exec, the caller's); NULL, NULL: none wanted.
 * PVMX_ERR_AGAIN: nothing came; PVMX_ERR_CLOSED: end of the stream. */
pvmx_err pxp_client_fill(struct pxp_client *c, int timeout_ms, int *fds, size_t *nfds);
/* The next whole message in c->in: its number, serial and body (valid until drop or fill).
 * PVMX_ERR_AGAIN: none. PVMX_ERR_PROTO, PVMX_ERR_TOOBIG: the stream is unusable, close. */
pvmx_err pxp_client_next(struct pxp_client *c, uint32_t *number, uint32_t *serial,
                         const uint8_t **body, size_t *len);
/* Drops the message that next returned. */
void pxp_client_drop(struct pxp_client *c);
/* fill and next until a message is there or the time is over (PVMX_ERR_TIMEDOUT). */
pvmx_err pxp_client_wait(struct pxp_client *c, unsigned timeout_ms, uint32_t *number,
                         uint32_t *serial, const uint8_t **body, size_t *len);
/* Turns the body of a refuse into its error, with its sentence as pvmx_last_error(). */
pvmx_err pxp_client_refused(const uint8_t *body, size_t len);
void pxp_client_close(struct pxp_client *c);

#endif
