/* SPDX-License-Identifier: BSD-3-Clause */
/* See usage.h. */
#include "usage.h"
#include "topo.h"
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

void usage_task(pid_t pid, struct pxp_task_info *t)
{
    char path[40], text[1024];
    unsigned long long user, system, pages;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!topo_read_text(path, text, sizeof text))
        return;
    const char *end = strrchr(text, ')'); /* the name before it may hold anything */
    if (end == NULL ||
        sscanf(end + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d "
               "%*d %*d %*d %*d %*d %*u %*u %llu",
               &user, &system, &pages) != 3)
        return;
    t->cpu_ms = (user + system) * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK);
    t->rss_kb = pages * (unsigned long long)sysconf(_SC_PAGESIZE) / 1024;
}

void usage_host(struct pxp_host_info *h)
{
    struct sysinfo info;
    char text[4096];
    unsigned long long available;
    if (sysinfo(&info) != 0)
        return;
    h->load = (uint32_t)((uint64_t)info.loads[0] * 100 >> SI_LOAD_SHIFT);
    h->memory_kb = (uint64_t)info.totalram * info.mem_unit / 1024;
    h->memory_free_kb = (uint64_t)info.freeram * info.mem_unit / 1024;
    /* What the kernel would give up for us counts as free. */
    const char *at = topo_read_text("/proc/meminfo", text, sizeof text)
                         ? strstr(text, "MemAvailable:")
                         : NULL;
    if (at != NULL && sscanf(at, "MemAvailable: %llu", &available) == 1)
        h->memory_free_kb = available;
}
