/* SPDX-License-Identifier: BSD-3-Clause */
/* Thousands of rounds leave no descriptor, slot, process or memory behind; an idle daemon sleeps. */
#include "base/clock.h"
#include "daemon_lab.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(daemon_rounds, .timeout = 280);

static struct lab lab;
static struct lab_client me;
static struct lab_spawned got;

/* Processor time of the daemon in clock ticks, its context switches and threads' included. */
static unsigned long cpu_ticks(pid_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    cr_assert(f != NULL && fgets(text, sizeof text, f) != NULL);
    fclose(f);
    cr_assert_eq(sscanf(strrchr(text, ')') + 1,
                        " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                        &system),
                 2);
    return user + system;
}

static unsigned long switches(pid_t pid)
{
    char path[64], line[256];
    unsigned long n = 0, sum = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    cr_assert(f != NULL);
    while (fgets(line, sizeof line, f) != NULL)
        if (strstr(line, "ctxt_switches:") != NULL &&
            sscanf(strchr(line, ':') + 1, "%lu", &n) == 1)
            sum += n;
    fclose(f);
    return sum;
}

static int zombies_of(pid_t pid)
{
    int n = 0;
    struct dirent *e;
    DIR *dir = opendir("/proc");
    while ((e = readdir(dir)) != NULL) {
        char path[300], text[512];
        char state;
        int parent;
        snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
        FILE *f = e->d_name[0] >= '1' && e->d_name[0] <= '9' ? fopen(path, "re") : NULL;
        if (f == NULL)
            continue;
        if (fgets(text, sizeof text, f) != NULL && strrchr(text, ')') != NULL &&
            sscanf(strrchr(text, ')') + 1, " %c %d", &state, &parent) == 2)
            n += parent == pid;
        fclose(f);
    }
    closedir(dir);
    return n;
}

static void round_of(uint32_t n)
{
    struct lab_spawn s = {.command = "/bin/true", .count = n, .flags = PVMX_SPAWN_NO_MPI};
    me.nends = 0;
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    lab_await_ends(&me, n);
}

/* More work of the same kind leaves the daemon as it was. A spawner thread that works for the first time
 * grows its stack and heap, and chance decides when; that happens once for each of them, a leak always. */
static void leaves_nothing(void (*work)(void))
{
    enum { THREADS = 4 }; /* at most that many: conf.h */
    struct lab_status before, after;
    lab_status(&me, &after);
    for (int i = 0; i <= THREADS; i++) {
        before = after;
        work();
        lab_status(&me, &after);
        cr_assert_eq(after.fds, before.fds);
        cr_assert_eq(after.slots_used, 1);
        cr_assert_eq(before.slots_used, 1);
        cr_assert_eq(after.ntasks, 1);
        cr_assert_eq(zombies_of(lab.pid), 0);
        if (after.rss_kb <= before.rss_kb + RSS_SLACK_KB)
            return;
    }
    cr_assert_fail("%lu -> %lu kB, and more each time", (unsigned long)before.rss_kb,
                   (unsigned long)after.rss_kb);
}

static void many_rounds(void)
{
    for (int i = 0; i < 2000; i++)
        round_of(2);
}

Test(daemon_rounds, two_thousand)
{
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    /* The memory of ended tasks and the allocator's pools are full after these. */
    for (int i = 0; i < 400; i++)
        round_of(4);
    leaves_nothing(many_rounds);
    lab_hang_up(&me);
    lab_close(&lab);
}

static void failures(int n)
{
    const struct lab_spawn s = {.command = "/bin/no-such", .count = 4};
    for (int i = 0; i < n; i++) {
        lab_spawn(&me, &s, &got);
        cr_assert_eq(got.error, PVMX_ERR_SPAWN);
    }
}

static void many_failures(void)
{
    failures(500);
}

Test(daemon_rounds, failures_leave_nothing_either)
{
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    round_of(4);
    failures(100);
    leaves_nothing(many_failures);
    lab_hang_up(&me);
    lab_close(&lab);
}

/* The daemon's life in two seconds: the measured time, not a wait for something. */
static bool has_slept(void)
{
    unsigned long ticks = cpu_ticks(lab.pid), woken = switches(lab.pid);
    uint64_t until = px_now_ns() + 2 * PX_SEC;
    lab_until(px_now_ns() > until);
    return cpu_ticks(lab.pid) == ticks && switches(lab.pid) == woken;
}

/* Less than 0.1 % of a processor; in fact no wake-up at all, after the late look at the processors and the
 * look after dead slots, for which a busy machine takes longer. */
Test(daemon_rounds, idle_daemon_sleeps)
{
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
    round_of(4);
    int looks = 0;
    while (!has_slept() && looks < 10)
        looks++;
    cr_assert_lt(looks, 10);
    lab_hang_up(&me);
    lab_close(&lab);
}
