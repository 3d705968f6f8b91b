/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM over several hosts: run by hosts_test.py, which says how hosts are started and ends the machine. */
#include "check.h"

#include <signal.h>
#include <unistd.h>

#include "../../compat/pvm3/extra.h"

enum { HOSTS = 3, TAG_ADD = 100, TAG_GONE, TAG_EXIT, TAG_ROUTE };
/* As hosts_test.py names them. */
static char names[HOSTS][64];
static int dtids[HOSTS + 1]; /* [0]: this host */

static void read_names(void)
{
    const char *list = getenv("TEST_HOSTS");
    CHECK(list && sscanf(list, "%63s %63s %63s", names[0], names[1], names[2]) == HOSTS);
    dtids[0] = pvm_tidtohost(pvm_mytid());
}

static void add_all(void)
{
    char *list[HOSTS];
    read_names();
    for (int i = 0; i < HOSTS; i++)
        list[i] = names[i];
    SAME(pvm_addhosts(list, HOSTS, dtids + 1), HOSTS);
    for (int i = 1; i <= HOSTS; i++)
        CHECK(dtids[i] > 0 && pvm_tidtohost(dtids[i]) == dtids[i] && dtids[i] != dtids[0]);
}

/* Nothing with this tag is there, or comes soon. */
static void expect_none(int tag)
{
    struct timeval soon = {0, 50000};
    SAME(pvm_trecv(-1, tag, &soon), 0);
}

static int hosts_now(struct pvmhostinfo **h)
{
    int n = 0, archs = 0;
    SAME(pvm_config(&n, &archs, h), PvmOk);
    SAME(archs, 1);
    return n;
}

/* ---- coming and going */

/* Sums up PvmHostAdd notices until n hosts have been told. */
static void expect_added(int n, const int *tids)
{
    int seen[HOSTS] = {0}, got = 0;
    while (got < n) {
        int count, tid, src, tag;
        struct timeval limit = {30, 0};
        int buf = pvm_trecv(-1, TAG_ADD, &limit);
        CHECK(buf > 0);
        SAME(pvm_bufinfo(buf, NULL, &tag, &src), PvmOk);
        CHECK((src & 0x80000000) != 0);
        SAME(pvm_upkint(&count, 1, 1), PvmOk);
        CHECK(count >= 1 && got + count <= n);
        for (int k = 0; k < count; k++, got++) {
            SAME(pvm_upkint(&tid, 1, 1), PvmOk);
            for (int i = 0; i < n; i++)
                seen[i] += tids[i] == tid;
        }
    }
    for (int i = 0; i < n; i++)
        SAME(seen[i], 1);
    expect_none(TAG_ADD);
}

