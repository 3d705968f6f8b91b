/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots: their order, reuse, contacts, and that their memory is given back. */
#include "arena.h"
#include <criterion/criterion.h>
#include <sys/stat.h>

TestSuite(arena, .timeout = 30);

static struct arena a;

static int32_t born(void)
{
    int32_t tid = arena_alloc(&a);
    cr_assert_gt(tid, 0);
    cr_assert_eq(arena_fill(&a, tid, "birth", 5), PVMX_OK, "%s", pvmx_last_error());
    arena_enter(&a, px_tid_slot(tid));
    return tid;
}

static void gone(int32_t tid)
{
    arena_died(&a, px_tid_slot(tid), 0, 0);
    arena_retire(&a, px_tid_slot(tid));
}

static blkcnt_t blocks(void)
{
    struct stat st;
    cr_assert_eq(fstat(a.fd, &st), 0);
    return st.st_blocks;
}

Test(arena, tids_go_up_and_wrap_without_zero)
{
    cr_assert_eq(arena_open(&a, 2, 1), PVMX_OK, "%s", pvmx_last_error());
    cr_assert_eq(born(), 0x40001);
    cr_assert_eq(born(), 0x40002);
    gone(0x40001);
    cr_assert_eq(arena_scan(&a), 0);
    cr_assert_eq(arena_alloc(&a), 0x40003, "a number is not used again soon");
    a.next_local = 0x3ffff;
    cr_assert_eq(arena_alloc(&a), 0x7ffff);
    cr_assert_eq(arena_alloc(&a), 0x40001, "0 is no task");
    cr_assert_eq(arena_alloc(&a), 0x40004, "slots 2 and 3 are busy");
    arena_close(&a);
}

Test(arena, all_slots_and_no_more)
{
    cr_assert_eq(arena_open(&a, 2, 1), PVMX_OK);
    for (int i = 0; i < PX_NSLOTS; i++)
        cr_assert_gt(arena_alloc(&a), 0);
    cr_assert_eq(arena_alloc(&a), 0);
    arena_unalloc(&a, 17);
    cr_assert_eq(px_tid_slot(arena_alloc(&a)), 17);
    arena_close(&a);
}

Test(arena, known_tids)
{
    cr_assert_eq(arena_open(&a, 2, 1), PVMX_OK);
    int32_t tid = born();
    cr_assert(arena_ever(&a, tid));
    cr_assert_not(arena_ever(&a, tid + 1));
    cr_assert_not(arena_ever(&a, 0));
    cr_assert_not(arena_ever(&a, -1));
    cr_assert_not(arena_ever(&a, 0x40000));
    cr_assert_not(arena_ever(&a, 0x80001), "another host");
    arena_close(&a);
}

Test(arena, slot_waits_for_the_last_contact)
{
    cr_assert_eq(arena_open(&a, 2, 1), PVMX_OK);
    int32_t one = born(), two = born();
    uint32_t slot = px_tid_slot(two);
    struct px_slot *s = arena_slot(&a, px_tid_slot(one)), *t = arena_slot(&a, slot);
    atomic_fetch_or(&s->contacts[slot / 64], UINT64_C(1) << slot % 64);
    gone(two);
    cr_assert_eq(atomic_load(&t->state), PX_SLOT_DEAD);
    cr_assert_eq(arena_scan(&a), 1);
    cr_assert_eq(atomic_load(&t->state), PX_SLOT_DEAD);
    cr_assert_eq(atomic_load(&t->tid), two);
    gone(one); /* the dead care for nobody */
    cr_assert_eq(arena_scan(&a), 0);
    cr_assert_eq(atomic_load(&t->tid), 0);
    cr_assert_eq(a.nfree, PX_NSLOTS);
    arena_close(&a);
}

/* Who begins to watch a task when its slot is cleared has to know whether that was a failure. */
Test(arena, who_left_in_good_order_is_known_when_the_slot_is_cleared)
{
    cr_assert_eq(arena_open(&a, 2, 1), PVMX_OK);
    int32_t tid[] = {born(), born(), born()};
    uint32_t slot[] = {px_tid_slot(tid[0]), px_tid_slot(tid[1]), px_tid_slot(tid[2])};
    arena_left(&a, slot[0]); /* and its process goes on */
    arena_retire(&a, slot[0]);
    arena_left(&a, slot[1]);
    gone(tid[1]);
    atomic_store(&a.head->left[slot[2]], tid[2]); /* as one with the same number, long ago */
    gone(tid[2]);
    cr_assert_eq(arena_scan(&a), 0);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(atomic_load(&arena_slot(&a, slot[i])->tid), 0);
        cr_assert_eq(atomic_load(&a.head->left[slot[i]]), i < 2 ? tid[i] : 0);
    }
    arena_close(&a);
}

Test(arena, memory_of_a_slot_is_given_back)
{
    cr_assert_eq(arena_open(&a, 2, 1), PVMX_OK);
    int32_t first = born();
    for (int i = 0; i < PX_NSLOTS; i++) /* the head is not a slot's */
        atomic_store(&a.head->left[i], 0);
    blkcnt_t before = blocks();
    for (int i = 0; i < 1000; i++)
        gone(born());
    cr_assert_gt(blocks(), before);
    cr_assert_eq(arena_scan(&a), 0);
    cr_assert_eq(blocks(), before);
    gone(first);
    arena_close(&a);
}

Test(arena, running_is_counted_once)
{
    cr_assert_eq(arena_open(&a, 2, 1), PVMX_OK);
    int32_t one = born(), two = born(), three = born();
    cr_assert_eq(atomic_load(&a.head->running), 3);
    atomic_store(&arena_slot(&a, px_tid_slot(two))->asleep, 1);
    atomic_fetch_sub(&a.head->running, 1);
    gone(one);
    cr_assert_eq(atomic_load(&a.head->running), 1);
    gone(two);
    cr_assert_eq(atomic_load(&a.head->running), 1);
    cr_assert(arena_give_up(&a, px_tid_slot(three)));
    cr_assert_not(arena_give_up(&a, px_tid_slot(three)));
    cr_assert_eq(atomic_load(&a.head->running), 0);
    cr_assert_eq(atomic_load(&a.head->deaths), 3);
    arena_close(&a);
}
