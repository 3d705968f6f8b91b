/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings: one table row each, with name, type, default as text, range, unit and a sentence of
 * help. A setting "shm.eager" is read from the environment variable PVMX_SHM_EAGER; tables are
 * registered by the module that owns them and listed by px_param_each (for `pvmx settings`, --help
 * and documentation). A value out of range is reported once by a warning and the default is used. */
#ifndef PX_PARAM_H
#define PX_PARAM_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum px_param_type {
    PX_PARAM_BOOL,   /* yes/no/1/0/true/false/on/off -> int64_t 0 or 1 */
    PX_PARAM_INT,    /* int64_t */
    PX_PARAM_SIZE,   /* bytes with optional k, m, g -> int64_t */
    PX_PARAM_TIME,   /* with optional us, ms, s, m, h -> int64_t ns */
    PX_PARAM_CHOICE, /* index into choices -> int64_t */
    PX_PARAM_TEXT,   /* const char * */
};

struct px_param {
    const char *name;
    enum px_param_type type;
    const char *dflt;
    int64_t min, max;    /* for INT, SIZE, TIME; both 0: no limits */
    const char *choices; /* "spin|hybrid|sleep" */
    const char *help;
    union {
        int64_t *number;
        const char **text;
    } store;
    bool at_start; /* counts when this process becomes a task; later changes come too late */
};

/* Reads the environment for n rows and remembers the table (static storage) for listing.
 * Registering a table again re-reads it, but for rows that px_param_set has set. */
void px_param_register(const struct px_param *table, size_t n);
/* Sets one value from text: PVMX_ERR_NOENT (no such name), PVMX_ERR_ARG (names the range). */
pvmx_err px_param_set(const char *name, const char *value);
/* Current value as text into buf; PVMX_ERR_NOENT. */
pvmx_err px_param_get(const char *name, char *buf, size_t size);
/* The same for the value as it is stored: PVMX_ERR_NOENT also for a TEXT; set: PVMX_ERR_ARG. */
pvmx_err px_param_set_number(const char *name, int64_t value);
pvmx_err px_param_get_number(const char *name, int64_t *value);
/* Calls fn for every registered row. */
void px_param_each(void (*fn)(const struct px_param *row, void *arg), void *arg);
/* Name of the environment variable of a setting: "shm.eager" -> "PVMX_SHM_EAGER". */
void px_param_env_name(const char *name, char *buf, size_t size);
/* What a value must look like, in words: "a whole number from 1 to 64". */
void px_param_expects(const struct px_param *row, char *buf, size_t size);

#endif
