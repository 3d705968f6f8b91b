/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting a daemon: how it is run, and every way in which that fails. Scripts stand for pvmxd. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/rundir.h"
#include "proto/hello.h"
#include "proto/start.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[] = "/tmp/pvmx-test-XXXXXX";
static char script[64], record[64];

static void setup(void)
{
    cr_assert_not_null(mkdtemp(base));
    snprintf(script, sizeof script, "%s/pvmxd", base);
    snprintf(record, sizeof record, "%s/record", base);
    setenv("XDG_RUNTIME_DIR", base, 1);
    setenv("PVMX_DAEMON", script, 1);
    setenv("PVMX_DAEMON_START_TIMEOUT", "5s", 1);
    setenv("RECORD", record, 1);
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", base);
    cr_assert_eq(system(command), 0);
}

TestSuite(start, .init = setup, .fini = teardown, .timeout = 30);

static void write_script(const char *text)
{
    FILE *f = fopen(script, "w");
    fprintf(f, "#!/bin/sh\n%s\n", text);
    fclose(f);
    cr_assert_eq(chmod(script, 0700), 0);
}

/* The file that the script wrote, once it ends in END. */
static const char *recorded(void)
{
    static char text[8192];
    uint64_t deadline = px_now_ns() + 10 * PX_SEC;
    for (;;) {
        int fd = open(record, O_RDONLY);
        ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
        px_fd_close(&fd);
        text[n > 0 ? n : 0] = '\0';
        if (strstr(text, "END") != NULL || px_now_ns() > deadline)
            return text;
        sched_yield();
    }
}

static void fails_with(pvmx_err expected, const char *word)
{
    cr_assert_eq(pxp_daemon_start("t", true), expected, "%s", pvmx_last_error());
    cr_assert_not_null(strstr(pvmx_last_error(), word), "%s", pvmx_last_error());
}

Test(start, the_daemon_runs_apart_from_its_starter)
{
    write_script(
        "io=$(for n in 0 1 2; do readlink /proc/$$/fd/$n; done | tr '\\n' ' ')\n"
        "echo ready >&3\n"
        "exec 3>&-\n"
        "{ echo \"args: $*\"; echo \"cwd: $(pwd)\"; echo \"task: $PVMX_TASK.\"\n"
        "  echo \"ppid: $(cut -d' ' -f4 /proc/$$/stat)\"\n"
        "  echo \"session: $(cut -d' ' -f6 /proc/$$/stat)\"\n"
        "  echo \"stdio: $io\"\n"
        "  echo \"open: $(readlink /proc/$$/fd/* | tr '\\n' ' ')\"\n"
        "  grep -E 'SigBlk|SigIgn' /proc/self/status; echo END; } > $RECORD 2>&1");
    /* What must not be inherited. */
    int leak = open("/dev/zero", O_RDONLY);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGHUP, SIG_IGN);
    setenv("PVMX_TASK", "1,2,3,4", 1);
    cr_assert_eq(pxp_daemon_start("t", true), PVMX_OK, "%s", pvmx_last_error());
    const char *text = recorded();
    char line[64];
    cr_assert_not_null(strstr(text, "args: --vm t --ready-fd 3 --ephemeral\n"), "%s", text);
    cr_assert_not_null(strstr(text, "cwd: /\n"), "%s", text);
    cr_assert_not_null(strstr(text, "task: .\n"), "%s", text);
    cr_assert_not_null(strstr(text, "stdio: /dev/null /dev/null /dev/null \n"), "%s", text);
    cr_assert_not_null(strstr(text, "SigBlk:\t0000000000000000\n"), "%s", text);
    cr_assert_not_null(strstr(text, "SigIgn:\t0000000000000000\n"), "%s", text);
    snprintf(line, sizeof line, "ppid: %d\n", (int)getpid());
    cr_assert_null(strstr(text, line), "%s", text);
    snprintf(line, sizeof line, "session: %d\n", (int)getsid(0));
    cr_assert_null(strstr(text, line), "%s", text);
    cr_assert_null(strstr(text, "/dev/zero"));
    /* No child, no zombie, and no signal at the starter. */
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_assert_eq(errno, ECHILD);
    close(leak);
}

