/* SPDX-License-Identifier: BSD-3-Clause */
/* See link.h. */
#include "link.h"
#include "beside.h"

#include "base/clock.h"
#include "base/err.h"
#include "proto/hello.h"
#include "proto/start.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { GREETING_MS = 10000 };

static volatile sig_atomic_t interrupted, noticed;
static bool unheard;

/* Who looked at the flag a moment too early and now waits in the kernel is woken until it has looked
 * again. */
static void nudge(bool on)
{
    static const struct timeval turn = {.tv_usec = 50 * 1000}, never;
    struct itimerval t = {on ? turn : never, on ? turn : never};
    setitimer(ITIMER_REAL, &t, NULL);
}

static void on_interrupt(int sig)
{
    interrupted = 1;
    if (sig == SIGINT)
        nudge(true);
}

void link_catch_interrupts(void)
{
    struct sigaction act = {.sa_handler = on_interrupt}; /* without SA_RESTART: waiting ends */
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGALRM, &act, NULL);
    pxp_client_given_up = link_interrupted;
}

bool link_interrupted(void)
{
    return interrupted != 0;
}

bool link_unheard(void)
{
    return unheard;
}

void link_uninterrupt(void)
{
    nudge(false);
    interrupted = 0;
}

/* Who has been stopped looks at the size of the terminal anyway. */
static void on_notice(int sig)
{
    if (noticed != SIGTSTP)
        noticed = sig;
}

void link_notice(int sig, bool on)
{
    /* A write is not cut short by it: wait_for is all that it ends. */
    struct sigaction act = {.sa_handler = on ? on_notice : SIG_DFL, .sa_flags = SA_RESTART};
    sigemptyset(&act.sa_mask);
    sigaddset(&act.sa_mask, SIGTSTP);
    sigaddset(&act.sa_mask, SIGWINCH);
    sigaction(sig, &act, NULL);
}

int link_noticed(void)
{
    return __atomic_exchange_n(&noticed, 0, __ATOMIC_RELAXED); /* none gets lost between */
}

enum { NOTICES = 1, HEARD = 2 };

/* Signals can come only while we wait: one that came just before would be slept through. What tasks write
 * meanwhile is shown. what: a sum of the above, of link_wait_key and link.heard. */
static int wait_for(int fd, int other, uint64_t until, unsigned what)
{
    struct pollfd p[4] = {{.fd = fd, .events = POLLIN},
                          {.fd = other, .events = POLLIN},
                          {.fd = -1},
                          {.fd = what & HEARD ? STDOUT_FILENO : -1}};
    bool notices = what & NOTICES;
    sigset_t set, before, waiting;
    int which = 0;
    bool late = false;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, &before);
    waiting = before;
    sigdelset(&waiting, SIGINT);
    sigdelset(&waiting, SIGTSTP);
    sigdelset(&waiting, SIGWINCH);
    while (!interrupted && !(what & HEARD && unheard) && !(notices && noticed) &&
           which == 0 && !late) {
        uint64_t now = px_now_ns(), due = beside_due();
        uint64_t end = due != 0 && (until == 0 || due < until) ? due : until;
        uint64_t left = end > now ? end - now : 0;
        struct timespec t = {(time_t)(left / PX_SEC), (long)(left % PX_SEC)};
        p[2] = (struct pollfd){.fd = beside_fd(), .events = POLLIN};
        int ready = ppoll(p, 4, end != 0 ? &t : NULL, &waiting);
        unheard = ready > 0 && (p[3].revents & (POLLERR | POLLHUP)) != 0;
        which = ready <= 0 ? 0 : p[0].revents != 0 ? 1 : p[1].revents != 0 ? 2 : 0;
        if (which != 0 && !notices)
            beside_settle();
        else
            beside_show();
        late = until != 0 && which == 0 && px_now_ns() >= until;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    bool over = interrupted || (what & HEARD && unheard);
    return which != 0 ? which : over ? -1 : late ? 0 : LINK_NOTICED;
}

int link_wait_for(int fd, int other, uint64_t until)
{
    return wait_for(fd, other, until, 0);
}

int link_wait_key(uint64_t until)
{
    return wait_for(STDIN_FILENO, -1, until, NOTICES);
}

/* ---- connection ------------------------------------------------------------------------------- */

static pvmx_err none_runs(const struct link *l)
{
    const char *name = "";
    pvmx_err err = px_rundir_vm(l->vm, &name);
    if (err)
        return err;
    return px_fail(
        PVMX_ERR_NO_VM,
        "no virtual machine \"%s\" is running (pvmx, spawn and mpiexec start one)", name);
}

/* ms for the daemon's greeting. */
static unsigned greeting_ms(const struct link *l)
{
    uint64_t now = px_now_ns();
    return l->until == 0    ? GREETING_MS
           : l->until > now ? (unsigned)((l->until - now) / PX_MS) + 1
                            : 1;
}

