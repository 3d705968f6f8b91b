/* SPDX-License-Identifier: BSD-3-Clause */
/* What each function does at its edges: buffers, options, groups, errors by level, the end of it all. The
 * expectations were held against PVM 3.4.6; where the two differ on purpose, a comment says so. */
#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFERS = 300 };

/* ---- message buffers */

static void buffers(void)
{
    int v = 7, bytes, tag, src, me = pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_getsbuf(), 0);
    SAME(pvm_getrbuf(), 0);
    int a = pvm_mkbuf(PvmDataDefault), b = pvm_mkbuf(PvmDataRaw);
    CHECK(a > 0 && b > 0 && a != b);
    SAME(pvm_getsbuf(), 0); /* made, but not active */
    SAME(pvm_setsbuf(a), 0);
    SAME(pvm_setsbuf(b), a);
    SAME(pvm_pkint(&v, 1, 1), PvmOk);
    SAME(pvm_bufinfo(b, &bytes, NULL, NULL), PvmOk);
    SAME(bytes, 4);
    SAME(pvm_bufinfo(a, &bytes, &tag, &src), PvmOk);
    SAME(bytes, 0); /* what was packed went into b */
    SAME(pvm_freebuf(b), PvmOk);
    SAME(pvm_getsbuf(), 0); /* an active one that is freed is active no more */
    SAME(pvm_freebuf(b), PvmNoSuchBuf);
    SAME(pvm_pkint(&v, 1, 1), PvmNoBuf);
    SAME(pvm_setsbuf(a), 0);
    int c = pvm_initsend(PvmDataDefault); /* frees a and makes a new one */
    SAME(pvm_getsbuf(), c);
    SAME(pvm_pkint(&v, 1, 1), PvmOk);
    SAME(pvm_send(me, 3), PvmOk);
    SAME(pvm_send(me, 4), PvmOk); /* it is still there */
    SAME(pvm_bufinfo(c, &bytes, NULL, NULL), PvmOk);
    SAME(bytes, 4);
    int first = pvm_recv(me, 3);
    SAME(pvm_setrbuf(0), first); /* kept */
    int second = pvm_recv(me, 4);
    CHECK(first > 0 && second > 0 && first != second);
    SAME(pvm_bufinfo(first, &bytes, &tag, &src), PvmOk);
    CHECK(bytes == 4 && tag == 3 && src == me);
    SAME(pvm_setrbuf(first), second);
    v = 0;
    SAME(pvm_upkint(&v, 1, 1), PvmOk);
    SAME(v, 7);
    SAME(pvm_upkint(&v, 1, 1), PvmNoData);
    SAME(pvm_freebuf(first), PvmOk);
    SAME(pvm_getrbuf(), 0);
    SAME(pvm_freebuf(second), PvmOk);
    SAME(pvm_freebuf(c), PvmOk);
}

/* A receive frees the buffer that was active before. */
static void many_buffers(void)
{
    int me = pvm_mytid(), ids[BUFFERS], v;
    pvm_setopt(PvmAutoErr, 0);
    for (int i = 0; i < BUFFERS; i++)
        send_int(me, 1, i);
    for (int i = 0; i < BUFFERS; i++) {
        ids[i] = pvm_recv(me, 1);
        CHECK(ids[i] > 0);
        if (i % 2)
            pvm_setrbuf(0);
    }
    for (int i = 0; i < BUFFERS; i++) {
        if (i % 2 == 0)
            continue;
        pvm_setrbuf(ids[i]);
        SAME(pvm_upkint(&v, 1, 1), PvmOk);
        SAME(v, i);
    }
    for (int i = 1; i < BUFFERS; i += 2)
        SAME(pvm_freebuf(ids[i]), PvmOk);
}

static int unpacked(void)
{
    int v, cc = pvm_upkint(&v, 1, 1);
    return cc < 0 ? cc : v;
}

