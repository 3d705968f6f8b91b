/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Abi_*: what the ABI is, and the properties of Fortran that only a separate layer knows. */
#include "abi/handles.h"
#include "datatype/fortran.h"
#include "op/op_kernels.h"
#include "rt/err.h"
#include "rt/info.h"
#include "xmpi.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct xmpi_info *fortran; /* what MPI_Abi_set_fortran_info was given; NULL: unknown */

/* Bit patterns of .TRUE. and .FALSE. by log2 of the size of the LOGICAL. */
enum { LOGICALS = 5, LOGICAL_MAX = 16 };
static struct {
    bool set;
    unsigned char yes[LOGICAL_MAX], no[LOGICAL_MAX];
} booleans[LOGICALS];

int xmpi_abi_get_version(int *abi_major, int *abi_minor)
{
    *abi_major = MPI_ABI_VERSION;
    *abi_minor = MPI_ABI_SUBVERSION;
    return MPI_SUCCESS;
}

static int put_size(struct xmpi_info *info, const char *key, size_t bytes)
{
    char text[24];
    snprintf(text, sizeof(text), "%zu", bytes);
    return xmpi_info_put(info, key, text);
}

int xmpi_abi_get_info(MPI_Info *info)
{
    struct xmpi_info *obj = xmpi_info_new();
    if (!obj)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an info object");
    int cls = put_size(obj, "mpi_aint_size", sizeof(MPI_Aint));
    if (!cls)
        cls = put_size(obj, "mpi_count_size", sizeof(MPI_Count));
    if (!cls)
        cls = put_size(obj, "mpi_offset_size", sizeof(MPI_Offset));
    if (cls) {
        xmpi_info_release(obj);
        return cls;
    }
    *info = xmpi_info_handle(obj);
    return MPI_SUCCESS;
}

int xmpi_abi_get_fortran_info(MPI_Info *info)
{
    pthread_mutex_lock(&lock);
    struct xmpi_info *copy = fortran ? xmpi_info_copy(fortran) : NULL;
    bool known = fortran != NULL;
    pthread_mutex_unlock(&lock);
    if (known && !copy)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an info object");
    *info = xmpi_info_handle(copy);
    return MPI_SUCCESS;
}

/* Reads a size; a missing key leaves *out alone. Fortran kinds are 1 to 16 bytes. */
static int read_size(const struct xmpi_info *info, const char *key, size_t *out)
{
    const char *text = xmpi_info_value(info, key);
    if (!text)
        return MPI_SUCCESS;
    char *rest;
    unsigned long n = strtoul(text, &rest, 10);
    if (rest == text || *rest || n == 0 || n > LOGICAL_MAX || (n & (n - 1)) != 0)
        return xmpi_err(MPI_ERR_INFO_VALUE,
                        "%s is \"%s\", which is not the size of a type", key, text);
    *out = n;
    return MPI_SUCCESS;
}

int xmpi_abi_set_fortran_info(struct xmpi_info *info)
{
    struct xmpi_fortran_kinds kinds;
    xmpi_dtype_get_fortran(&kinds);
    int cls = read_size(info, "mpi_logical_size", &kinds.logical_size);
    if (!cls)
        cls = read_size(info, "mpi_integer_size", &kinds.integer_size);
    if (!cls)
        cls = read_size(info, "mpi_real_size", &kinds.real_size);
    if (!cls)
        cls = read_size(info, "mpi_double_precision_size", &kinds.double_size);
    if (cls)
        return cls;
    struct xmpi_info *copy = xmpi_info_copy(info);
    if (!copy)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an info object");
    pthread_mutex_lock(&lock);
    bool first = !fortran;
    if (first) {
        fortran = copy;
        cls = xmpi_dtype_set_fortran(&kinds);
    }
    pthread_mutex_unlock(&lock);
    if (first)
        return cls;
    xmpi_info_release(copy);
    return xmpi_err(MPI_ERR_ABI, "the properties of Fortran have been set already");
}

static int logical_index(int size)
{
    for (int i = 0; i < LOGICALS; i++)
        if (size == 1 << i)
            return i;
    return -1;
}

int xmpi_abi_get_fortran_booleans(int logical_size, void *logical_true,
                                  void *logical_false, int *is_set)
{
    int i = logical_index(logical_size);
    if (i < 0)
        return xmpi_err(MPI_ERR_ARG, "logical_size is %d; sizes are 1, 2, 4, 8, 16",
                        logical_size);
    pthread_mutex_lock(&lock);
    *is_set = booleans[i].set;
    if (booleans[i].set && logical_true)
        memcpy(logical_true, booleans[i].yes, (size_t)logical_size);
    if (booleans[i].set && logical_false)
        memcpy(logical_false, booleans[i].no, (size_t)logical_size);
    pthread_mutex_unlock(&lock);
    return MPI_SUCCESS;
}

int xmpi_abi_set_fortran_booleans(int logical_size, void *logical_true, void *logical_false)
{
    int i = logical_index(logical_size);
    if (i < 0)
        return xmpi_err(MPI_ERR_ARG, "logical_size is %d; sizes are 1, 2, 4, 8, 16",
                        logical_size);
    pthread_mutex_lock(&lock);
    bool first = !booleans[i].set;
    if (first) {
        memcpy(booleans[i].yes, logical_true, (size_t)logical_size);
        memcpy(booleans[i].no, logical_false, (size_t)logical_size);
        booleans[i].set = true;
        xmpi_op_set_logical((size_t)logical_size, logical_true, logical_false);
    }
    pthread_mutex_unlock(&lock);
    if (first)
        return MPI_SUCCESS;
    return xmpi_err(MPI_ERR_ABI, "the values of LOGICAL*%d have been set already",
                    logical_size);
}
