/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM's environment variables, as libpvm3 and the console take them. The source is compiled into libpvm3
 * too, which sees nothing of base in libpvmx. What does not fit into a text is cut off at a ':'. */
#ifndef PX_PVMENV_H
#define PX_PVMENV_H

#include <stddef.h>

/* Of an environment variable; PVM_ARCH and PVM_ROOT have one in any case. "": none. */
const char *px_pvm_env(const char *name);
/* Puts variables ($HOME) in. */
void px_pvm_expand(const char *from, char *to, size_t size);
/* Where programs are looked for first: PVM_PATH, else PVM's own folders. */
void px_pvm_path(char *to, size_t size);
/* Where tasks run on hosts that do not say it themselves: PVM_WD; "": as ever. */
void px_pvm_wdir(char *to, size_t size);
/* What runs a program that is to be debugged, on hosts that do not say it themselves. */
void px_pvm_debugger(char *to, size_t size);

#endif
