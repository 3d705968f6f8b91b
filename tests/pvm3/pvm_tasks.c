/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks: how they are started, what they know of each other, how their ends are told. */
#include "check.h"

#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static void family(void)
{
    int t[3], *sibs;
    SAME(pvm_parent(), PvmNoParent);
    SAME(pvm_siblings(&sibs), 1);
    SAME(sibs[0], pvm_mytid());
    spawn_children("family", 3, t);
    for (int i = 0; i < 3; i++) {
        CHECK(t[i] > 0 && pvm_tidtohost(t[i]) == pvm_tidtohost(pvm_mytid()));
        CHECK(pvm_recv(t[i], 1) > 0);
        int got[3];
        SAME(pvm_upkint(got, 3, 1), PvmOk);
        CHECK(memcmp(got, t, sizeof t) == 0);
    }
    struct pvmtaskinfo *list;
    int n;
    SAME(pvm_tasks(t[1], &n, &list), PvmOk);
    CHECK(n == 1 && list->ti_tid == t[1] && list->ti_ptid == pvm_mytid());
    CHECK(list->ti_pid > 0 && kill(list->ti_pid, 0) == 0);
    SAME(pvm_tasks(0, &n, &list), PvmOk);
    SAME(n, 4);
    SAME(pvm_tasks(pvm_tidtohost(pvm_mytid()), &n, NULL), PvmOk);
    SAME(n, 4);
    SAME(pvm_pstat(t[0]), PvmOk);
    for (int i = 0; i < 3; i++)
        send_int(t[i], 2, 0);
}

static void family_child(int parent)
{
    int *sibs, n = pvm_siblings(&sibs);
    SAME(n, 3);
    pvm_initsend(PvmDataDefault);
    pvm_pkint(sibs, 3, 1);
    pvm_send(parent, 1);
    recv_int(parent, 2);
}

/* Search path, working directory, arguments, environment, context, places and flags. */
static void spawning(void)
{
    char *args[] = {"spawning", "second word", NULL}, dir[] = "/tmp/pvm3-test.XXXXXX";
    char where[PATH_MAX], link[PATH_MAX];
    int t[2], ctx = pvm_newcontext();
    struct pvmhostinfo *host;
    CHECK(mkdtemp(dir));
    snprintf(link, sizeof link, "%s/pvm3_test_program", dir);
    CHECK(symlink(own_program, link) == 0);
    setenv("PVM_PATH", dir, 1);
    setenv("PVM3_TEST", "a value", 1);
    pvm_export("PVM3_TEST");
    SAME(pvm_config(NULL, NULL, &host), PvmOk);
    snprintf(where, sizeof where, "%s:%s", host->hi_name, dir);
    pvm_setcontext(ctx);
    SAME(pvm_spawn("pvm3_test_program", args, PvmTaskHost, where, 1, t), 1);
    CHECK(pvm_recv(t[0], 1) > 0);
    char text[PATH_MAX];
    SAME(pvm_upkstr(text), PvmOk);
    CHECK(strcmp(text, dir) == 0);
    pvm_upkstr(text);
    CHECK(strcmp(text, "a value") == 0);
    pvm_upkstr(text); /* argv[0] is the file that was found */
    CHECK(strcmp(text, link) == 0);
    SAME(pvm_spawn("pvm3_test_program", args, PvmTaskArch, "LINUX64", 1, t), 1);
    CHECK(pvm_recv(t[0], 1) > 0);
    SAME(pvm_spawn("pvm3_test_program", args, PvmTaskArch, "NOSUCH", 1, t), 0);
    SAME(t[0], PvmNoHost);
    SAME(pvm_spawn("pvm3_test_program", args, PvmTaskHost | PvmHostCompl, ".", 1, t), 0);
    SAME(t[0], PvmNoHost);
    SAME(pvm_spawn("no_such_program", args, 0, NULL, 2, t), 0);
    CHECK(t[0] == PvmNoFile && t[1] == PvmNoFile);
    unlink(link);
    rmdir(dir);
}

