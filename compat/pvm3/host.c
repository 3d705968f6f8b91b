/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts of the virtual machine: which there are, adding and deleting them, their clocks. */
#include "hostspec.h"
#include "rm.h"
#include "rmcall.h"
#include "state.h"
#include "trace.h"

#include <netdb.h>
#include <pvmx/engine/vm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which there are */

/* One allocation that lives until the next call: records, then names. */
static int copy_hosts(const struct pvmx_hosts *hosts, struct pvmhostinfo **out)
{
    static struct pvmhostinfo *list;
    static char arch[] = P3_ARCH;
    size_t bytes = (hosts->n + 1) * sizeof *list;
    for (size_t i = 0; i < hosts->n; i++)
        bytes += strlen(hosts->list[i].name) + 1;
    struct pvmhostinfo *more = realloc(list, bytes);
    if (!more)
        return PvmNoMem;
    list = more;
    char *text = (char *)(list + hosts->n + 1);
    for (size_t i = 0; i < hosts->n; i++) {
        const struct pvmx_host *h = &hosts->list[i];
        size_t len = strlen(h->name) + 1;
        memcpy(text, h->name, len);
        list[i] =
            (struct pvmhostinfo){(int)(h->index << 18), text, arch, (int)h->speed, P3_DSIG};
        text += len;
    }
    *out = list;
    return PvmOk;
}

int p3_own_host(struct pvmhostinfo **out)
{
    static struct pvmhostinfo own;
    struct pvmhostinfo *list;
    struct pvmx_hosts hosts;
    int cc = p3_error(pvmx_engine_hosts(&hosts));
    if (!cc)
        cc = copy_hosts(&hosts, &list);
    for (size_t i = 0; !cc && i < hosts.n; i++)
        if (hosts.list[i].index == hosts.self)
            own = list[i];
    if (!cc)
        pvmx_engine_hosts_free(&hosts);
    *out = &own;
    return cc;
}

static int config(int *nhost, int *narch, struct pvmhostinfo **out)
{
    struct pvmx_hosts hosts;
    int asked;
    if (p3_rm_rules() && (asked = p3_rm_config(nhost, narch, out)) != PvmNoTask)
        return asked;
    int cc = p3_error(pvmx_engine_hosts(&hosts));
    if (cc)
        return cc;
    if (out)
        cc = copy_hosts(&hosts, out);
    if (!cc && nhost)
        *nhost = (int)hosts.n;
    if (!cc && narch)
        *narch = 1;
    pvmx_engine_hosts_free(&hosts);
    return cc;
}

P3_PUBLIC int pvm_config(int *nhost, int *narch, struct pvmhostinfo **out)
{
    int cc = p3_enter();
    P3_TRACE_BARE(TEV_CONFIG);
    cc = cc ? cc : config(nhost, narch, out);
    P3_TRACE_MORE({TEV_DID_NH, nhost ? *nhost : 0, NULL},
                  {TEV_DID_NA, narch ? *narch : 0, NULL});
    return p3_leave("pvm_config", cc);
}

static bool is_here(const char *name)
{
    return strcmp(name, pvmx_engine_host()) == 0 || strcmp(name, "localhost") == 0;
}

static int status_of(const char *name)
{
    struct pvmx_hosts hosts;
    if (!name || !*name)
        return PvmBadParam;
    if (is_here(name))
        return PvmOk;
    int cc = p3_error(pvmx_engine_hosts(&hosts));
    if (cc)
        return cc;
    cc = PvmNoHost;
    for (size_t i = 0; i < hosts.n; i++)
        if (strcmp(hosts.list[i].name, name) == 0)
            cc = PvmOk;
    pvmx_engine_hosts_free(&hosts);
    return cc;
}

P3_PUBLIC int pvm_mstat(char *name)
{
    int cc = p3_enter();
    P3_TRACE(TEV_MSTAT, {TEV_DID_HN, 0, name ? name : ""});
    if (!cc)
        cc = status_of(name);
    if (cc == PvmNoHost) /* an answer, not a failure */
        return pvm_errno = p3_done(cc);
    return p3_leave("pvm_mstat", cc);
}

/* ---- adding and deleting */

static bool is_known_name(const char *name)
{
    struct addrinfo *found = NULL;
    if (getaddrinfo(name, NULL, NULL, &found) != 0)
        return false;
    freeaddrinfo(found);
    return true;
}

static int added(const struct pvmx_host_spec *spec, const struct pvmx_host_result *r)
{
    switch (r->error) {
    case PVMX_OK:
        return (int)(r->index << 18);
    case PVMX_ERR_EXISTS:
        return PvmDupHost;
    case PVMX_ERR_ARG:
        return PvmBadParam;
    case PVMX_ERR_VERSION:
        return PvmBadVersion;
    case PVMX_ERR_NOMEM:
    case PVMX_ERR_LIMIT:
        return PvmOutOfRes;
    case PVMX_ERR_STATE:
        return PvmSysErr;
    default:
        return is_known_name(*spec->address ? spec->address : spec->name) ? PvmCantStart
                                                                          : PvmNoHost;
    }
}

