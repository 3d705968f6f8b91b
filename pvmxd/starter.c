/* SPDX-License-Identifier: BSD-3-Clause */
/* Running launchers. */
#include "starter.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "server.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID_MAX = 4096 };

struct starter {
    struct server *sv;
    struct px_list node; /* in server.starters */
    struct launched run;
    struct loop_io exit, in, err;
    struct px_buf input;
    void (*ended)(void *arg, int status, const char *said);
    void *arg;
    size_t nsaid;
    char said[SAID_MAX];
};

static void close_input(struct starter *s)
{
    if (s->run.in < 0)
        return;
    loop_io_stop(&s->sv->loop, &s->in);
    px_fd_close(&s->run.in);
    if (s->input.data != NULL)
        secure_forget(s->input.data, s->input.cap);
    px_buf_free(&s->input);
}

static void on_input(void *arg, unsigned events)
{
    struct starter *s = arg;
    (void)events;
    ssize_t n = write(s->run.in, px_buf_head(&s->input), px_buf_len(&s->input));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        px_buf_consume(&s->input, (size_t)n);
    if (n < 0 || px_buf_len(&s->input) == 0)
        close_input(s);
}

/* Keeps the beginning and the end: the second half of the room is written again and again. */
static bool read_said(struct starter *s)
{
    char bytes[1024];
    ssize_t n = read(s->run.err, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        loop_io_stop(&s->sv->loop, &s->err);
        px_fd_close(&s->run.err);
        return false;
    }
    for (ssize_t i = 0; i < n; i++)
        if (bytes[i] == '\0')
            bytes[i] = ' ';
    if (s->nsaid + (size_t)n >= SAID_MAX) {
        size_t drop = SAID_MAX / 4;
        memmove(s->said + SAID_MAX / 2, s->said + SAID_MAX / 2 + drop,
                s->nsaid - SAID_MAX / 2 - drop);
        s->nsaid -= drop;
    }
    memcpy(s->said + s->nsaid, bytes, (size_t)n);
    s->nsaid += (size_t)n;
    s->said[s->nsaid] = '\0';
    return true;
}

static void on_said(void *arg, unsigned events)
{
    (void)events;
    read_said(arg);
}

static void starter_free(struct starter *s)
{
    close_input(s);
    if (s->run.err >= 0)
        loop_io_stop(&s->sv->loop, &s->err);
    px_fd_close(&s->run.err);
    loop_io_stop(&s->sv->loop, &s->exit);
    px_fd_close(&s->run.pidfd);
    px_list_remove(&s->node);
    free(s);
}

static void on_exit_event(void *arg, unsigned events)
{
    struct starter *s = arg;
    int status = 0;
    (void)events;
    if (waitpid(s->run.pid, &status, WNOHANG) == 0)
        return;
    while (s->run.err >= 0 && read_said(s))
        ;
    if (s->ended != NULL)
        s->ended(s->arg, status, s->said);
    starter_free(s);
}

struct starter *starter_new(struct server *sv, const struct pxp_host_spec *spec,
                            const struct join *join,
                            void (*ended)(void *arg, int status, const char *said), void *arg)
{
    struct starter *s = calloc(1, sizeof *s);
    if (s == NULL) {
        px_fail(PVMX_ERR_NOMEM, "no memory to start host %.80s", spec->name);
        return NULL;
    }
    s->sv = sv;
    s->ended = ended;
    s->arg = arg;
    pvmx_err err = join_write(&s->input, join);
    if (err == PVMX_OK)
        err = launcher_start(spec, &s->run);
    if (err != PVMX_OK) {
        if (s->input.data != NULL)
            secure_forget(s->input.data, s->input.cap);
        px_buf_free(&s->input);
        free(s);
        return NULL;
    }
    px_list_push_back(&sv->starters, &s->node);
    loop_io_start(&sv->loop, &s->exit, s->run.pidfd, LOOP_READ, on_exit_event, s);
    loop_io_start(&sv->loop, &s->err, s->run.err, LOOP_READ, on_said, s);
    loop_io_start(&sv->loop, &s->in, s->run.in, LOOP_WRITE, on_input, s);
    return s;
}

const char *starter_said(struct starter *s)
{
    return s->said;
}

void starter_let_go(struct starter *s, bool hard)
{
    s->ended = NULL;
    close_input(s);
    if (hard)
        launcher_kill(s->run.pid);
}

void starters_stop(struct server *sv)
{
    while (!px_list_empty(&sv->starters)) {
        struct starter *s = px_container_of(sv->starters.next, struct starter, node);
        launcher_kill(s->run.pid);
        waitpid(s->run.pid, NULL, 0);
        starter_free(s);
    }
}