static void spawning_child(int parent)
{
    char cwd[PATH_MAX];
    CHECK(getcwd(cwd, sizeof cwd));
    pvm_initsend(PvmDataDefault);
    pvm_pkstr(cwd);
    pvm_pkstr(getenv("PVM3_TEST"));
    char command[PATH_MAX] = "";
    FILE *f = fopen("/proc/self/cmdline", "r");
    CHECK(f != NULL && fgets(command, sizeof command, f) != NULL && fclose(f) == 0);
    pvm_pkstr(command);
    pvm_send(parent, 1); /* in the context that the spawner had */
}

/* ---- what PVM_ variables and flags make of a spawn: the child says where it is, and who has started it */

static char top[] = "/tmp/pvm3-test.XXXXXX";

static char *below(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", top, name);
    return path;
}

static void said_by(const char *task, int flag, char *where, const char *wd,
                    const char *debugged)
{
    char *args[] = {"surroundings", NULL}, text[PATH_MAX];
    int t;
    SAME(pvm_spawn((char *)task, args, flag, where, 1, &t), 1);
    CHECK(pvm_recv(t, 1) > 0);
    SAME(pvm_upkstr(text), PvmOk);
    SAME(strcmp(text, wd), 0);
    SAME(pvm_upkstr(text), PvmOk);
    SAME(strcmp(text, debugged), 0);
}

static void surroundings(void)
{
    char here[PATH_MAX], debugger[PATH_MAX];
    CHECK(mkdtemp(top) && getcwd(here, sizeof here));
    CHECK(mkdir(below("wd"), 0700) == 0 && mkdir(below("pvm3"), 0700) == 0 &&
          mkdir(below("pvm3/bin"), 0700) == 0 && mkdir(below("pvm3/bin/LINUX64"), 0700) == 0);
    CHECK(symlink(own_program, below("pvm3/bin/LINUX64/at_home")) == 0);
    CHECK(symlink(own_program, below("in_path")) == 0);
    FILE *f = fopen(below("debugger"), "w");
    CHECK(f != NULL && fputs("#!/bin/sh\nDEBUGGED=$2 exec \"$@\"\n", f) >= 0);
    CHECK(fchmod(fileno(f), 0700) == 0 && fclose(f) == 0);
    snprintf(debugger, sizeof debugger, "%s", below("debugger"));
    said_by(own_program, 0, NULL, here, "no");
    setenv("TOP", top, 1);
    setenv("PVM_WD", "$TOP/wd", 1);
    said_by(own_program, 0, NULL, below("wd"), "no");
    said_by(own_program, PvmTaskHost, ".:/tmp", "/tmp", "no"); /* goes first */
    unsetenv("PVM_WD");
    setenv("HOME", top, 1); /* where PVM looks, and PATH, where people think that it does */
    said_by("at_home", 0, NULL, here, "no");
    setenv("PATH", below(""), 1);
    said_by("in_path", 0, NULL, here, "no");
    setenv("PATH", "/usr/bin:/bin", 1);
    setenv("PVM_DEBUGGER", debugger, 1);
    said_by(own_program, PvmTaskDebug, NULL, here, "surroundings");
    said_by(own_program, 0, NULL, here, "no");
    setenv("PVMTASK", "4", 1); /* flags of every spawn */
    said_by(own_program, 0, NULL, here, "surroundings");
    unsetenv("PVMTASK");
    unsetenv("PVM_DEBUGGER");
    setenv("PVM_ROOT", top, 1);
    CHECK(mkdir(below("lib"), 0700) == 0 && rename(debugger, below("lib/debugger")) == 0);
    said_by(own_program, PvmTaskDebug, NULL, here, "surroundings");
    said_by(own_program, PvmMppFront, NULL, here, "no"); /* there is no such front */
    static const char left[][30] = {
        "lib/debugger",     "lib",      "pvm3/bin/LINUX64/at_home",
        "pvm3/bin/LINUX64", "pvm3/bin", "pvm3",
        "in_path",          "wd",       ""};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        CHECK(remove(below(left[i])) == 0);
}

static void surroundings_child(int parent)
{
    char cwd[PATH_MAX];
    const char *debugged = getenv("DEBUGGED");
    CHECK(getcwd(cwd, sizeof cwd));
    pvm_initsend(PvmDataDefault);
    pvm_pkstr(cwd);
    pvm_pkstr((char *)(debugged ? debugged : "no"));
    pvm_send(parent, 1);
}

