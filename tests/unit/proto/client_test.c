/* SPDX-License-Identifier: BSD-3-Clause */
/* The client against a daemon's end that a thread of the test plays. */
#include "base/fd.h"
#include "proto/client.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "proto/messages.h"
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum behaviour { WELCOME, REFUSE, HANG_UP, GARBAGE, SILENT, WRONG_VERSION, DRIBBLE };

static char base[] = "/tmp/pvmx-test-XXXXXX";
static struct px_rundir dir;
static int listener = -1;

static void setup(void)
{
    cr_assert_not_null(mkdtemp(base));
    setenv("XDG_RUNTIME_DIR", base, 1);
    cr_assert_eq(px_rundir_open("t", true, &dir), PVMX_OK);
}

static void teardown(void)
{
    char command[128];
    px_fd_close(&listener);
    snprintf(command, sizeof command, "rm -rf %s", base);
    cr_assert_eq(system(command), 0);
}

TestSuite(client, .init = setup, .fini = teardown, .timeout = 30);

static void make_answer(enum behaviour how, struct px_buf *out)
{
    struct pxp_welcome w = {
        .version = PXP_VERSION, .release = "1.2.3", .vm = "t", .host = "here", .pid = 99};
    struct pxp_hello old = {.version = 77, .oldest = 77, .role = 1, .release = "old"};
    if (how == REFUSE)
        pxp_hello_answer(out, 1, &old, &w);
    else if (how == GARBAGE)
        px_buf_append(out, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    else if (how == WRONG_VERSION)
        w.version = 4711, pxp_welcome_encode(out, 1, &w);
    else if (how == WELCOME || how == DRIBBLE)
        pxp_welcome_encode(out, 1, &w);
}

/* Accepts one client, reads its hello and answers as told; then waits until it hangs up. */
static void *daemon_side(void *arg)
{
    enum behaviour how = *(enum behaviour *)arg;
    struct pollfd p = {.fd = listener, .events = POLLIN};
    char bytes[4096];
    struct px_buf out = {0};
    poll(&p, 1, -1);
    int fd = accept(listener, NULL, NULL);
    if (how != HANG_UP) {
        cr_assert_gt(read(fd, bytes, sizeof bytes), 0);
        make_answer(how, &out);
        while (px_buf_len(&out) > 0) {
            size_t n = how == DRIBBLE ? 1 : px_buf_len(&out);
            cr_assert_eq(send(fd, px_buf_head(&out), n, MSG_NOSIGNAL), (ssize_t)n);
            px_buf_consume(&out, n);
        }
        while (read(fd, bytes, sizeof bytes) > 0)
            continue;
    }
    px_buf_free(&out);
    close(fd);
    return NULL;
}

static pvmx_err open_against(enum behaviour how, struct pxp_client *c,
                             struct pxp_welcome_info *w)
{
    pthread_t t;
    listener = px_unix_listen(dir.socket, 5);
    cr_assert_geq(listener, 0);
    pthread_create(&t, NULL, daemon_side, &how);
    pvmx_err err = pxp_client_open(c, &dir, PXP_ROLE_TASK, how == SILENT ? 50 : 10000, w);
    if (err == PVMX_OK)
        pxp_client_close(c);
    cr_assert_eq(c->fd, -1);
    pthread_join(t, NULL);
    return err;
}

Test(client, greets_and_learns_who_answers)
{
    struct pxp_client c;
    struct pxp_welcome_info w;
    cr_assert_eq(open_against(WELCOME, &c, &w), PVMX_OK, "%s", pvmx_last_error());
    cr_assert_eq(w.version, PXP_VERSION);
    cr_assert_eq(w.pid, 99);
    cr_assert_str_eq(w.vm, "t");
    cr_assert_str_eq(w.host, "here");
    cr_assert_str_eq(w.release, "1.2.3");
}

Test(client, an_answer_may_come_byte_by_byte)
{
    struct pxp_client c;
    cr_assert_eq(open_against(DRIBBLE, &c, NULL), PVMX_OK);
}

Test(client, nobody_listens)
{
    struct pxp_client c;
    cr_assert_eq(pxp_client_open(&c, &dir, PXP_ROLE_TASK, 1000, NULL), PVMX_ERR_NO_VM);
    listener = px_unix_listen(dir.socket, 5);
    px_fd_close(&listener); /* the file of a daemon that crashed */
    cr_assert_eq(pxp_client_open(&c, &dir, PXP_ROLE_TASK, 1000, NULL), PVMX_ERR_NO_VM);
}

Test(client, a_daemon_that_is_just_leaving_counts_as_none)
{
    struct pxp_client c;
    cr_assert_eq(open_against(HANG_UP, &c, NULL), PVMX_ERR_NO_VM);
}

Test(client, a_refusal_brings_its_error_and_sentence)
{
    struct pxp_client c;
    cr_assert_eq(open_against(REFUSE, &c, NULL), PVMX_ERR_VERSION);
    cr_assert_not_null(strstr(pvmx_last_error(), "77 to 77"), "%s", pvmx_last_error());
}

Test(client, a_version_that_we_do_not_speak)
{
    struct pxp_client c;
    cr_assert_eq(open_against(WRONG_VERSION, &c, NULL), PVMX_ERR_VERSION);
    cr_assert_not_null(strstr(pvmx_last_error(), "4711"), "%s", pvmx_last_error());
}

Test(client, garbage_and_silence_end_in_bounded_time)
{
    struct pxp_client c;
    cr_assert_eq(open_against(GARBAGE, &c, NULL), PVMX_ERR_TOOBIG);
    px_fd_close(&listener);
    unlink(dir.socket);
    cr_assert_eq(open_against(SILENT, &c, NULL), PVMX_ERR_TIMEDOUT);
    cr_assert_not_null(strstr(pvmx_last_error(), "50 ms"));
}

static void *reader_side(void *arg)
{
    int fd = *(int *)arg;
    size_t total = 0;
    char *bytes = malloc(65536);
    ssize_t n;
    while ((n = read(fd, bytes, 65536)) > 0)
        total += (size_t)n;
    free(bytes);
    return (void *)total;
}

Test(client, flush_waits_for_a_slow_daemon)
{
    int pair[2];
    struct pxp_client c;
    pthread_t t;
    void *total;
    size_t n = 8 * 1024 * 1024;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pxp_client_adopt(&c, pair[0]);
    cr_assert_not_null(px_buf_reserve(&c.out, n));
    memset(c.out.data, 7, n);
    c.out.end = n;
    pthread_create(&t, NULL, reader_side, &pair[1]);
    cr_assert_eq(pxp_client_flush(&c, NULL, 0), PVMX_OK);
    pxp_client_close(&c);
    pthread_join(t, &total);
    cr_assert_eq((size_t)total, n);
    close(pair[1]);
}

Test(client, push_takes_descriptors_along_when_there_is_room)
{
    int pair[2], pipe_fds[2], got[4];
    size_t ngot = 4;
    struct pxp_client us, them;
    uint8_t bytes[65536] = {0};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    cr_assert_eq(pipe(pipe_fds), 0);
    pxp_client_adopt(&us, pair[0]);
    pxp_client_adopt(&them, pair[1]);
    while (write(us.fd, bytes, sizeof bytes) > 0)
        continue;
    cr_assert_eq(px_buf_append(&us.out, "x", 1), PVMX_OK);
    pxp_client_pass(&us, pipe_fds, 2);
    cr_assert_eq(pxp_client_push(&us), PVMX_ERR_AGAIN);
    while (read(them.fd, bytes, sizeof bytes) > 0)
        continue;
    cr_assert_eq(pxp_client_push(&us), PVMX_OK);
    cr_assert_eq(px_buf_append(&us.out, "y", 1), PVMX_OK);
    cr_assert_eq(pxp_client_fill(&them, 0, got, &ngot), PVMX_OK);
    cr_assert_eq(ngot, 2);
    cr_assert_eq(pxp_client_push(&us), PVMX_OK);
    ngot = 4;
    cr_assert_eq(pxp_client_fill(&them, 0, got, &ngot), PVMX_OK);
    cr_assert_eq(ngot, 0, "they travel once");
    for (int i = 0; i < 2; i++) {
        close(got[i]);
        close(pipe_fds[i]);
    }
    pxp_client_close(&us);
    pxp_client_close(&them);
}

Test(client, messages_and_descriptors_both_ways)
{
    int pair[2], pipe_fds[2], got[4];
    size_t ngot = 4, len;
    struct pxp_client us, them;
    struct pxp_done done = {.count = 3};
    uint32_t number, serial;
    const uint8_t *body;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    cr_assert_eq(pipe(pipe_fds), 0);
    pxp_client_adopt(&us, pair[0]);
    pxp_client_adopt(&them, pair[1]);
    cr_assert_eq(pxp_client_fill(&us, 0, NULL, NULL), PVMX_ERR_AGAIN);
    cr_assert_eq(pxp_client_fill(&us, 1, got, &ngot), PVMX_ERR_AGAIN);
    cr_assert_eq(ngot, 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pxp_done_encode(&us.out, pxp_client_serial(&us), &done), PVMX_OK);
    cr_assert_eq(pxp_client_flush(&us, pipe_fds, 2), PVMX_OK);
    ngot = 4;
    cr_assert_eq(pxp_client_fill(&them, -1, got, &ngot), PVMX_OK);
    cr_assert_eq(ngot, 2);
    for (uint32_t i = 1; i <= 3; i++) {
        cr_assert_eq(pxp_client_next(&them, &number, &serial, &body, &len), PVMX_OK);
        cr_assert_eq(number, PXP_DONE);
        cr_assert_eq(serial, i);
        pxp_client_drop(&them);
    }
    cr_assert_eq(pxp_client_next(&them, &number, &serial, &body, &len), PVMX_ERR_AGAIN);
    pxp_client_close(&us);
    cr_assert_eq(pxp_client_fill(&them, -1, NULL, NULL), PVMX_ERR_CLOSED);
    pxp_done_encode(&them.out, 1, &done);
    cr_assert_eq(pxp_client_flush(&them, NULL, 0), PVMX_ERR_CLOSED);
    pxp_client_close(&them);
}

Test(client, serials_are_never_zero)
{
    struct pxp_client c = {.fd = -1, .serial = UINT32_MAX};
    cr_assert_eq(pxp_client_serial(&c), 1);
}
