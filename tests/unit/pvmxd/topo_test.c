/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting processors: quotas of control groups, and what this machine says. */
#include "topo.h"
#include <criterion/criterion.h>
#include <sched.h>

Test(topo, quota_is_rounded_up)
{
    cr_assert_eq(topo_quota("max 100000\n"), 0);
    cr_assert_eq(topo_quota("100000 100000\n"), 1);
    cr_assert_eq(topo_quota("150000 100000\n"), 2);
    cr_assert_eq(topo_quota("1000 100000\n"), 1);
    cr_assert_eq(topo_quota("400000 100000"), 4);
}

Test(topo, nonsense_is_no_quota)
{
    cr_assert_eq(topo_quota(""), 0);
    cr_assert_eq(topo_quota("x"), 0);
    cr_assert_eq(topo_quota("5"), 0);
    cr_assert_eq(topo_quota("5 0"), 0);
    cr_assert_eq(topo_quota("0 5"), 0);
}

Test(topo, affinity_is_respected)
{
    cpu_set_t one;
    unsigned all = topo_cpus();
    cr_assert_geq(all, 1);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(topo_cpus(), 1);
}
