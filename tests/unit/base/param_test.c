/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings: every type, ranges, the environment, listing. */
#include "base/param.h"
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t flag, number, size, duration, choice;
static const char *text;
static const struct px_param table[] = {
    {"t.flag", PX_PARAM_BOOL, "yes", 0, 0, NULL, "a flag", {.number = &flag}, false},
    {"t.number", PX_PARAM_INT, "5", -3, 10, NULL, "a number", {.number = &number}, false},
    {"t.size", PX_PARAM_SIZE, "64k", 1, 1 << 30, NULL, "a size", {.number = &size}, false},
    {"t.time", PX_PARAM_TIME, "1500ms", 0, INT64_MAX, NULL, "a time", {.number = &duration}, false},
    {"t.choice",
     PX_PARAM_CHOICE,
     "hybrid",
     0,
     0,
     "spin|hybrid|sleep",
     "one of three",
     {.number = &choice},
     false},
    {"t.text", PX_PARAM_TEXT, "hello", 0, 0, NULL, "a text", {.text = &text}, false},
};

static void setup(void)
{
    px_param_register(table, sizeof table / sizeof table[0]);
}

TestSuite(param, .init = setup);

static const char *shown(const char *name)
{
    static char buf[64];
    cr_assert_eq(px_param_get(name, buf, sizeof buf), PVMX_OK);
    return buf;
}

Test(param, defaults_are_parsed)
{
    cr_assert_eq(flag, 1);
    cr_assert_eq(number, 5);
    cr_assert_eq(size, 65536);
    cr_assert_eq(duration, 1500000000);
    cr_assert_eq(choice, 1);
    cr_assert_str_eq(text, "hello");
}

