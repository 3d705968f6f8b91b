/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawning: counts, what children inherit, what they find in their slot, status and order. */
#include "base/clock.h"
#include "daemon_lab.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(daemon_spawn, .timeout = 120);

static struct lab lab;
static struct lab_client me;
static struct lab_spawned got;

static size_t read_upto(int fd, char *to, size_t want)
{
    size_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (n < want && poll(&p, 1, LAB_DEADLINE_MS) > 0) {
        ssize_t k = read(fd, to + n, want - n);
        if (k <= 0)
            break;
        n += (size_t)k;
    }
    return n;
}

static void spawn_and_count(uint32_t n)
{
    int pipes[2];
    char bytes[512];
    cr_assert(pipe2(pipes, O_CLOEXEC) == 0);
    struct lab_spawn s = {.command = CHILD_PATH,
                          .count = n,
                          .flags = PVMX_SPAWN_NO_MPI,
                          .out_fd = pipes[1]};
    me.nends = 0;
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    cr_assert_eq(got.ntids, n);
    cr_assert_eq(got.nerrors, 0);
    for (uint32_t i = 1; i < n; i++)
        cr_assert_eq(got.tids[i], got.tids[i - 1] + 1, "tids are in rank order");
    cr_assert_eq(read_upto(pipes[0], bytes, n), n);
    lab_await_ends(&me, n);
    for (uint32_t i = 0; i < n; i++) {
        cr_assert_eq(me.ends[i].status, 0);
        cr_assert_eq(me.ends[i].signal, 0);
        cr_assert_eq(me.ends[i].job, got.job);
        cr_assert_eq(me.ends[i].tid, got.tids[0] + (int32_t)me.ends[i].rank);
    }
    cr_assert(lab_quiet(&me, 20), "an end is told once");
    close(pipes[0]);
    close(pipes[1]);
}

Test(daemon_spawn, one_64_and_256_tasks)
{
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    cr_assert_eq(me.tid, 0x40001);
    spawn_and_count(1);
    spawn_and_count(64);
    spawn_and_count(256);
    lab_hang_up(&me);
    lab_close(&lab);
}

Test(daemon_spawn, child_gets_directory_umask_limits_environment_and_nothing_else)
{
    int pipes[2];
    char text[4096] = "", want[512];
    struct pxp_limit core = {.resource = RLIMIT_CORE, .soft = 4096, .hard = 4096};
    const char *args[] = {"tell", NULL}, *env[] = {"LAB=from app", NULL};
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    cr_assert(pipe2(pipes, O_CLOEXEC) == 0);
    setenv("LAB", "from spawner", 1);
    setenv("LAB2", "two", 1);
    setenv(PX_TASK_ENV, "9,9,9,9", 1);
    struct lab_spawn s = {.command = CHILD_PATH,
                          .args = args,
                          .count = 1,
                          .wdir = lab.xdg,
                          .env = env,
                          .out_fd = pipes[1],
                          .limits = &core,
                          .nlimits = 1};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    lab_await_ends(&me, 1);
    cr_assert(read(pipes[0], text, sizeof text - 1) > 0);
    /* 0, 1, 2, the control connection and the arena */
    snprintf(want, sizeof want,
             "cwd=%s umask=022 nice=3 core=4096 lab=from app lab2=two fds=5 ignored=0 "
             "held=0 task=1 "
             "leader=1\n",
             lab.xdg);
    cr_assert_str_eq(text, want);
    lab_hang_up(&me);
    lab_close(&lab);
}

Test(daemon_spawn, birth_record_tells_world_and_parents)
{
    int pipes[2];
    char bytes[4096];
    const char *args[] = {"birth", NULL};
    struct pxp_zone z = {0};
    struct pxp_birth b;
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    cr_assert(pipe2(pipes, O_CLOEXEC) == 0);
    struct lab_spawn s = {.command = CHILD_PATH, .args = args, .count = 1, .out_fd = pipes[1]};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    lab_await_ends(&me, 1);
    cr_assert_eq(me.ends[0].status, 0);
    cr_assert(me.ends[0].inited);
    ssize_t n = read(pipes[0], bytes, sizeof bytes);
    cr_assert(n > 0 && pxp_birth_decode((uint8_t *)bytes, (size_t)n, &b, &z) == PVMX_OK);
    cr_assert_eq(b.job, got.job);
    cr_assert_eq(b.rank, 0);
    cr_assert_eq(b.size, 1);
    cr_assert_eq(b.ctx, 77);
    cr_assert_eq(b.n_world, 1);
    cr_assert_eq(b.world[0].first, got.tids[0]);
    cr_assert_eq(b.n_parents, 1);
    cr_assert_eq(b.parents[0].first, me.tid);
    cr_assert_str_eq(b.vm, "lab");
    pxp_zone_free(&z);
    lab_hang_up(&me);
    lab_close(&lab);
}

