/* SPDX-License-Identifier: BSD-3-Clause */
/* Consoles that ask other hosts. What a console here sends for another host is passed to that host's
 * daemon; there a stand-in, which is a console's connection without a socket, asks for it, and what it is
 * told comes back. So each request of a console works on every host, and is written once. */
#ifndef STANDIN_H
#define STANDIN_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;

/* Message at. */
pvmx_err standin_request(struct server *sv, struct peer *p, uint32_t serial,
                         const uint8_t *body, size_t len);
/* What was said to a stand-in goes to its console's daemon. */
void standin_flush(struct peer *p);
/* The connection is closed: a console's, or a stand-in. */
void standin_forget_peer(struct peer *p);
/* The connection with that host's daemon is closed: its stand-ins end, and consoles here hear of it. */
void standin_link_closed(struct link *l);

/* From other daemons: proxy, proxied. */
pvmx_err standin_on_request(struct server *sv, struct link *l, uint32_t serial,
                            const uint8_t *body, size_t len);
pvmx_err standin_on_answer(struct server *sv, struct link *l, uint32_t serial,
                           const uint8_t *body, size_t len);

#endif
