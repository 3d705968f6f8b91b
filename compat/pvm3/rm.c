/* SPDX-License-Identifier: BSD-3-Clause */
/* Both sides of a resource manager. */
#include "rm.h"

#include "msg.h"
#include "notify.h"
#include "pack.h"
#include "trace.h"

#include <pvmsdpro.h>
#include <pvmx/engine/box.h>
#include <pvmx/engine/vm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int tid;       /* whom to ask; 0: nobody */
    bool self;     /* this task is the manager */
    int wid, next; /* of the answer that is waited for; 0: none */
    struct p3_buf *reply;
} rm;

/* ---- asking */

static void on_rm_end(const struct pvmx_end *end, void *arg)
{
    (void)arg;
    if (end->tid == rm.tid)
        rm.tid = 0; /* from now on everybody does without */
}

/* Who has registered as this (PVMRMCLASS ...); 0: nobody. */
static int registered(const struct pvmx_box *list, size_t n, const char *class)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, class) == 0)
            return list[i].owner;
    return 0;
}

/* The manager; and the tracer, asked for together. */
static int look(int *tracer)
{
    struct pvmx_box *list;
    size_t n;
    *tracer = 0;
    if (pvmx_engine_box_list("###_PVM_*_###", &list, &n) != PVMX_OK)
        return 0;
    int tid = registered(list, n, PVMRMCLASS);
    *tracer = registered(list, n, PVMTRACERCLASS);
    free(list);
    return tid;
}

/* A task that was spawned has been told by the manager that started it; others ask, and report. */
void p3_rm_begin(bool born)
{
    const char *told = getenv("PVMX_PVM_RM");
    int tracer = 0;
    rm.tid = born ? (told ? (int)strtol(told, NULL, 16) : 0) : look(&tracer);
    if (tracer)
        p3_trace_attach(tracer);
    unsetenv("PVMX_PVM_RM");
    if (!rm.tid || pvmx_engine_notify_end(rm.tid, on_rm_end, NULL) != PVMX_OK)
        rm.tid = 0;
    if (!rm.tid || born)
        return;
    int values[2] = {1, pvmmytid};
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    if (b && p3_pack_ints(b, values, 2) == PvmOk)
        p3_send_as_daemon(b, rm.tid, SM_EXECACK);
    if (b)
        p3_buf_free(b);
}

void p3_rm_end(void)
{
    rm.tid = 0;
    rm.self = false;
}

bool p3_rm_rules(void)
{
    return rm.tid != 0;
}

struct p3_buf *p3_rm_request(void)
{
    return p3_buf_new(PvmDataDefault);
}

int p3_rm_tell(struct p3_buf *request, int tag)
{
    int cc = p3_send(request, rm.tid, tag, PvmBaseContext);
    p3_buf_free(request);
    return cc;
}

bool p3_rm_answer(struct p3_buf *b)
{
    if (!rm.wid || b->wid != rm.wid || b->src != rm.tid || rm.reply)
        return false;
    rm.reply = b;
    return true;
}

static bool answered(void *arg)
{
    (void)arg;
    return rm.reply || !rm.tid;
}

int p3_rm_call(struct p3_buf *request, int tag, struct p3_buf **reply)
{
    rm.wid = request->wid = ++rm.next;
    int cc = p3_rm_tell(request, tag);
    if (!cc)
        p3_wait(answered, NULL, UINT64_MAX);
    *reply = rm.reply;
    rm.wid = 0;
    rm.reply = NULL;
    if (!cc && *reply)
        cc = p3_msg_take(*reply);
    return cc ? cc : !*reply ? PvmNoTask : PvmOk;
}

/* ---- the manager: what the daemon tells it */

/* Another manager may have handed over to this task. */
static bool manages(void)
{
    int tracer;
    if (!rm.self && look(&tracer) == pvmmytid) {
        rm.self = true;
        rm.tid = 0;
        p3_notify_hosts();
    }
    return rm.self;
}

static void from_daemon(int tag, int wid, const int *values, int n)
{
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    p3_daemon_says(b, b ? p3_pack_ints(b, values, n) : PvmNoMem, tag, wid);
}

/* Status as wait() has it; times are not known. */
static void on_task_end(const struct pvmx_end *end, void *arg)
{
    (void)arg;
    int status = end->signal ? end->signal : end->status > 0 ? end->status << 8 : 0;
    int values[6] = {end->tid, status};
    if (rm.self)
        from_daemon(SM_TASKX, 0, values, 6);
}

void p3_rm_seen(struct p3_buf *b)
{
    int count, tid;
    if (b->tag != SM_EXECACK || b->src != P3_DAEMON || b->wid || !manages())
        return;
    if (p3_unpack_ints(b, &count, 1) == PvmOk && p3_unpack_ints(b, &tid, 1) == PvmOk)
        pvmx_engine_notify_end(tid, on_task_end, NULL);
    b->pos = 0;
}

void p3_rm_host_gone(int tid)
{
    if (rm.self)
        from_daemon(SM_HOSTX, 0, &tid, 1);
}

/* ---- the manager: what it tells daemons */

/* n strings as a NULL-terminated list, which points into b. */
static char **take_strings(struct p3_buf *b, int n)
{
    size_t len;
    char **list = n >= 0 && (size_t)n <= b->len ? calloc((size_t)n + 1, sizeof *list) : NULL;
    for (int i = 0; list && i < n; i++) {
        const char *s;
        if (p3_unpack_string(b, &s, &len) != PvmOk) {
            free(list);
            return NULL;
        }
        list[i] = (char *)(uintptr_t)s;
    }
    return list;
}