/* Those that make sense, together. */
struct adding {
    struct p3_hosts *read;
    struct pvmx_host_spec *specs; /* the one of each */
    struct pvmx_host_result *results;
    int *place; /* of each in the caller's list */
    size_t n;
};

static void free_adding(struct adding *a)
{
    for (size_t i = 0; a->read && i < a->n; i++)
        p3_hosts_free(&a->read[i]);
    free(a->read);
    free(a->specs);
    free(a->results);
    free(a->place);
}

static int start_adding(struct adding *a, size_t n)
{
    *a = (struct adding){.read = malloc((n + 1) * sizeof *a->read),
                         .specs = malloc((n + 1) * sizeof *a->specs),
                         .results = calloc(n + 1, sizeof *a->results),
                         .place = malloc((n + 1) * sizeof *a->place)};
    return a->read && a->specs && a->results && a->place ? PvmOk : PvmNoMem;
}

/* PvmOk: it is to be added. */
static int take_host(struct adding *a, const char *line, int place)
{
    struct p3_hosts *h = &a->read[a->n];
    int cc = p3_hosts_read(NULL, line, h);
    if (cc)
        return cc;
    if (is_here(h->list.specs->name)) {
        p3_hosts_free(h);
        return PvmDupHost;
    }
    a->specs[a->n] = *h->list.specs;
    a->place[a->n++] = place;
    return PvmOk;
}

/* How many have come. */
int p3_add_hosts(char **hosts, int n, int *infos)
{
    struct adding a;
    int count = 0;
    int cc = start_adding(&a, (size_t)n);
    for (int i = 0; !cc && i < n; i++) {
        int info = take_host(&a, hosts[i], i);
        if (infos)
            infos[i] = info;
    }
    if (!cc && a.n)
        cc = p3_error(pvmx_engine_hosts_add(a.specs, a.n, a.results));
    for (size_t i = 0; !cc && i < a.n; i++) {
        int info = added(&a.specs[i], &a.results[i]);
        count += info > 0;
        if (infos)
            infos[a.place[i]] = info;
        if (info < 0 && info != PvmDupHost && pvmautoerr > 0)
            fprintf(stderr, "libpvm [t%x]: %s\n", (unsigned)pvmmytid, a.results[i].text);
    }
    free_adding(&a);
    return cc ? cc : count;
}

P3_PUBLIC int pvm_addhosts(char **hosts, int n, int *infos)
{
    int cc = p3_enter();
    P3_TRACE(TEV_ADDHOSTS, {TEV_DID_HNL, n, hosts});
    if (!cc && (n < 1 || !hosts))
        cc = PvmBadParam;
    if (!cc && p3_rm_rules() && (cc = p3_rm_addhosts(hosts, n, infos)) != PvmNoTask)
        return p3_leave("pvm_addhosts", cc);
    return p3_leave("pvm_addhosts",
                    cc < 0 && cc != PvmNoTask ? cc : p3_add_hosts(hosts, n, infos));
}

static int deleted(const struct pvmx_host_result *r)
{
    return r->error == PVMX_OK          ? PvmOk
           : r->error == PVMX_ERR_NOENT ? PvmNoHost
           : r->error == PVMX_ERR_STATE ? PvmBadParam /* the first ends by pvm_halt */
                                        : p3_error(r->error);
}

/* A host is named by the first word of "name opt=value ...". */
static char *first_word(const char *text)
{
    if (!text)
        return NULL;
    size_t len = strcspn(text, " \t");
    char *word = strndup(text, len);
    if (word && strcmp(word, "localhost") == 0) {
        free(word);
        word = strdup(pvmx_engine_host());
    }
    return word;
}

/* How many have gone. */
static int delete_hosts(char **hosts, int n, int *infos)
{
    char **names = calloc((size_t)n + 1, sizeof *names);
    struct pvmx_host_result *results = calloc((size_t)n + 1, sizeof *results);
    int *place = calloc((size_t)n + 1, sizeof *place), count = 0, asked = 0;
    int cc = names && results && place ? PvmOk : PvmNoMem;
    for (int i = 0; !cc && i < n; i++) {
        char *name = first_word(hosts[i]);
        if (infos)
            infos[i] = PvmBadParam;
        if (!name || !*name) {
            free(name);
            continue;
        }
        place[asked] = i;
        names[asked++] = name;
    }
    if (!cc && asked)
        cc = p3_error(
            pvmx_engine_hosts_delete((const char *const *)names, (size_t)asked, results));
    for (int i = 0; !cc && i < asked; i++) {
        int info = deleted(&results[i]);
        count += info == PvmOk;
        if (infos)
            infos[place[i]] = info;
    }
    for (int i = 0; names && i < asked; i++)
        free(names[i]);
    free(names);
    free(results);
    free(place);
    return cc ? cc : count;
}

