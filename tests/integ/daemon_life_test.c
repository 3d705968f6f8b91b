/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends: told exactly once and with the right status; who ends with whom; signals, abort, watches,
 * the time limit for init. */
#include "base/clock.h"
#include "daemon_lab.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(daemon_life, .timeout = 120);

static struct lab lab;
static struct lab_client me, other;
static struct lab_spawned got;
static int pipes[2];

static void begin(void)
{
    setenv("PVMX_DAEMON_GRACE", "200ms", 1);
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    cr_assert(pipe2(pipes, O_CLOEXEC) == 0);
}

static void end(void)
{
    lab_hang_up(&me);
    lab_close(&lab);
}

static void await_bytes(size_t want)
{
    char bytes[64];
    struct pollfd p = {.fd = pipes[0], .events = POLLIN};
    while (want > 0) {
        cr_assert(poll(&p, 1, LAB_DEADLINE_MS) > 0);
        ssize_t n = read(pipes[0], bytes, want < sizeof bytes ? want : sizeof bytes);
        cr_assert(n > 0);
        want -= (size_t)n;
    }
}

/* count tasks that do `what`, waiting for a byte from each when bytes is set. */
static void start(struct lab_client *k, const char *what, const char *arg, uint32_t count,
                  uint32_t flags, bool bytes)
{
    const char *args[] = {what, arg, NULL};
    struct lab_spawn s = {.command = CHILD_PATH,
                          .args = args,
                          .count = count,
                          .flags = flags,
                          .out_fd = pipes[1]};
    lab_spawn(k, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    if (bytes)
        await_bytes(count);
}

static const struct pxp_task_end *end_of(const struct lab_client *k, int32_t tid)
{
    const struct pxp_task_end *found = NULL;
    for (size_t i = 0; i < k->nends; i++) {
        if (k->ends[i].tid != tid)
            continue;
        cr_assert(found == NULL, "the end of t%x was told twice", (unsigned)tid);
        found = &k->ends[i];
    }
    return found;
}

Test(daemon_life, exit_status_and_signal)
{
    begin();
    start(&me, "exit", "42", 1, PVMX_SPAWN_NO_MPI, false);
    int32_t exited = got.tids[0];
    start(&me, "signal", "9", 1, PVMX_SPAWN_NO_MPI, false);
    lab_await_ends(&me, 2);
    cr_assert_eq(end_of(&me, exited)->status, 42);
    cr_assert_eq(end_of(&me, exited)->signal, 0);
    cr_assert_eq(end_of(&me, got.tids[0])->status, -1);
    cr_assert_eq(end_of(&me, got.tids[0])->signal, 9);
    cr_assert_not(end_of(&me, exited)->inited);
    cr_assert_not(end_of(&me, exited)->left);
    end();
}

Test(daemon_life, leave_is_seen_although_the_process_ends_at_once)
{
    begin();
    start(&me, "leave", NULL, 20, 0, false);
    lab_await_ends(&me, 20);
    for (int i = 0; i < 20; i++) {
        cr_assert(me.ends[i].left);
        cr_assert(me.ends[i].inited);
        cr_assert_eq(me.ends[i].status, 7);
    }
    end();
}

Test(daemon_life, watcher_and_spawner_are_told_once_each)
{
    begin();
    lab_join(&lab, &other);
    start(&me, "stay", NULL, 3, PVMX_SPAWN_NO_MPI, true);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(lab_watch(&other, got.tids[i]), 1);
        cr_assert_eq(lab_watch(&other, got.tids[i]), 1);
        cr_assert_eq(lab_watch(&me, got.tids[i]), 1);
    }
    cr_assert_eq(lab_watch(&other, 0x40001 + 1000), PVMX_ERR_NOTASK);
    cr_assert_eq(lab_abort(&other, 0, got.job), 3);
    lab_await_ends(&me, 3);
    lab_await_ends(&other, 3);
    for (int i = 0; i < 3; i++)
        cr_assert(end_of(&me, got.tids[i]) != NULL && end_of(&other, got.tids[i]) != NULL);
    cr_assert(lab_quiet(&me, 20) && lab_quiet(&other, 20));
    /* asked for later: at once, before the answer */
    other.nends = 0;
    cr_assert_eq(lab_watch(&other, got.tids[1]), 1);
    cr_assert_eq(other.nends, 1);
    cr_assert_eq(end_of(&other, got.tids[1])->signal, SIGTERM);
    lab_hang_up(&other);
    end();
}

