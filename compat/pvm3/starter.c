/* SPDX-License-Identifier: BSD-3-Clause */
/* Taskers and hosters. */
#include "starter.h"

#include "msg.h"
#include "pack.h"
#include "rm.h"
#include "trace.h"

#include <pvmsdpro.h>
#include <pvmx/engine/help.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Flags of pvm_spawn travel in this variable. */
static const char flags_var[] = P3_FLAGS_VAR "=";

/* The number, then those that are not for the library alone. */
static int pack_texts(struct p3_buf *b, const char *const *list, size_t n)
{
    int count = 0, cc;
    for (size_t i = 0; i < n; i++)
        count += strncmp(list[i], flags_var, sizeof flags_var - 1) != 0;
    cc = p3_pack_ints(b, &count, 1);
    for (size_t i = 0; !cc && i < n; i++)
        if (strncmp(list[i], flags_var, sizeof flags_var - 1) != 0)
            cc = p3_pack_string(b, list[i]);
    return cc;
}

static void on_task(const struct pvmx_help_task *t)
{
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    int head[2] = {t->tid, 0};
    for (size_t i = 0; i < t->nenv; i++)
        if (strncmp(t->env[i], flags_var, sizeof flags_var - 1) == 0)
            head[1] = (int)strtol(t->env[i] + sizeof flags_var - 1, NULL, 0);
    int cc = b ? p3_pack_ints(b, head, 2) : PvmNoMem;
    if (!cc)
        cc = p3_pack_string(b, t->path);
    if (!cc)
        cc = pack_texts(b, t->args, t->nargs);
    if (!cc)
        cc = pack_texts(b, t->env, t->nenv);
    p3_daemon_says(b, cc, SM_STTASK, 0);
    if (cc)
        pvmx_engine_help_ended(t->tid, -1, 0);
}

/* A tid and a status as of wait(); the times that follow are not looked at. */
static int task_ended(struct p3_buf *b)
{
    int v[2];
    b->pos = 0;
    int cc = p3_unpack_ints(b, v, 2);
    if (cc)
        return cc;
    int exited = WIFEXITED(v[1]) ? WEXITSTATUS(v[1]) : -1;
    return p3_error(
        pvmx_engine_help_ended(v[0], exited, WIFSIGNALED(v[1]) ? WTERMSIG(v[1]) : 0));
}

/* ---- daemons of other hosts */

static void on_hosts(const struct pvmx_help_host *hosts, size_t n)
{
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    int count = (int)n, cc = b ? p3_pack_ints(b, &count, 1) : PvmNoMem;
    for (size_t i = 0; !cc && i < n; i++) {
        int tid = (int)(hosts[i].index << 18);
        cc = p3_pack_ints(b, &tid, 1);
        if (!cc)
            cc = p3_pack_string(b, ""); /* so=, of which nothing is known here */
        if (!cc)
            cc = p3_pack_string(b, hosts[i].login);
        if (!cc)
            cc = p3_pack_string(b, hosts[i].command);
    }
    if (b)
        b->wid = hosts[0].index; /* to be repeated; tids alone would do */
    p3_daemon_says(b, cc, SM_STHOST, 0);
    for (size_t i = 0; cc && i < n; i++)
        pvmx_engine_help_said(hosts[i].index, "no memory");
}

/* Tids, and what was printed there, to the end of the message. */
static int hosts_said(struct p3_buf *b)
{
    int cc = PvmOk;
    b->pos = 0;
    while (!cc && b->pos < b->len) {
        const char *text;
        size_t len;
        int tid;
        cc = p3_unpack_ints(b, &tid, 1);
        if (!cc)
            cc = p3_unpack_string(b, &text, &len);
        if (!cc)
            cc = p3_error(pvmx_engine_help_said(((uint32_t)tid & P3_HOST_MASK) >> 18, text));
    }
    return cc;
}

int p3_to_daemon(struct p3_buf *b, int tid, int tag)
{
    return tag == SM_TASKX       ? task_ended(b)
           : tag == SM_STHOSTACK ? hosts_said(b)
                                 : p3_rm_daemon(b, tid, tag);
}

static int begin(uint32_t kind)
{
    pvmx_err err =
        pvmx_engine_help(kind, &(struct pvmx_help){.task = on_task, .hosts = on_hosts});
    return err == PVMX_ERR_EXISTS ? PvmAlready : p3_error(err);
}

P3_PUBLIC int pvm_reg_tasker(void)
{
    int cc = p3_enter();
    P3_TRACE_BARE(TEV_REG_TASKER);
    return p3_leave("pvm_reg_tasker", cc ? cc : begin(PVMX_HELP_TASKS));
}

P3_PUBLIC int pvm_reg_hoster(void)
{
    int cc = p3_enter();
    P3_TRACE_BARE(TEV_REG_HOSTER);
    return p3_leave("pvm_reg_hoster", cc ? cc : begin(PVMX_HELP_HOSTS));
}
