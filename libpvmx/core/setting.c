/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings of the layers above, in the same tables as ours. */
#include "base/err.h"
#include "base/param.h"

#include <pvmx/engine/util.h>
#include <stdlib.h>

void pvmx_engine_settings(const struct pvmx_setting *table, size_t n)
{
    struct px_param *rows = calloc(n, sizeof *rows); /* lives as long as the process: listed */
    const char **values = calloc(n, sizeof *values);
    if (!rows || !values) {
        free(rows);
        free(values);
        return;
    }
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct px_param){.name = table[i].name,
                                    .type = PX_PARAM_TEXT,
                                    .dflt = table[i].dflt,
                                    .help = table[i].help,
                                    .store.text = &values[i]};
    px_param_register(rows, n);
}

const char *pvmx_engine_setting(const char *name)
{
    static _Thread_local char value[256];
    return px_param_get(name, value, sizeof value) == PVMX_OK ? value : NULL;
}
