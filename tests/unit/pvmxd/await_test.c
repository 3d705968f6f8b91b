/* SPDX-License-Identifier: BSD-3-Clause */
/* A daemon that waits to be told what to join: whatever strangers send, and however many say nothing, it
 * takes the leader's box and no other. */
#include "await.h"
#include "base/fd.h"
#include "conf.h"
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SILENT = 20, NOISE = 200, DAMAGED = 200 };

static uint8_t public[SECURE_PUBLIC], secret[SECURE_KEY], other_public[SECURE_PUBLIC],
    other_secret[SECURE_KEY], daemon_key[SECURE_PUBLIC];
static struct px_buf box;
static uint16_t port;
static int outcome; /* where the daemon says what it joins */
static uint64_t state = 88172645463325252u;

static unsigned next(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 16) % n;
}

/* In the process that stays in the background. */
static void say(int fd, pvmx_err err, const struct join *j)
{
    char text[200];
    int n = err != PVMX_OK ? snprintf(text, sizeof text, "error %d", (int)err)
                           : snprintf(text, sizeof text, "%s %s %u %zu", j->vm, j->host,
                                      j->index, j->naddresses);
    if (write(fd, text, (size_t)n) != n)
        _exit(1);
}

static void start(const char *what)
{
    int line[2], said[2];
    char text[4096] = "", *at;
    size_t len = 0;
    cr_assert(pipe(line) == 0 && pipe(said) == 0);
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        struct join j = {0};
        alarm(30);
        dup2(line[1], 1);
        close(line[0]);
        close(line[1]);
        pvmx_err err = await_join(what, &j);
        say(said[1], err, &j);
        if (err == PVMX_OK)
            join_free(&j);
        _exit(0);
    }
    close(line[1]);
    close(said[1]);
    for (ssize_t n; (n = read(line[0], text + len, sizeof text - 1 - len)) > 0;
         len += (size_t)n)
        text[len + (size_t)n] = '\0';
    close(line[0]);
    int status;
    cr_assert(waitpid(pid, &status, 0) == pid && status == 0);
    outcome = said[0];
    unsigned number = 0;
    if ((at = strstr(text, "ip<")) != NULL)
        cr_assert(sscanf(at, "ip<%*8x:%4x>", &number) == 1);
    port = (uint16_t)number;
    if ((at = strstr(text, "pvmx<")) != NULL) {
        at[5 + 2 * SECURE_PUBLIC] = '\0';
        cr_assert(secure_key_read(at + 5, daemon_key));
    }
}

static int call(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    return fd;
}

/* In pieces; the other side may hang up. */
static void tell(const uint8_t *bytes, size_t n)
{
    int fd = call();
    while (n > 0) {
        size_t piece = 1 + next((unsigned)n);
        if (send(fd, bytes, piece, MSG_NOSIGNAL) != (ssize_t)piece)
            break;
        bytes += piece;
        n -= piece;
    }
    close(fd);
}

static void close_box(const uint8_t *from_secret, const char *vm)
{
    struct join j = {.index = 7, .leader = 1, .slots = 2, .speed = 1000};
    struct px_buf text = {0};
    static char address[] = "127.0.0.1:1";
    snprintf(j.vm, sizeof j.vm, "%s", vm);
    snprintf(j.host, sizeof j.host, "fuzzed");
    snprintf(j.launcher, sizeof j.launcher, "fork");
    memset(j.key, 5, sizeof j.key);
    j.addresses[0] = address;
    j.naddresses = 1;
    cr_assert(join_write(&text, &j) == PVMX_OK);
    px_buf_free(&box);
    cr_assert(
        secure_box(px_buf_head(&text), px_buf_len(&text), daemon_key, from_secret, &box));
    px_buf_free(&text);
}

static void wait_for_daemon(const char *key)
{
    char what[2 * SECURE_KEY + 1];
    conf_init();
    cr_assert(secure_init());
    secure_pair_new(public, secret);
    secure_pair_new(other_public, other_secret);
    secure_key_text(public, what);
    start(key != NULL ? key : what);
}

static void expect(const char *text)
{
    char got[200] = "";
    ssize_t n = read(outcome, got, sizeof got - 1);
    cr_assert(n >= 0 && strcmp(got, text) == 0, "%s", got);
    close(outcome);
}

static bool has_said(void)
{
    struct pollfd p = {.fd = outcome, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

Test(await, takes_the_leader_s_box_among_noise)
{
    static uint8_t bytes[AWAIT_TEXT + 5000];
    int silent[SILENT];
    wait_for_daemon(NULL);
    for (int i = 0; i < SILENT; i++)
        silent[i] = call();
    for (int i = 0; i < NOISE; i++) {
        size_t n = next(i % 10 ? 300 : sizeof bytes);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)next(256);
        tell(bytes, n);
    }
    close_box(other_secret, "strange"); /* well formed, of somebody else */
    tell(px_buf_head(&box), px_buf_len(&box));
    close_box(secret, "mine");
    size_t len = px_buf_len(&box);
    cr_assert(len < sizeof bytes);
    for (int i = 0; i < DAMAGED; i++) {
        size_t n = len;
        memcpy(bytes, px_buf_head(&box), len);
        if (i % 3 == 0)
            n = next((unsigned)len);
        else if (i % 3 == 1)
            bytes[next((unsigned)len)] ^= (uint8_t)(1u << next(8));
        else
            bytes[n++] = (uint8_t)next(256);
        tell(bytes, n);
    }
    cr_assert(!has_said());
    tell(px_buf_head(&box), len);
    expect("mine fuzzed 7 1");
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
}

/* It is the leader's, but makes no sense: said at once, not waited for until the end. */
Test(await, a_box_without_sense_is_an_error)
{
    wait_for_daemon(NULL);
    px_buf_free(&box);
    cr_assert(secure_box((const uint8_t *)"hello", 5, daemon_key, secret, &box));
    tell(px_buf_head(&box), px_buf_len(&box));
    char got[200] = "";
    cr_assert(read(outcome, got, sizeof got - 1) > 0 && strncmp(got, "error ", 6) == 0,
              "%s", got);
}