Test(daemon_life, slot_tells_death_and_is_freed_when_nobody_cares)
{
    struct lab_status st;
    begin();
    struct px_slot *mine = lab_slot(&me, me.tid);
    start(&me, "stay", NULL, 1, PVMX_SPAWN_NO_MPI, true);
    int32_t tid = got.tids[0];
    uint32_t slot = px_tid_slot(tid);
    struct px_slot *its = lab_slot(&me, tid);
    cr_assert_eq(atomic_load(&its->state), PX_SLOT_BORN);
    atomic_fetch_or(&mine->contacts[slot / 64], UINT64_C(1) << slot % 64);
    atomic_store(&mine->rx_flags, PX_RX_SLEEPING);
    uint32_t bell = atomic_load(&mine->doorbell), seq = atomic_load(&mine->ctl_seq);
    cr_assert_eq(lab_signal(&me, tid, SIGKILL), 1);
    lab_until(atomic_load(&its->state) == PX_SLOT_DEAD);
    cr_assert_eq(atomic_load(&its->exit_signal), SIGKILL);
    cr_assert_eq(atomic_load(&its->tid), tid);
    lab_until(atomic_load(&mine->doorbell) > bell);
    lab_until(atomic_load(&mine->ctl_seq) > seq);
    lab_status(&me, &st);
    cr_assert_eq(st.slots_used, 2, "kept while we have it in our contacts");
    atomic_fetch_and(&mine->contacts[slot / 64], ~(UINT64_C(1) << slot % 64));
    lab_status(&me, &st);
    cr_assert_eq(st.slots_used, 1);
    cr_assert_eq(atomic_load(&its->tid), 0);
    end();
}

Test(daemon_life, running_counts_tasks_that_are_awake)
{
    begin();
    struct px_arena_head *head =
        mmap(NULL, PX_ARENA_HEAD, PROT_READ | PROT_WRITE, MAP_SHARED, me.arena_fd, 0);
    cr_assert(head != MAP_FAILED);
    cr_assert_eq(atomic_load(&head->running), 1);
    start(&me, "stay", NULL, 4, PVMX_SPAWN_NO_MPI, true);
    cr_assert_eq(atomic_load(&head->running), 5);
    atomic_store(&lab_slot(&me, got.tids[0])->asleep, 1);
    atomic_fetch_sub(&head->running, 1);
    lab_abort(&me, 0, got.job);
    lab_await_ends(&me, 4);
    cr_assert_eq(atomic_load(&head->running), 1);
    cr_assert_eq(atomic_load(&head->deaths), 4);
    end();
}

Test(daemon_life, children_end_with_a_spawner_that_dies)
{
    begin();
    pid_t pid = lab_connect_puppet(&lab, &other, PXP_ROLE_TASK);
    lab_enrol(&other);
    start(&other, "stay", NULL, 2, PVMX_SPAWN_NO_MPI, true);
    start(&other, "stubborn", NULL, 1, PVMX_SPAWN_NO_MPI, true);
    start(&other, "stay", NULL, 1, PVMX_SPAWN_NO_MPI | PVMX_SPAWN_DETACHED, true);
    start(&other, "stay", NULL, 1, PVMX_SPAWN_NO_MPI, true);
    lab_release(&other, got.job);
    struct lab_status st;
    lab_status(&me, &st);
    cr_assert_eq(st.ntasks, 7);
    /* Losing the connection is not yet the end of the task. */
    lab_status(&other, &st);
    lab_hang_up(&other);
    cr_assert(lab_quiet(&me, 50));
    lab_status(&me, &st);
    cr_assert_eq(st.ntasks, 7);
    kill(pid, SIGKILL);
    /* two end on SIGTERM, the stubborn one after the grace period, two stay */
    lab_until((lab_status(&me, &st), st.ntasks == 3));
    cr_assert(lab_quiet(&me, 300)); /* longer than the grace period: nothing else ends */
    lab_status(&me, &st);
    cr_assert_eq(st.ntasks, 3);
    end();
}

Test(daemon_life, root_task_that_leaves_is_gone_and_its_children_stay)
{
    struct lab_status st;
    begin();
    lab_join(&lab, &other);
    start(&other, "stay", NULL, 1, PVMX_SPAWN_NO_MPI, true);
    cr_assert_eq(lab_watch(&me, other.tid), 1);
    lab_leave(&other);
    lab_hang_up(&other);
    lab_await_ends(&me, 1);
    cr_assert(end_of(&me, other.tid)->left);
    lab_status(&me, &st);
    cr_assert_eq(st.ntasks, 2);
    cr_assert_eq(lab_abort(&me, got.tids[0], 0), 1);
    lab_until((lab_status(&me, &st), st.ntasks == 1 && st.slots_used == 1));
    end();
}

