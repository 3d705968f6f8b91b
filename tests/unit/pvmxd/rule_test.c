/* SPDX-License-Identifier: BSD-3-Clause */
/* Expressions of limit rules: what holds, what is refused and where, and that no text does harm. */
#include "base/err.h"
#include "rule.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MINUTE 60000ull
#define GIB (1ull << 30)

static const struct rule_subject worker = {
    .texts = {"worker7", "/opt/worker7 -v \"a/b\"", "alpha"},
    .numbers = {[RULE_CPU] = 11 * MINUTE,
                [RULE_ELAPSED] = 20 * MINUTE,
                [RULE_MEMORY] = 3 * GIB,
                [RULE_JOB] = 5,
                [RULE_JOB_CPU] = 100 * MINUTE,
                [RULE_JOB_ELAPSED] = 30 * MINUTE,
                [RULE_JOB_MEMORY] = 9 * GIB,
                [RULE_JOB_TASKS] = 3,
                [RULE_VM_CPU] = 300 * MINUTE,
                [RULE_VM_ELAPSED] = 600 * MINUTE,
                [RULE_VM_MEMORY] = 20 * GIB,
                [RULE_VM_TASKS] = 12},
};

static struct rule *read_ok(const char *text)
{
    struct rule *r = NULL;
    cr_assert_eq(rule_read(text, &r), PVMX_OK, "'%s': %s", text, pvmx_last_error());
    return r;
}

static void holds(const char *text, bool wanted)
{
    struct rule *r = read_ok(text);
    uint64_t soonest = UINT64_MAX;
    cr_expect_eq(rule_holds(r, &worker, &soonest), wanted, "'%s'", text);
    rule_free(r);
}

static void refused(const char *text, const char *where, const char *expected)
{
    struct rule *r = NULL;
    cr_assert_neq(rule_read(text, &r), PVMX_OK, "'%s'", text);
    cr_expect_null(r);
    cr_expect(strstr(pvmx_last_error(), where) && strstr(pvmx_last_error(), expected),
              "'%s': %s", text, pvmx_last_error());
}