/* A received message of the numbers 1 to n. */
static int receive_numbers(int n, int encoding)
{
    int v[] = {1, 2, 3, 4};
    CHECK(pvm_initsend(encoding) > 0);
    SAME(pvm_pkint(v, n, 1), PvmOk);
    SAME(pvm_send(pvm_mytid(), 1), PvmOk);
    return pvm_recv(-1, 1);
}

/* A buffer is active for one of the two. What was received is sent on as it is, and stays when the next
 * comes; what is packed takes its place; who reads again begins at its beginning. */
static void sent_on(void)
{
    int v = 9, tag, len, me = pvm_mytid();
    struct pvmminfo info;
    pvm_setopt(PvmAutoErr, 0);
    int id = receive_numbers(3, PvmDataDefault), old = pvm_getsbuf();
    SAME(unpacked(), 1);
    SAME(pvm_setsbuf(id), old);
    SAME(pvm_getrbuf(), 0);
    SAME(pvm_send(me, 2), PvmOk);
    SAME(pvm_bufinfo(id, &len, &tag, NULL), PvmOk);
    CHECK(len == 12 && tag == 2);
    SAME(pvm_getminfo(id, &info), PvmOk);
    CHECK(info.dst == me && info.tag == 2 && info.ctx == pvm_getcontext());
    CHECK(pvm_recv(me, 2) > 0);
    SAME(unpacked(), 1);
    SAME(pvm_getsbuf(), id);
    SAME(pvm_setrbuf(id) > 0, 1);
    SAME(pvm_getsbuf(), 0);
    SAME(unpacked(), 1); /* again */
    SAME(pvm_setrbuf(id), id);
    SAME(unpacked(), 2); /* nothing has changed */
    SAME(pvm_setsbuf(id), 0);
    SAME(pvm_pkint(&v, 1, 1), PvmOk);
    SAME(pvm_pkint(&v, 1, 1), PvmOk);
    SAME(pvm_send(me, 3), PvmOk);
    SAME(pvm_pkint(&v, 1, 1), PvmOk); /* sending is no reading */
    SAME(pvm_bufinfo(id, &len, NULL, NULL), PvmOk);
    SAME(len, 12);
    CHECK(pvm_recv(me, 3) > 0);
    SAME(unpacked() + unpacked(), 18);
    SAME(unpacked(), PvmNoData);
    SAME(pvm_freebuf(id), PvmOk);
    /* A long message lies in memory that its receiver shares: it must not change there. */
    static double many[20000];
    for (int i = 0; i < 20000; i++)
        many[i] = i;
    pvm_initsend(PvmDataDefault);
    SAME(pvm_pkdouble(many, 20000, 1), PvmOk);
    SAME(pvm_send(me, 4), PvmOk);
    SAME(pvm_send(me, 5), PvmOk);
    id = pvm_recv(me, 4);
    pvm_setsbuf(id);
    SAME(pvm_pkdouble(many + 1, 19999, 1), PvmOk);
    CHECK(pvm_recv(me, 5) > 0);
    SAME(pvm_upkdouble(many, 20000, 1), PvmOk);
    CHECK(many[0] == 0 && many[19999] == 19999);
    SAME(pvm_freebuf(id), PvmOk);
}

/* A receive gives the message before back, whether or not another one comes. */
static void given_back(void)
{
    int me = pvm_mytid();
    struct timeval soon = {0, 1000};
    pvm_setopt(PvmAutoErr, 0);
    int id = receive_numbers(2, PvmDataDefault);
    SAME(pvm_probe(-1, 7), 0);
    SAME(pvm_nrecv(-1, -9), PvmBadParam);
    SAME(pvm_getrbuf(), id);
    SAME(pvm_nrecv(-1, 7), 0);
    SAME(pvm_getrbuf(), 0);
    SAME(unpacked(), PvmNoBuf);
    receive_numbers(2, PvmDataDefault);
    SAME(pvm_trecv(-1, 7, &soon), 0);
    SAME(unpacked(), PvmNoBuf);
    /* One that is read where it was found has been received; one may also be thrown away. */
    send_int(me, 3, 30);
    send_int(me, 3, 31);
    send_int(me, 3, 32);
    id = pvm_probe(me, 3);
    SAME(pvm_setrbuf(id), 0);
    SAME(unpacked(), 30);
    id = pvm_recv(me, 3);
    SAME(unpacked(), 31);
    SAME(pvm_freebuf(pvm_probe(me, 3)), PvmOk);
    SAME(pvm_nrecv(me, 3), 0);
}

