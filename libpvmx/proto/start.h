/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting the daemon of this host when none runs. */
#ifndef PXP_START_H
#define PXP_START_H

#include "proto/client.h"
#include <stdbool.h>

/* Runs `pvmxd [--ephemeral] --vm NAME --ready-fd N` apart from this process (own session, stdio on
 * /dev/null, cwd /, no other descriptors, default signals, no child of this process) and returns
 * when it has written its line to N: "ready" - it accepts connections or has found another
 * daemon of this VM that does - or else the sentence why it cannot. Lines "note: ..." before it (a
 * setting of the daemon's has a bad value) are logged here as warnings, where the user sees them.
 * The program is what setting "daemon" (PVMX_DAEMON) says, else bin/pvmxd beside the library or
 * program that contains this function, else beside the running program. vm: NULL: as
 * px_rundir_open. Thread-safe. */
pvmx_err pxp_daemon_start(const char *vm, bool ephemeral);

/* Opens a connection to the VM's daemon, starting the daemon first when nobody listens; copes with
 * daemons that leave or start at the same instant. The directory used is stored in *dir. */
pvmx_err pxp_client_join(struct pxp_client *c, const char *vm, uint32_t role,
                         bool ephemeral, struct px_rundir *dir, struct pxp_welcome_info *w);

/* The daemon program that would be run, into path. PVMX_ERR_NOENT: the sentence says where it was
 * looked for. */
pvmx_err pxp_daemon_find(char *path, size_t size);

/* Registers the settings of starting and greeting; the functions above do so too. */
void pxp_start_settings(void);

#endif
