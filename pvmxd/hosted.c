/* SPDX-License-Identifier: BSD-3-Clause */
/* Daemons that a task starts. */
#include "hosted.h"
#include "await.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "conf.h"
#include "launcher.h"
#include "outside.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include "tcp.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COMMAND_MAX = 8 * 1024, LOGIN_MAX = 600 };

struct hosted {
    struct server *sv;
    struct px_list node; /* in helpers.hosts */
    uint32_t index;
    bool asked;
    char name[256], login[LOGIN_MAX], command[COMMAND_MAX];
    uint8_t public[SECURE_PUBLIC], secret[SECURE_KEY];
    struct px_buf text, box; /* what it is to join, plain and closed */
    char *addresses[HOST_ADDRESSES];
    size_t naddresses, next, sent;
    int fd;
    struct loop_io io;
    void (*failed)(void *arg, pvmx_err err);
    void *arg;
};

bool hosted_wanted(const struct server *sv)
{
    return sv->helpers.hoster != NULL;
}

static void wipe(struct px_buf *b)
{
    if (b->data != NULL)
        secure_forget(b->data, b->cap);
    px_buf_free(b);
}

static void hang_up(struct hosted *h)
{
    if (h->fd >= 0)
        loop_io_stop(&h->sv->loop, &h->io);
    px_fd_close(&h->fd);
}

void hosted_free(struct hosted *h)
{
    hang_up(h);
    wipe(&h->text);
    px_buf_free(&h->box);
    for (size_t i = 0; i < h->naddresses; i++)
        free(h->addresses[i]);
    px_list_remove(&h->node);
    secure_forget(h->secret, sizeof h->secret);
    free(h);
}

/* The sentence is there. */
static void fail(struct hosted *h, pvmx_err err)
{
    void (*failed)(void *, pvmx_err) = h->failed;
    void *arg = h->arg;
    hosted_free(h);
    failed(arg, err);
}

struct hosted *hosted_new(struct server *sv, const struct pxp_host_spec *spec,
                          const struct join *join,
                          void (*failed)(void *arg, pvmx_err err), void *arg)
{
    char key[2 * SECURE_KEY + 1], args[2 * SECURE_KEY + 128];
    struct hosted *h = calloc(1, sizeof *h);
    if (h == NULL) {
        px_fail(PVMX_ERR_NOMEM, "no memory to start host %.80s", spec->name);
        return NULL;
    }
    h->sv = sv;
    h->fd = -1;
    h->index = join->index;
    h->failed = failed;
    h->arg = arg;
    px_list_push_back(&sv->helpers.hosts, &h->node);
    secure_pair_new(h->public, h->secret);
    secure_key_text(h->public, key);
    snprintf(args, sizeof args, "--await %s%s%.64s", key, *conf.ports != '\0' ? "," : "",
             conf.ports);
    snprintf(h->name, sizeof h->name, "%s", spec->name);
    snprintf(h->login, sizeof h->login, "%.255s%s%.255s", spec->user,
             *spec->user != '\0' ? "@" : "",
             *spec->address != '\0' ? spec->address : spec->name);
    if (!launcher_command(spec, args, h->command, sizeof h->command))
        px_fail(PVMX_ERR_TOOBIG, "the command that starts host %.80s is too long",
                spec->name);
    else if (join_write(&h->text, join) == PVMX_OK)
        return h;
    hosted_free(h);
    return NULL;
}

bool hosted_round(struct server *sv)
{
    struct task *hoster = sv->helpers.hoster;
    struct pxp_help_hosts m = {0};
    struct pxp_zone zone = {0};
    size_t n = 0;
    px_list_foreach(it, &sv->helpers.hosts)
        n += !px_container_of(it, struct hosted, node)->asked;
    if (n == 0 || hoster == NULL || hoster->peer == NULL)
        return false;
    m.hosts = pxp_zone_alloc(&zone, n * sizeof *m.hosts);
    px_list_foreach(it, &sv->helpers.hosts) {
        struct hosted *h = px_container_of(it, struct hosted, node);
        if (h->asked || m.hosts == NULL)
            continue;
        h->asked = true;
        m.hosts[m.n_hosts++] = (struct pxp_help_host){.index = h->index,
                                                      .login = h->login,
                                                      .command = h->command};
    }
    bool asked =
        m.n_hosts > 0 && pxp_help_hosts_encode(peer_out(hoster->peer), 0, &m) == PVMX_OK;
    pxp_zone_free(&zone);
    return asked;
}

