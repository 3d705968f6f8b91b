/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM 3: versions of its protocols, contexts that it keeps, and the tags of <pvmsdpro.h>, under the name that
 * Debian's package has for them. Tags between PVM's own tasks and daemons are not here. */
#ifndef PVMPROTO_H
#define PVMPROTO_H

#include <pvmsdpro.h>

#define DDPROTOCOL 2316
#define TDPROTOCOL 1318
#define SYSCTX_FIRST 524287
#define SYSCTX_TC 524287
#define SYSCTX_TM 524286
#define SYSCTX_SG 524285
#define SYSCTX_DG 524284
#define SYSCTX_LAST 524278
#define NUM_SYSCTX 10
#define BASECONTEXT 0

#endif
