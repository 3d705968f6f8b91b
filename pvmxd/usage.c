/* SPDX-License-Identifier: BSD-3-Clause */
/* See usage.h. */
#include "usage.h"
#include "topo.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { COMMAND_MAX = 256 };

/* Its words with spaces between. */
const char *usage_command(pid_t pid, struct pxp_zone *zone)
{
    char path[40], text[COMMAND_MAX];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    ssize_t n = topo_read_bytes(path, text, sizeof text - 1);
    while (n > 0 && text[n - 1] == '\0')
        n--;
    char *copy = n > 0 ? pxp_zone_alloc(zone, (size_t)n + 1) : NULL;
    for (ssize_t i = 0; copy != NULL && i < n; i++)
        copy[i] = text[i] != '\0' ? text[i] : ' ';
    return copy != NULL ? copy : "";
}

void usage_task(pid_t pid, struct pxp_task_info *t, struct pxp_zone *zone)
{
    char path[40], text[1024];
    unsigned long long user, system, pages;
    char state;
    t->command = usage_command(pid, zone);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!topo_read_text(path, text, sizeof text))
        return;
    const char *end = strrchr(text, ')'); /* the name before it may hold anything */
    if (end == NULL || sscanf(end + 1,
                              " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d "
                              "%*d %*d %*d %*d %*d %*u %*u %llu",
                              &state, &user, &system, &pages) != 4)
        return;
    t->stopped = state == 'T' || state == 't';
    t->cpu_ms = (user + system) * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK);
    t->rss_kb = pages * (unsigned long long)sysconf(_SC_PAGESIZE) / 1024;
}

static bool read_stat(pid_t pid, struct usage *u)
{
    char path[40], text[1024];
    unsigned long long user, system, child_user, child_system, pages;
    int group;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *end = topo_read_text(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    if (end == NULL ||
        sscanf(end + 1,
               " %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu %*d "
               "%*d %*d %*d %*u %*u %llu",
               &group, &user, &system, &child_user, &child_system, &pages) != 6)
        return false;
    u->pid = pid;
    u->group = group;
    u->cpu_ms = (user + system + child_user + child_system) * 1000 /
                (unsigned long long)sysconf(_SC_CLK_TCK);
    u->memory = pages * (unsigned long long)sysconf(_SC_PAGESIZE);
    return true;
}

void usage_all(void (*fn)(void *arg, const struct usage *u), void *arg)
{
    struct dirent *e;
    struct usage u;
    DIR *dir = opendir("/proc");
    while (dir != NULL && (e = readdir(dir)) != NULL)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
            read_stat((pid_t)strtol(e->d_name, NULL, 10), &u))
            fn(arg, &u);
    if (dir != NULL)
        closedir(dir);
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
