/* SPDX-License-Identifier: BSD-3-Clause */
/* What PVM's console lets a person set for the tasks that it spawns: options of pvm_setopt, and which
 * events of calls are traced. It lasts as long as the console. */
#ifndef CONSOLE_OPTIONS_H
#define CONSOLE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Those that are known here by number; the order is PVM's. */
enum options_number {
    OPTION_OUTPUT_TID = 3,
    OPTION_OUTPUT_CODE,
    OPTION_TRACE_TID,
    OPTION_TRACE_CODE,
    OPTION_TRACE_BUFFER,
    OPTION_TRACE_OPTIONS,
    OPTION_SELF_OUTPUT_TID = 11,
    OPTION_SELF_OUTPUT_CODE,
    OPTION_SELF_TRACE_TID,
    OPTION_SELF_TRACE_CODE,
    OPTION_OUTPUT_CONTEXT = 18,
    OPTION_TRACE_CONTEXT,
    OPTIONS_MAX = 23,
};
enum {
    OPTIONS_MASK = 36, /* bytes of a mask of events, with its NUL */
    OPTIONS_VARS = 5,
    OPTIONS_VAR = 96,
};

struct options {
    int values[OPTIONS_MAX];
    char mask[OPTIONS_MASK];
};

/* As they are at first. */
void options_begin(struct options *o);
const char *options_name(int option);
/* With or without "Pvm" in front; < 0: there is none. */
int options_find(const char *name);
/* Do spawned tasks get it? All others are of a console task, which pvmx is not. */
bool options_inherited(int option);
/* false: the number must be from *least to *most. */
bool options_set(struct options *o, int option, long value, int *least, int *most);
/* For the environment of a task that gets them: how many variables, each in vars. */
size_t options_vars(const struct options *o, char vars[OPTIONS_VARS][OPTIONS_VAR]);
/* PvmTraceOptions in words: from 1 on; NULL: there are no more. */
const char *options_trace_form(int value);

/* ---- events of calls, by name */

/* NULL: there are no more. */
const char *options_event(int i);
bool options_traces(const struct options *o, int i);
/* "*": all. false: there is no such event. */
bool options_trace(struct options *o, const char *name, bool on);
/* Those that PVM's graphical console shows, and no others. */
void options_trace_xpvm(struct options *o);

#endif
