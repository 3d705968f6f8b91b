/* SPDX-License-Identifier: BSD-3-Clause */
/* The name service: the daemon's, which every program of the virtual machine asks. */
#include "dpm/dpm.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stddef.h>

static int service_class(pvmx_err err)
{
    switch (err) {
    case PVMX_ERR_EXISTS:
    case PVMX_ERR_PERM:
    case PVMX_ERR_NOENT:
    case PVMX_ERR_TOOBIG:
        return xmpi_err(MPI_ERR_SERVICE, "%s", pvmx_last_error());
    default:
        return xmpi_err_engine(err);
    }
}

int xmpi_publish_name(const char *service_name, struct xmpi_info *info, const char *port_name)
{
    xmpi_dpm_note_unknown(info, NULL, "publish_name");
    return service_class(pvmx_engine_name_publish(service_name, port_name));
}

int xmpi_unpublish_name(const char *service_name, struct xmpi_info *info, const char *port_name)
{
    xmpi_dpm_note_unknown(info, NULL, "unpublish_name");
    return service_class(pvmx_engine_name_unpublish(service_name, port_name));
}

int xmpi_lookup_name(const char *service_name, struct xmpi_info *info, char *port_name)
{
    static const char *const known[] = {"pvmx_wait", NULL};
    uint32_t wait_ms = 0;
    xmpi_dpm_note_unknown(info, known, "lookup_name");
    int cls = xmpi_dpm_info_ms(info, "pvmx_wait", &wait_ms);
    if (cls)
        return cls;
    pvmx_err err =
        pvmx_engine_name_lookup(service_name, wait_ms, port_name, MPI_MAX_PORT_NAME);
    if (err == PVMX_ERR_TIMEDOUT || err == PVMX_ERR_TOOBIG)
        return xmpi_err(MPI_ERR_NAME, "%s", pvmx_last_error());
    return xmpi_err_engine(err);
}
