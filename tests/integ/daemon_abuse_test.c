/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients that do not keep the rules harm nobody but themselves. */
#include "base/clock.h"
#include "base/fd.h"
#include "daemon_lab.h"
#include "proto/frame.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(daemon_abuse, .timeout = 120);

static struct lab lab;
static struct lab_client me, other;

static void begin(void)
{
    lab_open(&lab);
    lab_start(&lab, NULL);
    lab_join(&lab, &me);
}

/* The good client still works. */
static void end(void)
{
    static struct lab_spawned got;
    struct lab_spawn s = {.command = "true", .count = 1, .flags = PVMX_SPAWN_NO_MPI};
    lab_spawn(&me, &s, &got);
    cr_assert_eq(got.error, PVMX_OK, "%s", got.text);
    lab_hang_up(&me);
    lab_close(&lab);
}

static int connect_raw(void)
{
    int errnum, fd = px_unix_connect(lab.dir.socket, &errnum);
    cr_assert(fd >= 0, "%s", strerror(errnum));
    return fd;
}

/* Reads until the daemon closes; returns the bytes that came. */
static size_t await_close(int fd, uint8_t *to, size_t size)
{
    size_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        cr_assert(poll(&p, 1, LAB_DEADLINE_MS) > 0, "the connection is not closed");
        ssize_t k = read(fd, to + n, size - n);
        if (k <= 0)
            return n;
        n += (size_t)k;
    }
}

static void expect_refusal(int fd, pvmx_err error)
{
    uint8_t bytes[4096];
    size_t n = await_close(fd, bytes, sizeof bytes), len;
    struct px_buf in = {.data = bytes, .end = n, .cap = sizeof bytes};
    const uint8_t *body;
    cr_assert(pxp_frame_next(&in, PXP_FRAME_MAX, &body, &len) == PVMX_OK,
              "no refusal came");
    cr_assert_eq(pxp_client_refused(body, len), error, "%s", pvmx_last_error());
    close(fd);
}

Test(daemon_abuse, garbage_before_the_greeting)
{
    begin();
    int fd = connect_raw();
    cr_assert(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL) == 18);
    expect_refusal(fd, PVMX_ERR_TOOBIG);
    fd = connect_raw();
    cr_assert(send(fd, "\0\0\0\4abcd", 8, MSG_NOSIGNAL) == 8);
    expect_refusal(fd, PVMX_ERR_PROTO);
    fd = connect_raw();
    cr_assert(send(fd, "\0\0\0\0", 4, MSG_NOSIGNAL) == 4);
    expect_refusal(fd, PVMX_ERR_PROTO);
    end();
}

Test(daemon_abuse, request_before_the_greeting)
{
    struct px_buf out = {0};
    struct pxp_status m = {0};
    begin();
    int fd = connect_raw();
    pxp_status_encode(&out, 1, &m);
    cr_assert(send(fd, out.data, out.end, MSG_NOSIGNAL) > 0);
    expect_refusal(fd, PVMX_ERR_PROTO);
    px_buf_free(&out);
    end();
}

Test(daemon_abuse, wrong_version_and_role)
{
    struct px_buf out = {0};
    struct pxp_hello m = {.version = 99, .oldest = 50, .role = PXP_ROLE_TASK, .release = "x"};
    begin();
    int fd = connect_raw();
    pxp_hello_encode(&out, 1, &m);
    m.version = m.oldest = 1;
    m.role = 9;
    cr_assert(send(fd, out.data, out.end, MSG_NOSIGNAL) > 0);
    expect_refusal(fd, PVMX_ERR_VERSION);
    px_buf_free(&out);
    fd = connect_raw();
    pxp_hello_encode(&out, 1, &m);
    cr_assert(send(fd, out.data, out.end, MSG_NOSIGNAL) > 0);
    expect_refusal(fd, PVMX_ERR_PROTO);
    px_buf_free(&out);
    end();
}