static struct hosted *find_untold(struct server *sv)
{
    px_list_foreach(it, &sv->helpers.hosts) {
        struct hosted *h = px_container_of(it, struct hosted, node);
        if (px_buf_len(&h->box) == 0) /* else the daemon is being told */
            return h;
    }
    return NULL;
}

void hosted_forget(struct server *sv)
{
    struct hosted *h;
    while ((h = find_untold(sv)) != NULL)
        fail(h, px_fail(PVMX_ERR_CLOSED,
                        "host %s: the task that starts daemons has ended", h->name));
}

/* ---- telling the daemon what to join ---------------------------------------------------------- */

static void call_next(struct hosted *h);

static void on_ready(void *arg, unsigned events)
{
    struct hosted *h = arg;
    (void)events;
    size_t left = px_buf_len(&h->box) - h->sent;
    ssize_t n = send(h->fd, px_buf_head(&h->box) + h->sent, left, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        px_log(PX_LOG_INFO, "HOSTED-CALL", "host %s at %s: %s", h->name,
               h->addresses[h->next - 1], strerror(errno));
        call_next(h);
        return;
    }
    h->sent += (size_t)n;
    if (h->sent == px_buf_len(&h->box))
        hang_up(h); /* and now it comes, or the time runs out */
}

static void call_next(struct hosted *h)
{
    hang_up(h);
    h->sent = 0;
    while (h->next < h->naddresses) {
        const char *address = h->addresses[h->next++];
        if (!outside_leads_there(h->sv, address, h->addresses, h->naddresses) ||
            tcp_connect(address, h->sv->hosts.address, &h->fd) != PVMX_OK)
            continue;
        loop_io_start(&h->sv->loop, &h->io, h->fd, LOOP_WRITE, on_ready, h);
        return;
    }
    fail(h, px_fail(PVMX_ERR_CLOSED,
                    "host %s: the daemon started there cannot be reached", h->name));
}

/* The value of word<value>, of at most size - 1 bytes. */
static bool value_of(const char *line, const char *word, char *out, size_t size)
{
    size_t len = strlen(word);
    for (const char *at = line; (at = strstr(at, word)) != NULL; at += len) {
        size_t n = at[len] == '<' ? strcspn(at + len + 1, ">") : size;
        if (n >= size || at[len + 1 + n] != '>')
            continue;
        memcpy(out, at + len + 1, n);
        out[n] = '\0';
        return true;
    }
    return false;
}

static bool take_addresses(struct hosted *h, char *list)
{
    char *save = NULL;
    for (char *a = strtok_r(list, ",", &save);
         a != NULL && h->naddresses < HOST_ADDRESSES; a = strtok_r(NULL, ",", &save))
        if ((h->addresses[h->naddresses] = strdup(a)) != NULL)
            h->naddresses++;
    return h->naddresses > 0;
}

static void said(struct hosted *h, const char *line)
{
    char key[2 * SECURE_KEY + 1], list[HOST_ADDRESSES * TCP_TEXT];
    uint8_t public[SECURE_PUBLIC];
    pvmx_err err = PVMX_OK;
    if (!value_of(line, "pvmx", key, sizeof key) || !value_of(line, " at", list, sizeof list))
        err = px_fail(strstr(line, "PvmDupHost") != NULL ? PVMX_ERR_EXISTS : PVMX_ERR_CLOSED,
                      "host %s: no daemon was started: %.200s", h->name,
                      *line != '\0' ? line : "it said nothing");
    else if (!secure_key_read(key, public) || !take_addresses(h, list))
        err = px_fail(PVMX_ERR_PROTO, "host %s: the daemon's answer makes no sense", h->name);
    else if (!secure_box(px_buf_head(&h->text), px_buf_len(&h->text), public, h->secret,
                         &h->box))
        err = px_fail(PVMX_ERR_NOMEM, "no memory to start host %s", h->name);
    wipe(&h->text);
    if (err != PVMX_OK)
        fail(h, err);
    else
        call_next(h);
}

pvmx_err hosted_said(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_helped_hosts m;
    (void)serial;
    pvmx_err err = pxp_helped_hosts_decode(body, len, &m, &zone);
    if (err == PVMX_OK && p->task != NULL && p->task == sv->helpers.hoster)
        for (size_t i = 0; i < m.n_hosts; i++)
            px_list_foreach(it, &sv->helpers.hosts) {
                struct hosted *h = px_container_of(it, struct hosted, node);
                if (h->index != m.hosts[i].index || !h->asked || px_buf_len(&h->text) == 0)
                    continue;
                said(h, m.hosts[i].text);
                break;
            }
    pxp_zone_free(&zone);
    return err;
}
