/* SPDX-License-Identifier: BSD-3-Clause */
/* Binding to parts of the machine. A task loads no library for this: a dozen short files of the
 * kernel say what is needed, and they are read only when a program asks. */
#include "rt/hardware.h"
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX "hwloc://"
static const char names[XMPI_HW_TYPES][24] = {
    PREFIX "Machine", PREFIX "NUMANode", PREFIX "Package", PREFIX "L3Cache",
    PREFIX "L2Cache", PREFIX "Core",     PREFIX "PU",
};

const char *xmpi_hw_name(enum xmpi_hw_type type)
{
    return names[type];
}

int xmpi_hw_type_of(const char *name)
{
    size_t skip = sizeof(PREFIX) - 1;
    if (strncasecmp(name, PREFIX, skip) == 0)
        name += skip;
    for (int i = 0; i < XMPI_HW_TYPES; i++)
        if (strcasecmp(names[i] + skip, name) == 0)
            return i;
    return -1;
}

/* The first line of a file; false: it cannot be read. */
static bool read_line(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "re");
    bool ok = f && fgets(text, (int)size, f);
    if (f)
        fclose(f);
    return ok;
}

/* Is cpu in a list of the kernel ("0-3,8")? */
static bool list_has(const char *list, int cpu)
{
    while (*list >= '0' && *list <= '9') {
        char *rest;
        long from = strtol(list, &rest, 10), to = from;
        if (*rest == '-')
            to = strtol(rest + 1, &rest, 10);
        if (cpu >= from && cpu <= to)
            return true;
        list = *rest == ',' ? rest + 1 : rest;
    }
    return false;
}

/* The least processor of a list that a file of this processor holds; -1: no such file. */
static int first_in(int cpu, const char *file)
{
    char path[128], list[4096];
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/%s", cpu, file);
    return read_line(path, list, sizeof(list)) ? atoi(list) : -1;
}

static int cache_part(int cpu, int level)
{
    char path[128], text[64];
    for (int i = 0; i < 16; i++) {
        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cache/index%d/level",
                 cpu, i);
        if (!read_line(path, text, sizeof(text)))
            return -1;
        if (atoi(text) != level)
            continue;
        snprintf(path, sizeof(path), "cache/index%d/shared_cpu_list", i);
        return first_in(cpu, path);
    }
    return -1;
}

static int node_part(int cpu)
{
    char path[128], list[4096];
    for (int node = 0, missing = 0; missing < 64; node++) { /* numbers may have gaps */
        snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
        if (!read_line(path, list, sizeof(list)))
            missing++;
        else if (list_has(list, cpu))
            return atoi(list);
    }
    return -1;
}

static int part_of(int cpu, enum xmpi_hw_type type)
{
    int part;
    switch (type) {
    case XMPI_HW_MACHINE:
        return 0;
    case XMPI_HW_NUMANODE:
        return node_part(cpu);
    case XMPI_HW_PACKAGE:
        part = first_in(cpu, "topology/package_cpus_list");
        return part >= 0 ? part : first_in(cpu, "topology/core_siblings_list");
    case XMPI_HW_L3CACHE:
        return cache_part(cpu, 3);
    case XMPI_HW_L2CACHE:
        return cache_part(cpu, 2);
    case XMPI_HW_CORE:
        part = first_in(cpu, "topology/core_cpus_list");
        return part >= 0 ? part : first_in(cpu, "topology/thread_siblings_list");
    default:
        return cpu;
    }
}

void xmpi_hw_parts(int parts[XMPI_HW_TYPES])
{
    enum { CPUS = 8192 };
    size_t size = CPU_ALLOC_SIZE(CPUS);
    cpu_set_t *set = CPU_ALLOC(CPUS);
    bool first = true;
    for (int t = 0; t < XMPI_HW_TYPES; t++)
        parts[t] = t == XMPI_HW_MACHINE ? 0 : -1;
    if (!set || sched_getaffinity(0, size, set) != 0) {
        CPU_FREE(set);
        return;
    }
    for (int cpu = 0; cpu < CPUS; cpu++) {
        if (!CPU_ISSET_S(cpu, size, set))
            continue;
        for (int t = XMPI_HW_NUMANODE; t < XMPI_HW_TYPES; t++)
            if (first || parts[t] >= 0) {
                int part = part_of(cpu, (enum xmpi_hw_type)t);
                parts[t] = first || parts[t] == part ? part : -1;
            }
        first = false;
    }
    CPU_FREE(set);
}
