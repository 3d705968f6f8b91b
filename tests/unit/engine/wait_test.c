/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting: what comes just before the sleep, and tasks that share a processor. */
#include "base/clock.h"
#include "progress/progress.h"

#include <criterion/criterion.h>
#include <sched.h>

/* True only once the waiting task has said that it sleeps, as if another had written what is waited for
 * after the last ordinary look, without seeing the flag. */
static bool comes_late(void *arg)
{
    const struct px_arena *a = arg;
    return (atomic_load(&a->slot->rx_flags) & PX_RX_SLEEPING) != 0;
}

/* A busy machine may keep one wait, not each of several; sleeping until the next look shows in all. */
Test(wait, looks_again_before_it_sleeps)
{
    struct px_arena arena;
    struct px_progress p;
    uint64_t least = PX_NEVER;
    cr_assert_eq(px_arena_private(&arena), PVMX_OK);
    px_progress_init(&p, &arena);
    p.no_spin = true;
    for (int i = 0; i < 10 && least > 400 * PX_MS; i++) {
        uint64_t begin = px_now_ns();
        cr_assert_eq(px_wait(&p, comes_late, &arena, PX_NEVER), PVMX_OK);
        uint64_t took = px_now_ns() - begin;
        least = took < least ? took : least;
    }
    cr_assert_leq(least, 400 * PX_MS, "slept until the look after the daemon");
    cr_assert_eq(atomic_load(&arena.slot->rx_flags) & PX_RX_SLEEPING, 0);
    px_arena_detach(&arena);
}

Test(wait, leaves_a_shared_processor)
{
    struct px_spread s = {0};
    cpu_set_t before, after;
    cr_assert_eq(sched_getaffinity(0, sizeof before, &before), 0);
    if (CPU_COUNT(&before) < 2)
        return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    for (int i = 0; i < 200; i++)
        px_spread_note(&s, 5000, false);
    cr_assert_eq(sched_getaffinity(0, sizeof after, &after), 0);
    cr_assert(CPU_EQUAL(&one, &after), "a task that is bound to a processor stays there");

    cr_assert_eq(sched_setaffinity(0, sizeof before, &before), 0);
    s = (struct px_spread){0};
    for (int i = 0; i < 200; i++) /* it shares its processor only now and then */
        px_spread_note(&s, i % 4 ? 5000 : 0, false);
    cr_assert_eq(s.moved_ns, 0);
    for (int i = 0; i < 200; i++)
        px_spread_note(&s, 5000, false);
    cr_assert_neq(s.moved_ns, 0);
    cr_assert_eq(sched_getaffinity(0, sizeof after, &after), 0);
    cr_assert(CPU_EQUAL(&before, &after), "it may run where it might before");
}
