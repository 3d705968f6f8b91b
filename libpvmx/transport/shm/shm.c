/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared memory between tasks of one host: the sending side and the transport's table. */
#include "transport/shm/shm.h"

#include "base/err.h"
#include "base/param.h"
#include "transport/shm/copy.h"
#include "transport/shm/wake.h"

#include <stdlib.h>

static int64_t eager_max, cma_allowed;

static const struct px_param shm_params[] = {
    {.name = "shm.eager",
     .type = PX_PARAM_SIZE,
     .dflt = "16k",
     .min = 64,
     .max = 16 * 1024,
     .help = "longest message that is copied through a ring; longer ones are read by the "
             "receiver",
     .at_start = true,
     .store.number = &eager_max},
    {.name = "shm.cma",
     .type = PX_PARAM_BOOL,
     .dflt = "yes",
     .help = "let peers read long messages straight from this task's memory",
     .at_start = true,
     .store.number = &cma_allowed},
};

void px_shm_settings(void)
{
    px_param_register(shm_params, sizeof shm_params / sizeof shm_params[0]);
}

static pvmx_err shm_open(const struct px_iface_params *params, struct px_iface **out)
{
    px_shm_settings();
    if (params->arena->fd < 0)
        return PVMX_ERR_UNSUPPORTED;
    struct px_shm_iface *s = calloc(1, sizeof *s);
    if (!s)
        return px_fail(PVMX_ERR_NOMEM, "no memory for the shared-memory transport");
    s->tr = &px_transport_shm;
    s->params = *params;
    px_copy_offer(params->arena->slot, cma_allowed != 0);
    *out = (struct px_iface *)s;
    return PVMX_OK;
}

static void shm_close(struct px_iface *iface)
{
    struct px_shm_iface *s = (struct px_shm_iface *)iface;
    for (uint32_t i = 0; i < s->ninlets; i++)
        if (s->inlets[i].sender)
            px_arena_unmap_slot(s->inlets[i].sender);
    free(s->inlets);
    free(s->by_index);
    free(s);
}

static void shm_caps(const struct px_iface *iface, struct px_caps *out)
{
    (void)iface;
    *out = (struct px_caps){.max_record = PX_RING_RECORD_MAX,
                            .eager = (size_t)eager_max,
                            .get = true,
                            .share = cma_allowed};
}

/* A tid with this host's index in bits 18-29. */
static bool shm_reaches(const struct px_iface *iface, pvmx_tid peer)
{
    const struct px_shm_iface *s = (const struct px_shm_iface *)iface;
    return peer > 0 && (peer >> 18) == (s->params.self >> 18);
}

/* Claims a free ring of the slot. */
static bool claim_ring(struct px_slot *slot, pvmx_tid self, uint32_t *index)
{
    for (uint32_t i = 0; i < PX_NRINGS; i++) {
        int32_t free_owner = 0;
        if (atomic_load_explicit(&slot->ring_owner[i], memory_order_relaxed) != 0 ||
            !atomic_compare_exchange_strong(&slot->ring_owner[i], &free_owner, self))
            continue;
        uint32_t high = atomic_load(&slot->nrings);
        while (high < i + 1 && !atomic_compare_exchange_weak(&slot->nrings, &high, i + 1))
            ;
        atomic_fetch_add(&slot->rings_gen, 1);
        *index = i;
        return true;
    }
    return false;
}

static pvmx_err shm_connect(struct px_iface *iface, pvmx_tid peer, struct px_ep **out)
{
    struct px_shm_iface *s = (struct px_shm_iface *)iface;
    struct px_slot *slot = px_arena_map_slot(s->params.arena, px_tid_slot(peer));
    if (!slot)
        return PVMX_ERR_NOMEM;
    pvmx_err err = PVMX_OK;
    uint32_t index = 0;
    struct px_shm_ep *ep = NULL;
    struct px_ring *ring = NULL;
    if (atomic_load(&slot->tid) != peer || atomic_load(&slot->state) > PX_SLOT_LIVE)
        err = px_fail(PVMX_ERR_PEER_DEAD, "task t%x has ended", (unsigned)peer);
    else if (!(ep = calloc(1, sizeof *ep)))
        err = px_fail(PVMX_ERR_NOMEM, "no memory for an endpoint");
    else if (!claim_ring(slot, s->params.self, &index))
        err = px_fail(PVMX_ERR_LIMIT, "task t%x already hears %d senders", (unsigned)peer,
                      PX_NRINGS);
    else if (!(ring = px_arena_map_ring(s->params.arena, slot, px_tid_slot(peer), index)))
        err = PVMX_ERR_NOMEM;
    if (err) {
        free(ep);
        px_arena_unmap_slot(slot);
        return err;
    }
    ep->base.tr = &px_transport_shm;
    ep->slot = slot;
    ep->iface = s;
    ep->peer = peer;
    ep->index = index;
    ep->can_get = -1;
    px_ring_attach_producer(&ep->end, ring);
    *out = &ep->base;
    return PVMX_OK;
}

