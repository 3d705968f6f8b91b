/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm_catchout with children of children, marked lines, helpers of tasks, few descriptors, without waiting at
 * the end; output as messages. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINES = 64 };

struct line {
    unsigned tid;
    char mark, text[200];
};

/* Through a stream of its own: the other is written meanwhile. */
static int read_lines(const char *path, struct line *lines)
{
    char raw[256];
    int n = 0;
    FILE *f = fopen(path, "r");
    CHECK(f);
    while (n < LINES && fgets(raw, sizeof raw, f)) {
        SAME(sscanf(raw, "[t%x]%c%199[^\n]", &lines[n].tid, &lines[n].mark, lines[n].text),
             3);
        n++;
    }
    fclose(f);
    return n;
}

static int place_of(const struct line *lines, int n, unsigned tid, const char *text)
{
    for (int i = 0; i < n; i++)
        if (lines[i].tid == tid && lines[i].mark == ' ' && strcmp(lines[i].text, text) == 0)
            return i;
    return -1;
}

/* ---- a task whose child says nothing, and whose grandchild outlives both */

static void family(void)
{
    char *args[] = {"family", NULL}, path[] = "/tmp/pvm_output.XXXXXX";
    struct line lines[LINES];
    int tid, child, grandchild, fd = mkstemp(path);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    CHECK(f);
    SAME(pvm_setopt(PvmShowTids, 2), 1);
    SAME(pvm_catchout(f), PvmOk);
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, NULL, 1, &tid), 1);
    CHECK(pvm_recv(-1, 1) > 0);
    SAME(pvm_upkint(&child, 1, 1), PvmOk);
    SAME(pvm_upkint(&grandchild, 1, 1), PvmOk);
    /* The task has ended: this is shown while others may still write. */
    SAME(pvm_notify(PvmTaskExit, 2, 1, &tid), PvmOk);
    CHECK(pvm_recv(-1, 2) > 0);
    for (int n = 0; place_of(lines, n, (unsigned)tid, "EOF") < 0; n = read_lines(path, lines))
        pvm_nrecv(-1, 99);
    SAME(place_of(lines, read_lines(path, lines), (unsigned)grandchild, "EOF"), -1);
    pvm_initsend(PvmDataDefault);
    SAME(pvm_send(grandchild, 3), PvmOk);
    pvm_exit();

    int n = read_lines(path, lines), marked = 0;
    int all[] = {tid, child, grandchild};
    for (int i = 0; i < 3; i++) {
        int begin = place_of(lines, n, (unsigned)all[i], "BEGIN"),
            end = place_of(lines, n, (unsigned)all[i], "EOF");
        CHECK(begin >= 0 && end > begin);
        for (int k = end + 1; k < n; k++)
            CHECK(lines[k].tid != (unsigned)all[i]);
    }
    for (int i = 0; i < n; i++)
        marked += lines[i].mark == '|' && lines[i].tid == (unsigned)tid;
    SAME(marked, 2);
    SAME(n, 3 * 2 + 2 + 1);
    for (int i = 0; i < n; i++)
        if (strcmp(lines[i].text, "helped") == 0)
            SAME(lines[i].tid, grandchild);
    fclose(f);
    unlink(path);
}

/* By who is asked for: the parent's name for a child, and the child's. */
static void family_child(int parent)
{
    static const char *const names[] = {"family", "middle", "last"};
    char *args[] = {(char *)names[1], NULL};
    int tids[2];
    printf("BEGIN\nEOF\n");
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, NULL, 1, tids), 1);
    CHECK(pvm_recv(tids[0], 1) > 0);
    SAME(pvm_upkint(&tids[1], 1, 1), PvmOk);
    pvm_initsend(PvmDataDefault);
    pvm_pkint(tids, 2, 1);
    pvm_send(parent, 1);
}

static void middle(int parent)
{
    char *args[] = {"last", NULL};
    int tid;
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, NULL, 1, &tid), 1);
    pvm_initsend(PvmDataDefault);
    pvm_pkint(&tid, 1, 1);
    pvm_send(parent, 1);
}