static void table(void)
{
    struct pvmhostinfo *h;
    struct timeval clk, delta;
    char with_options[100];
    int info[3], never = 4000 << 18, tid;
    read_names();
    SAME(hosts_now(&h), 1);
    SAME(pvm_notify(PvmHostAdd, TAG_ADD, -1, NULL), PvmOk);
    snprintf(with_options, sizeof with_options, "%s sp=2500 wd=/tmp so=pw", names[0]);
    char bad[] = "x nonsense=1", *list[] = {with_options, names[1], bad};
    SAME(pvm_addhosts(list, 3, info), 2);
    CHECK(info[0] > 0 && info[1] > 0 && info[2] == PvmBadParam);
    expect_added(2, info);
    SAME(hosts_now(&h), 3);
    CHECK(strcmp(h[1].hi_name, names[0]) == 0 && h[1].hi_tid == info[0]);
    CHECK(h[1].hi_speed == 2500 && h[2].hi_speed == 1000);
    CHECK(strcmp(h[2].hi_arch, "LINUX64") == 0 && h[2].hi_dsig == h[0].hi_dsig);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_addhosts(&list[1], 1, &tid), 0);
    SAME(tid, PvmDupHost);
    SAME(pvm_mstat(names[1]), PvmOk);
    SAME(pvm_mstat(names[2]), PvmNoHost);
    long begin = clock_us();
    SAME(pvm_hostsync(info[1], &clk, &delta), PvmOk);
    CHECK(clk.tv_sec > 1000000000 && delta.tv_usec >= 0 && delta.tv_usec < 1000000);
    long off = delta.tv_sec * 1000000L + delta.tv_usec; /* one machine has one clock */
    CHECK(labs(off) <= (clock_us() - begin) / 2 + 1);
    SAME(pvm_hostsync(never, NULL, NULL), PvmNoHost);

    SAME(pvm_notify(PvmHostDelete, TAG_GONE, 1, &info[0]), PvmOk);
    SAME(pvm_notify(PvmHostDelete, TAG_GONE + 50, 1, &info[1]), PvmOk);
    expect_none(TAG_GONE);
    SAME(pvm_delhosts(&list[0], 1, &tid), 1);
    SAME(tid, PvmOk);
    SAME(recv_int(-1, TAG_GONE), info[0]);
    expect_none(TAG_GONE);
    SAME(pvm_mstat(names[0]), PvmNoHost);
    SAME(pvm_delhosts(&list[0], 1, &tid), 0);
    SAME(tid, PvmNoHost);
    SAME(pvm_notify(PvmHostDelete, TAG_GONE, 1, &info[0]), PvmOk); /* gone already */
    SAME(recv_int(-1, TAG_GONE), info[0]);
    SAME(pvm_notify(PvmHostDelete, TAG_GONE, 1, &never), PvmOk);
    SAME(recv_int(-1, TAG_GONE), never);
    SAME(pvm_notify(PvmHostDelete | PvmNotifyCancel, TAG_GONE + 50, 1, &info[1]), PvmOk);
    SAME(recv_int(-1, TAG_GONE + 50), info[1]);
    SAME(pvm_notify(PvmHostAdd, TAG_ADD, 1, NULL), PvmOk); /* one more message only */
    SAME(pvm_addhosts(&list[0], 1, &tid), 1);
    CHECK(tid > info[0]); /* a host that comes back is a new one */
    expect_added(1, &tid);
    SAME(pvm_delhosts(&list[0], 1, &info[0]), 1);
    SAME(pvm_addhosts(&list[0], 1, &tid), 1);
    expect_none(-1);
}

/* ---- tasks */

