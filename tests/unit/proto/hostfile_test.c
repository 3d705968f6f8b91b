/* SPDX-License-Identifier: BSD-3-Clause */
/* Host files of every kind, errors that say where and what, and random files. */
#include "base/err.h"
#include "proto/hostfile.h"
#include "sample.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pxp_hostfile file;

static void read_text(const char *text)
{
    cr_assert_eq(pxp_hostfile_parse("host file f", text, strlen(text), &file), PVMX_OK,
                 "%s: %s", text, pvmx_last_error());
}

static void end(void)
{
    pxp_hostfile_free(&file);
}

/* The list of a text, with the sum of its slots behind it. */
static void lists(const char *text, const char *wanted)
{
    uint32_t slots = 0;
    char got[400];
    read_text(text);
    char *list = pxp_hostfile_list(&file, &slots);
    cr_assert_not_null(list);
    snprintf(got, sizeof got, "%s %u", list, slots);
    cr_assert_str_eq(got, wanted, "\"%s\": %s, not %s", text, got, wanted);
    free(list);
    end();
}

static void refused(const char *text, const char *words)
{
    pvmx_err err = pxp_hostfile_parse("host file f", text, strlen(text), &file);
    cr_assert_eq(err, PVMX_ERR_ARG, "\"%s\": %d", text, err);
    cr_assert_not_null(strstr(pvmx_last_error(), words), "\"%s\": %s", text,
                       pvmx_last_error());
}

Test(hostfile, each_system_has_its_own_way_to_say_slots)
{
    lists("alpha cpu=2\nbeta cpu=2 # and a comment\n\ngamma\n", "alpha:2,beta:2,gamma 4");
    lists("alpha:4\nbeta:1 binding=core:2\n", "alpha:4,beta:1 5");
    lists("alpha slots=3 max_slots=8\nbeta max-slots=2\ngamma slots=9 max_slots=4",
          "alpha:3,beta:2,gamma:4 9");
    lists("me@alpha:2\r\n[fe80::1]:3\r\n::1\r\n", "alpha:2,[fe80::1]:3,[::1] 5");
    lists("\xef\xbb\xbf"
          "alpha\nfe80::1%eth0\n",
          "alpha,[fe80::1%eth0] 0");
    lists("alpha\nalpha\nbeta\nalpha cpu=3\n", "alpha:5,beta 5");
    lists("alpha cpu=2\nbeta cpu=2 schedule=no\n& later\n$shared schedule=yes\n",
          "alpha:2,shared 2");
    lists("\n   \n# nothing\n", " 0");
}

Test(hostfile, options_of_pvm, .fini = end)
{
    read_text("# PVM's\n"
              "* ep=$HOME/bin:/opt/bin wd=/tmp sp=500\n"
              "alpha lo=me dx=/usr/lib/pvmd ip=alpha-fast so=pw id=x bx=/usr/bin/gdb\n"
              "* sp=2000\n"
              "  & beta wd=\"/a b\" \\\n   sp=1 # goes on\n"
              "gamma launcher='podman exec -i %h %c' timeout=7 port=2222 ssh=\"-J gate "
              "-v\" wrapper=\"nice -n 5\"");
    cr_assert_eq(file.n, 3);
    const struct pxp_host_spec *a = &file.hosts[0].spec, *b = &file.hosts[1].spec,
                               *c = &file.hosts[2].spec;
    cr_assert_str_eq(a->name, "alpha");
    cr_assert_str_eq(a->user, "me");
    cr_assert_str_eq(a->daemon, "/usr/lib/pvmd");
    cr_assert_str_eq(a->address, "alpha-fast");
    cr_assert_str_eq(a->path, "$HOME/bin:/opt/bin");
    cr_assert_str_eq(a->debugger, "/usr/bin/gdb");
    cr_assert_str_eq(b->debugger, "");
    cr_assert_str_eq(a->wdir, "/tmp");
    cr_assert_eq(a->speed, 500);
    cr_assert_not(file.hosts[0].later);
    cr_assert(file.hosts[1].later);
    cr_assert_eq(file.hosts[1].line, 5);
    cr_assert_str_eq(b->name, "beta");
    cr_assert_str_eq(b->wdir, "/a b");
    cr_assert_eq(b->speed, 1);
    cr_assert_str_eq(c->launcher, "podman exec -i %h %c");
    cr_assert_eq(c->timeout_ms, 7000);
    cr_assert_eq(c->port, 2222);
    cr_assert_str_eq(c->options, "-J gate -v");
    cr_assert_str_eq(c->wrapper, "nice -n 5");
    cr_assert_eq(c->speed, 2000);
    cr_assert_str_eq(c->path, "$HOME/bin:/opt/bin");
}

