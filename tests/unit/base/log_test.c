/* SPDX-License-Identifier: BSD-3-Clause */
/* The log: levels, one line for each message, files, settings. */
#include "base/log.h"
#include "base/param.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/pvmx-test-log-XXXXXX";

static const char *logged(void)
{
    static char text[8192];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void setup(void)
{
    close(mkstemp(path));
}

static void teardown(void)
{
    unlink(path);
}

TestSuite(log, .init = setup, .fini = teardown);

Test(log, levels_are_obeyed_and_lines_say_who)
{
    cr_assert_eq(px_log_set_file(path), 0);
    px_log_set_name("tester");
    cr_assert(px_log_enabled(PX_LOG_WARN));
    cr_assert_not(px_log_enabled(PX_LOG_INFO));
    px_log(PX_LOG_INFO, "NOT-SHOWN", "quiet");
    px_log(PX_LOG_ERROR, "TEST-ID", "value %d", 42);
    cr_assert_null(strstr(logged(), "quiet"));
    cr_assert_not_null(strstr(logged(), " tester["));
    cr_assert_not_null(strstr(logged(), " error TEST-ID: value 42\n"));
    px_log_set_level(PX_LOG_DEBUG);
    px_log(PX_LOG_DEBUG, "SHOWN", "loud");
    cr_assert_not_null(strstr(logged(), "debug SHOWN: loud\n"));
}

Test(log, a_message_is_one_line_however_long_or_odd)
{
    char text[4000];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_eq(px_log_set_file(path), 0);
    px_log(PX_LOG_ERROR, "LONG", "%s", text);
    px_log(PX_LOG_ERROR, "ODD", "two\nlines \033[31mred");
    const char *all = logged();
    int lines = 0;
    for (const char *c = all; *c != '\0'; c++)
        lines += *c == '\n';
    cr_assert_eq(lines, 2);
    cr_assert_not_null(strstr(all, "two lines  [31mred\n"));
}

Test(log, settings_choose_level_and_file)
{
    setenv("PVMX_LOG", "info", 1);
    setenv("PVMX_LOG_FILE", path, 1);
    px_log_settings();
    px_log(PX_LOG_INFO, "FROM-SETTING", "here");
    cr_assert_not_null(strstr(logged(), "info FROM-SETTING: here\n"));
}

/* How often it stands in what is logged. */
static int times(const char *what)
{
    int n = 0;
    for (const char *at = logged(); (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

Test(log, a_file_ends_with_a_line_that_says_so)
{
    setenv("PVMX_LOG_FILE", path, 1);
    setenv("PVMX_LOG_MAX", "1k", 1);
    px_log_settings();
    for (int i = 0; i < 100; i++)
        px_log(PX_LOG_ERROR, "MUCH", "line");
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_lt(st.st_size, 1024 + 32);
    cr_assert_gt(st.st_size, 1024 - 128);
    cr_assert_eq(times("*** logging truncated\n"), 1);
    int lines = times("MUCH");
    cr_assert_eq(px_log_set_file(path), 0); /* a file that is full already */
    px_log(PX_LOG_ERROR, "MUCH", "line");
    cr_assert_eq(px_param_set("log.max", "2k"), PVMX_OK);
    px_log(PX_LOG_ERROR, "MUCH", "line");
    cr_assert_eq(times("MUCH"), lines + 1);
    cr_assert_leq(times("*** logging truncated\n"), 2);
    cr_assert_eq(px_log_set_file("/dev/null"), 0); /* is never full */
}

Test(log, a_file_that_cannot_be_is_an_error_and_errno_is_kept)
{
    cr_assert_eq(px_log_set_file("/nonexistent/x"), ENOENT);
    cr_assert_eq(px_log_set_file(path), 0);
    errno = EDOM;
    px_log(PX_LOG_ERROR, "X", "x");
    cr_assert_eq(errno, EDOM);
    cr_assert_eq(px_log_set_file(NULL), 0);
}
