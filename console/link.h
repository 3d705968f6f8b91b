/* SPDX-License-Identifier: BSD-3-Clause */
/* The console's connection to the daemon: requests and their answers. Failures are told by
 * pvmx_last_error(). Waiting ends with PVMX_ERR_CANCELLED at Ctrl-C. */
#ifndef CONSOLE_LINK_H
#define CONSOLE_LINK_H

#include "proto/client.h"
#include "proto/messages.h"
#include <stdbool.h>

struct link {
    const char *vm; /* name that was asked for; NULL: the default one */
    struct pxp_client client;
    struct pxp_welcome_info info;
    bool up;
    uint64_t patience; /* ns that other hosts have to answer; 0: as usual */
    uint64_t until; /* whatever is waited for, no longer (px_now_ns); 0: as the call says */
    bool stdin_too; /* link_next ends with PVMX_ERR_AGAIN when standard input can be read */
    bool heard; /* it ends with PVMX_ERR_CANCELLED when standard output has no reader any more */
};

/* Connects unless it is connected. starts: starts a VM, which stays until halt, when none runs. */
pvmx_err link_open(struct link *l, bool starts);
void link_close(struct link *l);
/* Sends what is in l->client.out with these descriptors. */
pvmx_err link_send(struct link *l, const int *fds, size_t nfds);
/* Waits for the answer to this serial: a message of the kind wanted, whose body is copied to *body
 * (to be freed). Other messages are dropped. A refusal is its error. */
pvmx_err link_answer(struct link *l, uint32_t serial, uint32_t wanted, uint8_t **body,
                     size_t *len);
/* Both. */
pvmx_err link_ask(struct link *l, uint32_t serial, uint32_t wanted, uint8_t **body,
                  size_t *len);

/* Waits until the daemon answers anything, unless it has just done so. What one that stands still is asked
 * for is done when it goes on, and then perhaps nobody wants it any more. */
pvmx_err link_awake(struct link *l);
/* What was asked for with this serial is not wanted any more, if it takes so long that a person gives up. */
void link_withdraw(struct link *l, uint32_t serial);

/* The next message of any kind; drop it with pxp_client_drop. Until `until` (px_now_ns; 0: for ever):
 * PVMX_ERR_TIMEDOUT. */
pvmx_err link_next(struct link *l, uint64_t until, uint32_t *number, uint32_t *serial,
                   const uint8_t **body, size_t *len);

/* An answer that says nothing but that it was done. */
pvmx_err link_done(struct link *l, uint32_t serial, uint32_t *count);

/* Ctrl-C has been pressed since the last link_uninterrupt. */
bool link_interrupted(void);
void link_uninterrupt(void);
/* What link.heard is about has happened. */
bool link_unheard(void);
/* Waits until one of two descriptors (-1: only one) can be read, or until a time (0: for ever): 1 or 2:
 * which, 0: the time is over, -1: interrupted. */
int link_wait_for(int fd, int other, uint64_t until);
/* The same for a key. It ends with LINK_NOTICED when one of the signals has come that are noticed: SIGWINCH
 * and SIGTSTP, as long as they are. */
int link_wait_key(uint64_t until);
enum { LINK_NOTICED = 3 };
/* Whether a signal is noticed, or does what it usually does. */
void link_notice(int sig, bool on);
int link_noticed(void); /* which has come, once; 0: none */
/* From now on Ctrl-C interrupts what waits instead of ending the program. */
void link_catch_interrupts(void);

#endif