Test(rule, numbers_and_units)
{
    static const char *const yes[] = {
        "cpu > 600",           "cpu>600s",
        "cpu = 11m",           "cpu == 660",
        "cpu >= 660000ms",     "cpu <= 11m",
        "cpu != 12m",          "elapsed < 0.5h",
        "elapsed = 1200.000",  "elapsed < 1d",
        "memory >= 3G",        "memory = 3145728k",
        "memory > 2.5G",       "memory < 1T",
        "memory = 3221225472", "job = 5",
        "job.tasks > 2",       "job.cpu = 100m",
        "job.elapsed = 0.5h",  "job.memory = 9216M",
        "vm.tasks = 12",       "vm.cpu = 5h",
        "vm.elapsed = 10h",    "vm.memory < 20.5G",
    };
    static const char *const no[] = {"cpu > 11m",   "cpu < 660", "cpu != 660",
                                     "memory > 3G", "job = 6",   "elapsed >= 20.01m"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        holds(yes[i], true);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        holds(no[i], false);
}

Test(rule, texts)
{
    holds("name =~ /^work/", true);
    holds("name =~ /^ork/", false);
    holds("name !~ /^ork/", true);
    holds("name =~ /r[0-9]{1,3}$/", true);
    holds("name = \"worker7\"", true);
    holds("name = 'worker7'", true);
    holds("name != 'worker'", true);
    holds("host == 'alpha'", true);
    holds("command =~ /a\\/b/", true);
    holds("command =~ /-v \"a.b\"$/", true);
    holds("command = '/opt/worker7 -v \"a/b\"'", true);
    holds("command = \"/opt/worker7 -v \\\"a/b\\\"\"", true);
    holds("name =~ /worker\\./", false);
    holds("name =~ //", true);
}

Test(rule, structure)
{
    holds("name =~ /worker/ and (cpu > 600 or elapsed > 3600)", true);
    holds("name =~ /worker/ and (cpu > 6000 or elapsed > 3600)", false);
    /* and before or, not before and */
    holds("cpu > 1 or cpu > 6000 and cpu > 6000", true);
    holds("(cpu > 1 or cpu > 6000) and cpu > 6000", false);
    holds("not cpu > 1 and cpu > 6000", false);
    holds("not (cpu > 1 and cpu > 6000)", true);
    holds("not not cpu > 1", true);
    holds("!cpu>6000&&!(memory>9G||host='beta')", true);
    holds(" ( ( (cpu>1) ) ) ", true);
    holds("job.tasks>1 and job=5", true);
}

Test(rule, refusals_name_the_place)
{
    refused("", "at its end", "cpu, elapsed");
    refused("speed > 3", "character 1 (\"speed\")", "name, command");
    refused("cpux > 3", "character 1 (\"cpux\")", "name, command");
    refused("cpu", "at its end", "<, <=");
    refused("cpu ~ 3", "character 5 (\"~\")", "<, <=");
    refused("cpu > x", "character 7 (\"x\")", "a time such as");
    refused("cpu > 5G", "character 7 (\"5G\")", "a time such as");
    refused("cpu > 5 x", "character 9 (\"x\")", "and, or, or the end");
    refused("cpu > 99999999999999", "character 7", "a time");
    refused("cpu > -1", "character 7 (\"-1\")", "a time");
    refused("memory > 5h", "character 10 (\"5h\")", "a size such as");
    refused("memory > 99999999999T", "character 10", "a size");
    refused("job = 1.5", "character 7", "a whole number");
    refused("job.tasks > 3k", "character 13", "a whole number");
    refused("name > 3", "character 6 (\">\")", "=~, !~");
    refused("name = worker", "character 8 (\"worker\")", "a text in quotes");
    refused("name =~ worker", "character 9", "between slashes");
    refused("name =~ /worker", "at its end", "a slash that ends");
    refused("name = 'worker", "at its end", "a quote that ends");
    refused("name =~ /a(/", "character 9", "(");
    refused("name =~ /(a{1,99}){1,99}/", "character 9", "fewer repetitions");
    refused("name =~ /a{30000}/", "character 9", "fewer repetitions");
    refused("(cpu > 3", "at its end", "the )");
    refused("cpu > 3)", "character 8 (\")\")", "the end");
    refused("cpu > 3 and", "at its end", "cpu, elapsed");
    refused("cpu > 3 andcpu > 3", "character 9 (\"andcpu\")", "and, or");
    char text[2 * RULE_TEXT_MAX + 1];
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    refused(text, "at most 1000 characters", "2000");
    text[100] = '\0';
    refused(text, "nested deeper", "32");
    for (size_t i = 0; i < 900; i += 9)
        memcpy(text + i, "job=1 or ", 10);
    strcat(text, "job=1");
    refused(text, "too long", "128 parts");
}

Test(rule, uses)
{
    static const struct {
        const char *text;
        unsigned uses;
    } cases[] = {
        {"name = 'x' and job.elapsed > 4", 0},
        {"elapsed > 3 and job = 4 and name = 'x' and job.elapsed > 4", RULE_USES_RUN},
        {"cpu > 3", RULE_USES_USAGE | RULE_USES_RUN},
        {"memory > 3", RULE_USES_USAGE | RULE_USES_RUN},
        {"command =~ /x/", RULE_USES_COMMAND},
        {"vm.tasks > 3", RULE_USES_SUMS},
        {"vm.cpu > 3 or command = ''", RULE_USES_SUMS | RULE_USES_USAGE | RULE_USES_COMMAND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rule *r = read_ok(cases[i].text);
        cr_expect_eq(rule_uses(r), cases[i].uses, "'%s'", cases[i].text);
        rule_free(r);
    }
}

/* After that time, and not before, the answer is another one. */
Test(rule, soonest_change)
{
    struct rule *r = read_ok("elapsed > 30m or (cpu > 1h and job.elapsed >= 2h)");
    struct rule_subject s = worker;
    uint64_t soonest = UINT64_MAX;
    cr_assert_not(rule_holds(r, &s, &soonest));
    cr_assert_eq(soonest, 10 * MINUTE + 1);
    s.numbers[RULE_ELAPSED] += soonest - 1;
    cr_assert_not(rule_holds(r, &s, &soonest));
    s.numbers[RULE_ELAPSED]++;
    cr_assert(rule_holds(r, &s, &soonest));
    rule_free(r);
    r = read_ok("elapsed > 1m");
    soonest = UINT64_MAX;
    cr_assert(rule_holds(r, &s, &soonest));
    cr_assert_eq(soonest, UINT64_MAX, "it goes on to hold");
    rule_free(r);
}

static void explains(const char *text, const char *values)
{
    char got[200];
    struct rule *r = read_ok(text);
    rule_explain(r, &worker, got, sizeof got);
    cr_expect_str_eq(got, values, "'%s': %s", text, got);
    rule_free(r);
}

Test(rule, explanation_has_what_decides)
{
    explains("name =~ /worker/ and (cpu > 600 or elapsed > 3600)", "cpu 660.0 s");
    explains("memory > 1G and job.tasks = 3", "memory 3072M, job.tasks 3");
    explains("not (cpu > 1h or memory > 1T)", "cpu 660.0 s, memory 3072M");
    explains("name =~ /w/", "name worker7");
    explains("cpu > 1 and cpu > 2", "cpu 660.0 s");
    char got[8];
    struct rule *r = read_ok("cpu > 1 and memory > 1 and elapsed > 1");
    rule_explain(r, &worker, got, sizeof got); /* no room: cut, not overrun */
    cr_expect_str_eq(got, "cpu 660");
    rule_free(r);
}

/* ---- fuzz ------------------------------------------------------------------------------------- */

static uint32_t dice_state = 20260731;

static uint32_t dice(uint32_t below)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(dice_state >> 8) * below >> 24);
}