Test(hostfile, advice_for_hosts_that_are_added_later, .fini = end)
{
    read_text("* sp=700 ep=/all\n& beta wd=/b slots=3 max_slots=3\n");
    struct pxp_host_spec beta = {.name = "beta",
                                 .launcher = "fork",
                                 .address = "",
                                 .user = "",
                                 .daemon = "",
                                 .wrapper = "",
                                 .wdir = "",
                                 .path = "",
                                 .debugger = "",
                                 .options = "",
                                 .speed = 9};
    struct pxp_host_spec other = beta;
    other.name = "other";
    other.speed = 0;
    pxp_hostfile_advise(&file, &beta);
    cr_assert_str_eq(beta.wdir, "/b");
    cr_assert_str_eq(beta.path, "/all");
    cr_assert_str_eq(beta.launcher, "fork");
    cr_assert_eq(beta.slots, 3);
    cr_assert_eq(beta.speed, 9, "what was said stays");
    pxp_hostfile_advise(&file, &other);
    cr_assert_str_eq(other.wdir, "");
    cr_assert_str_eq(other.path, "/all");
    cr_assert_eq(other.speed, 700);
}

Test(hostfile, errors_say_where_and_what)
{
    refused("alpha\nbeta two\n", "host file f, line 2: \"two\" is not understood");
    refused("alpha slot=3", "line 1: there is no option slot=: use slots=");
    refused("\n\nalpha slots=none",
            "line 3: \"none\" is no number of slots from 1 to 1000000");
    refused("alpha:0", "from 1");
    refused("alpha:", "\"\" is no number of slots");
    refused("alpha slots=1000001", "from 1");
    refused("alpha sp=99999999999999999999", "sp");
    refused("alpha port=65536", "65535");
    refused("alpha,beta", "one host stands on each line");
    refused("alpha/1", "is no name");
    refused("-oProxyCommand=x", "is no name");
    refused("^alpha", "is no name");
    refused(":3", "the name of a host is missing");
    refused("@alpha", "name of a user");
    refused("-x@alpha", "name of a user");
    refused("[::1:3", "[ADDRESS]:SLOTS");
    refused("[::1]x", "[ADDRESS]:SLOTS");
    refused("alpha:2:3", "neither an address nor HOST:SLOTS");
    refused("[::1:2:z]", "neither an address nor HOST:SLOTS");
    refused("& # nobody", "has no name");
    refused("alpha schedule=perhaps", "schedule=yes");
    refused("alpha so=ms", "launcher=");
    refused("alpha wd=", "says nothing");
    refused("alpha lo=-x", "says nothing");
    refused("alpha wd=\"/a b", "is not closed");
    refused("* slots=x\nalpha", "line 1");
    refused("alpha \\\n beta", "line 1");
    cr_assert_eq(pxp_hostfile_parse("f", "a\0b", 3, &file), PVMX_ERR_ARG);
    cr_assert_eq(pxp_hostfile_read("/no/such/file", &file), PVMX_ERR_NOENT);
    cr_assert_not_null(
        strstr(pvmx_last_error(), "host file /no/such/file: No such file"));
    cr_assert_neq(pxp_hostfile_read("/", &file), PVMX_OK);
}

static char said[1024];

static void take_sentence(const char *sentence)
{
    strncat(said, sentence, sizeof said - strlen(said) - 2);
    strcat(said, "\n");
}

Test(hostfile, what_makes_sense_is_used, .fini = end)
{
    char path[] = "/tmp/hostfile.XXXXXX";
    static const char text[] =
        "alpha nonsense=1\n* slots=2\n* sp=70 slots=0\nbeta\n\"gamma\ndelta:x\nepsilon";
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    pxp_hostfile_salvage(path, take_sentence, &file);
    unlink(path);
    cr_assert_eq(file.n, 2, "%s", said);
    cr_assert_str_eq(file.hosts[0].spec.name, "beta");
    cr_assert_str_eq(file.hosts[1].spec.name, "epsilon");
    cr_assert_eq(file.hosts[1].spec.slots, 2);
    cr_assert_eq(file.hosts[1].spec.speed, 0, "of a line that was left out");
    for (int line = 1; line <= 7; line++) {
        char words[16];
        snprintf(words, sizeof words, "line %d:", line);
        bool bad = line == 1 || line == 3 || line == 5 || line == 6;
        cr_assert_eq(strstr(said, words) != NULL, bad, "%s in:\n%s", words, said);
    }
    end();
    said[0] = '\0';
    pxp_hostfile_salvage("/no/such/file", take_sentence, &file);
    cr_assert_not_null(strstr(said, "/no/such/file: No such file"), "%s", said);
    char *list = pxp_hostfile_list(&file, NULL);
    cr_assert_str_eq(list, "");
    free(list);
}

Test(hostfile, as_many_hosts_as_a_machine_has, .fini = end)
{
    enum { N = PXP_HOSTFILE_HOSTS };
    char *text = malloc(N * 16 + 32), *at = text;
    for (int i = 0; i < N; i++)
        at += sprintf(at, "node%d:2\n", i);
    char path[] = "/tmp/hostfile.XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, text, (size_t)(at - text)), at - text);
    close(fd);
    cr_assert_eq(pxp_hostfile_read(path, &file), PVMX_OK, "%s", pvmx_last_error());
    unlink(path);
    cr_assert_eq(file.n, N);
    cr_assert_not_null(pxp_hostfile_find(&file, "node4094"));
    end();
    strcpy(at, "onemore\n");
    refused(text, "line 4096: a virtual machine has at most 4095 hosts");
    free(text);
}

