/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands whose programs have relative paths. */
#include "base/command.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void check(const char *command, const char *want)
{
    char *got = px_command_here(command);
    cr_expect_str_eq(got, want);
    free(got);
}

Test(command, relative_programs_begin_at_the_working_directory)
{
    char dir[] = "/tmp/pvmx-command.XXXXXX", path[64], want[128];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/5%% a", dir);
    cr_assert(mkdir(path, 0700) == 0 && chdir(path) == 0);
    snprintf(want, sizeof want, "'%s/5%%%% a'/./run %%h 'x y'", dir);
    check("./run %h 'x y'", want);
    snprintf(want, sizeof want, "'%s/5%%%% a'/bin/run", dir);
    check("bin/run", want);
    rmdir(path);
    rmdir(dir);
}

Test(command, all_else_is_left_alone)
{
    static const char *const same[] = {"",           "ssh",   "fork",    "/bin/a %c",
                                       "rsh %h ./x", "~/a",   "$HOME/a", "A=./b c",
                                       "(./a)",      "./a;b", "'./a' b", " ./a"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        check(same[i], same[i]);
}

Test(command, without_a_directory)
{
    char dir[] = "/tmp/pvmx-command.XXXXXX";
    cr_assert(mkdtemp(dir) != NULL && chdir(dir) == 0 && rmdir(dir) == 0);
    check("./a %c", "./a %c");
}
