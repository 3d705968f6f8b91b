/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of other mpiexecs that cannot be passed over and are none here, and what there is instead. */
#include "parse.h"

#include <string.h>

static const struct {
    char names[56]; /* separated by blanks */
    char instead[88];
} foreign[] = {
    {"rankfile rf", "-host, -hostfile and -map-by say where ranks run"},
    {"rank-by", "ranks are numbered in the order that -map-by says"},
    {"byslot bycore bysocket bynuma bynode", "-map-by slot, core, socket, numa or node"},
    {"bind-to-core bind-to-socket bind-to-none", "-bind-to core, socket or none"},
    {"cpus-per-proc cpus-per-rank", "-bind-to core:N"},
    {"npersocket", "-map-by socket"},
    {"cpu-set cpu-list binding", "-bind-to, and MPIT_PROCMAP where ranks begin"},
    {"membind", "-bind-to numa: memory lies where its process runs"},
    {"use-hwthread-cpus", "-bind-to hwthread"},
    {"nolocal skip-launch-node", "-host or -hostfile with the hosts that are meant"},
    {"order-nodes", "-host or -hostfile: hosts are used in their order there"},
    {"default-hostfile", "-hostfile"},
    {"output output-filename outfile",
     "-l labels lines, -outfile-pattern out.%r writes files"},
    {"errfile", "-errfile-pattern err.%r"},
    {"timestamp-output", "-l labels lines; a filter such as ts(1) dates them"},
    {"merge-stderr-to-stdout", "2>&1 behind the command"},
    {"display", "-display-map and -report-bindings"},
    {"gdb gdba tv debug debugger xterm",
     "the debugger as program: mpiexec -n 2 xterm -e gdb ./a.out"},
    {"preload-binary", "-preload-files PROGRAM"},
    {"gpus-per-proc gpu-subdevs-per-proc",
     "a program that chooses its device by PVMX_LOCAL_RANK"},
    {"ompi-server report-uri dvm-uri dvm",
     "-vm: programs of one virtual machine find each other"},
    {"umask", "umask(1) before mpiexec: processes have its"},
    {"ssi", "no parameters of LAM"},
    {"max-restarts", "a master that starts others with MPI_Comm_spawn"},
};

const char *foreign_instead(const char *word)
{
    const char *name = word + strspn(word, "-");
    size_t len = strcspn(name, "=");
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        for (const char *at = foreign[i].names; *at; at += strspn(at, " ")) {
            size_t n = strcspn(at, " ");
            if (n == len && strncmp(at, name, n) == 0)
                return foreign[i].instead;
            at += n;
        }
    return NULL;
}