static void tasks(void)
{
    struct pvmtaskinfo *ti;
    char *args[] = {"tasks", NULL}, where[100];
    int tid[9], n, found = 0;
    add_all();
    SAME(pvm_spawn(own_program, args, PvmTaskHost, names[0], 2, tid), 2);
    CHECK(pvm_tidtohost(tid[0]) == dtids[1] && pvm_tidtohost(tid[1]) == dtids[1]);
    SAME(pvm_spawn(own_program, args, PvmTaskHost, ".", 1, tid + 2), 1);
    SAME(pvm_tidtohost(tid[2]), dtids[0]);
    snprintf(where, sizeof where, "%s:/tmp", names[1]);
    SAME(pvm_spawn(own_program, args, PvmTaskHost, where, 1, tid + 3), 1);
    SAME(pvm_tidtohost(tid[3]), dtids[2]);
    SAME(pvm_spawn(own_program, args, PvmTaskHost | PvmHostCompl, ".", 3, tid + 4), 3);
    for (int i = 0; i < 3; i++) /* one each by turns, and the next call goes on */
        CHECK(pvm_tidtohost(tid[4 + i]) != pvm_tidtohost(tid[4 + (i + 1) % 3]));
    SAME(pvm_spawn(own_program, args, PvmTaskArch, "LINUX64", 1, tid + 7), 1);
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, NULL, 1, tid + 8), 1);
    CHECK(pvm_tidtohost(tid[7]) != pvm_tidtohost(tid[8]));
    int none[2];
    SAME(pvm_spawn(own_program, args, PvmTaskHost, "no-such-host", 2, none), 0);
    CHECK(none[0] == PvmNoHost && none[1] == PvmNoHost);
    SAME(pvm_spawn(own_program, args, PvmTaskArch | PvmHostCompl, "LINUX64", 1, none), 0);
    SAME(none[0], PvmNoHost);
    for (int i = 0; i < 9; i++) { /* all run, know their parent, and where they are */
        SAME(recv_int(tid[i], 1), pvm_tidtohost(tid[i]));
        SAME(pvm_pstat(tid[i]), PvmOk);
    }
    SAME(pvm_tasks(0, &n, &ti), PvmOk);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 9; k++)
            found += ti[i].ti_tid == tid[k] && ti[i].ti_ptid == pvm_mytid() &&
                     ti[i].ti_host == pvm_tidtohost(tid[k]) && ti[i].ti_pid > 0;
    SAME(found, 9);
    SAME(pvm_tasks(dtids[2], &n, &ti), PvmOk);
    for (int i = 0; i < n; i++)
        SAME(ti[i].ti_host, dtids[2]);
    CHECK(n >= 2);
    SAME(pvm_tasks(tid[3], &n, &ti), PvmOk);
    CHECK(n == 1 && ti->ti_tid == tid[3]);
    SAME(pvm_notify(PvmTaskExit, TAG_EXIT, 9, tid), PvmOk);
    SAME(pvm_notify(PvmTaskExit | PvmNotifyCancel, TAG_EXIT, 1, &tid[8]), PvmOk);
    SAME(recv_int(-1, TAG_EXIT), tid[8]);
    SAME(pvm_kill(tid[0]), PvmOk);
    SAME(recv_int(-1, TAG_EXIT), tid[0]);
    SAME(pvm_sendsig(tid[3], SIGKILL), PvmOk);
    SAME(recv_int(-1, TAG_EXIT), tid[3]);
    SAME(pvm_pstat(tid[3]), PvmNoTask);
    SAME(pvm_notify(PvmTaskExit, TAG_EXIT, 1, &tid[3]), PvmOk); /* already dead */
    SAME(recv_int(-1, TAG_EXIT), tid[3]);
    for (int i = 0; i < 9; i++)
        send_int(tid[i], 2, 0); /* to the dead too: no error */
    int seen[9] = {0};
    for (int k = 0; k < 6; k++) {
        int t = recv_int(-1, TAG_EXIT);
        for (int i = 0; i < 9; i++)
            seen[i] += tid[i] == t;
    }
    for (int i = 0; i < 9; i++)
        SAME(seen[i], i != 0 && i != 3 && i != 8);
    expect_none(TAG_EXIT);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_tasks(4000 << 18, &n, &ti), PvmNoHost);
}

static void tasks_child(int parent)
{
    int *siblings;
    CHECK(pvm_siblings(&siblings) >= 1);
    send_int(parent, 1, pvm_tidtohost(pvm_mytid()));
    recv_int(parent, 2);
}

/* ---- PvmTaskDebug: a child says by which debugger it was started, and as what */

static void said_by(const char *where, int flag, const char *debugger)
{
    char *args[] = {"debuggers", "a b", NULL}, text[200];
    int t;
    SAME(pvm_spawn(own_program, args, flag | PvmTaskHost, (char *)where, 1, &t), 1);
    CHECK(pvm_recv(t, 1) > 0);
    SAME(pvm_upkstr(text), PvmOk);
    CHECK(strcmp(text, debugger) == 0);
}

