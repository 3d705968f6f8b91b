/* SPDX-License-Identifier: BSD-3-Clause */
/* The environment: names, versions, time, memory, addresses. */
#include "abi/handles.h"
#include "rt/err.h"
#include "rt/hardware.h"
#include "rt/info.h"
#include "xmpi.h"
#include <errno.h>
#include <limits.h>
#include <pvmx/engine/prog.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int xmpi_get_processor_name(char *name, int *resultlen)
{
    snprintf(name, MPI_MAX_PROCESSOR_NAME, "%s", pvmx_engine_host());
    *resultlen = (int)strlen(name);
    return MPI_SUCCESS;
}

int xmpi_get_version(int *version, int *subversion)
{
    *version = MPI_VERSION;
    *subversion = MPI_SUBVERSION;
    return MPI_SUCCESS;
}

int xmpi_get_library_version(char *version, int *resultlen)
{
    *resultlen = snprintf(version, MPI_MAX_LIBRARY_VERSION_STRING,
                          "PVMX %s, MPI %d.%d, MPI ABI %d.%d, engine %s", PVMX_VERSION,
                          MPI_VERSION, MPI_SUBVERSION, MPI_ABI_VERSION,
                          MPI_ABI_SUBVERSION, pvmx_version());
    return MPI_SUCCESS;
}

/* Each type of part that the machine may have, and whether this process is bound to one of them. */
int xmpi_get_hw_resource_info(MPI_Info *hw_info)
{
    int parts[XMPI_HW_TYPES], cls = MPI_SUCCESS;
    struct xmpi_info *info = xmpi_info_new();
    if (!info)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an info object");
    xmpi_hw_parts(parts);
    for (int t = 0; t < XMPI_HW_TYPES && !cls; t++)
        cls = xmpi_info_put(info, xmpi_hw_name((enum xmpi_hw_type)t),
                            parts[t] >= 0 ? "true" : "false");
    if (cls)
        xmpi_info_release(info);
    else
        *hw_info = xmpi_info_handle(info);
    return cls;
}

double xmpi_wtime(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double xmpi_wtick(void)
{
    struct timespec t;
    if (clock_getres(CLOCK_MONOTONIC, &t) != 0)
        return 1e-9;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Bytes asked for by the info key, a power of 2, at least a cache line; 0: not a valid value. */
static size_t alignment(const struct xmpi_info *info)
{
    enum { LINE = 64 };
    const char *text = xmpi_info_value(info, "mpi_minimum_memory_alignment");
    if (!text)
        return LINE;
    char *rest;
    errno = 0;
    unsigned long n = strtoul(text, &rest, 10);
    if (errno || rest == text || *rest || n == 0 || (n & (n - 1)) != 0)
        return 0;
    return n < LINE ? LINE : n;
}

int xmpi_alloc_mem(MPI_Aint size, struct xmpi_info *info, void *baseptr)
{
    size_t align = alignment(info);
    if (!align)
        return xmpi_err(MPI_ERR_INFO_VALUE,
                        "mpi_minimum_memory_alignment is \"%s\", which is no power of 2",
                        xmpi_info_value(info, "mpi_minimum_memory_alignment"));
    void *memory;
    if (posix_memalign(&memory, align, size ? (size_t)size : 1) != 0)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for %lld bytes", (long long)size);
    memcpy(baseptr, &memory, sizeof(memory));
    return MPI_SUCCESS;
}

int xmpi_free_mem(void *base)
{
    free(base);
    return MPI_SUCCESS;
}

int xmpi_get_address(const void *location, MPI_Aint *address)
{
    *address = (MPI_Aint)location;
    return MPI_SUCCESS;
}

/* Unsigned, as addresses wrap. */
MPI_Aint xmpi_aint_add(MPI_Aint base, MPI_Aint disp)
{
    return (MPI_Aint)((uintptr_t)base + (uintptr_t)disp);
}

MPI_Aint xmpi_aint_diff(MPI_Aint addr1, MPI_Aint addr2)
{
    return (MPI_Aint)((uintptr_t)addr1 - (uintptr_t)addr2);
}

int xmpi_pcontrol(const int level)
{
    (void)level; /* for a profiling library to take over */
    return MPI_SUCCESS;
}
