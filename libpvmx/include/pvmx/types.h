/* SPDX-License-Identifier: BSD-3-Clause */
/* Ids and small values that every public header of PVMX shares. */
#ifndef PVMX_TYPES_H
#define PVMX_TYPES_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Task id: host index in bits 18-29, local number in bits 0-17 (the layout of PVM 3). Valid ids
 * are positive. 0 means "no task": a process that has not joined a VM, or a root task's parent. */
typedef int32_t pvmx_tid;

/* Wildcards of receive and probe. */
enum { PVMX_ANY_SOURCE = -1, PVMX_ANY_TAG = -1 };

/* What is known of a message that was received or probed. */
struct pvmx_status {
    int32_t source; /* the sender's id in that context: a tid for <pvmx/pvmx.h>, a rank for MPI */
    int32_t tag;
    uint64_t length;   /* bytes sent, also when more than the buffer held */
    pvmx_err error;    /* PVMX_OK, PVMX_ERR_TRUNCATE, PVMX_ERR_PEER_DEAD, ... */
    int32_t cancelled; /* 1 when the operation was cancelled and moved nothing */
};

#ifdef __cplusplus
}
#endif
#endif
