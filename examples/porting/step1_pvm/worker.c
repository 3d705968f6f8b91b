/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker of step 1: PVM only. Neighbours exchange rows by messages; a group finds the largest change. */
#include "../plate.h"

#include <pvm3.h>

enum {
    TAG_WORK = 1,
    TAG_RESULT = 2,
    TAG_UP = 4,
    TAG_DOWN = 5,
    TAG_CHANGE = 6,
    TAG_AGREED = 7
};
#define GROUP "plate"

struct job {
    int workers, me, most, tids[MOST_WORKERS];
    double eps;
};

static void receive_work(struct job *j, struct strip *s)
{
    int n, rows;
    pvm_recv(pvm_parent(), TAG_WORK);
    pvm_upkint(&n, 1, 1);
    pvm_upkint(&rows, 1, 1);
    pvm_upkint(&j->workers, 1, 1);
    pvm_upkint(&j->me, 1, 1);
    pvm_upkint(&j->most, 1, 1);
    pvm_upkint(j->tids, j->workers, 1);
    pvm_upkdouble(&j->eps, 1, 1);
    strip_init(s, n, rows);
    pvm_upkdouble(s->now, (rows + 2) * (n + 2), 1);
}

static void send_row(int tid, int tag, double *row, int n)
{
    pvm_initsend(PvmDataRaw);
    pvm_pkdouble(row, n + 2, 1);
    pvm_send(tid, tag);
}

static void receive_row(int tid, int tag, double *row, int n)
{
    pvm_recv(tid, tag);
    pvm_upkdouble(row, n + 2, 1);
}

/* All send first and receive then: pvm_send does not wait. */
static void exchange(const struct job *j, struct strip *s)
{
    int above = j->me > 0, below = j->me + 1 < j->workers;
    if (above)
        send_row(j->tids[j->me - 1], TAG_UP, strip_row(s, 1), s->n);
    if (below)
        send_row(j->tids[j->me + 1], TAG_DOWN, strip_row(s, s->rows), s->n);
    if (above)
        receive_row(j->tids[j->me - 1], TAG_DOWN, strip_row(s, 0), s->n);
    if (below)
        receive_row(j->tids[j->me + 1], TAG_UP, strip_row(s, s->rows + 1), s->n);
}

/* Instance 0 of the group learns the largest change and tells it to the others. */
static double largest_of_all(double change)
{
    pvm_reduce(PvmMax, &change, 1, PVM_DOUBLE, TAG_CHANGE, GROUP, 0);
    if (pvm_getinst(GROUP, pvm_mytid()) == 0) {
        pvm_initsend(PvmDataDefault);
        pvm_pkdouble(&change, 1, 1);
        pvm_bcast(GROUP, TAG_AGREED);
    } else {
        pvm_recv(pvm_gettid(GROUP, 0), TAG_AGREED);
        pvm_upkdouble(&change, 1, 1);
    }
    return change;
}

static int compute(const struct job *j, struct strip *s)
{
    for (int step = 1;; step++) {
        exchange(j, s);
        double change = strip_step(s);
        if (step == j->most)
            return step;
        if (step % CHECK_EVERY)
            continue;
        if (j->workers > 1) /* a group of one has nobody to broadcast to */
            change = largest_of_all(change);
        if (change <= j->eps)
            return step;
    }
}

int main(void)
{
    struct job j;
    struct strip s;
    receive_work(&j, &s);
    pvm_joingroup(GROUP);
    pvm_barrier(GROUP, j.workers); /* nobody reduces before all have joined */
    int steps = compute(&j, &s);

    pvm_initsend(PvmDataDefault);
    pvm_pkint(&steps, 1, 1);
    pvm_pkdouble(strip_row(&s, 1), s.rows * (s.n + 2), 1);
    pvm_send(pvm_parent(), TAG_RESULT);
    strip_free(&s);
    pvm_exit();
    return 0;
}
