/* SPDX-License-Identifier: BSD-3-Clause */
/* A new daemon whose starter cannot write to its standard input (a hoster of PVM's). It is started
 * with the leader's public key, prints a line with its own and with its addresses, and goes into the
 * background; the leader, who is told that line, connects and sends what stands on standard input
 * otherwise, in a box that only these two can make and open. So no secret is in arguments or in what
 * is printed, and nobody else can have the daemon join something. */
#ifndef AWAIT_H
#define AWAIT_H

#include "join.h"

enum { AWAIT_TEXT = 32 * 1024 }; /* longest box */

/* what: "KEY" or "KEY,PORTS". Does not return in the process that was started. */
pvmx_err await_join(const char *what, struct join *out);

#endif
