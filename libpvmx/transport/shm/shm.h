/* SPDX-License-Identifier: BSD-3-Clause */
/* The shared-memory transport: shared by its files. */
#ifndef PX_SHM_H
#define PX_SHM_H

#include "transport/shm/ring.h"
#include "transport/shm/seg.h"
#include "transport/transport.h"

/* A ring of the own slot that some task sends through. */
struct px_shm_inlet {
    struct px_ring_end end;
    struct px_origin from;
    uint32_t index;         /* in slot.ring_owner; PX_NRINGS: entry not used */
    struct px_slot *sender; /* mapped when it first waited for room; NULL: it has not */
};

struct px_shm_iface {
    const struct px_transport *tr;
    struct px_iface_params params;
    struct px_shm_inlet *inlets; /* in order of discovery */
    uint32_t ninlets, cap;
    uint32_t gen_seen;  /* slot.rings_gen when inlets were last brought up to date */
    uint32_t *by_index; /* ring index -> place in inlets + 1; used in ready mode    */
    uint32_t nby_index;
    bool ready_mode;
};

struct px_shm_ep {
    struct px_ep base;
    struct px_ring_end end;
    struct px_slot *slot; /* the peer's, mapped */
    struct px_shm_iface *iface;
    pvmx_tid peer;
    uint32_t index; /* of our ring in the peer's slot */
    int8_t can_get; /* -1: not tried yet */
};

/* shm.c: registers its settings; opening does so too */
void px_shm_settings(void);

/* inlet.c: the receiving side */
unsigned px_shm_progress(struct px_iface *iface);
void px_shm_drain(struct px_iface *iface, pvmx_tid from);
void px_shm_forget(struct px_iface *iface, pvmx_tid from);

#endif