static volatile sig_atomic_t children;

static void on_child(int sig)
{
    (void)sig;
    children++;
}

Test(start, the_program_sees_no_sigchld_and_loses_no_descriptor)
{
    write_script("echo ready >&3");
    signal(SIGCHLD, on_child);
    int before = open("/dev/null", O_RDONLY);
    close(before);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(pxp_daemon_start("t", false), PVMX_OK, "%s", pvmx_last_error());
    int after = open("/dev/null", O_RDONLY);
    cr_assert_eq(before, after);
    cr_assert_eq(children, 0);
    close(after);
}

Test(start, what_the_daemon_has_for_the_user_is_logged)
{
    char log[64], text[4096];
    snprintf(log, sizeof log, "%s/log", base);
    cr_assert_eq(px_log_set_file(log), 0);
    write_script("printf 'note: the moon\nnote: the s' >&3; sleep 0.05\n"
                 "printf 'un\nready\n' >&3");
    cr_assert_eq(pxp_daemon_start("t", true), PVMX_OK, "%s", pvmx_last_error());
    int fd = open(log, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    px_fd_close(&fd);
    cr_assert_not_null(strstr(text, "says: the moon\n"), "%s", text);
    cr_assert_not_null(strstr(text, "says: the sun\n"), "%s", text);
    write_script("printf 'note: the moon\nfell down' >&3");
    fails_with(PVMX_ERR_NO_VM, "fell down");
}

Test(start, the_daemons_own_sentence_reaches_the_user)
{
    write_script("echo 'the moon is too full' >&3");
    fails_with(PVMX_ERR_NO_VM, "the moon is too full");
}

Test(start, a_daemon_that_dies)
{
    write_script("exit 3");
    fails_with(PVMX_ERR_NO_VM, "ended before it was ready");
    cr_assert_not_null(strstr(pvmx_last_error(), "--foreground --vm t"));
}

Test(start, a_daemon_that_hangs)
{
    setenv("PVMX_DAEMON_START_TIMEOUT", "200ms", 1);
    write_script("echo $$ > $RECORD; echo END >> $RECORD; while :; do sleep 0.1; done");
    fails_with(PVMX_ERR_NO_VM, "not ready within 200 ms");
    pid_t pid = (pid_t)atoi(recorded());
    cr_assert_gt(pid, 1);
    kill(pid, SIGKILL);
}

Test(start, a_daemon_that_cannot_be_executed)
{
    write_script("");
    cr_assert_eq(chmod(script, 0600), 0);
    fails_with(PVMX_ERR_PERM, "PVMX_DAEMON");
    FILE *f = fopen(script, "w");
    fputs("#!/nonexistent/shell\n", f);
    fclose(f);
    chmod(script, 0700);
    fails_with(PVMX_ERR_NO_VM, "No such file or directory");
    unlink(script);
    fails_with(PVMX_ERR_NOENT, "PVMX_DAEMON");
}

Test(start, a_daemon_that_is_nowhere)
{
    setenv("PVMX_DAEMON", "", 1);
    char path[4096];
    pvmx_err err = pxp_daemon_find(path, sizeof path);
    /* Beside this test program there is none, unless it is the build tree's bin. */
    if (err != PVMX_OK) {
        cr_assert_eq(err, PVMX_ERR_NOENT);
        cr_assert_not_null(strstr(pvmx_last_error(), "PVMX_DAEMON"), "%s", pvmx_last_error());
    }
}

Test(start, a_vm_name_that_cannot_be)
{
    cr_assert_eq(pxp_daemon_start("../x", true), PVMX_ERR_ARG);
}

Test(start, joining_gives_up_when_daemons_leave_each_time)
{
    struct pxp_client c;
    struct px_rundir dir;
    write_script("echo x >> $RECORD; echo ready >&3");
    cr_assert_eq(pxp_client_join(&c, "t", PXP_ROLE_TASK, true, &dir, NULL), PVMX_ERR_NO_VM);
    cr_assert_not_null(strstr(pvmx_last_error(), "10 times"), "%s", pvmx_last_error());
    cr_assert_eq(c.fd, -1);
}