/* The ring stays claimed: what is in it must still arrive, and the owner frees it at our end. */
static void shm_disconnect(struct px_ep *e)
{
    struct px_shm_ep *ep = (struct px_shm_ep *)e;
    px_arena_unmap_slot(ep->slot);
    free(ep);
}

/* Asks to be woken when there is room, unless there is some already. */
static bool still_full(struct px_shm_ep *ep, size_t total)
{
    atomic_store(&ep->end.ring->want_space, 1);
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t head = atomic_load(&ep->end.ring->head);
    return ep->end.pos + 2 * (total + 2 * PX_RING_LINE) > head + PX_RING_DATA;
}

static pvmx_err shm_push(struct px_ep *e, const struct px_slice *v, unsigned n)
{
    struct px_shm_ep *ep = (struct px_shm_ep *)e;
    size_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += v[i].len;
    while (!px_ring_push(&ep->end, v, n, total))
        if (still_full(ep, total))
            return PVMX_ERR_AGAIN;
    px_bell_after_publish(ep->slot, ep->index);
    return PVMX_OK;
}

/* Whoever asks for it has another way when there is no room: nobody is to be woken. */
static pvmx_err shm_push_spare(struct px_ep *e, const struct px_slice *v, unsigned n)
{
    struct px_shm_ep *ep = (struct px_shm_ep *)e;
    size_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += v[i].len;
    if (!px_ring_push_spare(&ep->end, v, n, total))
        return PVMX_ERR_AGAIN;
    px_bell_after_publish(ep->slot, ep->index);
    return PVMX_OK;
}

static bool memory_open(struct px_shm_ep *ep)
{
    if (ep->can_get < 0)
        ep->can_get = px_copy_probe(ep->slot);
    return ep->can_get;
}

static pvmx_err shm_get(struct px_ep *e, void *dst, uint64_t addr, size_t len)
{
    struct px_shm_ep *ep = (struct px_shm_ep *)e;
    return memory_open(ep) ? px_copy_read(atomic_load(&ep->slot->pid), dst, addr, len)
                           : PVMX_ERR_UNSUPPORTED;
}

static pvmx_err shm_put(struct px_ep *e, uint64_t addr, const void *src, size_t len)
{
    struct px_shm_ep *ep = (struct px_shm_ep *)e;
    return memory_open(ep) ? px_copy_write(atomic_load(&ep->slot->pid), addr, src, len)
                           : PVMX_ERR_UNSUPPORTED;
}

static bool shm_claim(struct px_ep *e, unsigned board, uint32_t gen, uint32_t limit,
                      uint32_t *piece)
{
    struct px_shm_ep *ep = (struct px_shm_ep *)e;
    return board < PX_SHARES && px_share_claim(&ep->slot->share[board], gen, limit, piece);
}

static bool shm_attends(struct px_ep *e)
{
    const struct px_slot *slot = ((struct px_shm_ep *)e)->slot;
    return atomic_load_explicit(&slot->waiting, memory_order_relaxed) &&
           !atomic_load_explicit(&slot->asleep, memory_order_relaxed);
}

const struct px_transport px_transport_shm = {
    .name = "shm",
    .priority = 50,
    .open = shm_open,
    .close = shm_close,
    .caps = shm_caps,
    .reaches = shm_reaches,
    .connect = shm_connect,
    .disconnect = shm_disconnect,
    .push = shm_push,
    .push_spare = shm_push_spare,
    .stream = px_transport_no_stream,
    .get = shm_get,
    .put = shm_put,
    .claim = shm_claim,
    .attends = shm_attends,
    .progress = px_shm_progress,
    .drain = px_shm_drain,
    .forget = px_shm_forget,
    .descriptor = px_transport_no_descriptor,
    .unsent = px_transport_all_sent,
};