/* Who asks for more than there is gets what there is, and the error. */
static void too_much(void)
{
    pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
    for (int enc = PvmDataDefault; enc <= PvmDataRaw; enc++) {
        int v[10] = {0}, k = 100;
        float c[8] = {0}, three[] = {1, 2, 3};
        char s[16] = "...............";
        receive_numbers(3, enc);
        SAME(pvm_upkint(v, 5, 2), PvmNoData);
        CHECK(v[0] == 1 && v[2] == 2 && v[4] == 3 && v[6] == 0 && v[1] == 0);
        SAME(unpacked(), PvmNoData);
        pvm_initsend(enc);
        pvm_pkfloat(three, 3, 1);
        pvm_send(pvm_mytid(), 1);
        pvm_recv(-1, 1);
        SAME(pvm_upkcplx(c, 2, 1), PvmNoData);
        CHECK(c[0] == 1 && c[1] == 2 && c[2] == 3 && c[3] == 0);
        pvm_initsend(enc);
        pvm_pkint(&k, 1, 1);
        pvm_pkbyte("abcd", 4, 1);
        pvm_send(pvm_mytid(), 1);
        pvm_recv(-1, 1);
        SAME(pvm_upkstr(s), PvmNoData);
        CHECK(strcmp(s, "abcd") == 0 && s[5] == '.');
        k = 4; /* as some pack the characters without their end */
        pvm_initsend(enc);
        pvm_pkint(&k, 1, 1);
        pvm_pkbyte("xyzw", 4, 1);
        pvm_send(pvm_mytid(), 1);
        pvm_recv(-1, 1);
        s[4] = '.';
        SAME(pvm_upkstr(s), PvmOk);
        CHECK(memcmp(s, "xyzw.", 5) == 0);
    }
}

/* The body of a message behind what is packed already; nothing of its header. */
static void bodies(void)
{
    int v[3] = {1, 2, 3}, got[4], len, me = pvm_mytid();
    pvm_setopt(PvmAutoErr, 0);
    int inner = pvm_mkbuf(PvmDataDefault);
    pvm_setsbuf(inner);
    pvm_pkint(v + 1, 2, 1);
    int outer = pvm_mkbuf(PvmDataDefault);
    pvm_setsbuf(outer);
    pvm_pkint(v, 1, 1);
    SAME(pvm_pkmesgbody(inner), PvmOk);
    SAME(pvm_pkmesgbody(outer), PvmBadParam); /* into itself */
    SAME(pvm_pkmesgbody(0), PvmBadParam);
    SAME(pvm_pkmesgbody(999), PvmNoSuchBuf);
    int raw = pvm_mkbuf(PvmDataRaw);
    SAME(pvm_pkmesgbody(raw), PvmMismatch); /* another form */
    SAME(pvm_freebuf(raw), PvmOk);
    SAME(pvm_bufinfo(outer, &len, NULL, NULL), PvmOk);
    SAME(len, 12);
    SAME(pvm_send(me, 1), PvmOk);
    CHECK(pvm_recv(me, 1) > 0);
    SAME(pvm_upkint(got, 3, 1), PvmOk);
    CHECK(memcmp(got, v, sizeof v) == 0);
    SAME(pvm_upkint(got, 1, 1), PvmNoData);
    pvm_setsbuf(0);
    SAME(pvm_pkmesgbody(inner), PvmNoBuf);
    pvm_freebuf(inner);
    pvm_freebuf(outer);
}

/* ---- waiting with a limit */

