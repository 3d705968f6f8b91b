/* SPDX-License-Identifier: BSD-3-Clause */
/* Which parts of the machine this process is bound to, from its affinity mask and the kernel's
 * description of the processors. A part is known by the least processor in it. */
#ifndef XMPI_HARDWARE_H
#define XMPI_HARDWARE_H

/* From coarse to fine. */
enum xmpi_hw_type {
    XMPI_HW_MACHINE,
    XMPI_HW_NUMANODE,
    XMPI_HW_PACKAGE,
    XMPI_HW_L3CACHE,
    XMPI_HW_L2CACHE,
    XMPI_HW_CORE,
    XMPI_HW_PU,
    XMPI_HW_TYPES,
};

/* "hwloc://Machine" and so on: the words are hwloc's. */
const char *xmpi_hw_name(enum xmpi_hw_type type);
/* The type of a name, with or without "hwloc://", in any case of letters; -1: no such type. */
int xmpi_hw_type_of(const char *name);
/* For each type the part that holds all processors this thread may run on; -1: there is none. */
void xmpi_hw_parts(int parts[XMPI_HW_TYPES]);

#endif