P3_PUBLIC int pvm_delhosts(char **hosts, int n, int *infos)
{
    int cc = p3_enter();
    P3_TRACE(TEV_DELHOSTS, {TEV_DID_HNL, n, hosts});
    if (!cc && (n < 1 || !hosts))
        cc = PvmBadParam;
    if (!cc && p3_rm_rules() && (cc = p3_rm_delhosts(hosts, n, infos)) != PvmNoTask)
        return p3_leave("pvm_delhosts", cc);
    return p3_leave("pvm_delhosts",
                    cc < 0 && cc != PvmNoTask ? cc : delete_hosts(hosts, n, infos));
}

/* ---- clocks */

static int64_t now_us(void)
{
    struct timeval tv;
    gettimeofday(&tv, NULL);
    return (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
}

/* Microseconds from 0 to 999999, the sign in the seconds. */
static struct timeval time_of(int64_t us)
{
    int64_t sec = us / 1000000, rest = us % 1000000;
    if (rest < 0) {
        sec--;
        rest += 1000000;
    }
    return (struct timeval){sec, rest};
}

static int sync_host(int host, struct timeval *clk, struct timeval *delta)
{
    int64_t there = 0, before = now_us();
    if (host <= 0 || host & ~(P3_HOST_MASK | P3_LOCAL_MASK))
        return PvmNoHost;
    if ((host & P3_HOST_MASK) == (pvmmytid & P3_HOST_MASK)) {
        there = before;
    } else {
        pvmx_err err = pvmx_engine_clock((uint32_t)host >> 18, &there);
        if (err == PVMX_ERR_NOENT || err == PVMX_ERR_ARG)
            return PvmNoHost;
        if (err)
            return err == PVMX_ERR_CLOSED ? PvmHostFail : p3_error(err);
        before = (before + now_us()) / 2;
    }
    if (clk)
        *clk = time_of(there);
    if (delta)
        *delta = time_of(before - there);
    return PvmOk;
}

P3_PUBLIC int pvm_hostsync(int host, struct timeval *clk, struct timeval *delta)
{
    int cc = p3_enter();
    P3_TRACE(TEV_HOSTSYNC, {TEV_DID_HPT, host, NULL});
    return p3_leave("pvm_hostsync", cc ? cc : sync_host(host, clk, delta));
}

P3_PUBLIC int pvm_archcode(char *arch)
{
    p3_enter_only();
    P3_TRACE(TEV_ARCHCODE, {TEV_DID_AN, 0, arch ? arch : ""});
    int cc = !arch ? PvmBadParam : strcmp(arch, P3_ARCH) == 0 ? P3_DSIG : PvmNotFound;
    return p3_leave("pvm_archcode", cc);
}

/* ---- starting the machine */

/* The hosts of a host file are added, and waited for if the caller wants to. */
static int add_from(const char *path, bool block)
{
    struct p3_hosts hosts;
    int cc = p3_hosts_read(path, NULL, &hosts);
    if (cc)
        return cc;
    struct pvmx_host_spec *specs = hosts.list.specs;
    size_t n = 0;
    struct pvmx_host_result *results = calloc(hosts.list.n + 1, sizeof *results);
    if (!results)
        cc = PvmNoMem;
    for (size_t i = 0; i < hosts.list.n; i++)
        if (!is_here(specs[i].name))
            specs[n++] = specs[i];
    if (!cc && n)
        cc = p3_error(block ? pvmx_engine_hosts_add(specs, n, results)
                            : pvmx_engine_hosts_begin(specs, n));
    for (size_t i = 0; !cc && block && i < n; i++)
        if (results[i].error)
            fprintf(stderr, "libpvm [t%x]: %s\n", (unsigned)pvmmytid, results[i].text);
    free(results);
    p3_hosts_free(&hosts);
    return cc;
}

/* Of the daemon's arguments the host file has a meaning; -d and -n are for PVM's own daemon. */
static int start_with(int argc, char **argv, bool block)
{
    for (int i = 0; i < argc; i++)
        if (argv[i] && *argv[i] && argv[i][0] != '-')
            return add_from(argv[i], block);
    return PvmOk;
}

P3_PUBLIC int pvm_start_pvmd(int argc, char **argv, int block)
{
    /* One that runs already is an error for PVM; ours starts with the first task. */
    bool running = pvmx_engine_init(false) == PVMX_OK && pvmx_engine_self() != 0;
    int cc = p3_enter();
    P3_TRACE(TEV_START_PVMD, {TEV_DID_BF, block, NULL}, {TEV_DID_AS, argv ? argc : 0, argv});
    pvmx_engine_leave();
    if (!cc && running)
        cc = PvmDupHost;
    if (!cc && argc > 0 && argv)
        cc = start_with(argc, argv, block != 0);
    return p3_leave("pvm_start_pvmd", cc);
}

P3_PUBLIC char *pvm_version(void)
{
    static char text[] = PVM_VER;
    return text;
}
