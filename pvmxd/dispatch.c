/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of requests. No logic here: a handler lives with the state that it changes. */
#include "dispatch.h"
#include "add.h"
#include "agree.h"
#include "auth.h"
#include "base/err.h"
#include "base/log.h"
#include "clean.h"
#include "conf.h"
#include "dial.h"
#include "errand.h"
#include "events.h"
#include "guest.h"
#include "helper.h"
#include "hosted.h"
#include "hosts.h"
#include "input.h"
#include "limit.h"
#include "logs.h"
#include "mailbox.h"
#include "notify.h"
#include "peer.h"
#include "ports.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "proto/trace.h"
#include "revoke.h"
#include "server.h"
#include "spawn.h"
#include "standin.h"
#include "status.h"
#include "tasks.h"
#include "withdraw.h"
#include <stdio.h>

enum {
    NEW = 1u << 0, /* before the greeting */
    TASK = 1u << PXP_ROLE_TASK,
    CONSOLE = 1u << PXP_ROLE_CONSOLE,
    MPIEXEC = 1u << PXP_ROLE_MPIEXEC,
    CLIENT = TASK | CONSOLE | MPIEXEC,
};

static const struct handler {
    uint32_t number;
    unsigned roles;
    pvmx_err (*fn)(struct server *sv, struct peer *p, uint32_t serial,
                   const uint8_t *body, size_t len);
} handlers[] = {
    {PXP_HELLO, NEW, auth_hello},
    {PXP_ENROL, TASK, tasks_enrol},
    {PXP_LEAVE, TASK, tasks_leave},
    {PXP_WATCH, CLIENT, notify_watch},
    {PXP_ABORT, CLIENT, tasks_abort},
    {PXP_SIGNAL, CLIENT, tasks_signal},
    {PXP_SPAWN, CLIENT, spawn_request},
    {PXP_RELEASE, TASK, tasks_release},
    {PXP_WITHDRAW, CONSOLE, withdraw_request},
    {PXP_HELPER, TASK, helper_register},
    {PXP_HELPED_TASK, TASK, helper_task_ended},
    {PXP_HELPED_HOSTS, TASK, hosted_said},
    {PXP_BE, TASK, helper_be},
    {PXP_STATUS, CLIENT, server_on_status},
    {PXP_HALT, CLIENT, server_on_halt},
    {PXP_PORT_OPEN, TASK, ports_open},
    {PXP_PORT_CLOSE, TASK, ports_close},
    {PXP_MEET, TASK, ports_meet},
    /* What the leader answers is an errand. */
    {PXP_PUBLISH, TASK, errand_start},
    {PXP_UNPUBLISH, TASK, errand_start},
    {PXP_LOOKUP, CLIENT, errand_start},
    {PXP_HOST_ADD, CLIENT, add_request},
    {PXP_HOST_DELETE, CLIENT, add_delete},
    {PXP_HOSTS, CLIENT, hosts_list},
    {PXP_DIAL, TASK, dial_request},
    {PXP_REVOKE, TASK, revoke_request},
    {PXP_AGREE, TASK, agree_voice},
    {PXP_CATALOG, CLIENT, status_catalog},
    {PXP_EVENTS, CONSOLE, events_on_events},
    {PXP_SETTINGS, CONSOLE, conf_settings},
    {PXP_BOX_PUT, TASK | CONSOLE, errand_start},
    {PXP_BOX_GET, CLIENT, errand_start},
    {PXP_BOX_DROP, TASK | CONSOLE, errand_start},
    {PXP_BOX_LIST, CLIENT, errand_start},
    {PXP_NUMBER, CLIENT, box_number},
    {PXP_GROUP_JOIN, TASK, errand_start},
    {PXP_GROUP_LEAVE, TASK, errand_start},
    {PXP_GROUP_LOOK, CLIENT, errand_start},
    {PXP_GROUP_MEET, TASK, errand_start},
    {PXP_GROUP_LIST, CLIENT, errand_start},
    {PXP_ASK, CLIENT, guest_on_ask},
    {PXP_AT, CONSOLE, standin_request},
    {PXP_LOGS, CONSOLE, logs_request},
    {PXP_WRITTEN, MPIEXEC, logs_written},
    {PXP_INPUT, CONSOLE, input_request},
    {PXP_CLEAN, CONSOLE, clean_request},
    {PXP_LIMIT_ADD, CONSOLE, limits_add},
    {PXP_LIMIT_DEL, CONSOLE, limits_del},
    {PXP_LIMITS, CONSOLE, limits_list},
    {PXP_LIMIT_TEST, CONSOLE, limits_test},
};

static const struct handler *find(uint32_t number)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (handlers[i].number == number)
            return &handlers[i];
    return NULL;
}

static pvmx_err call(struct server *sv, struct peer *p, uint32_t number, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    const struct handler *h = find(number);
    if (h != NULL && (h->roles & 1u << p->role) != 0)
        return h->fn(sv, p, serial, body, len);
    if (p->role == 0)
        return px_fail(PVMX_ERR_PROTO, "a connection must begin with hello");
    if (h == NULL)
        return px_fail(PVMX_ERR_UNSUPPORTED, "this daemon does not know message %u", number);
    return px_fail(PVMX_ERR_STATE, "message %s is not for this kind of client",
                   pxp_name(number));
}

void dispatch_frame(struct server *sv, struct peer *p, const uint8_t *body, size_t len)
{
    uint32_t number = 0, serial = 0;
    char who[24] = "client";
    pvmx_err err = pxp_frame_head(body, len, &number, &serial);
    if (px_log_enabled(PX_LOG_DEBUG)) {
        if (p->task != NULL)
            snprintf(who, sizeof who, "t%x", (unsigned)p->task->tid);
        pxp_trace("<-", who, body, len);
    }
    if (err == PVMX_OK)
        err = call(sv, p, number, serial, body, len);
    if (err == PVMX_OK || p->closed)
        return;
    px_log(PX_LOG_INFO, "PEER-REFUSE", "%s of process %d: %s", pxp_name(number),
           (int)p->pid, pvmx_last_error());
    peer_refuse(p, serial, err, NULL);
    if (err == PVMX_ERR_PROTO || p->role == 0)
        peer_finish(p);
}

const struct carried *carried_find(const struct carried *table, size_t n,
                                   const uint8_t *frame, size_t len, const char *whom)
{
    uint32_t number = 0, serial = 0;
    if (pxp_frame_head(frame, len, &number, &serial) != PVMX_OK)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (table[i].number == number)
            return &table[i];
    px_fail(PVMX_ERR_UNSUPPORTED, "message %s is not for %s", pxp_name(number), whom);
    return NULL;
}
