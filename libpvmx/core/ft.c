/* SPDX-License-Identifier: BSD-3-Clause */
/* Revoking and agreeing: through the daemon, which reaches every member and knows who has ended. */
#include "core/ctx.h"
#include "core/range.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

void pvmx_engine_on_revoke(void (*fn)(uint64_t ctx))
{
    px_lock();
    px_ctx.ms.on_revoke = fn;
    px_unlock();
}

void px_ft_revoked(const uint8_t *body, size_t len)
{
    struct pxp_revoked m;
    struct pxp_zone z = {0};
    if (pxp_revoked_decode(body, len, &m, &z) == PVMX_OK && m.count <= 8 &&
        px_revoke(&px_ctx.ms, m.ctx, m.count) && px_ctx.ms.on_revoke)
        px_ctx.ms.on_revoke(m.ctx);
    px_ctx.ms.completed = true; /* who waits for what is no request looks again */
    pxp_zone_free(&z);
}

bool pvmx_engine_is_revoked(uint64_t ctx)
{
    px_lock();
    bool revoked = px_revoked(&px_ctx.ms, ctx);
    px_unlock();
    return revoked;
}

static pvmx_err tell(uint64_t ctx, unsigned count, struct px_ctl *ctl,
                     struct pxp_range *members, size_t n)
{
    struct pxp_revoke m = {.ctx = ctx, .count = count, .members = members, .n_members = n};
    pvmx_err err = px_ctl_check();
    if (!err)
        err = pxp_revoke_encode(&ctl->client.out, 0, &m);
    return err ? err : px_ctl_post();
}

pvmx_err pvmx_engine_revoke(uint64_t ctx, unsigned count, const pvmx_tid *tids, int32_t n)
{
    pvmx_err err = PVMX_OK;
    struct pxp_range *members = malloc(((size_t)n + 1) * sizeof *members);
    if (!members)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a group of %d tasks", n);
    px_lock();
    if (px_revoke(&px_ctx.ms, ctx, count) && n > 1)
        err = tell(ctx, count, &px_ctx.ctl, members, px_ranges_of(tids, n, members));
    px_unlock();
    free(members);
    return err;
}

/* ---- agreement --------------------------------------------------------------------- */

struct pvmx_agree {
    struct px_ctl_call call;
    bool taken_apart;       /* what follows is known */
    struct pvmx_peer **far; /* members of other hosts that have ended, referenced */
    size_t nfar;
};

static pvmx_err start(const struct pvmx_agree_args *a, struct pxp_range *members,
                      struct pvmx_agree *op)
{
    struct pxp_agree m = {.ctx = a->ctx,
                          .round = a->round,
                          .members = members,
                          .n_members = px_ranges_of(a->tids, a->n, members),
                          .value = a->value,
                          .known = (int32_t *)(uintptr_t)a->known,
                          .n_known = (size_t)a->nknown,
                          .fresh = a->fresh};
    pvmx_err err = px_ctl_check();
    if (!err)
        err = pxp_agree_encode(&px_ctx.ctl.client.out, px_ctl_serial(&op->call), &m);
    if (!err)
        px_ctl_call_start(&op->call, NULL, 0);
    return err;
}

pvmx_err pvmx_engine_agree_start(const struct pvmx_agree_args *args, struct pvmx_agree **out)
{
    struct pvmx_agree *op = calloc(1, sizeof *op);
    struct pxp_range *members = malloc(((size_t)args->n + 1) * sizeof *members);
    pvmx_err err =
        op && members ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "no memory for an agreement");
    px_lock();
    if (!err)
        err = start(args, members, op);
    px_unlock();
    free(members);
    if (err)
        free(op);
    else
        *out = op;
    return err;
}

/* Asks for the ends of tasks of other hosts: this host's daemon may hear of them later. */
static void look_for_ends(struct pvmx_agree *op)
{
    struct pxp_agreed m;
    struct pxp_zone z = {0};
    struct pvmx_peer *p;
    op->taken_apart = true;
    if (op->call.number != PXP_AGREED ||
        pxp_agreed_decode(op->call.body, op->call.len, &m, &z) != PVMX_OK)
        return;
    op->far = calloc(m.n_ended + 1, sizeof *op->far);
    for (size_t i = 0; op->far && i < m.n_ended; i++) {
        if (px_peer_get(&px_ctx.ms, m.ended[i], &p))
            continue;
        if (p->far)
            op->far[op->nfar++] = p;
        else
            px_peer_put(p);
    }
    pxp_zone_free(&z);
}

static bool ends_known(struct pvmx_agree *op)
{
    if (!op->taken_apart)
        look_for_ends(op);
    while (op->nfar && (op->far[op->nfar - 1]->dead || px_ctx.ctl.lost))
        px_peer_put(op->far[--op->nfar]);
    return op->nfar == 0;
}

/* What all have agreed on is known here, too. */
bool pvmx_engine_agree_done(struct pvmx_agree *op)
{
    if (!atomic_load_explicit(&op->call.done, memory_order_acquire))
        return false;
    px_lock();
    bool known = ends_known(op);
    px_unlock();
    return known;
}

static pvmx_err take(const struct px_ctl_call *call, struct pvmx_agree_result *out)
{
    struct pxp_agreed m;
    struct pxp_zone z = {0};
    pvmx_err err = px_ctl_outcome(call);
    if (!err)
        err = call->number == PXP_AGREED ? pxp_agreed_decode(call->body, call->len, &m, &z)
                                         : PVMX_ERR_PROTO;
    if (!err) {
        *out =
            (struct pvmx_agree_result){.value = m.value, .news = m.news, .fresh = m.fresh};
        out->ended = malloc((m.n_ended + 1) * sizeof *out->ended);
        if (!out->ended)
            err = px_fail(PVMX_ERR_NOMEM, "no memory for an agreement");
        else if (m.n_ended)
            memcpy(out->ended, m.ended, m.n_ended * sizeof *out->ended);
        out->nended = (int32_t)m.n_ended;
    }
    pxp_zone_free(&z);
    return err;
}

pvmx_err pvmx_engine_agree_take(struct pvmx_agree *op, struct pvmx_agree_result *out)
{
    px_lock();
    pvmx_err err = take(&op->call, out);
    px_ctl_call_free(&op->call);
    px_ctx.ms.check_deaths = true; /* the arena knows who has ended, so this library does */
    px_progress(&px_ctx.progress);
    while (op->nfar)
        px_peer_put(op->far[--op->nfar]);
    px_unlock();
    free(op->far);
    free(op);
    return err;
}
