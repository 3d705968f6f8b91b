/* SPDX-License-Identifier: BSD-3-Clause */
/* Start and end of the daemon itself. */
#include "base/clock.h"
#include "daemon_lab.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(daemon_start, .timeout = 120);

static struct lab lab;
static struct lab_client me;
static struct lab_spawned got;

static int run(const char *command)
{
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(daemon_start, help_version_and_wrong_arguments)
{
    cr_assert_eq(run(PVMXD_PATH " --help | grep -q -e --ephemeral"), 0);
    cr_assert_eq(run(PVMXD_PATH " --version | grep -q PVMX"), 0);
    cr_assert_eq(run(PVMXD_PATH " --nonsense 2>/dev/null"), 2);
    cr_assert_eq(run(PVMXD_PATH " extra 2>/dev/null"), 2);
    cr_assert_eq(run(PVMXD_PATH " --ready-fd x 2>/dev/null"), 2);
    cr_assert_eq(run(PVMXD_PATH " --foreground --vm a/b 2>&1 | grep -q 'no name'"), 0);
}

Test(daemon_start, second_daemon_says_so_and_ends_with_3)
{
    char line[1024];
    struct lab first;
    lab_open(&lab);
    lab_start(&lab, NULL);
    first = lab;
    cr_assert_eq(lab_run(&lab, NULL, line, sizeof line), 3);
    cr_assert_str_eq(line, "ready", "the starter finds the other one");
    cr_assert_eq(run(PVMXD_PATH " --vm lab 2>&1 | grep -q 'runs already'"), 0);
    cr_assert_eq(run(PVMXD_PATH " --vm lab 2>/dev/null"), 3);
    lab_join(&first, &me);
    lab_hang_up(&me);
    lab_close(&first);
}

Test(daemon_start, socket_of_a_killed_daemon_is_replaced)
{
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    kill(lab.pid, SIGKILL);
    lab_wait(&lab);
    lab_hang_up(&me);
    cr_assert(lab_exists(&lab, "pvmx/lab/ctl"));
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    cr_assert_eq(me.tid, 0x40001);
    lab_hang_up(&me);
    lab_close(&lab);
}

Test(daemon_start, of_many_started_at_one_instant_one_serves)
{
    enum { N = 8 };
    pid_t pids[N];
    int gate[2], alive = 0, lost = 0;
    lab_open(&lab);
    cr_assert(pipe(gate) == 0);
    fflush(NULL);
    for (int i = 0; i < N; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char byte;
            close(gate[1]);
            if (read(gate[0], &byte, 1) < 0)
                _exit(99);
            close(2);
            open("/dev/null", O_WRONLY);
            execl(PVMXD_PATH, "pvmxd", "--foreground", "--vm", "lab", NULL);
            _exit(98);
        }
    }
    close(gate[0]);
    close(gate[1]); /* go */
    lab_until(pxp_client_open(&me.c, &lab.dir, PXP_ROLE_CONSOLE, 1000, NULL) == PVMX_OK);
    uint64_t end = px_now_ns() + LAB_DEADLINE_MS * PX_MS;
    while (lost < N - 1 && px_now_ns() < end) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0) {
            cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3, "%x", (unsigned)status);
            for (int i = 0; i < N; i++)
                if (pids[i] == pid)
                    pids[i] = 0;
            lost++;
        } else {
            usleep(1000);
        }
    }
    for (int i = 0; i < N; i++)
        if (pids[i] != 0) {
            lab.pid = pids[i];
            alive++;
        }
    cr_assert_eq(alive, 1);
    lab_hang_up(&me);
    lab_close(&lab);
}

Test(daemon_start, by_hand_it_goes_into_the_background_and_stays)
{
    struct lab_status st;
    struct pxp_halt halt = {0};
    uint32_t serial, number;
    const uint8_t *body;
    size_t len;
    lab_open(&lab);
    cr_assert_eq(run(PVMXD_PATH " --vm lab"), 0);
    lab_connect(&lab, &me, PXP_ROLE_CONSOLE);
    lab_status(&me, &st);
    serial = pxp_client_serial(&me.c);
    pxp_halt_encode(&me.c.out, serial, &halt);
    lab_send(&me, NULL, 0);
    cr_assert(lab_reply(&me, serial, &number, &body, &len));
    cr_assert_eq(number, PXP_DONE);
    lab_hang_up(&me);
    lab_until(kill((pid_t)st.pid, 0) != 0);
    lab_close(&lab);
}

