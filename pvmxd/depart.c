/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts end: one that is deleted, all of them at halt, and a machine that nobody uses. */
#include "depart.h"
#include "base/err.h"
#include "base/log.h"
#include "beat.h"
#include "drain.h"
#include "link.h"
#include "proto/hello.h"
#include "server.h"
#include <stdlib.h>
#include <string.h>

/* ---- halt and delete -------------------------------------------------------------------------- */

bool hosts_part(struct server *sv, struct host *h, const char *why)
{
    struct pxp_part m = {.text = why, .index = h->index};
    struct link *l = h->link;
    char *text = strdup(why);
    if (text != NULL) {
        free(h->text);
        h->text = text;
    }
    h->parting = true;
    if (h->state == PXP_HOST_STARTING) {
        hosts_gone(sv, h, why);
        return false;
    }
    if (l == NULL)
        l = hosts_link(sv, h);
    return l != NULL && pxp_part_encode(link_out(l), 0, &m) == PVMX_OK;
}

bool hosts_halt(struct server *sv, const char *why)
{
    struct hosts *hs = &sv->hosts;
    uint64_t key;
    void *value;
    bool alone = true;
    if (hs->halting)
        return hs->table.count <= 1;
    hs->halting = true;
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->index != hs->self && h->state != PXP_HOST_GONE && hosts_part(sv, h, why))
            alone = false;
    }
    return alone;
}

pvmx_err hosts_on_part(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_part m;
    (void)serial;
    pvmx_err err = pxp_part_decode(body, len, &m, &zone);
    if (err == PVMX_OK && m.index != sv->hosts.self)
        err = px_fail(PVMX_ERR_PROTO, "host %u is told to end, not this one", m.index);
    if (err == PVMX_OK) {
        px_log(PX_LOG_INFO, "HOST-PART", "%s says: end (%s)", l->name, m.text);
        server_halt(sv, true);
    }
    pxp_zone_free(&zone);
    return err;
}

/* ---- a machine that nobody uses --------------------------------------------------------------- */

bool depart_in_use(const struct server *sv)
{
    /* Callers stand for clients that are counted where they are. */
    return !px_list_empty(&sv->all_tasks) || sv->npeers > sv->callers.count ||
           sv->nrequests > 0 || !px_list_empty(&sv->adds) || drain_busy(sv);
}

/* As far as they have said. */
static bool others_in_use(const struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        const struct host *h = value;
        if (h->index != sv->hosts.self && h->state == PXP_HOST_UP && h->in_use)
            return true;
    }
    return false;
}

bool depart_due(const struct server *sv)
{
    if (sv->stopping || sv->halting || depart_in_use(sv))
        return false;
    return sv->hosts.hopeless || (sv->ephemeral && hosts_leading(sv) && !others_in_use(sv));
}

void depart_round(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    const struct host *leader = hosts_leading(sv) ? NULL : hosts_find(sv, hs->leader);
    enum told_use use = depart_in_use(sv) ? TOLD_IN_USE : TOLD_IDLE;
    if (!sv->ephemeral || leader == NULL || leader->link == NULL || hs->joining ||
        hs->told_use == use)
        return;
    hs->told_use = use;
    beat_say(leader->link);
}
