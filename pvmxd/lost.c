/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts that have gone. */
#include "lost.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf.h"
#include "hosts.h"
#include "link.h"
#include "proto/hello.h"
#include "server.h"
#include <stdlib.h>
#include <string.h>

enum {
    EXILES = 64, /* remembered with their addresses; only leaders find out which have ended */
    TRIES = 256,  /* of a leader to reach one of them */
    REFUSALS = 4, /* after which it has ended: its host is there, and nobody listens */
};

struct exile {
    struct px_list node; /* in hosts.exiles, who was lost last first */
    struct link *link;   /* dialled; NULL: not now */
    uint32_t index;
    unsigned tries, refusals;
    size_t n;
    char *addresses[HOST_ADDRESSES];
};

/* The map's value: since when it had been there, as a pointer that is no pointer. */
static void *since_value(uint64_t since)
{
    return (void *)(uintptr_t)(since + 1);
}

bool hosts_lost(const struct server *sv, uint32_t index)
{
    return px_map_get(&sv->hosts.lost, index) != NULL;
}

bool lost_again(struct server *sv, const struct pxp_host_entry *info)
{
    const void *since = px_map_get(&sv->hosts.lost, info->index);
    if (since == NULL)
        return false;
    if ((uintptr_t)since > info->since)
        return true;
    px_map_remove(&sv->hosts.lost, info->index);
    return false;
}

static void note(struct server *sv, uint32_t index, uint64_t since)
{
    if (px_map_put(&sv->hosts.lost, index, since_value(since)) != PVMX_OK)
        px_log(PX_LOG_ERROR, "LOST-NOMEM", "no memory to remember that host %u has gone",
               index);
}

static void exile_free(struct exile *e)
{
    struct link *l = e->link;
    px_list_remove(&e->node);
    e->link = NULL;
    if (l != NULL && l->state != LINK_OPEN)
        link_close(l, "not needed any more");
    for (size_t i = 0; i < e->n; i++)
        free(e->addresses[i]);
    free(e);
}

static void remember(struct server *sv, uint32_t index, char *const *addresses, size_t n)
{
    struct px_list *exiles = &sv->hosts.exiles;
    size_t known = 0;
    struct exile *e = calloc(1, sizeof *e);
    if (e == NULL)
        return;
    e->index = index;
    for (; e->n < n && e->n < HOST_ADDRESSES; e->n++)
        if ((e->addresses[e->n] = strdup(addresses[e->n])) == NULL)
            break;
    px_list_push_front(exiles, &e->node);
    px_list_foreach(it, exiles)
        if (++known > EXILES)
            exile_free(px_container_of(it, struct exile, node));
}

void lost_before(struct server *sv, const struct pxp_table *m)
{
    for (uint32_t i = 1; i < sv->hosts.self; i++) {
        bool listed = false;
        for (size_t k = 0; k < m->n_hosts && !listed; k++)
            listed = m->hosts[k].index == i && m->hosts[k].state != PXP_HOST_GONE;
        if (!listed)
            note(sv, i, 0);
    }
    for (size_t k = 0; k < m->n_hosts; k++)
        if (m->hosts[k].state == PXP_HOST_GONE)
            remember(sv, m->hosts[k].index, (char *const *)(uintptr_t)m->hosts[k].addresses,
                     m->hosts[k].n_addresses);
}

uint32_t *lost_list(struct server *sv, struct pxp_zone *z, size_t *n)
{
    uint64_t key;
    void *value;
    uint32_t *list = pxp_zone_alloc(z, (sv->hosts.lost.count + 1) * sizeof *list);
    *n = 0;
    for (size_t pos = 0; list != NULL && px_map_next(&sv->hosts.lost, &pos, &key, &value);)
        list[(*n)++] = (uint32_t)key;
    return list;
}

/* ---- reaching them ---------------------------------------------------------------------------- */

void lost_note(struct server *sv, const struct host *h)
{
    note(sv, h->index, h->since);
    if (!h->parting)
        remember(sv, h->index, h->addresses, h->naddresses);
}

bool lost_write(struct server *sv, struct pxp_zone *z, struct pxp_table *m)
{
    struct pxp_host_entry *all = pxp_zone_alloc(z, (m->n_hosts + EXILES) * sizeof *all);
    if (all == NULL)
        return false;
    memcpy(all, m->hosts, m->n_hosts * sizeof *all);
    px_list_foreach(it, &sv->hosts.exiles) {
        const struct exile *e = px_container_of(it, struct exile, node);
        all[m->n_hosts++] =
            (struct pxp_host_entry){.index = e->index,
                                    .state = PXP_HOST_GONE,
                                    .name = "",
                                    .arch = "",
                                    .release = "",
                                    .text = "",
                                    .launcher = "",
                                    .addresses = (const char **)(uintptr_t)e->addresses,
                                    .n_addresses = e->n};
    }
    m->hosts = all;
    return true;
}

/* Every one that is remembered, at the same time: most of them may have ended or be far away. */
void lost_look(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    uint64_t now = px_now_ns();
    if (px_list_empty(&hs->exiles) || now < hs->look_at)
        return;
    hs->look_at = now + (uint64_t)conf.host_timeout / 2;
    px_list_foreach(it, &hs->exiles) {
        struct exile *e = px_container_of(it, struct exile, node);
        if (e->link != NULL) /* it has said nothing to us, or is not there */
            link_close(e->link, "it does not answer");
        if (e->refusals == REFUSALS || (hs->leader != 0 && ++e->tries == TRIES))
            exile_free(e);
        else
            e->link = link_dial(sv, e->addresses, e->n, e->index);
    }
}

static struct exile *by_link(struct hosts *hs, const struct link *l)
{
    px_list_foreach(it, &hs->exiles) {
        struct exile *e = px_container_of(it, struct exile, node);
        if (e->link == l)
            return e;
    }
    return NULL;
}

void lost_link_open(struct link *l)
{
    struct hosts *hs = &l->sv->hosts;
    struct exile *e = by_link(hs, l);
    if (e == NULL || hs->leader == 0)
        return;
    exile_free(e);
    hosts_send_home(l, l->host);
}

void lost_settled(struct server *sv)
{
    px_list_foreach(it, &sv->hosts.exiles) {
        struct exile *e = px_container_of(it, struct exile, node);
        if (e->link != NULL)
            link_close(e->link, "not needed any more");
    }
}

void lost_link_closed(struct link *l)
{
    struct exile *e = by_link(&l->sv->hosts, l);
    if (e == NULL)
        return;
    e->link = NULL;
    e->refusals += l->refused;
}

void lost_fini(struct server *sv)
{
    while (!px_list_empty(&sv->hosts.exiles))
        exile_free(px_container_of(sv->hosts.exiles.next, struct exile, node));
    px_map_free(&sv->hosts.lost);
}
