/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about hosts. */
#include "console.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void cmd_conf(int argc, char **argv)
{
    struct pvmhostinfo *h;
    int n, formats;
    (void)argc, (void)argv;
    if (pvm_config(&n, &formats, &h) < 0)
        return;
    printf("%d host%s, %d data format%s\n", n, n == 1 ? "" : "s", formats,
           formats == 1 ? "" : "s");
    printf("%24s %8s %8s %7s %10s\n", "HOST", "DTID", "ARCH", "SPEED", "DSIG");
    for (int i = 0; i < n; i++)
        printf("%24s %8x %8s %7d 0x%08x\n", h[i].hi_name, (unsigned)h[i].hi_tid,
               h[i].hi_arch, h[i].hi_speed, (unsigned)h[i].hi_dsig);
}

void cmd_add(int argc, char **argv)
{
    int n = argc - 1, infos[WORDS_MAX];
    fflush(stdout);
    int cc = pvm_addhosts(argv + 1, n, infos);
    if (cc < 0)
        return;
    printf("%d successful\n%24s %8s\n", cc, "HOST", "DTID");
    for (int i = 0; i < n; i++)
        if (infos[i] >= 0)
            printf("%24s %8x\n", argv[i + 1], (unsigned)infos[i]);
        else
            printf("%24s %8s\n", argv[i + 1], error_text(infos[i]));
}

void cmd_delete(int argc, char **argv)
{
    int n = argc - 1, infos[WORDS_MAX];
    int cc = pvm_delhosts(argv + 1, n, infos);
    if (cc < 0)
        return;
    printf("%d successful\n%24s  %s\n", cc, "HOST", "STATUS");
    for (int i = 0; i < n; i++)
        printf("%24s  %s\n", argv[i + 1], infos[i] >= 0 ? "deleted" : error_text(infos[i]));
}

void cmd_mstat(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int cc = pvm_mstat(argv[i]);
        printf("%24s  %s\n", argv[i], cc ? error_text(cc) : "ok");
    }
}

void cmd_halt(int argc, char **argv)
{
    const struct timespec pause = {0, 10000000};
    (void)argc, (void)argv;
    fflush(stdout);
    if (pvm_halt() < 0)
        return;
    pvm_setopt(PvmAutoErr, 0);
    for (int i = 0; i < 1000 && pvm_pstat(pvm_mytid()) == PvmOk; i++) /* until the daemon is gone */
        nanosleep(&pause, NULL);
    signal(SIGTERM, SIG_DFL); /* as by PVM's daemon: scripts see it in the status */
    raise(SIGTERM);
}

void cmd_quit(int argc, char **argv)
{
    (void)argc, (void)argv;
    quitting = true;
}
