/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of clients that another daemon answers: its answer, or its refusal, becomes ours. */
#ifndef FORWARD_H
#define FORWARD_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;

/* A serial for a request to that host, to be encoded into link_out(*l); its answer becomes p's. 0 with
 * the sentence: it cannot be asked. */
uint32_t forward_ask(struct server *sv, struct peer *p, uint32_t serial, uint32_t host,
                     struct link **l);
/* Asks that host what p has asked us. */
pvmx_err forward_request(struct server *sv, struct peer *p, uint32_t serial,
                         uint32_t host, const uint8_t *body, size_t len);
/* Asks the leader, when this daemon does not lead. without: what is not possible while none does. */
pvmx_err forward_to_leader(struct server *sv, struct peer *p, uint32_t serial,
                           const uint8_t *body, size_t len, const char *without);
/* p does not want the answer to this request any more; nor has it to be carried out, if it has not been. */
pvmx_err forward_withdraw(struct server *sv, const struct peer *p, uint32_t serial);
/* Another daemon takes us for the leader; an error: we are not. */
pvmx_err forward_mine(const struct server *sv);

#endif
