/* SPDX-License-Identifier: BSD-3-Clause */
/* Drives the host requests of the control protocol for tests, and prints what comes back, a line for
 * each host: hostctl VM start|hosts|watch N|add LAUNCHER NAME[,key=value]...|delete NAME...|halt|status. */
#include "base/clock.h"
#include "base/err.h"
#include "proto/client.h"
#include "proto/hello.h"
#include "proto/messages.h"
#include "proto/start.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS = 512, WAIT_MS = 120000 };

static struct pxp_client client = {.fd = -1};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "hostctl: %s: %s\n", what, pvmx_last_error());
    exit(1);
}

/* The answer to the last request; other messages are skipped. */
static void answer(uint32_t want, uint32_t serial, const uint8_t **body, size_t *len)
{
    for (;;) {
        uint32_t number, got;
        if (pxp_client_wait(&client, WAIT_MS, &number, &got, body, len) != PVMX_OK)
            die("no answer");
        if (number == PXP_REFUSE && got == serial) {
            pxp_client_refused(*body, *len);
            printf("refused: %s\n", pvmx_last_error());
            exit(3);
        }
        if (number == want && got == serial)
            return;
        pxp_client_drop(&client);
    }
}

static void show(const struct pxp_host_entry *h, const char *mark)
{
    printf("%s%u %s %s slots=%u speed=%u tasks=%u launcher=%s%s%s%s", mark, h->index, h->name,
           h->state == PXP_HOST_UP     ? "up"
           : h->state == PXP_HOST_GONE ? "gone"
                                       : "starting",
           h->slots, h->speed, h->tasks, h->launcher, h->leader ? " leader" : "",
           *h->text != '\0' ? " text=" : "", h->text);
    for (size_t i = 0; i < h->n_addresses; i++)
        printf(" %s", h->addresses[i]);
    printf("\n");
    fflush(stdout);
}

static int hosts(bool subscribe, int events)
{
    const uint8_t *body;
    size_t len;
    struct pxp_zone zone = {0};
    struct pxp_hosts_are m;
    struct pxp_hosts q = {.subscribe = subscribe};
    uint32_t serial = pxp_client_serial(&client);
    if (pxp_hosts_encode(&client.out, serial, &q) != PVMX_OK ||
        pxp_client_flush(&client, NULL, 0) != PVMX_OK)
        die("cannot ask");
    answer(PXP_HOSTS_ARE, serial, &body, &len);
    if (pxp_hosts_are_decode(body, len, &m, &zone) != PVMX_OK)
        die("answer");
    printf("self=%u leader=%u version=%llu\n", m.self, m.leader,
           (unsigned long long)m.version);
    for (size_t i = 0; i < m.n_hosts; i++)
        show(&m.hosts[i], "");
    fflush(stdout);
    pxp_client_drop(&client);
    while (events > 0) {
        uint32_t number, got;
        struct pxp_host_event e;
        if (pxp_client_wait(&client, WAIT_MS, &number, &got, &body, &len) != PVMX_OK)
            die("no event");
        if (number == PXP_HOST_EVENT &&
            pxp_host_event_decode(body, len, &e, &zone) == PVMX_OK) {
            show(&e.host, "event ");
            events--;
        }
        pxp_client_drop(&client);
    }
    pxp_zone_free(&zone);
    return 0;
}

static int results(uint32_t serial)
{
    const uint8_t *body;
    size_t len;
    struct pxp_zone zone = {0};
    struct pxp_host_added m;
    int bad = 0;
    if (pxp_client_flush(&client, NULL, 0) != PVMX_OK)
        die("cannot ask");
    answer(PXP_HOST_ADDED, serial, &body, &len);
    if (pxp_host_added_decode(body, len, &m, &zone) != PVMX_OK)
        die("answer");
    for (size_t i = 0; i < m.n_results; i++) {
        const struct pxp_host_result *r = &m.results[i];
        bad += r->error != PVMX_OK;
        printf("%s %s %u %s\n", r->name, pvmx_err_name(r->error), r->index, r->text);
    }
    pxp_zone_free(&zone);
    return bad > 0 ? 3 : 0;
}

