/* SPDX-License-Identifier: BSD-3-Clause */
/* Heart-beats of links. */
#include "beat.h"
#include "base/clock.h"
#include "conf.h"
#include "depart.h"
#include "hosts.h"
#include "link.h"
#include "lost.h"
#include "post.h"
#include "proto/messages.h"
#include "server.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BEATS = 5 }; /* in the time after which a host is given up */

void beat_measure(struct server *sv)
{
    struct host *me = hosts_self(sv);
    double load = 0;
    unsigned long long kb = 0;
    char line[128];
    me->tasks = (uint32_t)sv->tasks.count;
    me->load = getloadavg(&load, 1) == 1 ? (uint32_t)(load * 100) : 0;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "MemAvailable: %llu", &kb) == 1)
            break;
    if (f != NULL)
        fclose(f);
    me->memory_kb = kb;
}

void beat_say(struct link *l)
{
    const struct host *me = hosts_self(l->sv);
    struct pxp_beat m = {me->tasks, me->load, me->memory_kb, post_taken(l),
                         depart_in_use(l->sv)};
    pxp_beat_encode(link_out(l), 0, &m);
}

static void on_beat(void *arg);

static void next_beat(struct server *sv)
{
    uint64_t step = (uint64_t)conf.host_timeout / BEATS;
    sv->links.beat_due = px_now_ns() + step;
    loop_timer_start(&sv->loop, &sv->links.beat, step, on_beat, sv);
}

/* While this daemon stood still it listened to nobody, and the others may have stood still with it, as on
 * a machine that was suspended: that is no silence of theirs. */
static void forgive(struct server *sv, uint64_t now)
{
    uint64_t late = now > sv->links.beat_due ? now - sv->links.beat_due : 0;
    px_list_foreach(it, &sv->links.all) {
        struct link *l = px_container_of(it, struct link, all);
        l->heard = l->heard + late < now ? l->heard + late : now;
    }
}

static void on_beat(void *arg)
{
    struct server *sv = arg;
    uint64_t now = px_now_ns(), step = (uint64_t)conf.host_timeout / BEATS;
    forgive(sv, now);
    beat_measure(sv);
    char why[64];
    snprintf(why, sizeof why, "it has been silent for %.1f s",
             (double)conf.host_timeout / 1e9);
    sv->links.beating = false;
    px_list_foreach(it, &sv->links.all) {
        struct link *l = px_container_of(it, struct link, all);
        if (l->state != LINK_OPEN || l->host == 0)
            continue;
        sv->links.beating = true;
        if (now - l->heard > (uint64_t)conf.host_timeout) {
            link_close(l, why);
            break; /* others may have gone with it: the next look follows at once */
        }
        if (now - l->said_at + step / 2 >= step || post_owes(l))
            beat_say(l);
    }
    if (hosts_leading(sv))
        lost_look(sv);
    if (sv->links.beating)
        next_beat(sv);
}

void beat_start(struct server *sv)
{
    if (sv->links.beating)
        return;
    sv->links.beating = true;
    next_beat(sv);
}

pvmx_err beat_heard(struct server *sv, struct link *l, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_beat m;
    (void)serial;
    pvmx_err err = pxp_beat_decode(body, len, &m, &zone);
    struct host *h = err == PVMX_OK ? hosts_find(sv, l->host) : NULL;
    if (h != NULL) {
        h->tasks = m.tasks;
        h->load = m.load;
        h->memory_kb = m.memory_kb;
        h->in_use = m.in_use;
    }
    if (err == PVMX_OK)
        post_acked(l, m.taken);
    pxp_zone_free(&zone);
    return err;
}
