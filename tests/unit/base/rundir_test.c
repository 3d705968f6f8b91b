/* SPDX-License-Identifier: BSD-3-Clause */
/* The runtime directory: where it is, and what is refused. */
#include "base/rundir.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[] = "/tmp/pvmx-test-XXXXXX";
static struct px_rundir dir;

static void setup(void)
{
    cr_assert_not_null(mkdtemp(base));
    setenv("XDG_RUNTIME_DIR", base, 1);
    unsetenv("PVMX_VM");
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", base);
    cr_assert_eq(system(command), 0);
}

TestSuite(rundir, .init = setup, .fini = teardown);

static char *below(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", base, name);
    return path;
}

static void refused(pvmx_err expected, const char *word)
{
    cr_assert_eq(px_rundir_open("vm", true, &dir), expected, "%s", pvmx_last_error());
    cr_assert_not_null(strstr(pvmx_last_error(), word), "%s", pvmx_last_error());
}

Test(rundir, is_made_private_and_removed)
{
    struct stat st;
    cr_assert_eq(px_rundir_open("vm", false, &dir), PVMX_ERR_NOENT);
    umask(0777);
    cr_assert_eq(px_rundir_open("vm", true, &dir), PVMX_OK, "%s", pvmx_last_error());
    cr_assert_str_eq(dir.path, below("pvmx/vm"));
    cr_assert_str_eq(dir.socket, below("pvmx/vm/ctl"));
    cr_assert_str_eq(dir.lock, below("pvmx/vm/lock"));
    cr_assert_eq(stat(dir.path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0700);
    cr_assert_eq(px_rundir_open("vm", true, &dir), PVMX_OK);
    cr_assert_eq(px_rundir_open("other", true, &dir), PVMX_OK);
    px_rundir_remove(&dir);
    cr_assert_eq(px_rundir_open("vm", false, &dir), PVMX_OK);
    px_rundir_remove(&dir);
    cr_assert_eq(access(below("pvmx"), F_OK), -1);
}

Test(rundir, the_name_comes_from_the_environment)
{
    setenv("PVMX_VM", "fromenv", 1);
    cr_assert_eq(px_rundir_open(NULL, true, &dir), PVMX_OK);
    cr_assert_str_eq(dir.path, below("pvmx/fromenv"));
    cr_assert_eq(px_rundir_open("", true, &dir), PVMX_OK);
    cr_assert_str_eq(dir.path, below("pvmx/fromenv"));
}

Test(rundir, names_that_would_lead_elsewhere)
{
    const char *const bad[] = {
        "..",      ".",
        ".hidden", "a/b",
        "/etc",    "a b",
        "-x",      "a\nb",
        "a\x80",   "01234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(px_rundir_open(bad[i], true, &dir), PVMX_ERR_ARG, "%s", bad[i]);
    cr_assert_eq(access(below("pvmx"), F_OK), -1);
    cr_assert_eq(px_rundir_open("A-z_0.9", true, &dir), PVMX_OK);
}

Test(rundir, open_to_others)
{
    mkdir(below("pvmx"), 0700);
    mkdir(below("pvmx/vm"), 0700);
    cr_assert_eq(chmod(below("pvmx/vm"), 0750), 0);
    refused(PVMX_ERR_PERM, "chmod 700");
    cr_assert_eq(chmod(below("pvmx/vm"), 0700), 0);
    cr_assert_eq(chmod(below("pvmx"), 0777), 0);
    refused(PVMX_ERR_PERM, "mode 777");
}

Test(rundir, a_symbolic_link_or_a_file)
{
    char real[300];
    snprintf(real, sizeof real, "%s", below("real"));
    mkdir(real, 0700);
    cr_assert_eq(symlink(real, below("pvmx")), 0);
    refused(PVMX_ERR_PERM, "symbolic link");
    unlink(below("pvmx"));
    fclose(fopen(below("pvmx"), "w"));
    refused(PVMX_ERR_PERM, "not a directory");
}

Test(rundir, belongs_to_another)
{
    if (geteuid() != 0)
        cr_skip_test("only root can make a directory of another user");
    mkdir(below("pvmx"), 0700);
    cr_assert_eq(chown(below("pvmx"), 12345, 12345), 0);
    refused(PVMX_ERR_PERM, "belongs to user 12345");
    cr_assert_eq(chown(base, 12345, 12345), 0);
    refused(PVMX_ERR_PERM, "XDG_RUNTIME_DIR");
}

Test(rundir, not_writable)
{
    if (geteuid() == 0) {
        cr_assert_eq(chown(base, 12345, 12345), 0);
        cr_assert_eq(setegid(12345), 0);
        cr_assert_eq(seteuid(12345), 0);
    }
    cr_assert_eq(chmod(base, 0500), 0);
    refused(PVMX_ERR_PERM, "cannot make the runtime directory");
    cr_assert_eq(chmod(base, 0700), 0);
    if (geteuid() != 0 && getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
}

Test(rundir, without_a_session_it_lies_in_tmp)
{
    char expected[64];
    snprintf(expected, sizeof expected, "/tmp/pvmx-%u/test-%d", (unsigned)geteuid(),
             (int)getpid());
    const char *const unusable[] = {"", "relative", "/nonexistent/run"};
    for (size_t i = 0; i < 3; i++) {
        setenv("XDG_RUNTIME_DIR", unusable[i], 1);
        cr_assert_eq(px_rundir_open(strrchr(expected, '/') + 1, true, &dir), PVMX_OK,
                     "%s", pvmx_last_error());
        cr_assert_str_eq(dir.path, expected);
        px_rundir_remove(&dir);
    }
}
