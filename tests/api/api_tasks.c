/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks by <pvmx/pvmx.h>: each test is the root task `api_tasks NAME`, its children are
 * `api_tasks child WHAT`. */
#include <pvmx/pvmx.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(cond)                                                                      \
    do {                                                                                 \
        if (!(cond)) {                                                                   \
            fprintf(stderr, "%s:%d: %s does not hold (last error: %s)\n", __FILE__,      \
                    __LINE__, #cond, pvmx_last_error());                                 \
            exit(1);                                                                     \
        }                                                                                \
    } while (0)

static const char *self_path;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void spawn(const char *what, int n, pvmx_tid *tids)
{
    const char *argv[] = {"child", what, NULL};
    CHECK(pvmx_spawn(self_path, argv, n, tids, NULL) == PVMX_OK);
}

/* ---- children */

/* Sends back what comes with tag 1, doubled; ends at tag 2. */
static void child_echo(void)
{
    struct pvmx_status st;
    char buf[64];
    for (;;) {
        CHECK(!pvmx_recv(pvmx_parent(), PVMX_ANY_TAG, buf, sizeof buf / 2, &st));
        if (st.tag == 2)
            return;
        memcpy(buf + st.length, buf, st.length);
        CHECK(!pvmx_send(st.source, st.tag + 10, buf, 2 * st.length));
    }
}

/* Passes a token round the siblings, then tells its parent. */
static void child_ring(void)
{
    pvmx_tid all[16];
    int32_t n = pvmx_siblings(all, 16), me = pvmx_rank(), token = me == 0 ? 1 : 0;
    CHECK(n == pvmx_size() && all[me] == pvmx_self());
    if (me > 0)
        CHECK(!pvmx_recv(all[me - 1], 5, &token, sizeof token, NULL));
    token += me;
    if (me < n - 1)
        CHECK(!pvmx_send(all[me + 1], 5, &token, sizeof token));
    CHECK(!pvmx_send(pvmx_parent(), 6, &token, sizeof token));
}

/* Blocks for two seconds and reports the processor time that this took, in microseconds. */
static void child_blocked(void)
{
    struct rusage before, after;
    char c;
    getrusage(RUSAGE_SELF, &before);
    CHECK(!pvmx_recv(pvmx_parent(), 1, &c, 1, NULL));
    getrusage(RUSAGE_SELF, &after);
    int64_t us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000LL +
                 (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000LL +
                 after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                 after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    CHECK(!pvmx_send(pvmx_parent(), 2, &us, sizeof us));
}

static int child(const char *what)
{
    CHECK(!pvmx_enrol());
    if (strcmp(what, "echo") == 0)
        child_echo();
    else if (strcmp(what, "ring") == 0)
        child_ring();
    else if (strcmp(what, "blocked") == 0)
        child_blocked();
    else
        return 9;
    pvmx_leave();
    return 0;
}

/* ---- tests */

static void test_messages(void)
{
    enum { N = 4 };
    pvmx_tid tids[N];
    struct pvmx_status st;
    char buf[64];
    int32_t token, index, done;
    CHECK(pvmx_self() > 0 && pvmx_parent() == 0 && pvmx_rank() == 0 && pvmx_size() == 1);
    CHECK(pvmx_universe_size() >= 1);
    CHECK(pvmx_host()[0] != 0);
    spawn("echo", N, tids);
    CHECK(pvmx_probe(PVMX_ANY_SOURCE, PVMX_ANY_TAG, 20, &st) == PVMX_ERR_TIMEDOUT);
    struct pvmx_req *req[N];
    for (int i = 0; i < N; i++)
        CHECK(!pvmx_irecv(tids[i], 11, buf + 16 * i, 16, &req[i]));
    CHECK(!pvmx_test(&req[0], &done, &st) && !done);
    for (int i = 0; i < N; i++)
        CHECK(!pvmx_send(tids[i], 1, "abc", 3));
    for (int i = 0; i < N; i++) {
        CHECK(!pvmx_wait_any(req, N, &index, &st));
        CHECK(st.length == 6 && st.source == tids[index] &&
              memcmp(buf + 16 * index, "abcabc", 6) == 0);
    }
    CHECK(!pvmx_wait_any(req, N, &index, &st) && index == -1);
    CHECK(!pvmx_send(tids[0], 1, "0123456789", 10));
    CHECK(!pvmx_probe(PVMX_ANY_SOURCE, 11, -1, &st) && st.length == 20 &&
          st.source == tids[0]);
    CHECK(pvmx_recv(tids[0], 11, buf, 4, &st) == PVMX_ERR_TRUNCATE && st.length == 20);
    for (int i = 0; i < N; i++)
        CHECK(!pvmx_send(tids[i], 2, NULL, 0));
    spawn("ring", N, tids);
    int32_t sum = 0;
    for (int i = 0; i < N; i++) {
        CHECK(!pvmx_recv(PVMX_ANY_SOURCE, 6, &token, sizeof token, NULL));
        sum += token;
    }
    CHECK(sum == 1 + 2 + 4 + 7);
}

static void test_notices(void)
{
    pvmx_tid tid;
    struct pvmx_status st;
    struct pvmx_task_end end;
    spawn("echo", 1, &tid);
    CHECK(!pvmx_notify_end(tid, 77));
    CHECK(!pvmx_notify_end(tid, 78));
    CHECK(pvmx_end_of(tid, &end) == PVMX_ERR_STATE);
    CHECK(!pvmx_kill(&tid, 1));
    CHECK(!pvmx_recv(pvmx_self(), 77, &end, sizeof end, &st));
    CHECK(st.length == sizeof end && end.tid == tid &&
          (end.signal == SIGTERM || end.signal == SIGKILL));
    CHECK(!pvmx_recv(pvmx_self(), 78, &end, sizeof end, &st));
    CHECK(!pvmx_notify_end(tid, 79)); /* dead already: told at once */
    CHECK(!pvmx_recv(pvmx_self(), 79, &end, sizeof end, &st));
    CHECK(pvmx_probe(PVMX_ANY_SOURCE, PVMX_ANY_TAG, 50, &st) == PVMX_ERR_TIMEDOUT);
    CHECK(!pvmx_end_of(tid, &end) && end.tid == tid);
    char c;
    CHECK(pvmx_recv(tid, 1, &c, 1, &st) == PVMX_ERR_PEER_DEAD);
    CHECK(pvmx_send(tid, 1, &c, 1) == PVMX_ERR_PEER_DEAD);
    spawn("nothing", 1, &tid); /* ends with status 9 by itself */
    CHECK(!pvmx_notify_end(tid, 80));
    CHECK(!pvmx_recv(pvmx_self(), 80, &end, sizeof end, &st));
    CHECK(end.status == 9 && end.signal == 0);
}

static void test_errors(void)
{
    pvmx_tid tid = 0;
    pvmx_err errs[2] = {1, 1};
    char c = 0;
    CHECK(pvmx_spawn("./no-such-program", NULL, 2, NULL, errs) != PVMX_OK);
    CHECK(errs[0] == PVMX_ERR_NOENT && errs[1] == PVMX_ERR_NOENT);
    CHECK(strstr(pvmx_last_error(), "no-such-program") &&
          strstr(pvmx_last_error(), "no such file"));
    CHECK(pvmx_spawn("/", NULL, 1, NULL, errs) != PVMX_OK);
    CHECK(strstr(pvmx_last_error(), "directory"));
    CHECK(pvmx_spawn("", NULL, 1, NULL, NULL) == PVMX_ERR_ARG);
    CHECK(pvmx_spawn(self_path, NULL, -1, NULL, NULL) == PVMX_ERR_ARG);
    CHECK(pvmx_spawn(self_path, NULL, 1000000, NULL, NULL) == PVMX_ERR_LIMIT);
    CHECK(strstr(pvmx_last_error(), "1000000"));
    CHECK(pvmx_send(1234 << 18, 1, &c, 1) == PVMX_ERR_NOTASK);
    CHECK(pvmx_send(pvmx_self(), -5, &c, 1) == PVMX_ERR_ARG);
    CHECK(pvmx_notify_end(pvmx_self(), -1) == PVMX_ERR_ARG);
    spawn("echo", 1, &tid); /* the VM goes on */
    CHECK(!pvmx_send(tid, 2, NULL, 0));
}

static void test_blocked(void)
{
    pvmx_tid tid;
    int64_t us;
    spawn("blocked", 1, &tid);
    struct timespec two = {.tv_sec = 2};
    nanosleep(&two, NULL); /* the time of blocking is what is measured, not waited for */
    CHECK(!pvmx_send(tid, 1, "", 1));
    CHECK(!pvmx_recv(tid, 2, &us, sizeof us, NULL));
    if (us >= 20000)
        fprintf(stderr, "2 s blocked took %lld us of processor time\n", (long long)us);
    CHECK(us < 20000);
}

/* The pvmxd of our VM, by its command line. */
static pid_t find_daemon(void)
{
    DIR *d = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char path[300], line[4096];
        snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
        int fd = open(path, O_RDONLY);
        ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
        close(fd);
        if (n <= 0)
            continue;
        line[n] = 0;
        bool ours = false;
        for (char *p = line; p < line + n; p += strlen(p) + 1)
            ours |= strcmp(p, getenv("PVMX_VM")) == 0;
        if (ours && strstr(line, "pvmxd"))
            found = atoi(e->d_name);
    }
    closedir(d);
    return found;
}

static int run_again(const char *name)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        execl(self_path, self_path, name, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void test_daemon_killed(void)
{
    pvmx_tid tids[2];
    struct pvmx_status st;
    char buf[8];
    spawn("echo", 2, tids);
    CHECK(!pvmx_send(tids[0], 1, "ab", 2));
    CHECK(!pvmx_recv(tids[0], 11, buf, 8, &st));
    pid_t daemon = find_daemon();
    CHECK(daemon > 0);
    CHECK(kill(daemon, SIGKILL) == 0);
    /* tasks go on */
    for (int i = 0; i < 2; i++) {
        CHECK(!pvmx_send(tids[i], 1, "ab", 2));
        CHECK(!pvmx_recv(tids[i], 11, buf, 8, &st));
        CHECK(st.length == 4);
    }
    /* but nothing can be started, and the reason is said */
    const char *argv[] = {"child", "echo", NULL};
    CHECK(pvmx_spawn(self_path, argv, 1, NULL, NULL) == PVMX_ERR_VM_LOST);
    CHECK(strstr(pvmx_last_error(), "pvmxd"));
    /* the end of a task is still noticed, without anybody who tells us */
    CHECK(!pvmx_send(tids[0], 2, NULL, 0));
    double start = now();
    CHECK(pvmx_recv(tids[0], 3, buf, 8, &st) == PVMX_ERR_PEER_DEAD);
    CHECK(now() - start < 20);
    CHECK(!pvmx_send(tids[1], 2, NULL, 0));
    CHECK(pvmx_recv(tids[1], 3, buf, 8, &st) == PVMX_ERR_PEER_DEAD);
    /* the next program starts a daemon of its own over the stale socket */
    CHECK(run_again("messages") == 0);
}

static void test_descriptors(void)
{
    pvmx_tid tid;
    int fds[4096], n = 0;
    struct rlimit r = {256, 256};
    CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
    while (n < 4096 && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    CHECK(errno == EMFILE);
    /* a full table: enrolled already, so spawning needs no new descriptor here */
    spawn("echo", 1, &tid);
    CHECK(!pvmx_send(tid, 2, NULL, 0));
    CHECK(run_again("errors") != 127 << 8); /* the table was close-on-exec: works */
    while (n > 0)
        close(fds[--n]);
}

static void test_two_at_once(void)
{
    enum { N = 6 };
    pid_t pids[N];
    int status;
    pvmx_leave(); /* no daemon of ours in the way: the children start it together */
    for (int i = 0; i < N; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            execl(self_path, self_path, "messages", (char *)NULL);
            _exit(127);
        }
    }
    for (int i = 0; i < N; i++) {
        CHECK(waitpid(pids[i], &status, 0) == pids[i]);
        CHECK(status == 0);
    }
    CHECK(!pvmx_enrol());
}

static const struct {
    const char *name;
    void (*fn)(void);
} tests[] = {
    {"messages", test_messages},
    {"notices", test_notices},
    {"errors", test_errors},
    {"blocked", test_blocked},
    {"daemon_killed", test_daemon_killed},
    {"descriptors", test_descriptors},
    {"two_at_once", test_two_at_once},
};

int main(int argc, char **argv)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    CHECK(n > 0);
    self_path = path;
    if (argc == 3 && strcmp(argv[1], "child") == 0)
        return child(argv[2]);
    for (size_t i = 0; argc == 2 && i < sizeof tests / sizeof tests[0]; i++) {
        if (strcmp(argv[1], tests[i].name) != 0)
            continue;
        CHECK(pvmx_send(1 << 18 | 1, 1, NULL, 0) == PVMX_ERR_STATE);
        CHECK(!pvmx_enrol());
        tests[i].fn();
        pvmx_leave();
        return 0;
    }
    fprintf(stderr, "usage: api_tasks TEST\n");
    return 2;
}
