/* SPDX-License-Identifier: BSD-3-Clause */
/* Which file a command means; environment and arguments of a plan. */
#include "resolve.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[64];
static struct pxp_zone zone;
static struct exec_plan plan;
static const char *environment[] = {"PATH=", "HOME=/h", "PVMX_TASK=1,2,3,4", "A=1"};
static char path_setting[256];

static void make(const char *name, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", top, name);
    if (strchr(name, '.') == NULL) {
        cr_assert(mkdir(path, mode) == 0);
        return;
    }
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);
    cr_assert(fd >= 0);
    close(fd);
}

static void begin(void)
{
    snprintf(top, sizeof top, "/tmp/pvmx-resolve-XXXXXX");
    cr_assert(mkdtemp(top) != NULL);
    make("here", 0755);
    make("bin", 0755);
    make("extra", 0755);
    make("master", 0755);
    snprintf(path_setting, sizeof path_setting, "PATH=/none:%s/bin", top);
    environment[0] = path_setting;
}

static void end(void)
{
    char command[128];
    pxp_zone_free(&zone);
    snprintf(command, sizeof command, "rm -r %s", top);
    cr_assert_eq(system(command), 0);
}

static struct own own;

static pvmx_err resolve(struct pxp_app *app)
{
    static char cwd[128], program[128];
    snprintf(cwd, sizeof cwd, "%s/here", top);
    snprintf(program, sizeof program, "%s/master/master", top);
    struct pxp_spawn req = {.cwd = cwd, .program = program, .env = environment, .n_env = 4};
    if (app->wdir == NULL)
        app->wdir = "";
    if (app->debugger == NULL)
        app->debugger = "";
    memset(&plan, 0, sizeof plan);
    return resolve_app(&req, app, "alpha", &own, &zone, &plan);
}

static void expect(const char *where)
{
    char path[256];
    struct pxp_app app = {.command = "w.x", .path = "../extra"};
    snprintf(path, sizeof path, "%s/%s", top, where);
    cr_assert_eq(resolve(&app), PVMX_OK, "%s", pvmx_last_error());
    struct stat a, b;
    cr_assert(stat(path, &a) == 0 && stat(plan.path, &b) == 0);
    cr_assert(a.st_ino == b.st_ino, "%s is not %s", plan.path, path);
}

Test(resolve, order_of_places, .init = begin, .fini = end)
{
    struct pxp_app app = {.command = "w.x"};
    cr_assert_eq(resolve(&app), PVMX_ERR_NOENT);
    cr_assert(strstr(pvmx_last_error(), "PATH (/none:") != NULL);
    make("master/w.x", 0755);
    expect("master/w.x");
    make("here/w.x", 0755);
    expect("here/w.x");
    make("bin/w.x", 0755);
    expect("bin/w.x");
    make("extra/w.x", 0755);
    expect("extra/w.x");
}

Test(resolve, of_host_and_spawner_either_goes_first, .init = begin, .fini = end)
{
    char folder[128], extra[128], path[300];
    snprintf(folder, sizeof folder, "%s/here", top);
    snprintf(extra, sizeof extra, "%s/extra", top);
    snprintf(path, sizeof path, "%s:%s", folder, extra);
    struct pxp_app app = {.command = "w.x", .path = path, .wdir = extra};
    own = (struct own){.wdir = folder, .path = extra};
    make("here/w.x", 0755);
    make("extra/w.x", 0755);
    cr_assert_eq(resolve(&app), PVMX_OK, "%s", pvmx_last_error());
    cr_assert_str_eq(plan.wdir, extra);
    cr_assert(strncmp(plan.path, folder, strlen(folder)) == 0, "%s", plan.path);
    app.own_wdir = app.own_path = true;
    cr_assert_eq(resolve(&app), PVMX_OK, "%s", pvmx_last_error());
    cr_assert_str_eq(plan.wdir, folder);
    cr_assert(strncmp(plan.path, extra, strlen(extra)) == 0, "%s", plan.path);
    own = (struct own){.wdir = NULL}; /* the host says nothing */
    cr_assert_eq(resolve(&app), PVMX_OK, "%s", pvmx_last_error());
    cr_assert_str_eq(plan.wdir, extra);
    cr_assert(strncmp(plan.path, folder, strlen(folder)) == 0, "%s", plan.path);
}

Test(resolve, what_cannot_be_run_is_passed_over_but_named, .init = begin, .fini = end)
{
    struct pxp_app app = {.command = "w.x"};
    make("bin/w.x", 0644);
    cr_assert_eq(resolve(&app), PVMX_ERR_PERM);
    cr_assert(strstr(pvmx_last_error(), "/bin/w.x is not an executable file") != NULL);
    make("master/w.x", 0755);
    expect("master/w.x");
}

Test(resolve, environment_of_the_program_wins, .init = begin, .fini = end)
{
    struct pxp_app app = {.command = "/bin/true",
                          .env = (const char *[]){"A=2", "B=3", "B=4"},
                          .n_env = 3};
    cr_assert_eq(resolve(&app), PVMX_OK);
    cr_assert_eq(plan.nenv, 4, "PATH HOME A B, and no PVMX_TASK");
    cr_assert_str_eq(plan.env[1], "HOME=/h");
    cr_assert_str_eq(plan.env[2], "A=2");
    cr_assert_str_eq(plan.env[3], "B=4");
    app.env = (const char *[]){"nonsense"};
    app.n_env = 1;
    cr_assert_eq(resolve(&app), PVMX_ERR_ARG);
}

Test(resolve, arguments_follow_the_command, .init = begin, .fini = end)
{
    struct pxp_app app = {.command = "/bin/true",
                          .args = (const char *[]){"one", "two"},
                          .n_args = 2};
    cr_assert_eq(resolve(&app), PVMX_OK);
    cr_assert_str_eq(plan.argv[0], "/bin/true");
    cr_assert_str_eq(plan.argv[2], "two");
    cr_assert(plan.argv[3] == NULL);
}