/* parent, file, flags, how many, arguments, six numbers (of output and traces), environment. */
static int exec_tasks(struct p3_buf *b, uint32_t host)
{
    struct p3_exec e = {.host = host};
    int argc = 0, sinks[6], nenv = 0;
    size_t len;
    int cc = p3_unpack_ints(b, &e.parent, 1);
    if (!cc)
        cc = p3_unpack_string(b, &e.file, &len);
    if (!cc)
        cc = p3_unpack_ints(b, &e.flags, 1);
    if (!cc)
        cc = p3_unpack_ints(b, &e.n, 1);
    if (!cc)
        cc = p3_unpack_ints(b, &argc, 1);
    e.argv = cc ? NULL : take_strings(b, argc);
    if (!cc)
        cc = p3_unpack_ints(b, sinks, 6);
    if (!cc)
        cc = p3_unpack_ints(b, &nenv, 1);
    e.env = cc ? NULL : (const char **)take_strings(b, nenv);
    int *values = !cc && e.n > 0 ? calloc((size_t)e.n + 1, sizeof *values) : NULL;
    if (!cc && (!e.argv || !e.env || !values || !p3_is_task(e.parent)))
        cc = PvmBadParam;
    if (!cc) {
        *values = e.n;
        int started = p3_spawn_for(&e, values + 1);
        from_daemon(SM_EXECACK, b->wid, values, e.n + 1);
        for (int i = 0; i < started; i++)
            pvmx_engine_notify_end(values[i + 1], on_task_end, NULL);
    }
    free(values);
    free(e.argv);
    free(e.env);
    return cc;
}

/* How many, architectures, then of each its tid or error, name, architecture, speed, data format. */
static int pack_added(struct p3_buf *to, char **hosts, const int *infos, int n)
{
    int head[2] = {n, 1};
    int cc = p3_pack_ints(to, head, 2);
    for (int i = 0; !cc && i < n; i++) {
        char name[256];
        int more[2] = {1000, P3_DSIG};
        snprintf(name, sizeof name, "%.*s", (int)strcspn(hosts[i], " \t"), hosts[i]);
        cc = p3_pack_ints(to, &infos[i], 1);
        if (!cc)
            cc = p3_pack_string(to, name);
        if (!cc)
            cc = p3_pack_string(to, P3_ARCH);
        if (!cc)
            cc = p3_pack_ints(to, more, 2);
    }
    return cc;
}

static int add_hosts(struct p3_buf *b)
{
    int n, cc = p3_unpack_ints(b, &n, 1);
    char **hosts = cc ? NULL : take_strings(b, n);
    int *infos = hosts ? calloc((size_t)n + 1, sizeof *infos) : NULL;
    struct p3_buf *ack = infos ? p3_buf_new(PvmDataDefault) : NULL;
    if (!cc)
        cc = ack ? p3_add_hosts(hosts, n, infos) : PvmBadParam;
    if (cc >= 0)
        cc = pack_added(ack, hosts, infos, n);
    if (!cc) {
        ack->src = P3_DAEMON;
        ack->dst = pvmmytid;
        ack->tag = SM_ADDACK;
        ack->wid = b->wid;
        p3_msg_arrived(ack);
    } else if (ack) {
        p3_buf_free(ack);
    }
    free(hosts);
    free(infos);
    return cc;
}

/* The tid of the manager that tasks which come from now on are told of. Those that are here ask this one on,
 * and their ends are told to it. */
static int hand_over(struct p3_buf *b)
{
    uint32_t index;
    struct pvmx_box_put m = {.name = PVMRMCLASS};
    int cc = p3_unpack_ints(b, &m.owner, 1);
    if (!cc && (!p3_is_task(m.owner) || m.owner == pvmmytid))
        cc = PvmBadParam;
    return cc ? cc : p3_error(pvmx_engine_box_put(&m, &index));
}

int p3_rm_daemon(struct p3_buf *b, int tid, int tag)
{
    if (!manages())
        return PvmBadParam;
    b->pos = 0;
    switch (tag) {
    case SM_EXEC:
        return exec_tasks(b, ((uint32_t)tid & P3_HOST_MASK) >> 18);
    case SM_ADD:
        return add_hosts(b);
    case SM_HANDOFF:
        return hand_over(b);
    default:
        return PvmNotImpl;
    }
}

static int reg_rm(struct pvmhostinfo **hip)
{
    uint32_t index;
    struct pvmx_box_put m = {.name = PVMRMCLASS};
    int tracer;
    if (rm.self || look(&tracer))
        return PvmAlready;
    pvmx_err err = pvmx_engine_box_put(&m, &index);
    if (err)
        return err == PVMX_ERR_PERM ? PvmAlready : p3_error(err);
    rm.self = true;
    rm.tid = 0;
    int cc = p3_notify_hosts();
    if (!cc && hip)
        cc = p3_own_host(hip);
    return cc;
}

P3_PUBLIC int pvm_reg_rm(struct pvmhostinfo **hip)
{
    int cc = p3_enter();
    P3_TRACE_BARE(TEV_REG_RM);
    return p3_leave("pvm_reg_rm", cc ? cc : reg_rm(hip));
}