/* BX: a folder with debuggers of these names. v1 has one, v2 one that is not there, v3 none. */
static void debuggers(void)
{
    char line[2][200], other[200], *args[] = {NULL};
    const char *folder = getenv("BX");
    int info[HOSTS], t;
    read_names();
    CHECK(folder != NULL);
    snprintf(line[0], sizeof line[0], "%s bx=$BX/own", names[0]);
    snprintf(line[1], sizeof line[1], "%s ep=%s bx=missing", names[1], folder);
    snprintf(other, sizeof other, "%s/spawners", folder);
    char *list[] = {line[0], line[1], names[2]};
    SAME(pvm_addhosts(list, HOSTS, info), HOSTS);
    setenv("PVM_DEBUGGER", other, 1);
    said_by(names[0], PvmTaskDebug, "own");
    said_by(names[0], 0, "none");
    said_by(names[2], PvmTaskDebug, "spawners");
    said_by(".", PvmTaskDebug, "spawners");
    SAME(pvm_spawn(own_program, args, PvmTaskHost | PvmTaskDebug, names[1], 1, &t), 0);
    SAME(t, PvmNoFile);
    CHECK(rename(other, strcat(strcpy(line[0], folder), "/missing")) == 0);
    said_by(names[1], PvmTaskDebug, "spawners"); /* found by ep= */
    SAME(pvm_spawn((char *)"no-such-task", args, PvmTaskHost | PvmTaskDebug, names[0], 1, &t),
         0);
    SAME(t, PvmNoFile); /* of the task, not of a debugger that runs for nothing */
}

static void debuggers_child(int parent)
{
    const char *debugger = getenv("DEBUGGER");
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_pkstr((char *)(debugger ? debugger : "none")), PvmOk);
    SAME(pvm_send(parent, 1), PvmOk);
}

/* ---- messages, boxes and groups */

enum { LENGTHS = 7, ROUNDS = 3 };
static const int lengths[LENGTHS] = {0, 1, 1000, 5000, 70000, 300000, 2000000};

static void fill(int *data, int n, int seed)
{
    for (int i = 0; i < n; i++)
        data[i] = seed * 7919 + i;
}

static void check_filled(const int *data, int n, int seed)
{
    for (int i = 0; i < n; i++)
        SAME(data[i], seed * 7919 + i);
}

static int scratch[2000000];

/* Two tasks send to each other at the same time. */
static void exchange(int other, int enc)
{
    for (int k = 0; k < LENGTHS * ROUNDS; k++) {
        int n = lengths[k % LENGTHS];
        fill(scratch, n, k);
        CHECK(pvm_initsend(enc) > 0);
        SAME(pvm_pkint(scratch, n, 1), PvmOk);
        SAME(pvm_send(other, 20 + k), PvmOk);
    }
    for (int k = 0; k < LENGTHS * ROUNDS; k++) {
        int n = lengths[k % LENGTHS], bytes;
        struct timeval limit = {60, 0};
        int buf = pvm_trecv(other, 20 + k, &limit);
        CHECK(buf > 0);
        SAME(pvm_bufinfo(buf, &bytes, NULL, NULL), PvmOk);
        SAME(bytes, n * 4);
        memset(scratch, 0, (size_t)n * 4);
        SAME(pvm_upkint(scratch, n, 1), PvmOk);
        check_filled(scratch, n, k);
    }
}

static void together(int size, int me)
{
    int sum = me, all[8] = {0}, mine[2] = {me, me * me}, got[16];
    SAME(pvm_barrier("hosts", size), PvmOk);
    SAME(pvm_reduce(PvmSum, &sum, 1, PVM_INT, 30, "hosts", 0), PvmOk);
    if (me == 0)
        SAME(sum, size * (size - 1) / 2);
    SAME(pvm_gather(got, mine, 2, PVM_INT, 31, "hosts", 0), PvmOk);
    for (int i = 0; me == 0 && i < size; i++)
        CHECK(got[2 * i] == i && got[2 * i + 1] == i * i);
    for (int i = 0; i < size; i++)
        all[i] = 50 + i;
    SAME(pvm_scatter(&sum, all, 1, PVM_INT, 32, "hosts", 0), PvmOk);
    SAME(sum, 50 + me);
    SAME(pvm_barrier("hosts", size), PvmOk);
    if (me == size - 1) {
        CHECK(pvm_initsend(PvmDataDefault) > 0);
        SAME(pvm_pkint(&size, 1, 1), PvmOk);
        SAME(pvm_bcast("hosts", 33), PvmOk);
    } else {
        SAME(recv_int(-1, 33), size);
    }
    SAME(pvm_gsize("hosts"), size);
    int *coord, *count, n = 0, first, here;
    SAME(pvm_grpvhostinfo("hosts", &coord, &count, &n) == PvmOk && n > 1, 1);
    for (int i = 0; i < n; i++) {
        SAME(pvm_grphostinfo("hosts", pvm_tidtohost(coord[i]), &first, &here, NULL), PvmOk);
        CHECK(first == coord[i] && here == count[i] && (i == 0 || coord[i - 1] < first));
    }
    SAME(pvm_gsdump(), PvmOk); /* of every host */
    SAME(pvm_gettid("hosts", me), pvm_mytid());
    SAME(pvm_barrier("hosts", size), PvmOk);
}

