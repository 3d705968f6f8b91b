/* SPDX-License-Identifier: BSD-3-Clause */
/* The version of the library that is loaded, as opposed to the headers compiled against. */
#include <pvmx/version.h>

const char *pvmx_version(void)
{
    return PVMX_VERSION;
}
