/* SPDX-License-Identifier: BSD-3-Clause */
/* Who leads when the leader is lost. The members ask each other: the lowest index that gets the votes of
 * more than half of the hosts that the table had (the lost leader counts) leads from then on; a higher one
 * tries when the lower ones have had their time. A voter that still hears the leader refuses, and one that
 * has voted stays with its vote for a while, unless the candidate gives way to a lower one. A leader that
 * loses more than half of its hosts at one time has to believe that it is the one who was cut off: it
 * leads no more. Without a leader the table does not change; tasks go on, and a daemon leaves when it has
 * none. */
#ifndef LEAD_H
#define LEAD_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct link;

/* Of `of` hosts so many vote for a new leader: is it one? */
static inline bool lead_majority(uint32_t votes, uint32_t of)
{
    return votes * 2 > of;
}

/* A leader still hears `up` of `of` hosts, itself included: does it stay leader? Half of them is enough,
 * since then no others can be more than half. */
static inline bool lead_holds(uint32_t up, uint32_t of)
{
    return up * 2 >= of;
}

/* The leader was lost; it is still in the table. */
void lead_lost(struct server *sv, const char *why);
/* The leader leads no more, but is there. */
void lead_left(struct server *sv, uint32_t quorum);
/* That host leads from now on. */
void lead_follow(struct server *sv, uint32_t host);
/* Another leader was found, or this daemon ends. */
void lead_stop(struct server *sv);
/* This leader has just lost a host that it did not delete. Too many of them: it tells those that are left
 * what it knows (hosts_round), and leads no more. */
void lead_lost_host(struct server *sv);
/* Message claim. */
pvmx_err lead_on_claim(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);

#endif
