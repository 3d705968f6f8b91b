/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: error sentences, log and settings, so that layers above link base once. */
#ifndef PVMX_ENGINE_UTIL_H
#define PVMX_ENGINE_UTIL_H

#include <pvmx/types.h>
#include <stdbool.h>
#include <stdint.h>

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
    const char *choices; /* "a|b|c": one of these; NULL: any text */
};
/* Adds settings to the tables that `pvmx settings` shows. */
PVMX_API void pvmx_engine_settings(const struct pvmx_setting *table, size_t n);
/* Value of a setting ("coll.barrier") as text, after environment and defaults; NULL: no such one.
 * Valid until the next call of the same thread. */
PVMX_API const char *pvmx_engine_setting(const char *name);

/* All settings of this process, for tools. The number of a row never changes; rows may be added. */
enum pvmx_setting_type {
    PVMX_SETTING_BOOL, /* 0 or 1        */
    PVMX_SETTING_INT,
    PVMX_SETTING_SIZE,   /* bytes         */
    PVMX_SETTING_TIME,   /* nanoseconds   */
    PVMX_SETTING_CHOICE, /* index         */
    PVMX_SETTING_TEXT,
};
struct pvmx_setting_row {
    const char *name, *help, *choices; /* static; choices: CHOICE only, else NULL */
    enum pvmx_setting_type type;
    bool at_start; /* counts when this process becomes a task of a VM; later it cannot be set */
};
PVMX_API int pvmx_engine_setting_count(void);
PVMX_API bool pvmx_engine_setting_row(int index, struct pvmx_setting_row *out);
/* The value of one that is no TEXT. PVMX_ERR_NOENT: there is no such setting. */
PVMX_API pvmx_err pvmx_engine_setting_number(const char *name, int64_t *value);
/* PVMX_ERR_ARG: not a value for it; PVMX_ERR_STATE: too late. It counts from the next use on. */
PVMX_API pvmx_err pvmx_engine_setting_set(const char *name, const char *value);
PVMX_API pvmx_err pvmx_engine_setting_set_number(const char *name, int64_t value);

#ifdef __cplusplus
}
#endif
#endif