Test(daemon_start, halt_ends_all_tasks)
{
    int pipes[2];
    const char *args[] = {"stubborn", NULL};
    struct pxp_halt halt = {0};
    uint32_t serial, number;
    const uint8_t *body;
    size_t len;
    setenv("PVMX_DAEMON_GRACE", "100ms", 1);
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_connect(&lab, &me, PXP_ROLE_CONSOLE);
    cr_assert(pipe2(pipes, O_CLOEXEC) == 0);
    struct lab_spawn s = {.command = CHILD_PATH,
                          .args = args,
                          .count = 3,
                          .flags = PVMX_SPAWN_NO_MPI | PVMX_SPAWN_DETACHED,
                          .out_fd = pipes[1]};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    serial = pxp_client_serial(&me.c);
    pxp_halt_encode(&me.c.out, serial, &halt);
    lab_send(&me, NULL, 0);
    cr_assert(lab_reply(&me, serial, &number, &body, &len));
    cr_assert_eq(number, PXP_DONE);
    cr_assert_eq(me.nends, 3, "the ends come before the answer");
    lab_hang_up(&me);
    int status = lab_wait(&lab);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    lab_close(&lab);
}

Test(daemon_start, ephemeral_daemon_leaves_nothing)
{
    const char *args[] = {"--ephemeral", NULL};
    struct lab_spawn s = {.command = "true", .count = 4, .flags = PVMX_SPAWN_NO_MPI};
    setenv("PVMX_DAEMON_LINGER", "1s", 1);
    lab_open(&lab);
    for (int round = 0; round < 2; round++) {
        lab_start(&lab, args);
        while (!lab_try_connect(&lab, &me, PXP_ROLE_TASK)) { /* we were late, and it has left */
            lab_wait(&lab);
            lab_start(&lab, args);
        }
        lab_enrol(&me);
        lab_spawn(&me, &s, &got);
        cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
        lab_await_ends(&me, 4);
        lab_leave(&me);
        lab_hang_up(&me);
        int status = lab_wait(&lab);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        cr_assert(!lab_exists(&lab, "pvmx"));
    }
    lab_close(&lab);
}

/* Clients that come just while the daemon leaves start over, and never hang or fail otherwise. */
Test(daemon_start, clients_meet_a_leaving_daemon)
{
    const char *args[] = {"--ephemeral", NULL};
    setenv("PVMX_DAEMON_LINGER", "0", 1);
    lab_open(&lab);
    for (int round = 0; round < 50; round++) {
        int served = 0;
        lab_start(&lab, args);
        for (;;) {
            pvmx_err err =
                pxp_client_open(&me.c, &lab.dir, PXP_ROLE_CONSOLE, LAB_DEADLINE_MS, NULL);
            if (err != PVMX_OK) {
                cr_assert_eq(err, PVMX_ERR_NO_VM, "%s", pvmx_last_error());
                break;
            }
            served++;
            pxp_client_close(&me.c);
            cr_assert_lt(served, 100000);
        }
        int status = lab_wait(&lab);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    lab_close(&lab);
}

Test(daemon_start, runtime_directory_that_cannot_be_used)
{
    char line[1024], path[128];
    lab_open(&lab);
    snprintf(path, sizeof path, "%s/pvmx", lab.xdg);
    cr_assert(mkdir(path, 0755) == 0);
    cr_assert_eq(lab_run(&lab, NULL, line, sizeof line), 1);
    cr_assert(strstr(line, path) != NULL && strstr(line, "chmod 700") != NULL, "%s", line);
    rmdir(path);
    cr_assert(symlink("/tmp", path) == 0);
    cr_assert_eq(lab_run(&lab, NULL, line, sizeof line), 1);
    cr_assert(strstr(line, "symbolic link") != NULL, "%s", line);
    unlink(path);
    if (geteuid() == 0) {
        cr_assert(mkdir(path, 0700) == 0 && chown(path, 1, 1) == 0);
        cr_assert_eq(lab_run(&lab, NULL, line, sizeof line), 1);
        cr_assert(strstr(line, "belongs to user 1") != NULL, "%s", line);
        rmdir(path);
    }
    lab_close(&lab);
}

Test(daemon_start, long_runtime_directory_works)
{
    char path[512];
    lab_open(&lab);
    int n = snprintf(path, sizeof path, "%s/", lab.xdg);
    memset(path + n, 'd', 150);
    path[n + 150] = '\0';
    cr_assert(mkdir(path, 0700) == 0);
    setenv("XDG_RUNTIME_DIR", path, 1);
    cr_assert(px_rundir_open("lab", true, &lab.dir) == PVMX_OK);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    lab_hang_up(&me);
    kill(lab.pid, SIGTERM);
    lab_wait(&lab);
    cr_assert(rmdir(path) == 0);
    lab_close(&lab);
}
