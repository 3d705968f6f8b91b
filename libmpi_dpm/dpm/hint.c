/* SPDX-License-Identifier: BSD-3-Clause */
/* What the functions of this folder ask of info objects alike. */
#include "dpm/dpm.h"
#include "rt/err.h"
#include "rt/info.h"
#include <errno.h>
#include <pvmx/engine/util.h>
#include <stdlib.h>
#include <string.h>

int xmpi_dpm_bad_value(const char *key, const char *value, const char *expected)
{
    return xmpi_err(MPI_ERR_INFO_VALUE,
                    "info key \"%s\" has the value \"%.100s\": expected %s", key, value,
                    expected);
}

int xmpi_dpm_info_ms(const struct xmpi_info *info, const char *key, uint32_t *ms)
{
    const char *text = xmpi_info_value(info, key);
    char *end;
    if (!text)
        return MPI_SUCCESS;
    errno = 0;
    double s = strtod(text, &end);
    /* The negation also catches what is no number. */
    if (end == text || *end || errno || !(s >= 0 && s <= 4e6))
        return xmpi_dpm_bad_value(key, text, "seconds, 0 to 4000000");
    *ms = (uint32_t)(s * 1000 + 0.5);
    return MPI_SUCCESS;
}

/* A pattern that ends in '*' stands for all that begin so. */
static bool is_key(const char *key, const char *pattern)
{
    size_t len = strcspn(pattern, "*");
    return strncmp(key, pattern, len) == 0 && (pattern[len] == '*' || key[len] == '\0');
}

void xmpi_dpm_note_unknown(const struct xmpi_info *info, const char *const known[],
                           const char *what)
{
    for (int i = 0; info && i < info->n; i++) {
        bool found = false;
        for (const char *const *k = known; k && *k; k++)
            found = found || is_key(info->pairs[i].key, *k);
        if (!found)
            pvmx_engine_debug("%s ignores info key \"%s\"", what, info->pairs[i].key);
    }
}