/* ---- fuzzing ---------------------------------------------------------------------------------- */

/* What is accepted can be used: its list is read again as the same list. */
static bool accepts(const char *text, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1); /* exact, so that a sanitizer sees any step beyond */
    uint32_t slots = 0, again = 0;
    memcpy(copy, text, len);
    pvmx_err err = pxp_hostfile_parse("f", copy, len, &file);
    free(copy);
    if (err != PVMX_OK) {
        cr_assert_eq(err, PVMX_ERR_ARG);
        cr_assert_gt(strlen(pvmx_last_error()), 0);
        return false;
    }
    char *list = pxp_hostfile_list(&file, &slots);
    for (size_t i = 0; i < file.n; i++) {
        const struct pxp_host_spec *s = &file.hosts[i].spec;
        cr_assert(*s->name != '\0' && *s->name != '-' && strpbrk(s->name, " ,/\n") == NULL,
                  "%s", s->name);
        cr_assert(*s->user != '-' && *s->address != '-' && *s->daemon != '-');
        cr_assert_leq(s->slots, 1000000);
    }
    end();
    for (char *c = list; *c != '\0'; c++)
        *c = *c == ',' ? '\n' : *c;
    cr_assert_eq(pxp_hostfile_parse("f", list, strlen(list), &file), PVMX_OK, "%s: %s",
                 list, pvmx_last_error());
    char *twice = pxp_hostfile_list(&file, &again);
    for (char *c = twice; *c != '\0'; c++)
        *c = *c == ',' ? '\n' : *c;
    cr_assert_str_eq(list, twice);
    cr_assert_eq(slots, again);
    end();
    free(list);
    free(twice);
    return true;
}

static bool own(const char *name)
{
    return pxp_host_own_address(name, strlen(name));
}

Test(hostfile, own_addresses)
{
    static const char others[][20] = {"192.0.2.1",
                                      "2001:db8::1",
                                      "[2001:db8::1]",
                                      "0.0.0.0",
                                      "255.255.255.255",
                                      "224.0.0.1",
                                      "localhost",
                                      "",
                                      "[]",
                                      "127.0.0",
                                      "127.0.0.1x"};
    char text[INET6_ADDRSTRLEN + 2], longer[300];
    struct ifaddrs *all;
    cr_assert_eq(getifaddrs(&all), 0);
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        const struct sockaddr_in *a = (const void *)i->ifa_addr;
        if (a == NULL || a->sin_family != AF_INET)
            continue;
        inet_ntop(AF_INET, &a->sin_addr, text, sizeof text);
        cr_assert(own(text), "%s", text);
    }
    freeifaddrs(all);
    cr_assert(own("127.0.0.1") && own("127.9.9.9"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_assert(!own(others[i]), "%s", others[i]);
    memset(longer, '1', sizeof longer);
    cr_assert(!pxp_host_own_address(longer, sizeof longer));
    static const char *const at[] = {"192.0.2.7:4711", "[2001:db8::7]:4711"};
    cr_assert(pxp_host_listens_at("192.0.2.7", 9, at, 2));
    cr_assert(pxp_host_listens_at("2001:db8::7", 11, at, 2));
    cr_assert(pxp_host_listens_at("[2001:db8::7]", 13, at, 2));
    cr_assert(!pxp_host_listens_at("192.0.2.70", 10, at, 2));
    cr_assert(!pxp_host_listens_at("192.0.2", 7, at, 2));
    cr_assert(!pxp_host_listens_at("", 0, at, 2));
}

Test(hostfile, random_files)
{
    static const char *const pieces[] = {
        "alpha",       "beta", "::1",    "[::1]",   "[",           "]",    ":",
        ":2",          "@",    "me@",    " ",       " ",           "\t",   "\n",
        "\n",          "\\\n", "#",      "&",       "*",           "$",    "=",
        "\"",          "'",    "slots=", "cpu=3",   "max_slots=4", "lo=x", "wd=/tmp",
        "schedule=no", "sp=1", "so=pw",  "0",       "99999999999", "-",    ",",
        "\r",          "\x7f", "\xff",   "ep=$HOME"};
    struct dice d = {21};
    unsigned accepted = 0, refusals = 0;
    for (int round = 0; round < 200000; round++) {
        char text[200] = "";
        size_t len = 0, n = dice_below(&d, 14);
        for (size_t i = 0; i < n; i++) {
            const char *piece = pieces[dice_below(&d, sizeof pieces / sizeof pieces[0])];
            size_t more = strlen(piece);
            memcpy(text + len, piece, more);
            len += more;
        }
        if (len > 0 && dice_below(&d, 4) == 0)
            text[dice_below(&d, len)] = (char)dice_roll(&d);
        if (accepts(text, len))
            accepted++;
        else
            refusals++;
    }
    cr_assert_gt(accepted, 10000);
    cr_assert_gt(refusals, 10000);
}