/* Random bytes, and good frames with random bytes changed, from greeted clients. */
Test(daemon_abuse, random_frames)
{
    begin();
    srand(7);
    for (int round = 0; round < 300; round++) {
        struct pxp_abort m = {.code = 1, .text = "text", .jobs = (uint32_t[]){1, 2}, .n_jobs = 2};
        lab_connect(&lab, &other, 1 + (uint32_t)round % 3);
        for (int i = 0; i < 5; i++)
            pxp_abort_encode(&other.c.out, 1, &m);
        size_t n = px_buf_len(&other.c.out);
        for (int i = 0; i < 4; i++)
            other.c.out.data[other.c.out.start + (size_t)rand() % n] = (uint8_t)rand();
        if (send(other.c.fd, px_buf_head(&other.c.out), n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            cr_assert(errno == EPIPE || errno == ECONNRESET);
        lab_hang_up(&other);
    }
    end();
}

Test(daemon_abuse, half_frames_and_single_bytes)
{
    struct px_buf out = {0};
    struct pxp_status m = {0};
    uint32_t number;
    const uint8_t *body;
    size_t len;
    begin();
    lab_connect(&lab, &other, PXP_ROLE_CONSOLE);
    pxp_status_encode(&out, 5, &m);
    for (size_t i = 0; i < out.end; i++)
        cr_assert(send(other.c.fd, out.data + i, 1, MSG_NOSIGNAL) == 1);
    cr_assert(lab_reply(&other, 5, &number, &body, &len));
    cr_assert_eq(number, PXP_STATUS_IS);
    pxp_client_drop(&other.c);
    cr_assert(send(other.c.fd, out.data, out.end - 1, MSG_NOSIGNAL) > 0);
    lab_hang_up(&other);
    px_buf_free(&out);
    end();
}

Test(daemon_abuse, oversize_frame)
{
    begin();
    lab_connect(&lab, &other, PXP_ROLE_CONSOLE);
    cr_assert(send(other.c.fd, "\1\0\0\1", 4, MSG_NOSIGNAL) == 4); /* 16 MiB + 1 */
    expect_refusal(other.c.fd, PVMX_ERR_TOOBIG);
    other.c.fd = -1;
    lab_hang_up(&other);
    end();
}

Test(daemon_abuse, unknown_and_forbidden_messages)
{
    uint32_t number;
    const uint8_t *body;
    size_t len;
    struct pxp_enrol enrol = {.program = "x"};
    begin();
    lab_connect(&lab, &other, PXP_ROLE_CONSOLE);
    pxp_enrol_encode(&other.c.out, 3, &enrol);
    lab_send(&other, NULL, 0);
    cr_assert(lab_reply(&other, 3, &number, &body, &len));
    cr_assert_eq(number, PXP_REFUSE);
    cr_assert_eq(pxp_client_refused(body, len), PVMX_ERR_STATE);
    pxp_client_drop(&other.c);
    cr_assert(send(other.c.fd, "\0\0\0\6\x93\xcd\3\xe7\4\x80", 10, MSG_NOSIGNAL) == 10);
    cr_assert(lab_reply(&other, 4, &number, &body, &len));
    cr_assert_eq(pxp_client_refused(body, len), PVMX_ERR_UNSUPPORTED);
    pxp_client_drop(&other.c);
    /* and the connection goes on */
    struct lab_status st;
    lab_status(&other, &st);
    lab_hang_up(&other);
    end();
}

Test(daemon_abuse, silent_connection_is_closed)
{
    uint8_t bytes[16];
    setenv("PVMX_DAEMON_GREETING", "1s", 1); /* enough for who greets at once */
    begin();
    int fd = connect_raw();
    cr_assert_eq(await_close(fd, bytes, sizeof bytes), 0);
    close(fd);
    end();
}

Test(daemon_abuse, descriptors_without_requests)
{
    int fds[8];
    uint8_t bytes[64];
    begin();
    lab_connect(&lab, &other, PXP_ROLE_CONSOLE);
    for (int i = 0; i < 8; i++)
        fds[i] = 0;
    for (int i = 0; i < 4; i++)
        if (px_unix_send(other.c.fd, "\0", 1, fds, 8) < 0)
            break;
    await_close(other.c.fd, bytes, sizeof bytes);
    lab_hang_up(&other);
    struct lab_status st;
    lab_status(&me, &st);
    cr_assert_lt(st.fds, 30);
    end();
}

/* A console that asks and never reads is dropped; a task is only no longer read. */
Test(daemon_abuse, slow_readers)
{
    struct pxp_status m = {0};
    struct px_buf out = {0};
    struct lab_status st;
    begin();
    for (int i = 0; i < 1000; i++)
        pxp_status_encode(&out, 1, &m);
    for (int role = PXP_ROLE_TASK; role <= PXP_ROLE_CONSOLE; role++) {
        /* A daemon that is slow to answer (sanitizers, load) does not look like one that has
         * stopped reading a console. */
        uint64_t patience = role == PXP_ROLE_CONSOLE ? 30000 : 1000;
        bool closed = false, full = false;
        lab_connect(&lab, &other, (uint32_t)role);
        uint64_t stuck = 0, end_at = px_now_ns() + 60 * PX_SEC;
        while (!closed && !full && px_now_ns() < end_at) {
            ssize_t n = send(other.c.fd, px_buf_head(&out), px_buf_len(&out),
                             MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n > 0)
                stuck = 0;
            else if (errno == EAGAIN)
                usleep(1000), stuck++;
            else
                closed = true;
            full = stuck > patience;
            /* a partial frame is completed by the next round's bytes: the stream may turn into
             * garbage, so send whole batches only */
            if (n > 0 && (size_t)n < px_buf_len(&out)) {
                size_t rest = px_buf_len(&out) - (size_t)n, at = (size_t)n;
                while (rest > 0 && !closed && stuck <= patience) {
                    n = send(other.c.fd, px_buf_head(&out) + at, rest,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
                    if (n > 0)
                        at += (size_t)n, rest -= (size_t)n, stuck = 0;
                    else if (errno == EAGAIN)
                        usleep(1000), stuck++;
                    else
                        closed = true;
                }
                full = stuck > patience;
            }
        }
        cr_assert(role == PXP_ROLE_CONSOLE ? closed : full);
        lab_status(&me, &st);
        cr_assert_lt(st.rss_kb, 200 * 1024);
        lab_hang_up(&other);
    }
    px_buf_free(&out);
    end();
}

Test(daemon_abuse, more_clients_than_descriptors)
{
    enum { N = 100 };
    int fds[N];
    uint8_t bytes[1024];
    struct rlimit low = {.rlim_cur = 40, .rlim_max = 40};
    begin();
    cr_assert(prlimit(lab.pid, RLIMIT_NOFILE, &low, NULL) == 0);
    for (int i = 0; i < N; i++)
        fds[i] = connect_raw();
    expect_refusal(fds[N - 1], PVMX_ERR_LIMIT);
    for (int i = 0; i < N - 1; i++)
        close(fds[i]);
    lab_until(pxp_client_open(&other.c, &lab.dir, PXP_ROLE_CONSOLE, 1000, NULL) == PVMX_OK);
    (void)bytes;
    pxp_client_close(&other.c);
    end();
}

/* ---- other users, other tasks ----------------------------------------------------------------- */

/* What a process of another user gets: errno of connect, or 0 when the daemon has hung up without a word,
 * 255 when it has said something. */
static int as_nobody(void)
{
    enum { NOBODY = 65534 };
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        int errnum;
        if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
            _exit(254);
        int fd = px_unix_connect(lab.dir.socket, &errnum);
        if (fd < 0)
            _exit(errnum);
        struct pxp_hello m = {.version = 1,
                              .oldest = 1,
                              .role = PXP_ROLE_CONSOLE,
                              .release = "x"};
        struct px_buf out = {0};
        pxp_hello_encode(&out, 1, &m);
        (void)!send(fd, out.data, out.end, MSG_NOSIGNAL);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        _exit(poll(&p, 1, LAB_DEADLINE_MS) > 0 && read(fd, &byte, 1) <= 0 ? 0 : 255);
    }
    cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The directory keeps others away; should its modes be wrong, their credentials do. */
Test(daemon_abuse, another_users_process)
{
    char path[sizeof lab.dir.socket];
    struct stat st;
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    begin();
    cr_assert_eq(as_nobody(), EACCES);
    snprintf(path, sizeof path, "%s", lab.dir.socket);
    cr_assert(chmod(path, 0777) == 0);
    for (char *slash; strlen(path) > strlen(lab.xdg);) {
        cr_assert((slash = strrchr(path, '/')) != NULL);
        *slash = '\0';
        cr_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
        cr_assert(chmod(path, 0755) == 0);
    }
    cr_assert_eq(as_nobody(), 0);
    snprintf(path, sizeof path, "%s", lab.dir.socket);
    while (strlen(path) > strlen(lab.xdg)) {
        *strrchr(path, '/') = '\0';
        cr_assert(chmod(path, 0700) == 0);
    }
    end();
}

static void refused(struct lab_client *k, uint32_t serial, pvmx_err error)
{
    uint32_t number;
    const uint8_t *body;
    size_t len;
    lab_send(k, NULL, 0);
    cr_assert(lab_reply(k, serial, &number, &body, &len));
    cr_assert_eq(number, PXP_REFUSE, "%s", pxp_name(number));
    cr_assert_eq(pxp_client_refused(body, len), error, "%s", pvmx_last_error());
    pxp_client_drop(&k->c);
}

static void done(struct lab_client *k, uint32_t serial, uint32_t wanted)
{
    uint32_t number;
    const uint8_t *body;
    size_t len;
    lab_send(k, NULL, 0);
    cr_assert(lab_reply(k, serial, &number, &body, &len));
    cr_assert_eq(number, wanted, "%s: %s", pxp_name(number),
                 pxp_client_refused(body, len) != PVMX_OK ? pvmx_last_error() : "");
    pxp_client_drop(&k->c);
}

/* A task is who its connection says; what it says of itself in messages makes it nobody else. */
Test(daemon_abuse, a_task_that_poses_as_another)
{
    static struct lab_client third;
    begin();
    lab_join(&lab, &other);
    lab_join(&lab, &third);
    struct pxp_publish name = {.name = "here", .port = "a port"};
    pxp_publish_encode(&me.c.out, 11, &name);
    done(&me, 11, PXP_DONE);
    struct pxp_unpublish take = {.name = "here", .port = "a port"};
    pxp_unpublish_encode(&other.c.out, 12, &take);
    refused(&other, 12, PVMX_ERR_PERM);
    struct pxp_enrol again = {.program = "x"};
    pxp_enrol_encode(&other.c.out, 13, &again);
    refused(&other, 13, PVMX_ERR_STATE);
    /* An agreement of two others: no voice in it, and not in the place of one of them. */
    struct pxp_range pair[] = {{.first = me.tid, .count = 1},
                               {.first = third.tid, .count = 1}};
    struct pxp_agree voice = {
        .ctx = 99, .members = pair, .n_members = 2, .value = 0, .fresh = 1234};
    pxp_agree_encode(&other.c.out, 14, &voice);
    refused(&other, 14, PVMX_ERR_ARG);
    voice.value = 6;
    pxp_agree_encode(&me.c.out, 15, &voice);
    lab_send(&me, NULL, 0);
    pxp_agree_encode(&other.c.out, 16, &voice);
    refused(&other, 16, PVMX_ERR_ARG);
    cr_assert(lab_quiet(&me, 50)); /* still waits for the third one */
    voice.value = 3;
    pxp_agree_encode(&third.c.out, 17, &voice);
    done(&third, 17, PXP_AGREED);
    done(&me, 15, PXP_AGREED);
    /* Messages of daemons are not for tasks. */
    struct pxp_ended ended = {.ends = &(struct pxp_task_end){.tid = third.tid, .program = ""},
                              .n_ends = 1};
    pxp_ended_encode(&other.c.out, 18, &ended);
    refused(&other, 18, PVMX_ERR_UNSUPPORTED);
    struct pxp_stream stream = {.from = third.tid, .to = me.tid};
    pxp_stream_encode(&other.c.out, 19, &stream);
    refused(&other, 19, PVMX_ERR_UNSUPPORTED);
    struct pxp_guest guest = {.tid = third.tid, .frame = (const uint8_t *)"", .frame_len = 0};
    pxp_guest_encode(&other.c.out, 20, &guest);
    refused(&other, 20, PVMX_ERR_UNSUPPORTED);
    lab_hang_up(&third);
    lab_hang_up(&other);
    end();
}