static void limits(void)
{
    int t;
    struct timeval none = {0, 0}, little = {0, 1000};
    spawn_children("limits", 1, &t);
    SAME(pvm_trecv(t, 1, &none), 0);
    long begin = clock_us();
    SAME(pvm_trecv(t, 1, &little), 0);
    CHECK(clock_us() - begin >= 1000);
    CHECK(little.tv_sec == 0 && little.tv_usec == 1000); /* the caller's stays as it is */
    SAME(pvm_probe(t, 1), 0);
    send_int(t, 2, 0);
    CHECK(pvm_trecv(t, 1, NULL) > 0); /* without a limit */
    SAME(pvm_nrecv(t, 1), 0);
}

static void limits_child(int parent)
{
    recv_int(parent, 2);
    send_int(parent, 1, 1);
}

/* ---- what children see of the environment */

static const char *exported(void)
{
    const char *list = getenv("PVM_EXPORT");
    return list ? list : "";
}

static void exports(void)
{
    unsetenv("PVM_EXPORT");
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_export("ONE"), PvmOk);
    SAME(pvm_export("TWO"), PvmOk);
    SAME(pvm_export("ONE"), PvmOk); /* once is enough */
    CHECK(strcmp(exported(), "ONE:TWO") == 0);
    SAME(pvm_unexport("ON"), PvmOk); /* not in: no error */
    SAME(pvm_unexport("ONE"), PvmOk);
    CHECK(strcmp(exported(), "TWO") == 0);
    SAME(pvm_unexport("TWO"), PvmOk);
    CHECK(strcmp(exported(), "") == 0);
    SAME(pvm_unexport(NULL), PvmBadParam); /* PVM crashes */
}

/* ---- groups of one, and places that are given out again */

static void places(void)
{
    int me = pvm_mytid(), t[3], value = 5, got = 0;
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_joingroup("p"), 0);
    spawn_children("places", 3, t);
    for (int i = 0; i < 3; i++) { /* one after the other, so that places are known */
        send_int(t[i], 1, 0);
        SAME(recv_int(t[i], 2), i + 1);
    }
    SAME(pvm_gsize("p"), 4);
    for (int i = 0; i < 3; i++) {
        SAME(pvm_gettid("p", i + 1), t[i]);
        SAME(pvm_getinst("p", t[i]), i + 1);
    }
    send_int(t[0], 3, 0); /* leaves */
    SAME(recv_int(t[0], 4), PvmOk);
    SAME(pvm_gsize("p"), 3);
    SAME(pvm_gettid("p", 1), PvmNoInst);
    SAME(pvm_getinst("p", t[0]), PvmNotInGroup);
    pvm_initsend(PvmDataDefault);
    pvm_pkint(&value, 1, 1);
    SAME(pvm_bcast("p", 9), PvmOk); /* to two */
    send_int(t[0], 5, 0);           /* comes back to the lowest place that is free */
    SAME(recv_int(t[0], 6), 1);
    SAME(pvm_lvgroup("p"), PvmOk);
    SAME(pvm_lvgroup("p"), PvmNotInGroup);
    SAME(pvm_getinst("p", me), PvmNotInGroup);
    SAME(pvm_joingroup("p"), 0);
    for (int i = 0; i < 3; i++)
        send_int(t[i], 7, 0);
    SAME(pvm_barrier("p", 4), PvmOk);
    SAME(pvm_lvgroup("p"), PvmOk);
    /* In a group of its own a task gives to itself. */
    SAME(pvm_joingroup("alone"), 0);
    SAME(pvm_gather(&got, &value, 1, PVM_INT, 1, "alone", 0), PvmOk);
    SAME(got, 5);
    got = 0;
    SAME(pvm_scatter(&got, &value, 1, PVM_INT, 1, "alone", 0), PvmOk);
    SAME(got, 5);
    SAME(pvm_reduce(PvmSum, &value, 1, PVM_INT, 1, "alone", 0), PvmOk);
    SAME(value, 5);
    SAME(pvm_barrier("alone", 1), PvmOk);
    SAME(pvm_barrier("alone", -1), PvmOk); /* all that are in it */
    SAME(pvm_lvgroup("alone"), PvmOk);
    SAME(pvm_gsize("alone") <= 0, 1); /* nobody is in it */
}

