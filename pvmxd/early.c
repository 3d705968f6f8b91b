/* SPDX-License-Identifier: BSD-3-Clause */
/* See early.h. */
#include "early.h"
#include "base/log.h"
#include "dispatch.h"
#include "peer.h"
#include "server.h"
#include "spawn.h"
#include <stdlib.h>
#include <string.h>

struct early {
    struct px_list node; /* in server.early */
    struct peer *peer;
    int32_t tid;
    size_t len;
    uint8_t frame[];
};

static bool is_starting(const struct server *sv, int32_t tid)
{
    px_list_foreach(it, &sv->requests) {
        const struct spawn_req *r = px_container_of(it, struct spawn_req, in_all);
        for (uint32_t i = 0; r->ones != NULL && i < r->total; i++)
            if (r->ones[i].tid == tid && r->ones[i].host == 0)
                return true;
    }
    return false;
}

bool early_keep(struct server *sv, struct peer *p, int32_t tid, const uint8_t *frame,
                size_t len)
{
    struct early *e = tid != 0 && is_starting(sv, tid) ? malloc(sizeof *e + len) : NULL;
    if (e == NULL)
        return false;
    *e = (struct early){.peer = p, .tid = tid, .len = len};
    memcpy(e->frame, frame, len);
    px_list_push_back(&sv->early, &e->node);
    px_log(PX_LOG_INFO, "TASK-EARLY", "process %d calls for t%x, which is being started",
           (int)p->pid, (unsigned)tid);
    return true;
}

static struct early *first_ready(struct server *sv)
{
    px_list_foreach(it, &sv->early) {
        struct early *e = px_container_of(it, struct early, node);
        if (!is_starting(sv, e->tid))
            return e;
    }
    return NULL;
}

void early_round(struct server *sv)
{
    struct early *e;
    while ((e = first_ready(sv)) != NULL) { /* each may close others */
        px_list_remove(&e->node);
        dispatch_frame(sv, e->peer, e->frame, e->len);
        free(e);
    }
}

void early_forget_peer(struct peer *p)
{
    px_list_foreach(it, &p->sv->early) {
        struct early *e = px_container_of(it, struct early, node);
        if (e->peer != p)
            continue;
        px_list_remove(&e->node);
        free(e);
    }
}
