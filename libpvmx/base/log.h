/* SPDX-License-Identifier: BSD-3-Clause */
/* The log: one sink (stderr, or the file of setting log.file), four levels, and a short stable id
 * for each message ("SPAWN-EXEC") that people can search for. Default level: warn. */
#ifndef PX_LOG_H
#define PX_LOG_H

#include <stdbool.h>

enum px_log_level { PX_LOG_ERROR, PX_LOG_WARN, PX_LOG_INFO, PX_LOG_DEBUG };

void px_log(enum px_log_level level, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Registers the settings "log" (level), "log.file" and "log.max" and obeys them. Programs and the library
 * call it once at their start. */
void px_log_settings(void);
bool px_log_enabled(enum px_log_level level);
void px_log_set_level(enum px_log_level level);
/* Who speaks, shown in each line ("pvmxd", "t40001"). Copied. */
void px_log_set_name(const char *name);
/* Appends to this file from now on; 0 or errno. NULL: stderr. */
int px_log_set_file(const char *path);
/* fn gets the text of each line as well, until NULL is set. It must not log. */
void px_log_also(void (*fn)(const char *text));

#endif
