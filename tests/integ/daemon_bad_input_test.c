/* SPDX-License-Identifier: BSD-3-Clause */
/* What cannot be started: each cause gets its error and a sentence that names it, and the VM goes
 * on. */
#include "base/clock.h"
#include "daemon_lab.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(daemon_bad_input, .timeout = 120);

static struct lab lab;
static struct lab_client me;
static struct lab_spawned got;

static void begin(void)
{
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
}

/* After all failures a good request still works, and no slot is lost. */
static void end(void)
{
    struct lab_status st;
    struct lab_spawn s = {.command = "true", .count = 2, .flags = PVMX_SPAWN_NO_MPI};
    me.nends = 0;
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    lab_await_ends(&me, 2);
    lab_until((lab_status(&me, &st), st.slots_used == 1));
    cr_assert_eq(st.ntasks, 1);
    lab_hang_up(&me);
    lab_close(&lab);
}

static void expect(const struct lab_spawn *s, int32_t error, int32_t each, const char *words)
{
    lab_spawn(&me, s, &got);
    cr_assert_eq(got.error, error, "%d %s", got.error, got.text);
    cr_assert(strstr(got.text, words) != NULL, "\"%s\" is not in \"%s\"", words, got.text);
    cr_assert_eq(got.ntids, 0);
    if (each != 0) {
        cr_assert_eq(got.nerrors, s->count);
        cr_assert_eq(got.errors[0], each, "%d", got.errors[0]);
    }
}

static const char *make_file(const char *name, const char *text, mode_t mode)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", lab.xdg, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
    return path;
}

Test(daemon_bad_input, no_such_program)
{
    begin();
    setenv("PATH", "/usr/bin:/bin", 1);
    struct lab_spawn s = {.command = "wrker", .count = 3, .wdir = "/"};
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_NOENT,
           "no such file in PATH (/usr/bin:/bin), in / or beside /tmp/lab/master");
    cr_assert_eq(got.errors[2], PVMX_ERR_NOENT);
    s.command = "./wrker";
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_NOENT, "no such file in /");
    s.command = "/usr/wrker";
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_NOENT, "'/usr/wrker'");
    s.command = "";
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_ARG, "empty");
    end();
}

Test(daemon_bad_input, file_that_is_no_program)
{
    begin();
    struct lab_spawn s = {.command = make_file("plain", "text", 0600), .count = 2};
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_PERM, "not an executable file");
    s.command = make_file("plain", "text", 0700);
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_UNSUPPORTED, "no program for this machine");
    s.command = make_file("plain", "#!/no/such/interpreter\n", 0700);
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_NOENT, "interpreter");
    unlink(s.command);
    s.command = "/usr";
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_PERM, "/usr is a directory");
    s.command = "/dev/null";
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_PERM, "not an executable file");
    s.command = "/etc/passwd/x";
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_NOENT, "/etc/passwd/x");
    end();
}

Test(daemon_bad_input, missing_working_directory)
{
    begin();
    struct lab_spawn s = {.command = "true", .count = 1, .wdir = "/no/such/place"};
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_NOENT, "working directory /no/such/place");
    s.wdir = "/etc/passwd";
    expect(&s, PVMX_ERR_SPAWN, PVMX_ERR_ARG, "not a directory");
    end();
}

Test(daemon_bad_input, arguments_beyond_the_systems_limit)
{
    const size_t size = 1 << 20;
    char *big = malloc(size + 1);
    const char *args[] = {big, NULL};
    memset(big, 'a', size);
    big[size] = '\0';
    begin();
    struct lab_spawn s = {.command = "true", .args = args, .count = 2};
    expect(&s, PVMX_ERR_SPAWN, 0, "more than the system takes");
    free(big);
    end();
}

Test(daemon_bad_input, a_megabyte_of_short_arguments_is_fine)
{
    enum { N = 16 * 1024 };
    static const char *args[N + 1];
    begin();
    for (int i = 0; i < N; i++)
        args[i] = "an argument of sixty-four bytes, so that all are one megabyte ok";
    struct lab_spawn s = {.command = "true", .args = args, .count = 1, .flags = PVMX_SPAWN_NO_MPI};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    lab_await_ends(&me, 1);
    end();
}