static void orphan(void)
{
    char *args[] = {"orphan_child", NULL};
    int t;
    SAME(pvm_spawn(own_program, args, PvmNoSpawnParent, NULL, 1, &t), 1);
    send_int(t, 1, pvm_mytid());
    SAME(recv_int(t, 2), PvmParentNotSet);
}

static void orphan_child(void)
{
    int other = recv_int(-1, 1);
    send_int(other, 2, pvm_parent());
}

static void ends(void)
{
    int t[3];
    spawn_children("ends", 3, t);
    SAME(pvm_notify(PvmTaskExit, 9, 3, t), PvmOk);
    SAME(pvm_notify(PvmTaskExit, 10, 1, t), PvmOk);
    for (int i = 0; i < 3; i++)
        recv_int(t[i], 1);
    SAME(pvm_kill(t[0]), PvmOk);
    SAME(recv_int(-1, 9), t[0]);
    int src;
    pvm_bufinfo(pvm_getrbuf(), NULL, NULL, &src);
    SAME(src, (int)0x80000000);
    SAME(recv_int(-1, 10), t[0]);
    SAME(pvm_sendsig(t[1], SIGKILL), PvmOk);
    SAME(recv_int(-1, 9), t[1]);
    send_int(t[2], 1, 0);
    SAME(recv_int(t[2], 2), 5); /* its last words come before the notice */
    SAME(recv_int(-1, 9), t[2]);
    SAME(pvm_notify(PvmTaskExit, 11, 3, t), PvmOk); /* dead already: at once */
    for (int i = 0; i < 3; i++)
        recv_int(-1, 11);
    SAME(pvm_pstat(t[0]), PvmNoTask);
    SAME(pvm_nrecv(-1, -1), 0);
}

static void ends_child(int parent)
{
    send_int(parent, 1, 0);
    recv_int(parent, 1);
    send_int(parent, 2, 5);
}

static void cancelled(void)
{
    int t;
    spawn_children("cancelled", 1, &t);
    SAME(pvm_notify(PvmTaskExit, 9, 1, &t), PvmOk);
    SAME(pvm_notify(PvmTaskExit | PvmNotifyCancel, 9, 1, &t), PvmOk);
    SAME(recv_int(-1, 9), t); /* told as if it had fired */
    SAME(pvm_notify(PvmTaskExit, 10, 1, &t), PvmOk);
    send_int(t, 1, 0);
    SAME(recv_int(-1, 10), t);
    SAME(pvm_nrecv(-1, 9), 0); /* and not once more */
}

static void waits(int parent)
{
    recv_int(parent, 1);
}

static void hosts(void)
{
    struct pvmhostinfo *h;
    struct timeval clk, delta;
    int n = 0, archs = 0, info[2];
    char *names[] = {"no-such-host.invalid", NULL};
    SAME(pvm_config(&n, &archs, &h), PvmOk);
    CHECK(n == 1 && archs == 1 && h->hi_tid == pvm_tidtohost(pvm_mytid()));
    CHECK(strcmp(h->hi_arch, "LINUX64") == 0 && h->hi_speed == 1000);
    SAME(h->hi_dsig, pvm_archcode("LINUX64"));
    SAME(pvm_mstat(h->hi_name), PvmOk);
    SAME(pvm_mstat("no-such-host"), PvmNoHost);
    SAME(pvm_hostsync(h->hi_tid, &clk, &delta), PvmOk);
    CHECK(clk.tv_sec > 1000000000 && delta.tv_sec == 0);
    names[1] = h->hi_name;
    SAME(pvm_addhosts(names, 2, info), 0);
    CHECK(info[0] == PvmNoHost && info[1] == PvmDupHost);
    SAME(pvm_delhosts(names, 1, info), 0);
    SAME(info[0], PvmNoHost);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_start_pvmd(0, NULL, 0), PvmDupHost);
    CHECK(strcmp(pvm_version(), "3.4.6") == 0);
}

enum { INHERITED = 5 };

