/* SPDX-License-Identifier: BSD-3-Clause */
/* Withdrawing requests. One that is not known has been answered, or never came. */
#include "withdraw.h"
#include "add.h"
#include "forward.h"
#include "peer.h"
#include "proto/messages.h"
#include "spawn.h"
#include "tasks.h"

static pvmx_err decode(const uint8_t *body, size_t len, uint32_t *request)
{
    struct pxp_withdraw m;
    struct pxp_zone zone = {0};
    pvmx_err err = pxp_withdraw_decode(body, len, &m, &zone);
    *request = err == PVMX_OK ? m.request : 0;
    pxp_zone_free(&zone);
    return err;
}

/* Its tasks are not started, or they end, and nobody hears of them. False: there is no such request. */
static bool withdraw_spawn(struct peer *p, uint32_t serial)
{
    px_list_foreach(it, &p->requests) {
        struct spawn_req *r = px_container_of(it, struct spawn_req, in_peer);
        if (r->serial != serial)
            continue;
        r->withdrawn = true;
        atomic_store(&r->failed, true); /* no more are started */
        return true;
    }
    px_list_foreach(it, &p->jobs) {
        struct job *j = px_container_of(it, struct job, in_owner);
        if (j->request != serial)
            continue;
        job_terminate(j, true);
        return true;
    }
    return false;
}

pvmx_err withdraw_request(struct server *sv, struct peer *p, uint32_t serial,
                          const uint8_t *body, size_t len)
{
    uint32_t request;
    (void)serial;
    pvmx_err err = decode(body, len, &request);
    if (err == PVMX_OK && !withdraw_spawn(p, request) && !add_withdraw(sv, p, NULL, request))
        err = forward_withdraw(sv, p, request);
    return err;
}

pvmx_err withdraw_forwarded(struct server *sv, struct link *l, uint32_t serial,
                            const uint8_t *body, size_t len)
{
    uint32_t request;
    (void)serial;
    pvmx_err err = decode(body, len, &request);
    if (err == PVMX_OK)
        add_withdraw(sv, NULL, l, request);
    return err;
}