Test(daemon_spawn, several_requests_at_once)
{
    uint32_t serials[16];
    struct lab_spawn s = {.command = "true", .count = 5, .flags = PVMX_SPAWN_NO_MPI};
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    for (int i = 0; i < 4; i++)
        serials[i] = lab_spawn_send(&me, &s);
    /* Answers come in the order in which requests finish: wait for the ends first, keep all. */
    for (int i = 0; i < 4; i++) {
        uint32_t number, serial;
        const uint8_t *body;
        size_t len;
        for (;;) {
            pvmx_err err = pxp_client_next(&me.c, &number, &serial, &body, &len);
            if (err == PVMX_OK && number == PXP_SPAWNED)
                break;
            if (err == PVMX_OK)
                pxp_client_drop(&me.c);
            else
                cr_assert_neq(pxp_client_fill(&me.c, LAB_DEADLINE_MS, NULL, NULL),
                              PVMX_ERR_AGAIN);
        }
        for (int k = 0; k < 4; k++)
            if (serials[k] == serial)
                serials[k] = 0;
        pxp_client_drop(&me.c);
    }
    for (int i = 0; i < 4; i++)
        cr_assert_eq(serials[i], 0);
    lab_hang_up(&me);
    lab_close(&lab);
}

/* Of a console: what it has withdrawn ends, whether it has been started yet or not. */
Test(daemon_spawn, withdrawn_requests)
{
    struct lab_spawn s = {.command = "sleep",
                          .args = (const char *[]){"600", NULL},
                          .count = 5,
                          .flags = PVMX_SPAWN_NO_MPI | PVMX_SPAWN_DETACHED};
    struct pxp_withdraw m;
    struct lab_status is;
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_connect(&lab, &me, PXP_ROLE_CONSOLE);
    for (int at_once = 0; at_once < 2; at_once++) {
        m.request = lab_spawn_send(&me, &s);
        if (!at_once)
            lab_spawn_take(&me, m.request, &got);
        cr_assert_eq(pxp_withdraw_encode(&me.c.out, 0, &m), PVMX_OK);
        lab_send(&me, NULL, 0);
        if (at_once)
            lab_spawn_take(&me, m.request, &got);
        lab_until((lab_status(&me, &is), is.ntasks == 0));
    }
    m.request = 4711; /* of which nobody knows */
    cr_assert_eq(pxp_withdraw_encode(&me.c.out, 0, &m), PVMX_OK);
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    lab_status(&me, &is);
    cr_assert_eq(is.ntasks, 5, "others stay");
    lab_abort(&me, 0, got.job);
    lab_hang_up(&me);
    lab_close(&lab);
}

Test(daemon_spawn, program_is_found_in_path_directory_and_beside_the_spawner)
{
    char dir[256];
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    snprintf(dir, sizeof dir, "/nowhere:%.*s",
             (int)(strrchr(CHILD_PATH, '/') - CHILD_PATH), CHILD_PATH);
    struct lab_spawn s = {.command = "daemon_child",
                          .count = 1,
                          .flags = PVMX_SPAWN_NO_MPI,
                          .path = dir};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    s.path = NULL;
    s.wdir = dir + strlen("/nowhere:");
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    s.command = "./daemon_child";
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    lab_await_ends(&me, 3);
    lab_hang_up(&me);
    lab_close(&lab);
}

Test(daemon_spawn, nothing_to_start_is_an_empty_job)
{
    struct lab_spawn s = {.command = "true", .count = 0};
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK);
    cr_assert_eq(got.ntids, 0);
    lab_hang_up(&me);
    lab_close(&lab);
}

Test(daemon_spawn, stopped_child_of_the_daemon_does_not_stop_it)
{
    int pipes[2];
    char byte;
    struct lab_status st;
    const char *args[] = {"stay", NULL};
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    cr_assert(pipe2(pipes, O_CLOEXEC) == 0);
    struct lab_spawn s = {.command = CHILD_PATH,
                          .args = args,
                          .count = 2,
                          .flags = PVMX_SPAWN_NO_MPI,
                          .out_fd = pipes[1]};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(read_upto(pipes[0], &byte, 1), 1);
    cr_assert_eq(lab_signal(&me, got.tids[0], 19), 1);
    lab_status(&me, &st);
    cr_assert_eq(st.ntasks, 3);
    cr_assert_eq(lab_abort(&me, 0, got.job), 2);
    lab_await_ends(&me, 2);
    cr_assert_eq(me.ends[0].signal, 15);
    cr_assert_eq(me.ends[1].signal, 15);
    lab_hang_up(&me);
    lab_close(&lab);
}