Test(param, values_in_every_spelling)
{
    const struct {
        const char *name, *value;
        const int64_t *store;
        int64_t expected;
        const char *shown;
    } good[] = {
        {"t.flag", "off", &flag, 0, "no"},
        {"t.flag", "TRUE", &flag, 1, "yes"},
        {"t.number", "-3", &number, -3, "-3"},
        {"t.number", "10", &number, 10, "10"},
        {"t.size", "1", &size, 1, "1"},
        {"t.size", "1536", &size, 1536, "1536"},
        {"t.size", "2M", &size, 2 << 20, "2m"},
        {"t.size", "1g", &size, 1 << 30, "1g"},
        {"t.time", "0", &duration, 0, "0ns"},
        {"t.time", "3", &duration, INT64_C(3000000000), "3s"},
        {"t.time", "250us", &duration, 250000, "250us"},
        {"t.time", "90s", &duration, INT64_C(90000000000), "90s"},
        {"t.time", "2h", &duration, INT64_C(7200000000000), "2h"},
        {"t.choice", "sleep", &choice, 2, "sleep"},
        {"t.choice", "Spin", &choice, 0, "spin"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_assert_eq(px_param_set(good[i].name, good[i].value), PVMX_OK, "%s=%s: %s",
                     good[i].name, good[i].value, pvmx_last_error());
        cr_assert_eq(*good[i].store, good[i].expected, "%s=%s", good[i].name, good[i].value);
        cr_assert_str_eq(shown(good[i].name), good[i].shown);
        /* What is shown can be set again. */
        cr_assert_eq(px_param_set(good[i].name, shown(good[i].name)), PVMX_OK);
        cr_assert_eq(*good[i].store, good[i].expected);
    }
}

Test(param, bad_values_change_nothing_and_name_the_range)
{
    const char *const bad[][3] = {
        {"t.flag", "maybe", "yes or no"},
        {"t.flag", "", "yes or no"},
        {"t.number", "11", "from -3 to 10"},
        {"t.number", "-4", "from -3 to 10"},
        {"t.number", "5k", "a whole number"},
        {"t.number", "", "a whole number"},
        {"t.number", "99999999999999999999", "a whole number"},
        {"t.size", "0", "from 1 to 1g"},
        {"t.size", "8589934592g", "a size"},
        {"t.size", "1.5k", "a size"},
        {"t.time", "-1s", "a time"},
        {"t.time", "3 days", "a time"},
        {"t.choice", "spi", "spin|hybrid|sleep"},
        {"t.choice", "spin|hybrid", "spin|hybrid|sleep"},
        {"t.choice", "", "spin|hybrid|sleep"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_eq(px_param_set(bad[i][0], bad[i][1]), PVMX_ERR_ARG, "%s=%s", bad[i][0],
                     bad[i][1]);
        cr_assert_not_null(strstr(pvmx_last_error(), bad[i][0]));
        cr_assert_not_null(strstr(pvmx_last_error(), bad[i][2]), "%s", pvmx_last_error());
    }
    cr_assert_eq(flag, 1);
    cr_assert_eq(number, 5);
    cr_assert_eq(size, 65536);
    cr_assert_eq(choice, 1);
}

Test(param, unknown_names)
{
    char buf[8];
    cr_assert_eq(px_param_set("t.nothing", "1"), PVMX_ERR_NOENT);
    cr_assert_not_null(strstr(pvmx_last_error(), "t.nothing"));
    cr_assert_eq(px_param_get("nope", buf, sizeof buf), PVMX_ERR_NOENT);
}

Test(param, the_environment_wins_and_a_bad_value_is_reported_once, .init = cr_redirect_stderr)
{
    setenv("PVMX_T_NUMBER", "7", 1);
    setenv("PVMX_T_TEXT", "from outside", 1);
    setenv("PVMX_T_SIZE", "huge", 1);
    px_param_register(table, sizeof table / sizeof table[0]);
    cr_assert_eq(number, 7);
    cr_assert_eq(size, 65536);
    cr_assert_str_eq(text, "from outside");
    fflush(stderr);
    char said[1024] = "";
    cr_assert_gt(fread(said, 1, sizeof said - 1, cr_get_redirected_stderr()), 0);
    cr_assert_not_null(strstr(said, "PVMX_T_SIZE"));
    cr_assert_not_null(strstr(said, "64k is used"));
    cr_assert_null(strstr(strstr(said, "PVMX_T_SIZE") + 1, "PVMX_T_SIZE"));
}

Test(param, old_texts_stay_readable)
{
    const char *before = text;
    cr_assert_eq(px_param_set("t.text", "second"), PVMX_OK);
    cr_assert_str_eq(text, "second");
    cr_assert_str_eq(before, "hello");
}

static void count(const struct px_param *row, void *arg)
{
    *(int *)arg += strncmp(row->name, "t.", 2) == 0;
}

Test(param, each_row_is_listed_once_even_when_registered_twice)
{
    int n = 0;
    px_param_register(table, sizeof table / sizeof table[0]);
    px_param_each(count, &n);
    cr_assert_eq(n, 6);
}

Test(param, numbers_are_set_as_they_are_stored_and_kept)
{
    int64_t n;
    px_param_register(table, sizeof table / sizeof table[0]);
    cr_assert_eq(px_param_set_number("t.size", 5000), PVMX_OK);
    cr_assert_eq(px_param_set_number("t.choice", 2), PVMX_OK);
    cr_assert_eq(px_param_set_number("t.time", 1500), PVMX_OK);
    cr_assert_eq(px_param_set_number("t.number", 11), PVMX_ERR_ARG);
    cr_assert_eq(px_param_set_number("t.choice", 3), PVMX_ERR_ARG);
    cr_assert_eq(px_param_set_number("t.text", 3), PVMX_ERR_NOENT);
    /* Registering again reads the environment, but not over what was set. */
    setenv("PVMX_T_SIZE", "7k", 1);
    setenv("PVMX_T_NUMBER", "9", 1);
    px_param_register(table, sizeof table / sizeof table[0]);
    cr_assert_eq(px_param_get_number("t.size", &n), PVMX_OK);
    cr_assert_eq(n, 5000);
    cr_assert_eq(px_param_get_number("t.choice", &n), PVMX_OK);
    cr_assert_eq(n, 2);
    cr_assert_eq(px_param_get_number("t.time", &n), PVMX_OK);
    cr_assert_eq(n, 1500);
    cr_assert_eq(px_param_get_number("t.number", &n), PVMX_OK);
    cr_assert_eq(n, 9);
    cr_assert_eq(px_param_get_number("t.text", &n), PVMX_ERR_NOENT);
}
