/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM's environment variables, and texts with variables in them. */
#ifndef P3_ENV_H
#define P3_ENV_H

#include <stddef.h>

/* Of an environment variable; PVM_ARCH and PVM_ROOT have one in any case. "": none. */
const char *p3_env(const char *name);
/* Puts variables ($HOME) in; what does not fit is cut off at a ':' . */
void p3_env_expand(const char *from, char *to, size_t size);

#endif
