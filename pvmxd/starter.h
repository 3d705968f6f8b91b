/* SPDX-License-Identifier: BSD-3-Clause */
/* One running launcher: feeds its standard input, keeps what it says, reaps it. */
#ifndef STARTER_H
#define STARTER_H

#include "base/list.h"
#include "join.h"
#include "launcher.h"

struct server;
struct starter;

/* Starts it. ended(arg, status, said) is called once, when the command has ended, unless
 * starter_let_go came first. NULL with the sentence. */
struct starter *starter_new(struct server *sv, const struct pxp_host_spec *spec,
                            const struct join *join,
                            void (*ended)(void *arg, int status, const char *said),
                            void *arg);
/* What it has said so far. */
const char *starter_said(struct starter *s);
/* Nobody waits for it any more; with kill it is ended. It is reaped in its own time. */
void starter_let_go(struct starter *s, bool kill);
void starters_stop(struct server *sv);

#endif
