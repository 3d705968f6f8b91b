/* SPDX-License-Identifier: BSD-3-Clause */
/* See clean.h. */
#include "clean.h"
#include "base/log.h"
#include "caller.h"
#include "logs.h"
#include "mailbox.h"
#include "names.h"
#include "peer.h"
#include "ports.h"
#include "server.h"
#include "tasks.h"

pvmx_err clean_request(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_done done = {.count = 0};
    (void)body;
    (void)len;
    px_list_foreach(it, &sv->all_tasks) {
        struct task *t = px_container_of(it, struct task, all);
        ports_forget_task(t);
        callers_end(sv, t->tid);
        if (!t->terminating)
            px_log(PX_LOG_INFO, "CLEAN", "t%x is ended for a console", (unsigned)t->tid);
        task_terminate(t, false);
        done.count++;
    }
    names_clear(sv);
    boxes_clear(sv);
    logs_forget_ended(sv);
    return pxp_done_encode(peer_out(p), serial, &done);
}
