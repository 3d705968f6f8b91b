/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames in words, for people who read the log at level debug. */
#ifndef PXP_TRACE_H
#define PXP_TRACE_H

#include <stddef.h>
#include <stdint.h>

/* Logs one frame's body when level debug is on; costs one comparison otherwise. way: "->" or "<-",
 * who: the other side ("t40001", "daemon"). Any bytes are allowed. */
void pxp_trace(const char *way, const char *who, const uint8_t *body, size_t len);
/* The same as text, cut to size: `spawn #3 {flags=1 apps=[1] cwd="/tmp"}`. */
void pxp_describe(const uint8_t *body, size_t len, char *text, size_t size);

#endif
