/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm_start_pvmd as the first call: pvm_start HOST-FILE FOLDER. The file starts v1 with half the usual speed
 * and looks for programs in FOLDER there; "only_there" is this program. Ends with 2 if the file makes no
 * sense. */
#include "check.h"

static void check_host(int n, const char *name, int speed)
{
    struct pvmhostinfo *h;
    int hosts, tid, report;
    char *args[] = {NULL};
    SAME(pvm_config(&hosts, NULL, &h), PvmOk);
    SAME(hosts, n);
    SAME(h[n - 1].hi_speed, speed);
    SAME(pvm_spawn("only_there", args, PvmTaskHost, (char *)name, 1, &tid), 1);
    CHECK(pvm_recv(tid, 1) > 0);
    SAME(pvm_upkint(&report, 1, 1), PvmOk);
    SAME(report, h[n - 1].hi_tid);
}

int main(int argc, char **argv)
{
    char line[400], *file[] = {argv[1], NULL}, *added[] = {line};
    int tid;
    if (argc == 1) {
        int host = pvm_tidtohost(pvm_mytid());
        pvm_initsend(PvmDataDefault);
        pvm_pkint(&host, 1, 1);
        pvm_send(pvm_parent(), 1);
        return pvm_exit();
    }
    int cc = pvm_start_pvmd(1, file, 1);
    if (cc == PvmBadParam)
        return 2;
    SAME(cc, PvmOk);
    check_host(2, "v1", 500);
    snprintf(line, sizeof line, "v3 sp=700 ep=/nowhere:%s", argv[2]);
    SAME(pvm_addhosts(added, 1, &tid), 1);
    check_host(3, "v3", 700);
    SAME(pvm_spawn("only_there", NULL, PvmTaskHost, ".", 1, &tid),
         0); /* no ep= says so of this host */
    SAME(tid, PvmNoFile);
    return pvm_exit();
}