static void places_child(int parent)
{
    recv_int(parent, 1);
    int place = pvm_joingroup("p");
    send_int(parent, 2, place);
    if (place == 1) {
        recv_int(parent, 3);
        send_int(parent, 4, pvm_lvgroup("p"));
        recv_int(parent, 5);
        send_int(parent, 6, pvm_joingroup("p"));
    } else {
        SAME(recv_int(parent, 9), 5);
    }
    recv_int(parent, 7);
    SAME(pvm_barrier("p", 4), PvmOk);
}

/* ---- errors: the level says what is done with them */

/* Runs part in a process of its own with stderr in text; its status. */
static int apart(void (*part)(void), char *text, size_t size)
{
    int pipes[2], status;
    size_t n = 0;
    CHECK(pipe(pipes) == 0);
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(pipes[1], 2);
        close(pipes[0]);
        close(pipes[1]);
        part();
        _exit(42);
    }
    close(pipes[1]);
    for (ssize_t k; (k = read(pipes[0], text + n, size - 1 - n)) > 0;)
        n += (size_t)k;
    text[n] = 0;
    close(pipes[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    return status;
}

static void silent(void)
{
    pvm_mytid();
    SAME(pvm_setopt(PvmAutoErr, 0), 1);
    SAME(pvm_freebuf(999), PvmNoSuchBuf);
    CHECK(strcmp(pvm_strerror(), "No such buffer") == 0);
    pvm_perror("said by hand");
    pvm_exit();
}

static void told(void)
{
    SAME(pvm_getopt(PvmAutoErr), 1);
    SAME(pvm_freebuf(999), PvmNoSuchBuf);
    pvm_exit();
}

/* Functions of groups do not tell, and do not end the program, since it may be too early for a group. */
static void too_early(void)
{
    pvm_setopt(PvmAutoErr, 2);
    SAME(pvm_gsize("none"), PvmNoGroup);
    CHECK(strcmp(pvm_strerror(), "No such group") == 0);
    SAME(pvm_joingroup(""), PvmNullGroup);
    SAME(pvm_gettid("none", 0), PvmNoGroup);
    SAME(pvm_barrier("none", 1), PvmNoGroup);
    SAME(pvm_bcast("none", 1), PvmNoGroup);
    pvm_gather(NULL, NULL, 0, PVM_INT, 1, "none", 0); /* those that move data do */
}

static void ended(void)
{
    pvm_setopt(PvmAutoErr, 2);
    pvm_freebuf(999);
}

static void aborted(void)
{
    signal(SIGABRT, SIG_DFL);
    pvm_setopt(PvmAutoErr, 3);
    pvm_freebuf(999);
}

static void levels(void)
{
    char text[2000];
    pvm_exit(); /* each part enrols by itself */
    int status = apart(silent, text, sizeof text);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHECK(strncmp(text, "libpvm [t", 9) == 0);
    CHECK(strstr(text, "]: said by hand: No such buffer\n"));
    CHECK(!strstr(text, "pvm_freebuf"));
    status = apart(told, text, sizeof text);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHECK(strstr(text, "]: pvm_freebuf(): No such buffer\n"));
    status = apart(ended, text, sizeof text);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (PvmNoSuchBuf & 255));
    CHECK(strstr(text, "pvm_freebuf(): No such buffer\n"));
    status = apart(too_early, text, sizeof text);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (PvmNoGroup & 255));
    CHECK(strstr(text, "]: pvm_gather(): No such group\n") == strchr(text, ']'));
    status = apart(aborted, text, sizeof text);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(strstr(text, "pvm_freebuf(): No such buffer\n"));
}

/* ---- tasks that a reset spares; the start and the end of the virtual machine */

