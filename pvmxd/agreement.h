/* SPDX-License-Identifier: BSD-3-Clause */
/* What agree.c (the members here) and consent.c (the hosts of an agreement among each other) share. */
#ifndef AGREEMENT_H
#define AGREEMENT_H

#include "base/list.h"
#include "loop.h"
#include "proto/messages.h"

struct server;
struct link;

struct member {
    int32_t tid;
    bool settled; /* has spoken, or will not; of another host: is known to have ended */
    bool gone;    /* has ended, as far as this or its own host has said */
};

/* The members on one host. */
struct party {
    struct agreement *of;
    uint32_t host;
    uint32_t missing; /* members that are not settled */
    bool spoken;      /* what follows is known */
    bool heard;       /* somebody there waits for the outcome, so what they know counts */
    int32_t *known;
    size_t nknown;
    bool kept;         /* has the outcome */
    struct link *link; /* of its question; NULL: it has to ask again */
    uint32_t serial;
    struct link *keep_link; /* was told to keep, and has not answered; NULL: not so */
    uint32_t keep_ask;
};

struct agreement {
    struct px_list node; /* in server.agreements */
    struct server *sv;
    uint64_t ctx, fresh;
    uint32_t round, value;
    int32_t least; /* smallest tid: groups with the same context have no member in common */
    struct px_list voices;    /* struct voice: members here that wait for the outcome */
    struct pxp_outcome *kept; /* decided, but not all hosts know it; NULL: it is not */
    struct link *asked;       /* the gathering host; NULL: nobody */
    uint32_t ask;
    struct loop_timer again, look;
    struct party *own, *parties; /* by host */
    size_t nparties;
    uint32_t n;
    struct member members[];
};

/* agree.c */
struct agreement *agree_find(struct server *sv, uint64_t ctx, uint32_t round, int32_t least);
/* NULL with the sentence: no memory, or no group of this host's. */
struct agreement *agree_begin(struct server *sv, uint64_t ctx, uint32_t round,
                              uint64_t fresh, const struct pxp_range *members, size_t n);
int32_t agree_least(const struct pxp_range *r, size_t n);
struct party *agree_party(struct agreement *a, uint32_t host);
struct member *agree_member(struct agreement *a, int32_t tid);
/* An end that everybody who waits here has acknowledged? */
bool agree_all_know(const struct agreement *a, int32_t tid);
/* Notes which members here have ended. */
void agree_gone_here(struct agreement *a);
/* Tells those who wait here, and frees it. */
void agree_conclude(struct agreement *a, const struct pxp_outcome *o);
void agree_free(struct agreement *a);

/* consent.c: answers hosts that have asked, also those that know of the gatherer's loss before we do. */
void consent_tell(struct agreement *a, const struct pxp_outcome *o);
/* All members here are settled. May free it. */
void consent_speak(struct agreement *a);
void consent_forget(struct agreement *a);
/* Freed with free(), in one piece; NULL without memory. */
struct pxp_outcome *consent_copy(const struct pxp_outcome *o);

#endif
