/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts to be added, as lines of PVM's host files say it: "NAME opt=value ...". libpvmx reads them; here they
 * get what PVM's environment variables say. */
#ifndef P3_HOSTSPEC_H
#define P3_HOSTSPEC_H

#include <pvmx/engine/vm.h>

struct p3_hosts {
    struct pvmx_host_list list;
    char **texts; /* two for each host, which its spec points to */
};

/* Those of a file that are to be started, or the one of a line (path NULL). PvmBadParam: it makes no sense,
 * PvmNoFile: the file cannot be read; by PvmAutoErr it is said why, of a file. *out needs no free then. */
int p3_hosts_read(const char *path, const char *line, struct p3_hosts *out);
void p3_hosts_free(struct p3_hosts *h);

#endif
