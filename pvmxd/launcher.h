/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to start pvmxd on another host. A launcher is one row of a table: it makes the command; what is
 * common to all (the process, its pipes, what its failure means) is here. */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include "proto/messages.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct launched {
    pid_t pid; /* leads a group of its own */
    int pidfd;
    int in;  /* its standard input: nonblocking, ours to close */
    int err; /* its standard output and error: nonblocking */
};

/* The launcher's name for the host table: "fork", "ssh", "command". */
const char *launcher_name(const struct pxp_host_spec *spec);
/* The new daemon shares our machine, so it needs a runtime directory of its own. */
bool launcher_apart(const struct pxp_host_spec *spec);
/* Starts the command. PVMX_ERR_ARG: spec makes no sense to the launcher. */
pvmx_err launcher_start(const struct pxp_host_spec *spec, struct launched *out);
/* Ends one that has not been waited for, with all that it has started in its group. */
void launcher_kill(pid_t pid);
/* The command line for a shell over there that runs pvmxd with these arguments; false: it is too long. */
bool launcher_command(const struct pxp_host_spec *spec, const char *args, char *out,
                      size_t size);
/* What it means that the command ended like this before the daemon had come: a sentence by px_fail.
 * said: what it wrote. */
pvmx_err launcher_explain(const struct pxp_host_spec *spec, int status, const char *said);

#endif