static const char *const dictionary[] = {
    "name",
    "command",
    "host",
    "cpu",
    "elapsed",
    "memory",
    "job",
    "job.cpu",
    "vm.tasks",
    "and",
    "or",
    "not",
    "(",
    ")",
    "&&",
    "||",
    "!",
    "=~",
    "!~",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "1",
    "600",
    "1.5h",
    "2G",
    "99999999999999999999",
    "3..4",
    "1e9",
    "/a/",
    "/w.*r[0-9]+/",
    "/(a|b){2,9}/",
    "/\\/",
    "/[/",
    "/(((/",
    "'x'",
    "\"worker7\"",
    "'",
    "\"",
    "\\",
    "/",
    " ",
    "\t",
    "\x80\xff",
    "{1,",
    "\\1",
    "*",
    "+",
};

/* What is read can be applied and told; what is not has a sentence and leaves nothing (sanitizers). */
static unsigned try(const char *text)
{
    struct rule *r = NULL;
    char values[64];
    uint64_t soonest = UINT64_MAX;
    pvmx_err err = rule_read(text, &r);
    cr_assert_eq(err == PVMX_OK, r != NULL);
    if (err != PVMX_OK) {
        cr_assert_neq(*pvmx_last_error(), '\0');
        return 0;
    }
    if (rule_holds(r, &worker, &soonest)) {
        *values = '\0';
        rule_explain(r, &worker, values, sizeof values);
        cr_assert_neq(*values, '\0', "'%s'", text);
    }
    rule_free(r);
    return 1;
}

Test(rule, fuzz_words)
{
    unsigned valid = 0;
    for (int round = 0; round < 60000; round++) {
        char text[600] = "";
        for (uint32_t n = dice(12); n > 0; n--) {
            strcat(text, dictionary[dice(sizeof dictionary / sizeof *dictionary)]);
            if (dice(3) != 0)
                strcat(text, " ");
        }
        valid += try(text);
    }
    cr_assert_gt(valid, 10, "%u valid ones: the dictionary has lost its sense", valid);
}

Test(rule, fuzz_mutations)
{
    static const char seed[] = "name =~ /^w(or)?k{1,3}er\\/?/ and (cpu > 1.5h or not "
                               "memory <= 512M) && host != 'beta'";
    unsigned valid = 0;
    for (int round = 0; round < 60000; round++) {
        char text[sizeof seed];
        memcpy(text, seed, sizeof seed);
        for (uint32_t n = dice(4); n > 0; n--)
            text[dice(sizeof seed - 1)] = (char)(1 + dice(255));
        if (dice(4) == 0)
            text[dice(sizeof seed)] = '\0';
        valid += try(text);
    }
    cr_assert_gt(valid, 1000);
}