/* "name,slots=2,daemon=/x" */
static void parse(char *text, struct pxp_host_spec *s)
{
    char *save = NULL;
    s->name = strtok_r(text, ",", &save);
    for (char *w = strtok_r(NULL, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
        char *value = strchr(w, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        if (strcmp(w, "slots") == 0)
            s->slots = (uint32_t)atoi(value);
        else if (strcmp(w, "speed") == 0)
            s->speed = (uint32_t)atoi(value);
        else if (strcmp(w, "timeout") == 0)
            s->timeout_ms = (uint32_t)atoi(value);
        else if (strcmp(w, "port") == 0)
            s->port = (uint32_t)atoi(value);
        else if (strcmp(w, "daemon") == 0)
            s->daemon = value;
        else if (strcmp(w, "address") == 0)
            s->address = value;
        else if (strcmp(w, "user") == 0)
            s->user = value;
    }
}

static int add(const char *launcher, int n, char **names)
{
    static struct pxp_host_spec specs[HOSTS];
    struct pxp_host_add m = {.hosts = specs};
    for (int i = 0; i < n && i < HOSTS; i++) {
        parse(names[i], &specs[i]);
        specs[i].launcher = launcher;
        m.n_hosts++;
    }
    uint32_t serial = pxp_client_serial(&client);
    if (pxp_host_add_encode(&client.out, serial, &m) != PVMX_OK)
        die("cannot ask");
    uint64_t begin = px_now_ns();
    int status = results(serial);
    fprintf(stderr, "%llu ms\n", (unsigned long long)((px_now_ns() - begin) / PX_MS));
    return status;
}

static int del(int n, char **names)
{
    struct pxp_host_delete m = {.names = (const char **)names, .n_names = (size_t)n};
    uint32_t serial = pxp_client_serial(&client);
    if (pxp_host_delete_encode(&client.out, serial, &m) != PVMX_OK)
        die("cannot ask");
    return results(serial);
}

static int halt(void)
{
    const uint8_t *body;
    size_t len;
    struct pxp_halt m = {0};
    uint32_t serial = pxp_client_serial(&client);
    if (pxp_halt_encode(&client.out, serial, &m) != PVMX_OK ||
        pxp_client_flush(&client, NULL, 0) != PVMX_OK)
        die("cannot ask");
    answer(PXP_DONE, serial, &body, &len);
    return 0;
}

static int status(void)
{
    const uint8_t *body;
    size_t len;
    struct pxp_zone zone = {0};
    struct pxp_status m = {0};
    struct pxp_status_is s;
    uint32_t serial = pxp_client_serial(&client);
    if (pxp_status_encode(&client.out, serial, &m) != PVMX_OK ||
        pxp_client_flush(&client, NULL, 0) != PVMX_OK)
        die("cannot ask");
    answer(PXP_STATUS_IS, serial, &body, &len);
    if (pxp_status_is_decode(body, len, &s, &zone) != PVMX_OK)
        die("answer");
    printf("host=%s pid=%u slots=%u tasks=%zu fds=%u\n", s.host, s.pid, s.slots,
           s.n_tasks, s.fds);
    pxp_zone_free(&zone);
    return 0;
}

int main(int argc, char **argv)
{
    struct px_rundir dir;
    if (argc < 3)
        return 2;
    const char *what = argv[2];
    pvmx_err err = px_rundir_open(argv[1], false, &dir);
    if (err == PVMX_OK)
        err = pxp_client_open(&client, &dir, PXP_ROLE_CONSOLE, 10000, NULL);
    if (err != PVMX_OK)
        die("no daemon");
    if (strcmp(what, "hosts") == 0)
        return hosts(false, 0);
    if (strcmp(what, "watch") == 0)
        return hosts(true, argc > 3 ? atoi(argv[3]) : 1);
    if (strcmp(what, "add") == 0 && argc > 4)
        return add(argv[3], argc - 4, argv + 4);
    if (strcmp(what, "delete") == 0)
        return del(argc - 3, argv + 3);
    if (strcmp(what, "halt") == 0)
        return halt();
    if (strcmp(what, "status") == 0)
        return status();
    return 2;
}
