/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: error sentences, log and settings, so that layers above link base once. */
#ifndef PVMX_ENGINE_UTIL_H
#define PVMX_ENGINE_UTIL_H

#include <pvmx/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Records the sentence that pvmx_last_error() returns in this thread and returns err. */
PVMX_API pvmx_err pvmx_engine_fail(pvmx_err err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Logs at debug level when PVMX_LOG asks for it. */
PVMX_API void pvmx_engine_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A setting of the layer above, read from PVMX_<NAME> like all others. Strings are static. */
struct pvmx_setting {
    const char *name, *dflt, *help;
};
/* Adds settings to the tables that `pvmx settings` shows. */
PVMX_API void pvmx_engine_settings(const struct pvmx_setting *table, size_t n);
/* Value of a setting ("coll.barrier") as text, after environment and defaults; NULL: no such one.
 * Valid until the next call of the same thread. */
PVMX_API const char *pvmx_engine_setting(const char *name);

#ifdef __cplusplus
}
#endif
#endif