static void last(int parent)
{
    (void)parent;
    pvm_recv(-1, 3);
    CHECK(system("echo helped >/dev/stderr") == 0);
}

/* ---- the same family, to a task that has PvmOutputTid set to itself: a message for each piece, behind two
 * that name the parent; of length 0 at the end */

static void told(void)
{
    enum { TAG = 66 };
    char *args[] = {"told", NULL}, text[3][100] = {{0}};
    int all[3], parents[3] = {pvm_mytid()}, said[3] = {0}, ended = 0,
                ctx = pvm_newcontext(), tag;
    struct timeval limit = {60, 0};
    size_t n[3] = {0};
    SAME(pvm_setopt(PvmOutputTid, pvm_mytid()), 0);
    SAME(pvm_setopt(PvmOutputCode, TAG), 0);
    SAME(pvm_setopt(PvmOutputContext, ctx), 0);
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, NULL, 1, all), 1);
    CHECK(pvm_recv(all[0], 1) > 0);
    SAME(pvm_upkint(all + 1, 2, 1), PvmOk);
    parents[1] = all[0];
    parents[2] = all[1];
    pvm_initsend(PvmDataDefault);
    SAME(pvm_send(all[2], 3), PvmOk);
    pvm_setcontext(ctx);
    while (ended < 3) {
        int head[3], i = 0, src;
        CHECK(pvm_trecv(-1, -1, &limit) > 0);
        SAME(pvm_bufinfo(pvm_getrbuf(), NULL, &tag, &src), PvmOk);
        CHECK(tag == TAG && src == (int)0x80000000);
        SAME(pvm_upkint(head, 2, 1), PvmOk);
        while (i < 3 && all[i] != head[0])
            i++;
        CHECK(i < 3);
        if (head[1] < 0) {
            SAME(head[1], -2 + said[i]++);
            SAME(pvm_upkint(head + 2, 1, 1), PvmOk);
            SAME(head[2], parents[i]);
            continue;
        }
        SAME(said[i], 2);
        if (head[1] == 0) {
            said[i] = 3;
            ended++;
            continue;
        }
        CHECK(n[i] + (size_t)head[1] < sizeof text[i]);
        SAME(pvm_upkbyte(text[i] + n[i], head[1], 1), PvmOk);
        n[i] += (size_t)head[1];
    }
    CHECK(strcmp(text[0], "BEGIN\nEOF\n") == 0 && n[1] == 0);
    CHECK(strcmp(text[2], "helped\n") == 0);
}

/* ---- pvm_catchout(NULL): the end does not wait, and the task goes on writing */

static void left(void)
{
    char *args[] = {"left", NULL};
    struct timeval limit = {60, 0};
    int tid;
    FILE *f = tmpfile();
    CHECK(f);
    SAME(pvm_catchout(f), PvmOk);
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, NULL, 1, &tid), 1);
    SAME(pvm_catchout(NULL), PvmOk);
    pvm_exit(); /* it still runs: it waits for us */
    fclose(f);
    CHECK(pvm_mytid() > 0);
    SAME(pvm_pstat(tid), PvmOk);
    int own = pvm_mytid();
    pvm_initsend(PvmDataDefault);
    pvm_pkint(&own, 1, 1);
    pvm_send(tid, 1);
    CHECK(pvm_trecv(tid, 2, &limit) > 0);
}

static void left_child(int parent)
{
    int to;
    (void)parent;
    CHECK(pvm_recv(-1, 1) > 0);
    SAME(pvm_upkint(&to, 1, 1), PvmOk);
    for (int i = 0; i < 100000; i++) /* much more than a socket holds */
        printf("line %d of many\n", i);
    CHECK(fflush(stdout) == 0);
    pvm_initsend(PvmDataDefault);
    pvm_send(to, 2);
}

/* ---- scripts whose helpers have ended before anybody reads: the collector cannot write at first, since the
 * pipe to which it is to write is full */

enum { SCRIPTS = 4, SAID = 25 };

