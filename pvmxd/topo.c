/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting processors. */
#include "topo.h"
#include "base/clock.h"
#include "base/log.h"
#include "server.h"
#include <fcntl.h>
#include <hwloc.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIRM_AFTER                                                                    \
    (250 * PX_MS) /* later than the first spawn of a program that started us */

ssize_t topo_read_bytes(const char *path, char *bytes, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, bytes, size);
    close(fd);
    return n;
}

bool topo_read_text(const char *path, char *text, size_t size)
{
    ssize_t n = topo_read_bytes(path, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

unsigned topo_quota(const char *text)
{
    unsigned long long quota, period;
    if (sscanf(text, "%llu %llu", &quota, &period) != 2 || period == 0 || quota == 0)
        return 0;
    unsigned long long cpus = (quota + period - 1) / period;
    return cpus < UINT_MAX ? (unsigned)cpus : 0;
}

/* The smallest quota on the way from our control group to the root (version 2). */
static unsigned group_quota(void)
{
    char text[4096], path[PATH_MAX];
    unsigned least = 0;
    if (!topo_read_text("/proc/self/cgroup", text, sizeof text))
        return 0;
    char *group = strstr(text, "0::/");
    if (group == NULL)
        return 0;
    group += 3;
    group[strcspn(group, "\n")] = '\0';
    for (;;) {
        char quota[64];
        int n = snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        unsigned cpus =
            n > 0 && (size_t)n < sizeof path && topo_read_text(path, quota, sizeof quota)
                ? topo_quota(quota)
                : 0;
        if (cpus > 0 && (least == 0 || cpus < least))
            least = cpus;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

static unsigned affinity_count(void)
{
    unsigned n = 0;
    /* Masks of machines with more processors than cpu_set_t holds: try larger ones. */
    for (int max = CPU_SETSIZE; n == 0 && max <= 1 << 20; max *= 4) {
        cpu_set_t *set = CPU_ALLOC(max);
        if (set == NULL)
            break;
        if (sched_getaffinity(0, CPU_ALLOC_SIZE(max), set) == 0)
            n = (unsigned)CPU_COUNT_S(CPU_ALLOC_SIZE(max), set);
        CPU_FREE(set);
    }
    return n > 0 ? n : 1;
}

unsigned topo_cpus(void)
{
    unsigned cpus = affinity_count(), quota = group_quota();
    return quota > 0 && quota < cpus ? quota : cpus;
}

/* Processing units that hwloc lets us use; 0: it cannot tell. */
static unsigned hwloc_count(void)
{
    hwloc_topology_t topo;
    int n = 0;
    if (hwloc_topology_init(&topo) != 0)
        return 0;
    hwloc_topology_set_all_types_filter(topo, HWLOC_TYPE_FILTER_KEEP_NONE);
    if (hwloc_topology_load(topo) == 0) {
        hwloc_bitmap_t mine = hwloc_bitmap_alloc();
        if (mine != NULL && hwloc_get_cpubind(topo, mine, HWLOC_CPUBIND_PROCESS) == 0) {
            hwloc_bitmap_and(mine, mine, hwloc_topology_get_allowed_cpuset(topo));
            n = hwloc_bitmap_weight(mine);
        }
        hwloc_bitmap_free(mine);
    }
    hwloc_topology_destroy(topo);
    return n > 0 ? (unsigned)n : 0;
}

static void on_confirm(void *arg)
{
    struct server *sv = arg;
    unsigned before = sv->arena.head->ncpus;
    unsigned units = hwloc_count(), quota = group_quota();
    unsigned cpus = quota > 0 && quota < units ? quota : units;
    if (cpus == 0 || cpus == before)
        return;
    px_log(PX_LOG_INFO, "TOPO-COUNT", "hwloc counts %u processors, not %u", cpus, before);
    arena_set_cpus(&sv->arena, cpus);
    if (!sv->slots_fixed)
        hosts_set_slots(sv, cpus);
}

void topo_start(struct server *sv)
{
    loop_timer_start(&sv->loop, &sv->topo.confirm, CONFIRM_AFTER, on_confirm, sv);
}

void topo_stop(struct server *sv)
{
    loop_timer_stop(&sv->loop, &sv->topo.confirm);
}
