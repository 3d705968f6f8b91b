/* SPDX-License-Identifier: BSD-3-Clause */
/* Info keys of a spawn that say which processors the children get; the engine knows their names. */
#include "dpm/dpm.h"
#include "dpm/spawn_info.h"
#include "rt/err.h"
#include "rt/info.h"
#include <pvmx/engine/dyn.h>
#include <pvmx/errors.h>

int xmpi_spawn_place_read(const struct xmpi_info *info, struct xmpi_spawn_hints *hints)
{
    for (int i = 0; info && i < info->n; i++) {
        const struct xmpi_info_pair *p = &info->pairs[i];
        pvmx_err err = pvmx_engine_place_say(p->key, p->value, &hints->place);
        if (err == PVMX_ERR_NOMEM)
            return xmpi_err(MPI_ERR_NO_MEM, "no memory for info key \"%s\"", p->key);
        if (err == PVMX_ERR_ARG)
            return xmpi_err(MPI_ERR_INFO_VALUE, "info key %s", pvmx_last_error());
    }
    return MPI_SUCCESS;
}
