/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM's console, a program of its own that lies beside this one: it takes our place, or reads for us what
 * traced tasks tell, since a reader has to be a task. */
#ifndef CONSOLE_PVM_H
#define CONSOLE_PVM_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct pxp_spawned;

/* Runs it instead of this program; argv[0] is replaced. vm: of the option --vm, or NULL. Returns a status of
 * cmd.h if that fails. */
int pvm_become(const char *vm, char **argv);

struct pvm_reader {
    int fd; /* -1: none */
    int32_t tid, code;
};

/* Starts one that writes into a file; "": to our standard output. It has a session of its own and stays until
 * what it reads of has ended. To be ended by one of the following two. */
pvmx_err pvm_reader_start(struct pvm_reader *r, const char *vm, const char *file);
/* Tells whom it reads of. */
void pvm_reader_tell(struct pvm_reader *r, const struct pxp_spawned *job,
                     const char *program);
/* It is not needed, and goes. */
void pvm_reader_drop(struct pvm_reader *r);

#endif
