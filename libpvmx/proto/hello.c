/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's side of the greeting. */
#include "proto/hello.h"
#include "base/err.h"
#include <pvmx/version.h>

pvmx_err pxp_hello_check(const struct pxp_hello *hello, uint32_t *version)
{
    uint32_t common = hello->version < PXP_VERSION ? hello->version : PXP_VERSION;
    if (common < PXP_OLDEST || common < hello->oldest || common == 0)
        return px_fail(
            PVMX_ERR_VERSION,
            "this pvmxd (PVMX %s) speaks protocol versions %d to %d, the program (PVMX "
            "%.32s) %u to %u: halt the virtual machine or use programs and daemon of "
            "one release",
            PVMX_VERSION, PXP_OLDEST, PXP_VERSION, hello->release, hello->oldest,
            hello->version);
    if (hello->role < PXP_ROLE_TASK || hello->role > PXP_ROLE_MPIEXEC)
        return px_fail(PVMX_ERR_PROTO, "there is no role %u in the protocol", hello->role);
    *version = common;
    return PVMX_OK;
}

pvmx_err pxp_refuse(struct px_buf *out, uint32_t serial, pvmx_err error, const char *text)
{
    struct pxp_refuse m = {.error = error, .text = text != NULL ? text : pvmx_last_error()};
    return pxp_refuse_encode(out, serial, &m);
}

pvmx_err pxp_hello_answer(struct px_buf *out, uint32_t serial,
                          const struct pxp_hello *hello, const struct pxp_welcome *welcome)
{
    struct pxp_welcome m = *welcome;
    pvmx_err err = pxp_hello_check(hello, &m.version);
    if (err == PVMX_OK)
        return pxp_welcome_encode(out, serial, &m);
    pvmx_err sent = pxp_refuse(out, serial, err, NULL);
    return sent != PVMX_OK ? sent : err;
}
