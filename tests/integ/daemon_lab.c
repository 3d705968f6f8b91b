/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's test bench. */
#include "daemon_lab.h"
#include "base/clock.h"
#include "base/fd.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *daemon_path(void)
{
    const char *set = getenv("PVMXD");
    return set != NULL ? set : PVMXD_PATH;
}

void lab_open(struct lab *l)
{
    memset(l, 0, sizeof *l);
    snprintf(l->xdg, sizeof l->xdg, "/tmp/pvmx-lab-XXXXXX");
    cr_assert(mkdtemp(l->xdg) != NULL);
    setenv("XDG_RUNTIME_DIR", l->xdg, 1);
    unsetenv("PVMX_VM");
    cr_assert(px_rundir_open("lab", true, &l->dir) == PVMX_OK, "%s", pvmx_last_error());
    px_rundir_remove(&l->dir);
}

/* Starts pvmxd with a ready pipe; returns its reading end. */
static int launch(struct lab *l, const char *const *args)
{
    const char *argv[24] = {daemon_path(),  "--vm",       "lab",
                            "--foreground", "--ready-fd", NULL};
    char fd[16];
    int ready[2], n = 6;
    cr_assert(pipe(ready) == 0);
    snprintf(fd, sizeof fd, "%d", ready[1]);
    argv[5] = fd;
    for (size_t i = 0; args != NULL && args[i] != NULL; i++)
        argv[n++] = args[i];
    fflush(NULL);
    l->pid = fork();
    cr_assert(l->pid >= 0);
    if (l->pid == 0) {
        close(ready[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no daemon */
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(ready[1]);
    return ready[0];
}

static void read_line(int fd, char *line, size_t size)
{
    size_t len = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (len < size - 1 && memchr(line, '\n', len) == NULL) {
        cr_assert(poll(&p, 1, LAB_DEADLINE_MS) > 0, "the daemon does not report");
        ssize_t got = read(fd, line + len, size - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
    close(fd);
}

void lab_start(struct lab *l, const char *const *args)
{
    char line[1024];
    read_line(launch(l, args), line, sizeof line);
    cr_assert_str_eq(line, "ready");
}

int lab_run(struct lab *l, const char *const *args, char *line, size_t size)
{
    pid_t other = l->pid;
    read_line(launch(l, args), line, size);
    int status = lab_wait(l);
    l->pid = other;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int lab_wait(struct lab *l)
{
    int status = 0;
    pid_t got = 0;
    lab_until((got = waitpid(l->pid, &status, WNOHANG)) != 0);
    cr_assert_eq(got, l->pid);
    l->pid = 0;
    return status;
}

bool lab_exists(const struct lab *l, const char *what)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", l->xdg, what);
    return lstat(path, &st) == 0;
}

void lab_close(struct lab *l)
{
    if (l->pid != 0) {
        kill(l->pid, SIGTERM);
        int status = lab_wait(l);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "the daemon ended with %x", (unsigned)status);
    }
    cr_assert(!lab_exists(l, "pvmx/lab/ctl"));
    cr_assert(!lab_exists(l, "pvmx/lab/lock"));
    cr_assert(!lab_exists(l, "pvmx"));
    cr_assert(rmdir(l->xdg) == 0);
}

/* ---- clients ---------------------------------------------------------------------------------- */

bool lab_try_connect(struct lab *l, struct lab_client *k, uint32_t role)
{
    memset(k, 0, sizeof *k);
    k->arena_fd = -1;
    pvmx_err err = pxp_client_open(&k->c, &l->dir, role, LAB_DEADLINE_MS, NULL);
    cr_assert(err == PVMX_OK || err == PVMX_ERR_NO_VM, "%s", pvmx_last_error());
    return err == PVMX_OK;
}

void lab_connect(struct lab *l, struct lab_client *k, uint32_t role)
{
    cr_assert(lab_try_connect(l, k, role), "%s", pvmx_last_error());
}

/* The daemon takes the process that connects for the client, so a child connects and hands the
 * descriptor over. (Criterion's assertions must not be used in a forked process.) */
pid_t lab_connect_puppet(struct lab *l, struct lab_client *k, uint32_t role)
{
    int pair[2], fd = -1, errnum;
    size_t nfds = 1;
    char byte = 0;
    memset(k, 0, sizeof *k);
    k->arena_fd = -1;
    cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fd = px_unix_connect(l->dir.socket, &errnum);
        if (fd < 0 || px_unix_send(pair[1], &byte, 1, &fd, 1) != 1)
            _exit(1);
        close(fd);
        for (;;)
            pause();
    }
    cr_assert(px_unix_recv(pair[0], &byte, 1, &fd, &nfds) == 1 && nfds == 1);
    close(pair[0]);
    close(pair[1]);
    pxp_client_adopt(&k->c, fd);
    struct pxp_hello m = {.version = PXP_VERSION,
                          .oldest = PXP_OLDEST,
                          .role = role,
                          .release = "lab",
                          .pid = (uint32_t)pid};
    uint32_t number, serial = pxp_client_serial(&k->c);
    const uint8_t *body;
    size_t len;
    cr_assert(pxp_hello_encode(&k->c.out, serial, &m) == PVMX_OK);
    lab_send(k, NULL, 0);
    cr_assert(lab_reply(k, serial, &number, &body, &len) && number == PXP_WELCOME);
    pxp_client_drop(&k->c);
    return pid;
}

static void keep_ends(struct lab_client *k, const uint8_t *body, size_t len)
{
    struct pxp_zone z = {0};
    struct pxp_ended m;
    cr_assert(pxp_ended_decode(body, len, &m, &z) == PVMX_OK);
    for (size_t i = 0; i < m.n_ends && k->nends < 4096; i++) {
        k->ends[k->nends] = m.ends[i];
        k->ends[k->nends++].program = NULL;
    }
    pxp_zone_free(&z);
}

bool lab_reply(struct lab_client *k, uint32_t serial, uint32_t *number,
               const uint8_t **body, size_t *len)
{
    uint64_t deadline = px_now_ns() + LAB_DEADLINE_MS * PX_MS;
    for (;;) {
        uint32_t got;
        pvmx_err err = pxp_client_next(&k->c, number, &got, body, len);
        if (err == PVMX_OK && got == serial)
            return true;
        if (err == PVMX_OK) {
            cr_assert_eq(*number, PXP_ENDED, "unexpected %s", pxp_name(*number));
            keep_ends(k, *body, *len);
            pxp_client_drop(&k->c);
            continue;
        }
        cr_assert_eq(err, PVMX_ERR_AGAIN, "%s", pvmx_last_error());
        cr_assert(px_now_ns() < deadline, "no answer from the daemon");
        size_t nfds = 1;
        int fd = -1;
        err = pxp_client_fill(&k->c, 1000, &fd, &nfds);
        if (nfds == 1)
            k->arena_fd = fd;
        if (err == PVMX_ERR_CLOSED)
            return false;
    }
}

void lab_send(struct lab_client *k, const int *fds, size_t nfds)
{
    pvmx_err err = pxp_client_flush(&k->c, fds, nfds);
    cr_assert(err == PVMX_OK, "%s", pvmx_last_error());
}

void lab_enrol(struct lab_client *k)
{
    struct pxp_enrol m = {.program = "/bin/lab"};
    struct pxp_enrolled r;
    struct pxp_zone z = {0};
    uint32_t serial = pxp_client_serial(&k->c), number;
    const uint8_t *body;
    size_t len;
    pxp_enrol_encode(&k->c.out, serial, &m);
    lab_send(k, NULL, 0);
    cr_assert(lab_reply(k, serial, &number, &body, &len));
    cr_assert_eq(number, PXP_ENROLLED, "%s", pxp_name(number));
    cr_assert(pxp_enrolled_decode(body, len, &r, &z) == PVMX_OK);
    k->tid = r.tid;
    cr_assert_eq(r.slot, px_tid_slot(r.tid));
    cr_assert(k->arena_fd >= 0, "no arena came");
    pxp_client_drop(&k->c);
    pxp_zone_free(&z);
    atomic_store(&lab_slot(k, k->tid)->state, PX_SLOT_LIVE);
}

void lab_join(struct lab *l, struct lab_client *k)
{
    lab_connect(l, k, PXP_ROLE_TASK);
    lab_enrol(k);
}

void lab_hang_up(struct lab_client *k)
{
    pxp_client_close(&k->c);
    px_fd_close(&k->arena_fd);
}

void lab_await_ends(struct lab_client *k, size_t n)
{
    uint64_t deadline = px_now_ns() + LAB_DEADLINE_MS * PX_MS;
    while (k->nends < n) {
        uint32_t number, serial;
        const uint8_t *body;
        size_t len;
        cr_assert(px_now_ns() < deadline, "%zu of %zu ends were told", k->nends, n);
        if (pxp_client_next(&k->c, &number, &serial, &body, &len) == PVMX_OK) {
            cr_assert_eq(number, PXP_ENDED, "unexpected %s", pxp_name(number));
            keep_ends(k, body, len);
            pxp_client_drop(&k->c);
        } else {
            pxp_client_fill(&k->c, 100, NULL, NULL);
        }
    }
}

bool lab_quiet(struct lab_client *k, int ms)
{
    uint32_t number, serial;
    const uint8_t *body;
    size_t len;
    if (pxp_client_next(&k->c, &number, &serial, &body, &len) == PVMX_OK)
        return false;
    return pxp_client_fill(&k->c, ms, NULL, NULL) == PVMX_ERR_AGAIN;
}

struct px_slot *lab_slot(struct lab_client *k, int32_t tid)
{
    void *at = mmap(NULL, PX_BIRTH_OFF, PROT_READ | PROT_WRITE, MAP_SHARED, k->arena_fd,
                    (off_t)px_slot_offset(px_tid_slot(tid)));
    cr_assert(at != MAP_FAILED);
    return at;
}

/* ---- requests --------------------------------------------------------------------------------- */

uint32_t lab_spawn_send(struct lab_client *k, const struct lab_spawn *s)
{
    char cwd[4096];
    static int null = -1;
    size_t nargs = 0, nenv = 0, napp = 0;
    while (s->args != NULL && s->args[nargs] != NULL)
        nargs++;
    while (s->env != NULL && s->env[napp] != NULL)
        napp++;
    while (environ[nenv] != NULL)
        nenv++;
    if (null < 0)
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
    cr_assert(getcwd(cwd, sizeof cwd) != NULL);
    struct pxp_app app = {.command = s->command,
                          .args = (const char **)s->args,
                          .n_args = nargs,
                          .count = s->count,
                          .wdir = s->wdir,
                          .path = s->path,
                          .env = (const char **)s->env,
                          .n_env = napp};
    struct pxp_range self = {.first = k->tid, .count = 1};
    struct pxp_spawn m = {.flags = s->flags,
                          .apps = &app,
                          .n_apps = 1,
                          .cwd = cwd,
                          .env = (const char **)environ,
                          .n_env = nenv,
                          .umask = 022,
                          .nice = 3,
                          .limits = (struct pxp_limit *)s->limits,
                          .n_limits = s->nlimits,
                          .parents = &self,
                          .n_parents = k->tid != 0,
                          .ctx = 77,
                          .init_timeout_ms = s->init_timeout_ms,
                          .program = "/tmp/lab/master"};
    uint32_t serial = pxp_client_serial(&k->c);
    int fds[3] = {null, s->out_fd > 0 ? s->out_fd : null, 2};
    cr_assert(pxp_spawn_encode(&k->c.out, serial, &m) == PVMX_OK);
    lab_send(k, fds, 3);
    return serial;
}

void lab_spawn_take(struct lab_client *k, uint32_t serial, struct lab_spawned *out)
{
    uint32_t number;
    const uint8_t *body;
    size_t len;
    struct pxp_zone z = {0};
    struct pxp_spawned m;
    cr_assert(lab_reply(k, serial, &number, &body, &len), "the daemon hung up");
    cr_assert_eq(number, PXP_SPAWNED, "%s", pxp_name(number));
    cr_assert(pxp_spawned_decode(body, len, &m, &z) == PVMX_OK);
    memset(out, 0, sizeof *out);
    out->error = m.error;
    snprintf(out->text, sizeof out->text, "%s", m.text);
    out->job = m.job;
    out->ntids = m.n_tids;
    out->nerrors = m.n_errors;
    cr_assert(m.n_tids <= 8192 && m.n_errors <= 8192);
    if (m.n_tids > 0)
        memcpy(out->tids, m.tids, m.n_tids * sizeof m.tids[0]);
    if (m.n_errors > 0)
        memcpy(out->errors, m.errors, m.n_errors * sizeof m.errors[0]);
    pxp_client_drop(&k->c);
    pxp_zone_free(&z);
}

void lab_spawn(struct lab_client *k, const struct lab_spawn *s, struct lab_spawned *out)
{
    lab_spawn_take(k, lab_spawn_send(k, s), out);
}

void lab_status(struct lab_client *k, struct lab_status *out)
{
    struct pxp_status m = {0};
    struct pxp_status_is r;
    struct pxp_zone z = {0};
    uint32_t serial = pxp_client_serial(&k->c), number;
    const uint8_t *body;
    size_t len;
    pxp_status_encode(&k->c.out, serial, &m);
    lab_send(k, NULL, 0);
    cr_assert(lab_reply(k, serial, &number, &body, &len));
    cr_assert(pxp_status_is_decode(body, len, &r, &z) == PVMX_OK);
    *out = (struct lab_status){.ntasks = (uint32_t)r.n_tasks,
                               .slots = r.slots,
                               .slots_used = r.slots_used,
                               .fds = r.fds,
                               .pid = r.pid,
                               .rss_kb = r.rss_kb};
    pxp_client_drop(&k->c);
    pxp_zone_free(&z);
}

static int take_done(struct lab_client *k, uint32_t serial)
{
    uint32_t number;
    const uint8_t *body;
    size_t len;
    struct pxp_zone z = {0};
    struct pxp_done done;
    int result;
    lab_send(k, NULL, 0);
    cr_assert(lab_reply(k, serial, &number, &body, &len));
    if (number == PXP_REFUSE) {
        result = pxp_client_refused(body, len);
    } else {
        cr_assert(pxp_done_decode(body, len, &done, &z) == PVMX_OK);
        result = (int)done.count;
    }
    pxp_client_drop(&k->c);
    pxp_zone_free(&z);
    return result;
}

int lab_signal(struct lab_client *k, int32_t tid, uint32_t signal)
{
    struct pxp_signal m = {.tids = &tid, .n_tids = 1, .signal = signal};
    uint32_t serial = pxp_client_serial(&k->c);
    pxp_signal_encode(&k->c.out, serial, &m);
    return take_done(k, serial);
}

int lab_abort(struct lab_client *k, int32_t tid, uint32_t job)
{
    struct pxp_abort m = {.tids = &tid,
                          .n_tids = tid != 0,
                          .jobs = &job,
                          .n_jobs = job != 0,
                          .code = 5,
                          .text = "lab"};
    uint32_t serial = pxp_client_serial(&k->c);
    pxp_abort_encode(&k->c.out, serial, &m);
    return take_done(k, serial);
}

int lab_watch(struct lab_client *k, int32_t tid)
{
    struct pxp_watch m = {.tids = &tid, .n_tids = 1};
    uint32_t serial = pxp_client_serial(&k->c);
    pxp_watch_encode(&k->c.out, serial, &m);
    return take_done(k, serial);
}

void lab_leave(struct lab_client *k)
{
    struct pxp_leave m = {0};
    pxp_leave_encode(&k->c.out, 0, &m);
    lab_send(k, NULL, 0);
}

void lab_release(struct lab_client *k, uint32_t job)
{
    struct pxp_release m = {.job = job};
    pxp_release_encode(&k->c.out, 0, &m);
    lab_send(k, NULL, 0);
}
