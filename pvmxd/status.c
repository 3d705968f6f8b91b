/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot of the daemon for ps, conf and tests. */
#include "status.h"
#include "base/clock.h"
#include "base/err.h"
#include "names.h"
#include "peer.h"
#include "ports.h"
#include "proto/hello.h"
#include "server.h"
#include "spawn.h"
#include "table.h"
#include "tasks.h"
#include "usage.h"
#include <dirent.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static uint32_t count_fds(void)
{
    uint32_t n = 0;
    struct dirent *e;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return 0;
    while ((e = readdir(dir)) != NULL)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n > 0 ? n - 1 : 0; /* not the one we have just used */
}

static uint64_t resident_kb(void)
{
    unsigned long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static struct pxp_task_info describe(struct server *sv, const struct task *t, uint64_t now)
{
    const struct px_slot *s = arena_slot(&sv->arena, t->slot);
    return (struct pxp_task_info){
        .tid = t->tid,
        .parent = t->job != NULL ? t->job->parent : 0,
        .job = t->job != NULL ? t->job->id : 0,
        .rank = t->rank,
        .pid = (uint32_t)t->pid,
        .state = atomic_load(&s->state),
        .program = task_program(t),
        .age_ms = (now - t->born) / PX_MS,
        .cpus = bind_text(t->place),
        .command = "",
        .host = sv->host,
    };
}

/* Another host, as the table and its last heart-beat have it. */
static struct pxp_host_info describe_other(const struct pxp_host_entry *e)
{
    uint64_t now = (uint64_t)time(NULL);
    return (struct pxp_host_info){
        .name = e->name,
        .tid = (int32_t)(e->index << 18),
        .arch = e->arch,
        .state = e->state,
        .slots = e->slots,
        .tasks = e->tasks,
        .since_ms = now > e->since ? (now - e->since) * 1000 : 0,
        .load = e->load,
        .memory_free_kb = e->memory_kb,
        .release = e->release,
    };
}

static struct pxp_host_info describe_own(struct server *sv, uint64_t now,
                                         const struct utsname *u)
{
    struct pxp_host_info h = {
        .name = sv->host,
        .tid = (int32_t)(sv->arena.head->host_index << 18),
        .arch = u->machine,
        .system = u->sysname,
        .state = PXP_HOST_UP,
        .slots = hosts_self(sv)->slots,
        .tasks = (uint32_t)sv->tasks.count,
        .pid = (uint32_t)getpid(),
        .since_ms = (now - sv->started) / PX_MS,
        .release = PVMX_VERSION,
    };
    usage_host(&h);
    return h;
}

/* Every host of the VM, in the order of their indices; with own: this one. */
static struct pxp_host_info *describe_hosts(struct server *sv, struct pxp_zone *zone,
                                            uint64_t now, struct utsname *u, bool own,
                                            size_t *n)
{
    struct pxp_host_entry *all = table_list(&sv->hosts, true, zone, n);
    struct pxp_host_info *h = pxp_zone_alloc(zone, (*n + 1) * sizeof *h);
    if (all == NULL || h == NULL || uname(u) != 0) {
        *n = 0;
        return NULL;
    }
    if (own) {
        h[0] = describe_own(sv, now, u);
        *n = 1;
        return h;
    }
    for (size_t i = 0; i < *n; i++)
        h[i] = all[i].index == sv->hosts.self ? describe_own(sv, now, u)
                                              : describe_other(&all[i]);
    return h;
}

pvmx_err server_on_status(struct server *sv, struct peer *p, uint32_t serial,
                          const uint8_t *body, size_t len)
{
    uint64_t now = px_now_ns();
    struct pxp_zone zone = {0};
    struct pxp_status ask;
    struct utsname u;
    pvmx_err err = pxp_status_decode(body, len, &ask, &zone);
    if (err != PVMX_OK) {
        pxp_zone_free(&zone);
        return err;
    }
    arena_scan(&sv->arena); /* so that slots_used is what is really needed */
    struct pxp_status_is m = {
        .slots = atomic_load(&sv->arena.head->universe),
        .slots_used = PX_NSLOTS - sv->arena.nfree,
        .fds = count_fds(),
        .rss_kb = resident_kb(),
        .vm = sv->vm,
        .host = sv->host,
        .ephemeral = sv->ephemeral,
        .pid = (uint32_t)getpid(),
        .uptime_ms = (now - sv->started) / PX_MS,
    };
    spawn_progress(sv, &m.launching, &m.launched);
    m.hosts = describe_hosts(sv, &zone, now, &u, ask.own, &m.n_hosts);
    m.tasks = pxp_zone_alloc(&zone, (sv->tasks.count + 1) * sizeof *m.tasks);
    if (m.tasks == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the answer");
    px_list_foreach(it, &sv->all_tasks) {
        const struct task *t = px_container_of(it, struct task, all);
        if (t->silent)
            continue;
        m.tasks[m.n_tasks] = describe(sv, t, now);
        if (ask.usage)
            usage_task(t->pid, &m.tasks[m.n_tasks], &zone);
        m.n_tasks++;
    }
    err = pxp_status_is_encode(peer_out(p), serial, &m);
    pxp_zone_free(&zone);
    return err;
}

pvmx_err status_clock(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct timespec now;
    (void)sv;
    (void)body;
    (void)len;
    clock_gettime(CLOCK_REALTIME, &now);
    struct pxp_clock_is m = {.sec = (uint64_t)now.tv_sec,
                             .usec = (uint32_t)(now.tv_nsec / 1000)};
    return pxp_clock_is_encode(peer_out(p), serial, &m);
}

pvmx_err status_catalog(struct server *sv, struct peer *p, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_catalog_is m = {.n_names = 0};
    pvmx_err err = PVMX_OK;
    (void)body;
    (void)len;
    if (!names_list(sv, &zone, &m.names, &m.n_names) ||
        !ports_list(sv, &zone, &m.ports, &m.n_ports))
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the answer");
    else
        err = pxp_catalog_is_encode(peer_out(p), serial, &m);
    pxp_zone_free(&zone);
    return err;
}
