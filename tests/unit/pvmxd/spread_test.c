/* SPDX-License-Identifier: BSD-3-Clause */
/* Where tasks go: placements as LAM users know them, lists of hosts, and what cannot be. */
#include "base/err.h"
#include "spread.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct spread_host hosts[] = {
    {.name = "alpha", .arch = "x86_64", .cpus = 2},
    {.name = "beta.example.org", .arch = "x86_64", .cpus = 2},
    {.name = "gamma", .arch = "aarch64", .cpus = 1},
};
static const struct spread_vm vm = {.hosts = hosts, .n = 3, .here = 0};

/* count tasks (-1: one for each place) go to the hosts with these initials. */
static void goes(const struct spread_vm *to, const char *text, int count, const char *initials)
{
    uint32_t n = count < 0 ? SPREAD_EACH : (uint32_t)count, *at = NULL;
    char got[64] = "";
    pvmx_err err = spread_tasks(to, text, &n, &at);
    cr_assert_eq(err, PVMX_OK, "'%s': %s", text, pvmx_last_error());
    cr_assert_eq(n, strlen(initials), "'%s': %u tasks", text, n);
    for (uint32_t i = 0; i < n; i++)
        got[i] = *to->hosts[at[i]].name;
    cr_assert_str_eq(got, initials, "'%s': %s, not %s", text, got, initials);
    free(at);
}

static void refused(const char *text, pvmx_err wanted, const char *words)
{
    uint32_t n = 1, *at = NULL;
    pvmx_err err = spread_tasks(&vm, text, &n, &at);
    cr_assert_eq(err, wanted, "'%s': %d", text, err);
    cr_assert_not_null(strstr(pvmx_last_error(), words), "'%s': %s", text, pvmx_last_error());
}

Test(spread, without_a_word_by_processors)
{
    goes(&vm, "", 4, "aabb");
    goes(&vm, "", 7, "aabbgaa");
    goes(&vm, "", 0, "");
    goes(&vm, "", -1, "aabbg");
}

Test(spread, round_robin_with_wraparound)
{
    goes(&vm, "node=1", 4, "bgab");
    goes(&vm, "cpu=3", 4, "bgaa");
    goes(&vm, "cpu=9", 4, "gaab");
    goes(&vm, "node=0", 5, "abgab");
    goes(&vm, "node=4", 1, "b");
}

Test(spread, not_on_the_root_node)
{
    struct spread_vm from_gamma = vm, alone = vm;
    uint32_t n = 1, *at = NULL;
    goes(&vm, "others", 4, "bbgb");
    from_gamma.here = 2;
    goes(&from_gamma, "others", 5, "aabba");
    alone.n = 1;
    cr_assert_eq(spread_tasks(&alone, "others", &n, &at), PVMX_ERR_UNSUPPORTED);
}

Test(spread, places_by_name)
{
    goes(&vm, "at=N", -1, "abg");
    goes(&vm, "at=C", -1, "aabbg");
    goes(&vm, "at=N", 5, "abgab");
    goes(&vm, "at=C", 4, "aabb");
    goes(&vm, "at=n0-1", -1, "ab");
    goes(&vm, "at=n1,2,1", -1, "bgb");
    goes(&vm, "at=c0,2,4", -1, "abg");
    goes(&vm, "at=c1-3", -1, "abb");
    goes(&vm, "at=c0+C", -1, "aaabbg");
    goes(&vm, "at=h", -1, "a");
    goes(&vm, "at=o+n2", -1, "ag");
    goes(&vm, "at=n2", 2, "gg");
    goes(&vm, "at=c1", -1, "a");
}

Test(spread, hosts_by_name)
{
    goes(&vm, "hosts=beta", 3, "bbb");
    goes(&vm, "hosts=BETA.example.org,alpha:1", 4, "bbab");
    goes(&vm, "hosts=gamma:2,localhost:1", 5, "ggagg");
    goes(&vm, "hosts=beta,alpha node=1", 3, "aba");
    goes(&vm, "arch=X86_64", 5, "aabba");
    goes(&vm, "arch=aarch64", 2, "gg");
    goes(&vm, "arch=x86_64 others", 3, "bbb");
}

Test(spread, hosts_by_address)
{
    static const char *const theirs[] = {"192.0.2.7:4711", "[2001:db8::7]:4711"};
    struct spread_host some[3];
    struct spread_vm with = {.hosts = some, .n = 3, .here = 2};
    memcpy(some, hosts, sizeof some);
    some[1].addresses = theirs;
    some[1].naddresses = 2;
    goes(&with, "hosts=192.0.2.7:1,[2001:db8::7]:1,alpha", 3, "bba");
    goes(&with, "hosts=127.0.0.2:1,alpha", 2, "ga");
    some[0].name = "127.0.0.3"; /* a name wins */
    goes(&with, "hosts=127.0.0.3", 1, "1");
    refused("hosts=192.0.2.8", PVMX_ERR_UNSUPPORTED, "192.0.2.8 is not a host");
    refused("hosts=192.0.2", PVMX_ERR_UNSUPPORTED, "192.0.2 is not a host");
}

Test(spread, hosts_that_are_only_for_those_who_name_them)
{
    struct spread_host some[3];
    struct spread_vm with = {.hosts = some, .n = 3, .here = 0};
    memcpy(some, hosts, sizeof some);
    some[1].skip = true;
    goes(&with, "", 4, "aaga");
    goes(&with, "at=N", -1, "ag");
    goes(&with, "hosts=beta", 2, "bb");
}

Test(spread, what_cannot_be)
{
    refused("at=n5", PVMX_ERR_UNSUPPORTED, "no host 5");
    refused("at=c5", PVMX_ERR_UNSUPPORTED, "c4");
    refused("hosts=delta", PVMX_ERR_UNSUPPORTED, "delta is not a host");
    refused("arch=vax", PVMX_ERR_UNSUPPORTED, "vax");
    refused("hosts=", PVMX_ERR_ARG, "missing");
    refused("hosts=alpha,", PVMX_ERR_ARG, "missing");
    refused("hosts=alpha:0", PVMX_ERR_ARG, "alpha");
    refused("hosts=alpha:x", PVMX_ERR_ARG, "alpha");
    refused("hosts=alpha:99999999999", PVMX_ERR_LIMIT, "places");
    refused("at=", PVMX_ERR_ARG, "does not name");
    refused("at=n", PVMX_ERR_ARG, "does not name");
    refused("at=n2-1", PVMX_ERR_ARG, "n2-1");
    refused("at=n-1", PVMX_ERR_ARG, "n-1");
    refused("at=c0+", PVMX_ERR_ARG, "does not name");
    refused("at=x3", PVMX_ERR_ARG, "x3");
    refused("cpu=N", PVMX_ERR_ARG, "N");
    refused("cpu=-1", PVMX_ERR_ARG, "-1");
    refused("elsewhere", PVMX_ERR_ARG, "elsewhere");
}