static void messages(void)
{
    char *args[] = {"messages", NULL};
    int tid[HOSTS], value = 4711;
    add_all();
    SAME(pvm_joingroup("hosts"), 0);
    SAME(pvm_spawn(own_program, args, PvmTaskHost | PvmHostCompl, ".", HOSTS, tid), HOSTS);
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_pkint(tid, HOSTS, 1), PvmOk);
    SAME(pvm_mcast(tid, HOSTS, 10), PvmOk);
    for (int i = 0; i < HOSTS; i++)
        exchange(tid[i], i == 1 ? PvmDataInPlace : PvmDataDefault);
    together(HOSTS + 1, 0);
    /* What one leaves, waits for, and takes, the others see. */
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_pkint(&value, 1, 1), PvmOk);
    SAME(pvm_putinfo("asked for", pvm_getsbuf(), PvmMboxDefault), 0);
    for (int i = 0; i < HOSTS; i++)
        SAME(recv_int(-1, 40), value);
    struct pvmmboxinfo *boxes;
    int n;
    SAME(pvm_getmboxinfo("from *", &n, &boxes), PvmOk);
    CHECK(n == 1 && boxes->mi_nentries == HOSTS);
    for (int i = 0; i < HOSTS; i++)
        send_int(tid[i], 41, 0);
    SAME(pvm_notify(PvmTaskExit, TAG_EXIT, HOSTS, tid), PvmOk);
    for (int i = 0; i < HOSTS; i++) /* the last message, then the end */
        SAME(recv_int(tid[i], 42), i + 1);
    for (int i = 0; i < HOSTS; i++)
        recv_int(-1, TAG_EXIT);
    for (int left = 1; left;) { /* entries and places go with their tasks */
        SAME(pvm_getmboxinfo("from *", &n, &boxes), PvmOk);
        left = n > 0 || pvm_gsize("hosts") > 1;
    }
}

static void messages_child(int parent)
{
    int tid[HOSTS], me, number = 0;
    SAME(pvm_recv(parent, 10) > 0, 1);
    SAME(pvm_upkint(tid, HOSTS, 1), PvmOk);
    while (tid[number] != pvm_mytid())
        number++;
    while (pvm_gsize("hosts") != number + 1) /* in this order */
        usleep(1000);
    me = pvm_joingroup("hosts");
    SAME(me, number + 1);
    exchange(parent, PvmDataRaw);
    together(HOSTS + 1, me);
    SAME(pvm_recvinfo("asked for", 0, PvmMboxWaitForInfo) > 0, 1);
    int value;
    SAME(pvm_upkint(&value, 1, 1), PvmOk);
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_pkint(&me, 1, 1), PvmOk);
    CHECK(pvm_putinfo("from a task", pvm_getsbuf(), PvmMboxMultiInstance) >= 0);
    send_int(parent, 40, value);
    recv_int(parent, 41);
    /* Ends at once: what it has sent arrives. */
    send_int(parent, 42, me);
}

/* ---- an end comes behind all that the task has sent */

enum { WORDS = 200, ENDINGS = 4 };