static void spared(void)
{
    int *tids, n;
    pvm_mytid();
    SAME(pvm_getnoresets(&tids, &n), PvmOk);
    SAME(n, 0);
    SAME(pvm_setopt(PvmNoReset, 1), 0);
    SAME(pvm_getnoresets(&tids, &n), PvmOk);
    CHECK(n == 1 && tids[0] == pvm_mytid());
    SAME(pvm_setopt(PvmNoReset, 0), 1);
    SAME(pvm_getnoresets(&tids, &n), PvmOk);
    SAME(n, 0);
    pvm_setopt(PvmNoReset, 1);
    pvm_exit();
    pvm_mytid(); /* another task, and the option holds (in PVM it is set, but the task is not listed) */
    SAME(pvm_getopt(PvmNoReset), 1);
    SAME(pvm_getnoresets(&tids, &n), PvmOk);
    CHECK(n == 1 && tids[0] == pvm_mytid());
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_getnoresets(NULL, &n), PvmBadParam);
}

/* Which options are the process's, and which one carries others along. */
static void kept(void)
{
    int me = pvm_mytid(), ctx = pvm_newcontext();
    keep_machine();
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_setopt(PvmOutputCode, 3), 0);
    SAME(pvm_setopt(PvmSelfOutputTid, me), 0);
    SAME(pvm_getopt(PvmOutputTid), me);
    SAME(pvm_getopt(PvmOutputCode), 0); /* both of the children's follow both of its own */
    SAME(pvm_setopt(PvmSelfOutputCode, 9), 0);
    SAME(pvm_getopt(PvmOutputCode), 9);
    SAME(pvm_setopt(PvmRoute, PvmRouteDirect), PvmAllowDirect);
    SAME(pvm_setopt(PvmFragSize, 8192), 4080);
    SAME(pvm_setopt(PvmShowTids, 0), 1);
    SAME(pvm_setcontext(ctx), PvmBaseContext);
    int id = pvm_initsend(PvmDataDefault);
    SAME(pvm_exit(), PvmOk);
    SAME(pvm_getopt(PvmRoute), PvmRouteDirect);
    CHECK(pvm_mytid() != me);
    SAME(pvm_getopt(PvmRoute), PvmRouteDirect);
    SAME(pvm_getopt(PvmAutoErr), 0);
    SAME(pvm_getopt(PvmShowTids), 0);
    SAME(pvm_getopt(PvmFragSize), 4080); /* of the task, as those of traces are */
    SAME(pvm_getopt(PvmOutputCode), 9);
    SAME(pvm_getcontext(), ctx);
    SAME(pvm_getsbuf(), id);
    leave_machine();
}

static void halts(void)
{
    int t[2];
    spawn_children("halted", 2, t);
    recv_int(t[0], 1);
    recv_int(t[1], 1);
    pvm_halt();
    for (;;)
        pause(); /* the caller is ended too */
}

static void halted(void)
{
    char text[2000];
    if (pvm_parent() > 0) {
        send_int(pvm_parent(), 1, 0);
        recv_int(-1, 2);
        return;
    }
    pvm_exit();
    int status = apart(halts, text, sizeof text);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    pvm_setopt(PvmAutoErr, 0);
    int cc = pvm_start_pvmd(0, NULL, 0); /* the old one may not be gone yet */
    CHECK(cc == PvmOk || cc == PvmDupHost);
    CHECK(pvm_mytid() > 0);
    SAME(pvm_start_pvmd(0, NULL, 0), PvmDupHost);
}

static void halted_child(int parent)
{
    (void)parent;
    halted();
}

const struct test_case cases[] = {
    {"buffers", buffers, NULL},       {"many_buffers", many_buffers, NULL},
    {"sent_on", sent_on, NULL},       {"given_back", given_back, NULL},
    {"too_much", too_much, NULL},     {"bodies", bodies, NULL},
    {"limits", limits, limits_child}, {"exports", exports, NULL},
    {"places", places, places_child}, {"levels", levels, NULL},
    {"spared", spared, NULL},         {"kept", kept, NULL},
    {"halted", halted, halted_child}, {0},
};