struct reader {
    FILE *from;
    int to;
    size_t filled;
};

static FILE *full_pipe(struct reader *r)
{
    static const char junk[4096];
    int fds[2];
    CHECK(pipe(fds) == 0 && fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0);
    for (ssize_t n; (n = write(fds[1], junk, sizeof junk)) > 0;)
        r->filled += (size_t)n;
    CHECK(fcntl(fds[1], F_SETFL, 0) == 0);
    r->from = fdopen(fds[0], "r");
    FILE *f = fdopen(fds[1], "w");
    CHECK(r->from && f);
    return f;
}

static void open_pipe(struct reader *r)
{
    while (r->filled-- > 0)
        SAME(fgetc(r->from), 0);
}

/* Each line with its own task in front, between that one's BEGIN and EOF. */
static void check_scripts(struct reader *r, const int *tid)
{
    char raw[256], text[100];
    int lines[SCRIPTS] = {0}, ends = 0;
    unsigned label;
    while (ends < SCRIPTS) {
        int i = 0, said;
        CHECK(fgets(raw, sizeof raw, r->from));
        SAME(sscanf(raw, "[t%x] %99s", &label, text), 2);
        while (i < SCRIPTS && (unsigned)tid[i] != label)
            i++;
        CHECK(i < SCRIPTS && lines[i] >= 0);
        if (strcmp(text, "BEGIN") == 0)
            continue;
        if (strcmp(text, "EOF") == 0) {
            SAME(lines[i], 2 * SAID);
            lines[i] = -1;
            ends++;
            continue;
        }
        SAME(sscanf(text, "%d", &said), 1);
        SAME(said, i);
        lines[i]++;
    }
}

static void scripts(void)
{
    char script[] = "for i in $(seq 25); do (echo $PVMX_RANK); printenv PVMX_RANK; done";
    char *args[] = {"-c", script, NULL};
    struct timeval limit = {60, 0};
    struct reader r = {0};
    int tid[SCRIPTS];
    FILE *f = full_pipe(&r);
    SAME(pvm_catchout(f), PvmOk);
    SAME(pvm_spawn("/bin/sh", args, PvmTaskDefault, NULL, SCRIPTS, tid), SCRIPTS);
    SAME(pvm_notify(PvmTaskExit, 1, SCRIPTS, tid), PvmOk);
    for (int i = 0; i < SCRIPTS; i++)
        CHECK(pvm_trecv(-1, 1, &limit) > 0);
    open_pipe(&r);
    check_scripts(&r, tid);
    pvm_exit();
    fclose(f);
    fclose(r.from);
}

/* ---- more tasks than the daemon has descriptors for pipes for: they have one socket, which the kernel tells
 * who writes to */

enum { CROWD = 34 };

static void crowded(void)
{
    char *args[] = {"crowded", NULL}, raw[256];
    int tid[CROWD], lines = 0, ends = 0;
    unsigned label, said;
    FILE *f = tmpfile();
    CHECK(f);
    SAME(pvm_catchout(f), PvmOk);
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, NULL, CROWD, tid), CROWD);
    pvm_exit();
    rewind(f);
    while (fgets(raw, sizeof raw, f)) {
        ends += strstr(raw, "] EOF\n") != NULL;
        if (sscanf(raw, "[t%x] t%x", &label, &said) != 2)
            continue;
        SAME(label, said);
        lines++;
    }
    SAME(lines, CROWD);
    SAME(ends, CROWD);
    fclose(f);
}

static void crowded_child(int parent)
{
    struct stat st;
    (void)parent;
    CHECK(fstat(1, &st) == 0 && S_ISSOCK(st.st_mode)); /* else this tests nothing */
    printf("t%x\n", (unsigned)pvm_mytid());
}

const struct test_case cases[] = {
    {"family", family, family_child},
    {"told", told, family_child},
    {"middle", NULL, middle},
    {"last", NULL, last},
    {"left", left, left_child},
    {"scripts", scripts, NULL},
    {"crowded", crowded, crowded_child},
    {0},
};