pvmx_err link_open(struct link *l, bool starts)
{
    struct px_rundir dir;
    if (l->up)
        return PVMX_OK;
    l->client = (struct pxp_client){.fd = -1};
    pvmx_err err;
    if (starts) {
        err = pxp_client_join(&l->client, l->vm, PXP_ROLE_CONSOLE, false, &dir, &l->info);
    } else {
        err = px_rundir_open(l->vm, false, &dir);
        if (!err)
            err = pxp_client_open(&l->client, &dir, PXP_ROLE_CONSOLE, greeting_ms(l),
                                  &l->info);
        if (err == PVMX_ERR_NOENT || err == PVMX_ERR_NO_VM)
            err = none_runs(l);
    }
    l->up = !err;
    return err;
}

void link_close(struct link *l)
{
    if (l->up)
        pxp_client_close(&l->client);
    l->up = false;
}

/* The connection is of no use any more. */
static pvmx_err lost(struct link *l, pvmx_err err)
{
    if (err == PVMX_ERR_CLOSED)
        px_fail(err, "the daemon (pvmxd) of this virtual machine has ended");
    if (err != PVMX_ERR_CANCELLED && err != PVMX_ERR_TIMEDOUT)
        link_close(l);
    return err;
}

pvmx_err link_send(struct link *l, const int *fds, size_t nfds)
{
    pvmx_err err = pxp_client_flush(&l->client, fds, nfds);
    if (err == PVMX_ERR_CANCELLED) /* half a message is of no use */
        link_close(l);
    return err ? lost(l, err) : PVMX_OK;
}

pvmx_err link_next(struct link *l, uint64_t until, uint32_t *number, uint32_t *serial,
                   const uint8_t **body, size_t *len)
{
    if (l->until != 0 && (until == 0 || l->until < until))
        until = l->until;
    for (;;) {
        pvmx_err err = pxp_client_next(&l->client, number, serial, body, len);
        if (err == PVMX_OK)
            return err;
        int ready = err == PVMX_ERR_AGAIN
                        ? wait_for(l->client.fd, l->stdin_too ? STDIN_FILENO : -1, until,
                                   l->heard ? HEARD : 0)
                        : 1;
        if (ready == 2)
            return err;
        if (err == PVMX_ERR_AGAIN)
            err = ready > 0    ? pxp_client_fill(&l->client, 0, NULL, NULL)
                  : ready == 0 ? px_fail(PVMX_ERR_TIMEDOUT, "the daemon does not answer")
                               : px_fail(PVMX_ERR_CANCELLED, "interrupted");
        if (err != PVMX_OK && err != PVMX_ERR_AGAIN)
            return lost(l, err);
    }
}

pvmx_err link_answer(struct link *l, uint32_t serial, uint32_t wanted, uint8_t **body,
                     size_t *len)
{
    uint32_t number, its;
    const uint8_t *at;
    size_t n;
    *body = NULL;
    for (;;) {
        pvmx_err err = link_next(l, 0, &number, &its, &at, &n);
        if (err)
            return err;
        if (its == serial && number == PXP_REFUSE) {
            err = pxp_client_refused(at, n);
        } else if (its == serial && number == wanted) {
            *body = malloc(n + 1);
            *len = n;
            if (*body)
                memcpy(*body, at, n);
            else
                err = px_fail(PVMX_ERR_NOMEM, "out of memory");
        }
        pxp_client_drop(&l->client);
        if (err || *body)
            return err;
    }
}

pvmx_err link_ask(struct link *l, uint32_t serial, uint32_t wanted, uint8_t **body,
                  size_t *len)
{
    *body = NULL;
    pvmx_err err = link_send(l, NULL, 0);
    return err ? err : link_answer(l, serial, wanted, body, len);
}

pvmx_err link_awake(struct link *l)
{
    struct pxp_hosts q = {.subscribe = false};
    uint8_t *body = NULL;
    size_t len;
    if (l->client.serial <= 1) /* the greeting's */
        return PVMX_OK;
    uint32_t serial = pxp_client_serial(&l->client);
    pvmx_err err = pxp_hosts_encode(&l->client.out, serial, &q);
    if (!err)
        err = link_ask(l, serial, PXP_HOSTS_ARE, &body, &len);
    free(body);
    return err;
}

void link_withdraw(struct link *l, uint32_t serial)
{
    struct pxp_withdraw m = {.request = serial};
    if (serial && l->up && pxp_withdraw_encode(&l->client.out, 0, &m) == PVMX_OK)
        pxp_client_push(&l->client); /* the rest goes with what follows */
}

/* ---- a request that several commands make ------------------------------------------------------- */

pvmx_err link_done(struct link *l, uint32_t serial, uint32_t *count)
{
    struct pxp_done done = {.count = 0};
    struct pxp_zone zone = {0};
    uint8_t *body = NULL;
    size_t len;
    pvmx_err err = link_ask(l, serial, PXP_DONE, &body, &len);
    if (!err)
        err = pxp_done_decode(body, len, &done, &zone);
    if (count)
        *count = done.count;
    pxp_zone_free(&zone);
    free(body);
    return err;
}
