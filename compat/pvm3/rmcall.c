/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to a resource manager, in the place of what the library does by itself. */
#include "rmcall.h"

#include "pack.h"
#include "rm.h"

#include <pvmsdpro.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sends a request in which everything was packed (cc). */
static int call(struct p3_buf *request, int cc, int tag, struct p3_buf **reply)
{
    if (!request)
        return PvmNoMem;
    if (!cc)
        return p3_rm_call(request, tag, reply);
    p3_buf_free(request);
    return cc;
}

static int pack_list(struct p3_buf *b, char **list, int n)
{
    int cc = b ? p3_pack_ints(b, &n, 1) : PvmNoMem;
    for (int i = 0; !cc && i < n; i++)
        cc = p3_pack_string(b, list[i] ? list[i] : "");
    return cc;
}

/* ---- spawn */

/* The variables that PVM passes on: its own, and those that PVM_EXPORT names. */
static int pack_exports(struct p3_buf *b)
{
    const char *list = getenv("PVM_EXPORT");
    char text[64], *own[2] = {text, NULL};
    char **all = own;
    int n = 1, cap = 2;
    snprintf(text, sizeof text, "PVMCTX=0x%x", (unsigned)pvmmyctx);
    for (const char *at = list; at && *at; at += strspn(at, ":"))
        at += strcspn(at, ":"), cap++;
    all = calloc((size_t)cap + 1, sizeof *all);
    if (!all)
        return PvmNoMem;
    all[0] = text;
    for (const char *at = list; at && *at;) {
        size_t len = strcspn(at, ":");
        char *name = strndup(at, len);
        const char *value = name && len ? getenv(name) : NULL;
        char *pair = value ? malloc(len + strlen(value) + 2) : NULL;
        if (pair) {
            sprintf(pair, "%s=%s", name, value);
            all[n++] = pair;
        }
        free(name);
        at += len + strspn(at + len, ":");
    }
    int cc = pack_list(b, all, n);
    for (int i = 1; i < n; i++)
        free(all[i]);
    free(all);
    return cc;
}

/* Tids of those that run first, then errors. */
static int take_tids(struct p3_buf *b, int n, int *tids)
{
    int count, started = 0, at = 0;
    int cc = p3_unpack_ints(b, &count, 1);
    if (cc || count < 0)
        return cc ? cc : count;
    int *all = calloc((size_t)n + 1, sizeof *all);
    if (!all)
        return PvmNoMem;
    for (int i = 0; i < n; i++)
        if (i >= count || p3_unpack_ints(b, &all[i], 1) != PvmOk)
            all[i] = PvmSysErr;
    for (int i = 0; i < n; i++)
        started += all[i] > 0;
    for (int pass = 0; tids && pass < 2; pass++)
        for (int i = 0; i < n; i++)
            if ((all[i] > 0) == (pass == 0))
                tids[at++] = all[i];
    free(all);
    return started;
}

int p3_rm_spawn(const char *task, char **argv, int flag, const char *where, int n, int *tids)
{
    struct p3_buf *b = p3_rm_request(), *reply;
    int sinks[6] = {0}, argc = 0;
    while (argv && argv[argc])
        argc++;
    int cc = b ? p3_pack_string(b, task) : PvmNoMem;
    if (!cc)
        cc = p3_pack_ints(b, &flag, 1);
    if (!cc)
        cc = p3_pack_string(b, where ? where : "");
    if (!cc)
        cc = p3_pack_ints(b, &n, 1);
    if (!cc)
        cc = pack_list(b, argv, argc);
    if (!cc)
        cc = p3_pack_ints(b, sinks, 6);
    if (!cc)
        cc = pack_exports(b);
    cc = call(b, cc, SM_SPAWN, &reply);
    if (cc)
        return cc;
    cc = take_tids(reply, n, tids);
    p3_buf_free(reply);
    return cc;
}

/* ---- lists of hosts and tasks: kept until the next call */

static const char *take_text(struct p3_buf *b, int *cc)
{
    const char *s = "";
    size_t len;
    if (!*cc)
        *cc = p3_unpack_string(b, &s, &len);
    return s;
}

static int take_int(struct p3_buf *b, int *cc)
{
    int v = 0;
    if (!*cc)
        *cc = p3_unpack_ints(b, &v, 1);
    return v;
}

