/* SPDX-License-Identifier: BSD-3-Clause */
/* A client that stays: hostwatch VM. Prints what it is told, a line for each host that comes or goes, each
 * task that ends and each event, and does what lines on its standard input say:
 *     spawn N WHERE COMMAND ARG...   (WHERE: as pvmxd/spread.h reads it; "-": anywhere)
 *     watch TID...                   (hexadecimal) */
#include "base/err.h"
#include "proto/client.h"
#include "proto/hello.h"
#include "proto/messages.h"
#include <fcntl.h>
#include <poll.h>
#include <pvmx/engine/dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 64, LINE = 4096 };

static struct pxp_client client = {.fd = -1};
static int null_fd;

static _Noreturn void die(const char *what)
{
    printf("lost %s: %s\n", what, pvmx_last_error());
    exit(1);
}

static void must(pvmx_err err, const char *what)
{
    if (err != PVMX_OK)
        die(what);
}

/* ---- commands --------------------------------------------------------------------------------- */

static void spawn(const char **words, size_t n)
{
    extern char **environ;
    size_t nenv = 0;
    while (environ[nenv] != NULL)
        nenv++;
    struct pxp_app app = {.command = words[3],
                          .args = words + 4,
                          .n_args = n - 4,
                          .count = (uint32_t)atoi(words[1]),
                          .where = strcmp(words[2], "-") == 0 ? "" : words[2]};
    struct pxp_spawn m = {.flags = PVMX_SPAWN_NO_MPI,
                          .apps = &app,
                          .n_apps = 1,
                          .cwd = "/",
                          .env = (const char **)environ,
                          .n_env = nenv,
                          .umask = 022};
    must(pxp_spawn_encode(&client.out, pxp_client_serial(&client), &m), "spawn");
    must(pxp_client_flush(&client, (int[]){null_fd, null_fd, null_fd}, 3), "spawn");
}

static void watch(const char **words, size_t n)
{
    int32_t tids[WORDS];
    struct pxp_watch m = {.tids = tids};
    for (size_t i = 1; i < n; i++)
        tids[m.n_tids++] = (int32_t)strtol(words[i], NULL, 16);
    must(pxp_watch_encode(&client.out, pxp_client_serial(&client), &m), "watch");
    must(pxp_client_flush(&client, NULL, 0), "watch");
}

static void command(char *line)
{
    const char *words[WORDS];
    size_t n = 0;
    char *save = NULL;
    for (char *w = strtok_r(line, " ", &save); w != NULL && n < WORDS;
         w = strtok_r(NULL, " ", &save))
        words[n++] = w;
    if (n > 3 && strcmp(words[0], "spawn") == 0)
        spawn(words, n);
    else if (n > 1 && strcmp(words[0], "watch") == 0)
        watch(words, n);
}

/* ---- what comes ------------------------------------------------------------------------------- */

static void say_spawned(const struct pxp_spawned *m)
{
    printf("spawned %d", m->error);
    for (size_t i = 0; i < m->n_tids; i++)
        printf(" %x", (unsigned)m->tids[i]);
    printf(" %s\n", m->error != PVMX_OK ? m->text : "");
}

static void say(uint32_t number, const uint8_t *body, size_t len)
{
    struct pxp_zone z = {0};
    struct pxp_spawned spawned;
    struct pxp_ended ended;
    struct pxp_events_are events;
    struct pxp_host_event host;
    if (number == PXP_SPAWNED && pxp_spawned_decode(body, len, &spawned, &z) == PVMX_OK)
        say_spawned(&spawned);
    else if (number == PXP_ENDED && pxp_ended_decode(body, len, &ended, &z) == PVMX_OK)
        for (size_t i = 0; i < ended.n_ends; i++)
            printf("ended %x %d %d\n", (unsigned)ended.ends[i].tid, ended.ends[i].status,
                   ended.ends[i].signal);
    else if (number == PXP_EVENTS_ARE &&
             pxp_events_are_decode(body, len, &events, &z) == PVMX_OK)
        for (size_t i = 0; i < events.n_events; i++)
            printf("event %u %x %s\n", events.events[i].kind,
                   (unsigned)events.events[i].tid, events.events[i].host);
    else if (number == PXP_HOST_EVENT && pxp_host_event_decode(body, len, &host, &z) == PVMX_OK)
        printf("host %u %s %s\n", host.host.index, host.host.name,
               host.host.state == PXP_HOST_UP ? "up" : "gone");
    else if (number == PXP_REFUSE)
        printf("refused %s %s\n", pvmx_err_name(pxp_client_refused(body, len)),
               pvmx_last_error());
    else if (number == PXP_HOSTS_ARE)
        printf("ready\n");
    pxp_zone_free(&z);
    fflush(stdout);
}

static void hear(void)
{
    uint32_t number, serial;
    const uint8_t *body;
    size_t len;
    pvmx_err err = pxp_client_fill(&client, 0, NULL, NULL);
    if (err != PVMX_OK && err != PVMX_ERR_AGAIN)
        die("connection");
    while (pxp_client_next(&client, &number, &serial, &body, &len) == PVMX_OK) {
        say(number, body, len);
        pxp_client_drop(&client);
    }
}

static void subscribe(void)
{
    struct pxp_events e = {.follow = true};
    struct pxp_hosts h = {.subscribe = true};
    must(pxp_events_encode(&client.out, pxp_client_serial(&client), &e), "events");
    must(pxp_hosts_encode(&client.out, pxp_client_serial(&client), &h), "hosts");
    must(pxp_client_flush(&client, NULL, 0), "subscribe");
}

int main(int argc, char **argv)
{
    static char line[LINE];
    size_t at = 0;
    struct px_rundir dir;
    if (argc < 2)
        return 2;
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    must(px_rundir_open(argv[1], false, &dir), "directory");
    must(pxp_client_open(&client, &dir, PXP_ROLE_CONSOLE, 10000, NULL), "greeting");
    subscribe();
    for (;;) {
        struct pollfd p[2] = {{.fd = client.fd, .events = POLLIN}, {.events = POLLIN}};
        poll(p, 2, -1);
        if (p[0].revents != 0)
            hear();
        if (p[1].revents == 0)
            continue;
        ssize_t n = read(0, line + at, sizeof line - 1 - at);
        if (n <= 0)
            return 0;
        at += (size_t)n;
        for (char *end; (end = memchr(line, '\n', at)) != NULL;) {
            *end++ = '\0';
            command(line);
            at -= (size_t)(end - line);
            memmove(line, end, at);
        }
    }
}