static void last_words(void)
{
    char *args[] = {"last_words", NULL};
    int tid[ENDINGS], count[ENDINGS] = {0};
    add_all();
    SAME(pvm_spawn(own_program, args, PvmTaskHost | PvmHostCompl, ".", ENDINGS - 1, tid), 3);
    SAME(pvm_spawn(own_program, args, PvmTaskHost, ".", 1, tid + 3), 1);
    SAME(pvm_notify(PvmTaskExit, TAG_EXIT, ENDINGS, tid), PvmOk);
    for (int i = 0; i < ENDINGS; i++)
        send_int(tid[i], 1, 0);
    for (int k = 0; k < ENDINGS * (WORDS + 1); k++) {
        struct timeval limit = {60, 0};
        int value, src, tag, i = 0, buf = pvm_trecv(-1, -1, &limit);
        CHECK(buf > 0);
        SAME(pvm_bufinfo(buf, NULL, &tag, &src), PvmOk);
        SAME(pvm_upkint(&value, 1, 1), PvmOk);
        while (tid[i] != (tag == TAG_EXIT ? value : src))
            i++;
        SAME(count[i]++, tag == TAG_EXIT ? WORDS : value);
    }
}

static void last_words_child(int parent)
{
    recv_int(parent, 1);
    for (int i = 0; i < WORDS; i++)
        send_int(parent, 2, i);
    if (pvm_mytid() % 2)
        _exit(0); /* without good-bye: what is sent is sent */
}

/* ---- output */

static void output(void)
{
    char *args[] = {"output", NULL}, line[256];
    int tid[HOSTS + 1], lines = 0, ends = 0;
    FILE *f = tmpfile();
    add_all();
    SAME(pvm_catchout(f), PvmOk);
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, NULL, HOSTS + 1, tid), HOSTS + 1);
    pvm_exit();
    rewind(f);
    while (fgets(line, sizeof line, f)) {
        unsigned label, said, number;
        ends += sscanf(line, "[t%x] %*[E]OF", &label) == 1 && strstr(line, "EOF") != NULL;
        int got = sscanf(line, "[t%x] line %u of t%x", &label, &number, &said);
        CHECK(got != 3 || label == said);
        lines += got == 3;
    }
    CHECK(lines == (HOSTS + 2) * 1000 && ends == HOSTS + 2);
    fclose(f);
}

static void output_child(int parent)
{
    char *args[] = {"output", NULL};
    int me = pvm_mytid(), here = pvm_tidtohost(parent) == pvm_tidtohost(me);
    if (here) /* has a child elsewhere */
        SAME(pvm_spawn(own_program, args, PvmTaskHost | PvmHostCompl, ".", 1, NULL), 1);
    for (int i = 0; i < 1000; i++)
        fprintf(i % 2 || here ? stdout : stderr, "line %d of t%x\n", i, (unsigned)me);
}

/* ---- routes */

static void routes(void)
{
    char *args[] = {"routes", NULL};
    int tid, bytes, tag, src;
    add_all();
    SAME(pvm_notify(PvmRouteAdd, TAG_ROUTE, -1, NULL), PvmOk);
    SAME(pvm_spawn(own_program, args, PvmTaskHost, names[0], 1, &tid), 1);
    send_int(tid, 1, 0);
    expect_none(TAG_ROUTE); /* neither of them wants one */
    pvm_setopt(PvmRoute, PvmRouteDirect);
    send_int(dtids[0] | 0x3fff0, 1, 0); /* to nobody */
    send_int(tid, 1, 0);
    int buf = pvm_recv(-1, TAG_ROUTE);
    SAME(pvm_bufinfo(buf, &bytes, &tag, &src), PvmOk);
    CHECK(bytes == 0 && src == pvm_mytid());
    SAME(pvm_notify(PvmRouteDelete, TAG_GONE, 1, &tid), PvmOk);
    send_int(tid, 1, 1);
    expect_none(TAG_GONE);
    SAME(pvm_kill(tid), PvmOk);
    CHECK(pvm_recv(pvm_mytid(), TAG_GONE) > 0);
    expect_none(TAG_GONE);
}