static void options(void)
{
    static const struct {
        int what, first, good, bad;
    } rows[] = {{PvmRoute, PvmAllowDirect, PvmRouteDirect, 99},
                {PvmFragSize, 4080, 8192, -1},
                {PvmOutputTid, 0, 0, -1},
                {PvmShowTids, 1, 0, INT_MIN + 1},
                {PvmResvTids, 0, 1, INT_MIN + 1}};
    pvm_mytid();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SAME(pvm_getopt(rows[i].what), rows[i].first);
        SAME(pvm_setopt(rows[i].what, rows[i].good), rows[i].first);
        SAME(pvm_getopt(rows[i].what), rows[i].good);
    }
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_setopt(PvmRoute, 99), PvmBadParam);
    SAME(pvm_setopt(PvmFragSize, -1), PvmBadParam);
    SAME(pvm_getopt(0), PvmBadParam);
    SAME(pvm_getopt(26), PvmBadParam);
    SAME(pvm_send(pvm_mytid(), -5), PvmNoBuf); /* tags below 0 are allowed now */
    /* What children inherit, for themselves and for theirs. */
    int t, got[2 * INHERITED], want[] = {5, 6, pvm_mytid(), 7, 100};
    pvm_setopt(PvmOutputCode, 5);
    pvm_setopt(PvmOutputContext, 6);
    pvm_setopt(PvmSelfTraceTid, pvm_mytid()); /* carries PvmTraceTid along */
    pvm_setopt(PvmSelfTraceCode, 7);
    pvm_setopt(PvmTraceBuffer, 100);
    spawn_children("options", 1, &t);
    CHECK(pvm_recv(t, 1) > 0);
    SAME(pvm_upkint(got, 2 * INHERITED, 1), PvmOk);
    for (int i = 0; i < INHERITED; i++)
        CHECK(got[2 * i] == want[i] && got[2 * i + 1] == want[i]);
    SAME(pvm_notify(PvmTaskExit, 9, 1, &t), PvmOk);
    SAME(recv_int(-1, 9), t);
}

static void options_child(int parent)
{
    static const int what[] = {PvmOutputCode,        PvmSelfOutputCode, PvmOutputContext,
                               PvmSelfOutputContext, PvmTraceTid,       PvmSelfTraceTid,
                               PvmTraceCode,         PvmSelfTraceCode,  PvmTraceBuffer,
                               PvmSelfTraceBuffer};
    pvm_initsend(PvmDataDefault);
    for (int i = 0; i < 2 * INHERITED; i++) {
        int v = pvm_getopt(what[i]);
        pvm_pkint(&v, 1, 1);
    }
    pvm_send(parent, 1);
}

/* Lines of each task between BEGIN and EOF, all there when pvm_exit returns. */
static void output(void)
{
    int t[2], lines = 0, begins = 0, eofs = 0;
    unsigned tid;
    char line[256], word[200];
    FILE *f = tmpfile();
    CHECK(f);
    SAME(pvm_catchout(f), PvmOk);
    spawn_children("output", 2, t);
    pvm_exit();
    rewind(f);
    while (fgets(line, sizeof line, f)) {
        SAME(sscanf(line, "[t%x] %199s", &tid, word), 2);
        CHECK((int)tid == t[0] || (int)tid == t[1]);
        begins += strcmp(word, "BEGIN") == 0;
        eofs += strcmp(word, "EOF") == 0;
        lines += strcmp(word, "line") == 0 || strcmp(word, "to_stderr") == 0;
    }
    CHECK(begins == 2 && eofs == 2 && lines == 6);
    fclose(f);
}

static void output_child(int parent)
{
    (void)parent;
    printf("line one\nline two\n");
    fflush(stdout);
    fprintf(stderr, "to_stderr without newline");
}

const struct test_case cases[] = {
    {"family", family, family_child},
    {"spawning", spawning, spawning_child},
    {"orphan", orphan, NULL},
    {"orphan_child", orphan_child, NULL},
    {"ends", ends, ends_child},
    {"cancelled", cancelled, waits},
    {"hosts", hosts, NULL},
    {"options", options, options_child},
    {"output", output, output_child},
    {"surroundings", surroundings, surroundings_child},
    {0},
};