int p3_rm_config(int *nhost, int *narch, struct pvmhostinfo **out)
{
    static struct pvmhostinfo *list;
    static struct p3_buf *kept; /* its texts are in here */
    struct p3_buf *reply;
    int cc = call(p3_rm_request(), PvmOk, SM_CONFIG, &reply);
    if (cc)
        return cc;
    int n = take_int(reply, &cc), archs = take_int(reply, &cc);
    struct pvmhostinfo *more = !cc && n > 0 && (size_t)n < reply->len
                                   ? realloc(list, (size_t)n * sizeof *list)
                                   : NULL;
    list = more ? more : list;
    for (int i = 0; more && !cc && i < n; i++) {
        list[i].hi_tid = take_int(reply, &cc);
        list[i].hi_name = (char *)(uintptr_t)take_text(reply, &cc);
        list[i].hi_arch = (char *)(uintptr_t)take_text(reply, &cc);
        list[i].hi_speed = take_int(reply, &cc);
        list[i].hi_dsig = take_int(reply, &cc);
    }
    if (cc || !more) {
        p3_buf_free(reply);
        return PvmSysErr;
    }
    if (kept)
        p3_buf_free(kept);
    kept = reply;
    if (nhost)
        *nhost = n;
    if (narch)
        *narch = archs;
    if (out)
        *out = list;
    return PvmOk;
}

int p3_rm_tasks(int where, int *ntask, struct pvmtaskinfo **out)
{
    static struct pvmtaskinfo *list;
    static struct p3_buf *kept;
    struct p3_buf *b = p3_rm_request(), *reply;
    int n = 0, cap = 0,
        cc = call(b, b ? p3_pack_ints(b, &where, 1) : PvmOk, SM_TASK, &reply);
    if (cc)
        return cc;
    int answer = take_int(reply, &cc);
    while (!cc && answer >= 0 && reply->pos < reply->len) {
        if (n == cap) {
            cap = cap ? cap * 2 : 16;
            struct pvmtaskinfo *more = realloc(list, (size_t)cap * sizeof *list);
            cc = more ? PvmOk : PvmNoMem;
            list = more ? more : list;
        }
        struct pvmtaskinfo t = {.ti_tid = take_int(reply, &cc)};
        t.ti_ptid = take_int(reply, &cc);
        t.ti_host = take_int(reply, &cc);
        t.ti_flag = take_int(reply, &cc);
        t.ti_a_out = (char *)(uintptr_t)take_text(reply, &cc);
        t.ti_pid = take_int(reply, &cc);
        if (!cc)
            list[n++] = t;
    }
    if (cc || answer < 0) {
        p3_buf_free(reply);
        return answer < 0 ? answer : PvmSysErr;
    }
    if (kept)
        p3_buf_free(kept);
    kept = reply;
    if (ntask)
        *ntask = n;
    if (out)
        *out = list;
    return PvmOk;
}

/* ---- hosts and notices */

int p3_rm_addhosts(char **hosts, int n, int *infos)
{
    struct p3_buf *b = p3_rm_request(), *reply;
    int count = 0, cc = call(b, pack_list(b, hosts, n), SM_ADDHOST, &reply);
    if (cc)
        return cc;
    int got = take_int(reply, &cc);
    take_int(reply, &cc);
    for (int i = 0; i < n; i++) {
        int info = i < got ? take_int(reply, &cc) : PvmSysErr;
        take_text(reply, &cc);
        take_text(reply, &cc);
        take_int(reply, &cc);
        take_int(reply, &cc);
        info = cc ? PvmSysErr : info;
        count += info > 0;
        if (infos)
            infos[i] = info;
    }
    p3_buf_free(reply);
    return got < 0 ? got : count;
}

int p3_rm_delhosts(char **hosts, int n, int *infos)
{
    struct p3_buf *b = p3_rm_request(), *reply;
    int count = 0, cc = call(b, pack_list(b, hosts, n), SM_DELHOST, &reply);
    if (cc)
        return cc;
    int got = take_int(reply, &cc);
    for (int i = 0; i < n; i++) {
        int info = i < got ? take_int(reply, &cc) : PvmSysErr;
        info = cc ? PvmSysErr : info;
        count += info == PvmOk;
        if (infos)
            infos[i] = info;
    }
    p3_buf_free(reply);
    return got < 0 ? got : count;
}

int p3_rm_notify(int what, int tag, int n, const int *tids)
{
    struct p3_buf *b = p3_rm_request();
    int head[4] = {what, pvmmyctx, tag, n};
    int cc = b ? p3_pack_ints(b, head, 4) : PvmNoMem;
    if (!cc && tids && n > 0)
        cc = p3_pack_ints(b, tids, n);
    if (!cc)
        return p3_rm_tell(b, SM_NOTIFY);
    if (b)
        p3_buf_free(b);
    return cc;
}