Test(daemon_bad_input, too_many_tasks)
{
    begin();
    uint64_t before = px_now_ns();
    struct lab_spawn s = {.command = "true", .count = 1000000};
    expect(&s, PVMX_ERR_LIMIT, 0, "1000000 tasks were asked for, but a host can hold 8192");
    s.count = (uint32_t)-1;
    expect(&s, PVMX_ERR_LIMIT, 0, "8192");
    s.count = PX_NSLOTS; /* one is ours */
    expect(&s, PVMX_ERR_LIMIT, 0, "only 8191 are free");
    s.count = 1000;
    s.flags = PVMX_SPAWN_NO_OVERSUBSCRIBE;
    expect(&s, PVMX_ERR_LIMIT, 0, "without oversubscription");
    cr_assert_lt(px_now_ns() - before, 5 * PX_SEC, "refused at once");
    end();
}

/* With SOFT what can be started is started, and the world is of the right size. */
Test(daemon_bad_input, soft_starts_what_it_can)
{
    struct lab_status st;
    begin();
    lab_status(&me, &st);
    struct lab_spawn s = {.command = "true",
                          .count = st.slots + 3,
                          .flags = PVMX_SPAWN_SOFT | PVMX_SPAWN_NO_OVERSUBSCRIBE |
                                   PVMX_SPAWN_NO_MPI};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    cr_assert_eq(got.ntids, s.count);
    uint32_t started = 0;
    for (uint32_t i = 0; i < s.count; i++) {
        started += got.tids[i] != 0;
        cr_assert_eq(got.errors[i], got.tids[i] != 0 ? PVMX_OK : PVMX_ERR_LIMIT);
    }
    cr_assert_eq(started, st.slots - 1);
    lab_await_ends(&me, started);
    s.command = "/no/such/file";
    s.count = 2;
    s.flags = PVMX_SPAWN_SOFT;
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK);
    cr_assert_eq(got.tids[0], 0);
    cr_assert_eq(got.errors[1], PVMX_ERR_NOENT);
    cr_assert(strstr(got.text, "no such file") != NULL);
    end();
}

/* Descriptors: the daemon has too few for the tasks; it says so, undoes all and goes on. */
Test(daemon_bad_input, full_descriptor_table)
{
    struct rlimit low = {.rlim_cur = 60, .rlim_max = 60};
    lab_open(&lab);
    lab_start(&lab, NULL);
    cr_assert(prlimit(lab.pid, RLIMIT_NOFILE, &low, NULL) == 0);
    lab_join(&lab, &me);
    const char *args[] = {"stay", NULL};
    struct lab_spawn s = {.command = CHILD_PATH,
                          .args = args,
                          .count = 64,
                          .flags = PVMX_SPAWN_NO_MPI};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_ERR_SPAWN);
    cr_assert(strstr(got.text, "descriptors") != NULL, "%s", got.text);
    struct lab_status st;
    lab_until((lab_status(&me, &st), st.slots_used == 1));
    /* SOFT: as many as fit, in a world of that size. */
    s.flags |= PVMX_SPAWN_SOFT;
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    uint32_t started = 0;
    for (uint32_t i = 0; i < 64; i++)
        started += got.tids[i] != 0;
    cr_assert(started > 5 && started < 60, "%u", started);
    cr_assert_eq(lab_abort(&me, 0, got.job), (int)started);
    lab_await_ends(&me, started);
    end();
}

/* As another user, since root has no limit of processes. */
Test(daemon_bad_input, limit_of_processes)
{
    struct rlimit rl;
    if (geteuid() == 0) {
        cr_assert(setgid(65534) == 0 && setuid(65534) == 0);
        if (access(PVMXD_PATH, X_OK) != 0)
            cr_skip_test("the build tree cannot be read by user nobody");
    }
    getrlimit(RLIMIT_NPROC, &rl);
    begin();
    struct pxp_limit one = {.resource = RLIMIT_NPROC, .soft = 1, .hard = rl.rlim_max};
    struct lab_spawn s = {.command = "/bin/true",
                          .count = 2,
                          .flags = PVMX_SPAWN_NO_MPI,
                          .limits = &one,
                          .nlimits = 1};
    expect(&s, PVMX_ERR_SPAWN, 0, "ulimit -u: 1)");
    end();
}

Test(daemon_bad_input, request_without_descriptors)
{
    struct pxp_app app = {.command = "true", .count = 1};
    struct pxp_spawn m = {.apps = &app, .n_apps = 1, .cwd = "/"};
    uint32_t number, serial;
    const uint8_t *body;
    size_t len;
    begin();
    serial = pxp_client_serial(&me.c);
    pxp_spawn_encode(&me.c.out, serial, &m);
    lab_send(&me, NULL, 0);
    cr_assert(lab_reply(&me, serial, &number, &body, &len));
    cr_assert_eq(number, PXP_REFUSE);
    cr_assert_eq(pxp_client_refused(body, len), PVMX_ERR_ARG);
    pxp_client_drop(&me.c);
    end();
}
