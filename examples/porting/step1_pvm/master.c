/* SPDX-License-Identifier: BSD-3-Clause */
/* The master of steps 1 to 3, which is the same in all of them: PVM only. It starts the workers, sends each
 * its strip, and collects the strips, while it is told when a worker ends before it has finished. */
#include "../plate.h"

#include <pvm3.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAG_WORK = 1, TAG_RESULT = 2, TAG_GONE = 3 };

static void start_workers(const struct plate *p, int *tids)
{
    int n = pvm_spawn(WORKER, NULL, PvmTaskDefault, "", p->workers, tids);
    if (n == p->workers)
        return;
    fprintf(stderr, "%d of %d workers have been started, then error %d\n", n, p->workers,
            n < 0 ? n : tids[n]);
    for (int i = 0; i < n; i++)
        pvm_kill(tids[i]);
    pvm_exit();
    exit(1);
}

static void send_work(const struct plate *p, int *tids, double *all)
{
    int n = p->n, workers = p->workers, most = p->most;
    double eps = p->eps;
    for (int i = 0; i < p->workers; i++) {
        int first = plate_first(p, i), rows = plate_first(p, i + 1) - first;
        pvm_initsend(PvmDataDefault);
        pvm_pkint(&n, 1, 1);
        pvm_pkint(&rows, 1, 1);
        pvm_pkint(&workers, 1, 1);
        pvm_pkint(&i, 1, 1);
        pvm_pkint(&most, 1, 1);
        pvm_pkint(tids, p->workers, 1);
        pvm_pkdouble(&eps, 1, 1);
        pvm_pkdouble(all + (first - 1) * (n + 2), (rows + 2) * (n + 2), 1);
        pvm_send(tids[i], TAG_WORK);
    }
}

static void worker_has_ended(const struct plate *p, int *tids, int who)
{
    fprintf(stderr, "worker %d has ended before its work was done\n", who);
    for (int i = 0; i < p->workers; i++)
        if (i != who)
            pvm_kill(tids[i]);
    pvm_exit();
    exit(1);
}

static int index_of(const struct plate *p, const int *tids, int tid)
{
    int i = 0;
    while (i < p->workers && tids[i] != tid)
        i++;
    return i;
}

/* Results and notices come in any order; a worker's result comes before its notice. */
static int collect(const struct plate *p, int *tids, double *all)
{
    int steps = 0, tag, tid, done[MOST_WORKERS] = {0};
    for (int left = p->workers; left > 0;) {
        int id = pvm_recv(-1, -1);
        pvm_bufinfo(id, NULL, &tag, &tid);
        if (tag == TAG_GONE)
            pvm_upkint(&tid, 1, 1);
        int i = index_of(p, tids, tid);
        if (i == p->workers)
            continue;
        if (tag == TAG_GONE && !done[i])
            worker_has_ended(p, tids, i);
        if (tag != TAG_RESULT)
            continue;
        int first = plate_first(p, i), rows = plate_first(p, i + 1) - first;
        pvm_upkint(&steps, 1, 1);
        pvm_upkdouble(all + first * (p->n + 2), rows * (p->n + 2), 1);
        done[i] = 1;
        left--;
    }
    return steps;
}

int main(int argc, char **argv)
{
    struct plate p;
    int tids[MOST_WORKERS];
    plate_options(&p, argc, argv);
    double *all = plate_start(p.n);

    pvm_mytid();
    start_workers(&p, tids);
    pvm_notify(PvmTaskExit, TAG_GONE, p.workers, tids);
    send_work(&p, tids, all);
    int steps = collect(&p, tids, all);
    plate_print(&p, all, steps);
    free(all);
    pvm_exit();
    return 0;
}