Test(daemon_life, task_that_never_calls_init_is_given_up)
{
    const char *args[] = {"stay", NULL};
    begin();
    struct lab_spawn s = {.command = CHILD_PATH,
                          .args = args,
                          .count = 2,
                          .init_timeout_ms = 100,
                          .out_fd = pipes[1]};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    struct px_slot *its = lab_slot(&me, got.tids[0]);
    uint32_t slot = px_tid_slot(got.tids[0]);
    atomic_fetch_or(&lab_slot(&me, me.tid)->contacts[slot / 64], UINT64_C(1) << slot % 64);
    lab_await_ends(&me, 2);
    cr_assert_eq(me.ends[0].status, -1);
    cr_assert_not(me.ends[0].inited);
    cr_assert_eq(atomic_load(&its->given_up), 1);
    cr_assert_eq(atomic_load(&its->state), PX_SLOT_DEAD);
    struct lab_status st;
    lab_until((lab_status(&me, &st), st.ntasks == 1));
    cr_assert(lab_quiet(&me, 20), "not told again when the process ends");
    /* one that has called it (in time, on a busy machine too) is left alone */
    args[0] = "init";
    s.init_timeout_ms = 1500;
    me.nends = 0;
    lab_spawn(&me, &s, &got);
    await_bytes(4);
    cr_assert(lab_quiet(&me, (int)s.init_timeout_ms + 100));
    lab_abort(&me, 0, got.job);
    lab_await_ends(&me, 2);
    cr_assert(me.ends[0].inited);
    end();
}

Test(daemon_life, ended_task_takes_what_it_started_along)
{
    begin();
    start(&me, "family", NULL, 1, PVMX_SPAWN_NO_MPI, false);
    await_bytes(2);
    cr_assert_eq(lab_abort(&me, got.tids[0], 0), 1);
    lab_await_ends(&me, 1);
    /* the pipe's last writer but us is gone: its reader sees the end */
    close(pipes[1]);
    struct pollfd p = {.fd = pipes[0], .events = POLLIN};
    cr_assert(poll(&p, 1, LAB_DEADLINE_MS) > 0);
    cr_assert((p.revents & POLLHUP) != 0);
    end();
}

Test(daemon_life, mpiexec_hears_of_abort_and_its_end_ends_the_job)
{
    struct lab_status st;
    uint32_t number, serial;
    const uint8_t *body;
    size_t len;
    struct pxp_zone z = {0};
    struct pxp_aborted a;
    begin();
    lab_connect(&lab, &other, PXP_ROLE_MPIEXEC);
    start(&other, "stay", NULL, 3, PVMX_SPAWN_NO_MPI, true);
    cr_assert_eq(lab_abort(&me, got.tids[0], 0), 1);
    for (bool world = true; world; pxp_client_drop(&other.c)) {
        while (pxp_client_next(&other.c, &number, &serial, &body, &len) != PVMX_OK)
            cr_assert_neq(pxp_client_fill(&other.c, LAB_DEADLINE_MS, NULL, NULL),
                          PVMX_ERR_AGAIN);
        world = number == PXP_WORLD; /* its start */
        if (!world)
            break;
    }
    cr_assert_eq(number, PXP_ABORTED);
    cr_assert(pxp_aborted_decode(body, len, &a, &z) == PVMX_OK);
    cr_assert_eq(a.code, 5);
    cr_assert_eq(a.tid, me.tid);
    cr_assert_str_eq(a.text, "lab");
    pxp_zone_free(&z);
    pxp_client_drop(&other.c);
    lab_await_ends(&other, 1);
    lab_status(&me, &st);
    cr_assert_eq(st.ntasks, 3);
    lab_hang_up(&other);
    lab_until((lab_status(&me, &st), st.ntasks == 1));
    end();
}

Test(daemon_life, no_such_signal_and_no_such_task)
{
    begin();
    cr_assert_eq(lab_signal(&me, me.tid, 0), PVMX_ERR_ARG);
    cr_assert_eq(lab_signal(&me, me.tid, 4096), PVMX_ERR_ARG);
    cr_assert_eq(lab_signal(&me, 12345, SIGTERM), PVMX_ERR_NOTASK);
    cr_assert_eq(lab_abort(&me, 12345, 0), 0);
    end();
}