static void routes_child(int parent)
{
    while (recv_int(parent, 1) >= 0)
        ;
}

/* ---- under load */

/* A master with workers on all hosts goes on while hosts come and go. */
enum { PER_HOST = 3, CHANGES = 8 };
struct worker {
    int tid, asked, exits;
};

static void start_on(const char *host, struct worker *w)
{
    char *args[] = {"load", NULL};
    int tid[PER_HOST];
    SAME(pvm_spawn(own_program, args, PvmTaskHost, (char *)host, PER_HOST, tid), PER_HOST);
    SAME(pvm_notify(PvmTaskExit, TAG_EXIT, PER_HOST, tid), PvmOk);
    for (int i = 0; i < PER_HOST; i++) {
        w[i] = (struct worker){.tid = tid[i], .asked = i};
        send_int(tid[i], 1, i);
    }
}

/* Answers of workers, each with a new question; ends of those that are meant to end. */
static int serve(struct worker *w, int n, int rounds)
{
    int answers = 0;
    while (answers < rounds) {
        struct timeval limit = {60, 0};
        int value, src, tag, i = 0;
        int buf = pvm_trecv(-1, -1, &limit);
        CHECK(buf > 0);
        SAME(pvm_bufinfo(buf, NULL, &tag, &src), PvmOk);
        SAME(pvm_upkint(&value, 1, 1), PvmOk);
        if (tag == TAG_GONE)
            return value;
        while (i < n && w[i].tid != (tag == TAG_EXIT ? value : src))
            i++;
        CHECK(i < n);
        if (tag == TAG_EXIT) {
            SAME(w[i].exits++, 0);
            continue;
        }
        CHECK(tag == 2 && value == w[i].asked * 3 && !w[i].exits);
        send_int(src, 1, ++w[i].asked);
        answers++;
    }
    return 0;
}

static void load(void)
{
    struct worker w[(HOSTS + CHANGES) * PER_HOST];
    char *list[1];
    int n = 0, info;
    add_all();
    for (int i = 0; i < HOSTS; i++, n += PER_HOST)
        start_on(names[i], w + n);
    for (int k = 0; k < CHANGES; k++) {
        int at = k % HOSTS, ends = 0;
        serve(w, n, 300);
        SAME(pvm_notify(PvmHostDelete, TAG_GONE, 1, &dtids[at + 1]), PvmOk);
        list[0] = names[at];
        SAME(pvm_delhosts(list, 1, &info), 1);
        while (serve(w, n, 1000000) != dtids[at + 1])
            ;
        while (ends < PER_HOST) {
            serve(w, n, 1);
            ends = 0;
            for (int i = 0; i < n; i++)
                ends += pvm_tidtohost(w[i].tid) == dtids[at + 1] && w[i].exits == 1;
        }
        SAME(pvm_addhosts(list, 1, &dtids[at + 1]), 1);
        start_on(names[at], w + n);
        n += PER_HOST;
    }
    expect_none(TAG_GONE);
    for (int i = 0; i < n; i++)
        if (!w[i].exits)
            pvm_kill(w[i].tid);
}

static void load_child(int parent)
{
    for (;;)
        send_int(parent, 2, recv_int(parent, 1) * 3);
}

/* ---- halt */

static void halt(void)
{
    char *args[] = {"halt", NULL};
    int tid;
    add_all();
    SAME(pvm_spawn(own_program, args, PvmTaskHost, names[2], 1, &tid), 1);
    pause(); /* the child ends us all */
}

static void halt_child(int parent)
{
    (void)parent;
    pvm_halt();
}

const struct test_case cases[] = {
    {"table", table, NULL},
    {"tasks", tasks, tasks_child},
    {"debuggers", debuggers, debuggers_child},
    {"messages", messages, messages_child},
    {"output", output, output_child},
    {"routes", routes, routes_child},
    {"last_words", last_words, last_words_child},
    {"load", load, load_child},
    {"halt", halt, halt_child},
    {0},
};
