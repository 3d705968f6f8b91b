/* SPDX-License-Identifier: BSD-3-Clause */
/* What the profiling tool of tool.c counts. */
#ifndef TOOL_H
#define TOOL_H

enum {
    TOOL_SEND,
    TOOL_RECV,
    TOOL_SPAWN,
    TOOL_BCAST,
    TOOL_DUP,
    TOOL_FREE,
    TOOL_ERROR,
    TOOL_FINALIZE,
    TOOL_COUNTS
};
int tool_count(int which);

#endif
