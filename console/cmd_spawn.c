/* SPDX-License-Identifier: BSD-3-Clause */
/* The command spawn. */
#include "beside.h"
#include "cmds.h"
#include "heritage.h"
#include "progress.h"
#include "pvm.h"
#include "survey.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/pvmenv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pvmx/engine/dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
    struct pxp_app app;
    const char *where; /* host or architecture; NULL: anywhere */
    bool by_address;   /* where is the host's address */
    char spread[300];  /* the same as the daemon reads it */
    const char *file;  /* where output goes; NULL: see open_stdio */
    bool here, input;
    bool append;
    bool debug;
    const char *trace; /* where traces go, "": here; NULL: nowhere */
    struct pvm_reader reader;
    /* What tasks get of PVM's options. */
    const char *env[OPTIONS_VARS];
    char vars[OPTIONS_VARS][OPTIONS_VAR];
    char path[2 * PATH_MAX], wdir[PATH_MAX], debugger[PATH_MAX];
};

/* ---- reading ---------------------------------------------------------------------------------- */

/* One word that begins with '-', as PVM has them. */
static int read_flag(const struct cmd *cmd, int n, char **words, int *i, struct request *r)
{
    char *flag = words[*i] + 1, *end;
    if (*flag == '>') {
        r->append = flag[1] == '>';
        flag += 1 + r->append;
        if (*flag)
            r->file = flag;
        r->here = !*flag;
        return CMD_OK;
    }
    if (strcmp(flag, "i") == 0) {
        r->input = true;
        return CMD_OK;
    }
    if (strcmp(flag, "?") == 0) {
        r->debug = true;
        return CMD_OK;
    }
    if (*flag == '@') {
        r->trace = flag + 1;
        return CMD_OK;
    }
    bool counts = strcmp(flag, "n") == 0 && *i + 1 < n;
    if (counts)
        flag = words[++*i];
    long count = strtol(flag, &end, 10);
    if (counts || (end != flag && !*end)) {
        if (end == flag || *end)
            count = 0;
        if (count < 1 || count > 1000000)
            return cmd_usage(cmd, "spawn: %s: must be a number from 1 to 1000000", flag);
        r->app.count = (uint32_t)count;
        return CMD_OK;
    }
    r->by_address = strncmp(flag, "-host=", 6) == 0;
    flag += r->by_address ? 6 : 0;
    if (*flag == '-')
        return cmd_usage(cmd, "spawn: there is no option -%s", flag);
    char *colon = strchr(flag, ':');
    if (colon) {
        *colon = '\0';
        r->app.wdir = colon + 1;
    }
    if (*flag)
        r->where = flag;
    return CMD_OK;
}

static int read_request(const struct cmd *cmd, struct args *a, struct request *r)
{
    int i = 0;
    *r = (struct request){.app.count = 1, .reader.fd = -1};
    for (; i < a->n && a->words[i][0] == '-'; i++) {
        int status = read_flag(cmd, a->n, a->words, &i, r);
        if (status)
            return status;
    }
    if (r->input && r->file)
        return cmd_usage(cmd, "spawn: -i and ->FILE do not go together");
    if (i >= a->n)
        return cmd_usage(cmd, "spawn: a program is missing");
    r->app.command = a->words[i];
    r->app.args = (const char **)a->words + i + 1;
    r->app.n_args = (size_t)(a->n - i - 1);
    if (r->debug) {
        px_pvm_debugger(r->debugger, sizeof r->debugger);
        r->app.debugger = r->debugger;
    }
    return CMD_OK;
}

static bool has_address(const char *host, const char *address)
{
    struct addrinfo numeric = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo named = {.ai_socktype = SOCK_STREAM}, *wanted = NULL, *list = NULL;
    bool found = false;
    if (getaddrinfo(address, NULL, &numeric, &wanted) == 0 &&
        getaddrinfo(host, NULL, &named, &list) == 0)
        for (const struct addrinfo *a = list; a && !found; a = a->ai_next)
            found = a->ai_addrlen == wanted->ai_addrlen &&
                    memcmp(a->ai_addr, wanted->ai_addr, a->ai_addrlen) == 0;
    if (list)
        freeaddrinfo(list);
    if (wanted)
        freeaddrinfo(wanted);
    return found;
}

/* Is what was asked for a host or an architecture of the VM? PVM has one name for all that it runs on. */
static int find_where(struct console *c, struct request *r)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    const char *where = r->where, *kind = NULL, *name = NULL;
    if (!where || (!r->by_address && strcmp(where, "LINUX64") == 0))
        return CMD_OK;
    if (survey_status(&c->link, false, &s, &zone, NULL))
        return cmd_error();
    for (size_t i = 0; i < s.n_hosts && !kind; i++) {
        name = s.hosts[i].name;
        kind = strcmp(name, where) == 0 || (r->by_address && has_address(name, where))
                   ? "hosts"
               : strcmp(s.hosts[i].arch, where) == 0 ? "arch"
                                                     : NULL;
    }
    if (kind)
        snprintf(r->spread, sizeof r->spread, "%s=%.256s", kind, *kind == 'h' ? name : where);
    pxp_zone_free(&zone);
    r->app.where = r->spread;
    return kind ? CMD_OK
                : cmd_fail(
                      "spawn: %s is neither a host nor an architecture of this virtual "
                      "machine (conf lists them)",
                      where);
}

/* ---- PVM's options ---------------------------------------------------------------------------- */

/* Starts who reads what they tell, if they are to be traced, and fills in what they get. */
static int give_options(struct console *c, struct request *r)
{
    struct options o = c->options;
    if (r->trace) {
        if (pvm_reader_start(&r->reader, c->link.vm, r->trace))
            return cmd_error();
        o.values[OPTION_TRACE_TID] = r->reader.tid;
        o.values[OPTION_TRACE_CODE] = r->reader.code;
        o.values[OPTION_TRACE_CONTEXT] = 0;
    }
    px_pvm_path(r->path, sizeof r->path);
    r->app.path = r->path;
    r->app.own_path = true;
    if (!r->app.wdir) {
        px_pvm_wdir(r->wdir, sizeof r->wdir);
        r->app.wdir = r->wdir;
        r->app.own_wdir = true;
    }
    r->app.n_env = options_vars(&o, r->vars);
    r->app.env = r->env;
    for (size_t i = 0; i < r->app.n_env; i++)
        r->env[i] = r->vars[i];
    return CMD_OK;
}

/* ---- sending ---------------------------------------------------------------------------------- */

/* Input is nobody's. Output is the console's own where that is a terminal or was asked for: a task that
 * holds a pipe open would keep its reader waiting ("$(pvmx spawn ...)"). At the prompt we show it. */
static pvmx_err open_stdio(const struct console *c, const struct request *r, int fds[3])
{
    fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 1; i < 3; i++) {
        fds[i] = c->interactive && !r->file ? beside_open(i) : -1;
        if (fds[i] < 0)
            fds[i] = r->here || isatty(i) ? fcntl(i, F_DUPFD_CLOEXEC, 3)
                                          : open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    if (r->file) {
        px_fd_close(&fds[1]);
        px_fd_close(&fds[2]);
        fds[1] =
            open(r->file,
                 O_WRONLY | O_CREAT | O_CLOEXEC | (r->append ? O_APPEND : O_TRUNC), 0666);
        if (fds[1] < 0)
            return px_fail_errno(errno, "spawn: cannot write to %s", r->file);
        fds[2] = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
    }
    for (int i = 0; i < 3; i++)
        if (fds[i] < 0)
            return px_fail_errno(errno, "spawn: cannot prepare descriptor %d", i);
    return PVMX_OK;
}

static pvmx_err send_request(struct console *c, struct request *r, uint32_t *serial)
{
    struct heritage *h = calloc(1, sizeof *h);
    int fds[3] = {-1, -1, -1};
    struct pxp_spawn m = {.flags = PVMX_SPAWN_NO_MPI | PVMX_SPAWN_DETACHED,
                          .keep = !r->file || r->trace,
                          .input = r->input,
                          .apps = &r->app,
                          .n_apps = 1};
    if (!h)
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    heritage_remember(h);
    pvmx_err err = heritage_fill(h, &m);
    if (!err)
        err = open_stdio(c, r, fds);
    *serial = pxp_client_serial(&c->link.client);
    if (!err)
        err = pxp_spawn_encode(&c->link.client.out, *serial, &m);
    if (!err)
        err = link_send(&c->link, fds, 3);
    for (int i = 0; i < 3; i++)
        px_fd_close(&fds[i]);
    free(h->env);
    free(h);
    return err;
}

/* ---- the outcome ------------------------------------------------------------------------------ */

static int say_outcome(struct console *c, const struct cmd *cmd, const struct pxp_spawned *m)
{
    struct out o;
    if (m->error)
        return cmd_fail("%s", m->text);
    if (!c->json)
        printf("[%u] %zu successful\n", m->job, m->n_tids);
    for (size_t i = 0; !c->json && i < m->n_tids; i++)
        printf("t%x\n", (unsigned)m->tids[i]);
    if (!c->json)
        return CMD_OK;
    out_begin(&o, cmd->columns, true);
    for (size_t i = 0; i < m->n_tids; i++)
        out_row(&o, (struct out_cell[]){{.number = (uint32_t)m->tids[i]},
                                        {.number = m->job},
                                        {.number = i}});
    out_end(&o);
    return CMD_OK;
}

/* Jobs that write to our own terminal: who follows their output is not to see it twice. */
static void remember(struct console *c, const struct request *r, const struct pxp_spawned *m)
{
    uint32_t *grown = c->interactive && !r->file && isatty(STDOUT_FILENO) && !m->error
                          ? realloc(c->here, (c->nhere + 1) * sizeof *grown)
                          : NULL;
    if (!grown)
        return;
    grown[c->nhere++] = m->job;
    c->here = grown;
}

/* ---- progress --------------------------------------------------------------------------------- */

enum { MANY = 50 };

#define TICK (200 * PX_MS)

/* Asks all hosts once in a while how many tasks they have started, until the answer is there. */
static pvmx_err await(struct survey *s, size_t count, uint32_t serial, uint8_t **body,
                      size_t *len)
{
    const struct survey_host *from;
    enum survey_got got = SURVEY_ANSWER;
    size_t done = 0, before = 0;
    s->side = serial;
    s->follows = true;
    while (got != SURVEY_SIDE) {
        struct pxp_status ask = {.own = true};
        struct px_buf frame = {0};
        s->until = px_now_ns() + TICK;
        done = 0;
        while ((got = survey_next(s, &from, body, len)) == SURVEY_ANSWER) {
            struct pxp_status_is is;
            struct pxp_zone zone = {0};
            if (pxp_status_is_decode(*body, *len, &is, &zone) == PVMX_OK)
                done += is.launched;
            pxp_zone_free(&zone);
            free(*body);
        }
        if (got == SURVEY_LOST)
            return PVMX_ERR_CLOSED;
        if (got != SURVEY_DONE)
            continue;
        before = done > before ? done : before;
        progress_say(before < count ? before : count, count, "tasks are started");
        pvmx_err err = pxp_status_encode(&frame, s->serial, &ask);
        if (!err)
            err = survey_ask(s, 0, &frame);
        px_buf_free(&frame);
        if (err)
            return err;
    }
    return s->side_refused ? PVMX_ERR_STATE : PVMX_OK;
}

/* Sends the request and waits for its answer; Ctrl-C meanwhile takes it back. */
static pvmx_err ask(struct console *c, struct request *r, uint8_t **body, size_t *len)
{
    struct survey s = {.n = 0};
    uint32_t serial = 0;
    bool shown = r->app.count >= MANY && progress_shown();
    pvmx_err err = shown ? survey_begin(&s, &c->link, PXP_STATUS_IS) : link_awake(&c->link);
    if (!err)
        err = send_request(c, r, &serial);
    if (!err)
        err = shown ? await(&s, r->app.count, serial, body, len)
                    : link_answer(&c->link, serial, PXP_SPAWNED, body, len);
    if (err && link_interrupted())
        link_withdraw(&c->link, serial);
    progress_end();
    survey_end(&s);
    return err;
}

static int run_spawn(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct request r;
    uint8_t *body = NULL;
    size_t len = 0;
    struct pxp_spawned m;
    struct pxp_zone zone = {0};
    while (a->n > 0 && strcmp(a->words[0], "--json") == 0) {
        c->json = true;
        a->words++;
        a->n--;
    }
    int status = read_request(cmd, a, &r);
    if (status == CMD_OK && c->json && r.trace && !*r.trace)
        status = cmd_usage(cmd, "spawn: --json and -@ without a file do not go together");
    if (status == CMD_OK)
        status = find_where(c, &r);
    if (status == CMD_OK)
        status = give_options(c, &r);
    if (status == CMD_OK) {
        pvmx_err err = ask(c, &r, &body, &len);
        if (!err)
            err = pxp_spawned_decode(body, len, &m, &zone);
        status = err ? cmd_error() : say_outcome(c, cmd, &m);
        if (!err)
            remember(c, &r, &m);
        if (!err && !m.error && r.trace)
            pvm_reader_tell(&r.reader, &m, r.app.command);
    }
    pvm_reader_drop(&r.reader);
    pxp_zone_free(&zone);
    free(body);
    return status;
}

static const struct out_column spawn_columns[] = {
    {"tid", OUT_TID, "the new task"},
    {"job", OUT_NUMBER, "number of its job"},
    {"rank", OUT_NUMBER, "its rank there"},
    {0},
};

const struct cmd cmd_spawn = {
    "spawn",
    "[-COUNT | -n COUNT] [-HOST|-ARCH|--host=ADDRESS][:DIR] [-:DIR] [-i] [-> | ->FILE | "
    "->>FILE] [-@ | -@FILE] [-?] PROGRAM [ARGUMENT]...",
    "start tasks",
    "PROGRAM is looked for in the folders of PVM_PATH (else ~/pvm3/bin/LINUX64), "
    "then in those of PATH and here. -COUNT starts so many. -HOST, -ARCH or "
    "--host=ADDRESS says where, :DIR in which directory (else wd= of the host, PVM_WD, "
    "or "
    "this one). Output is kept for logs "
    "and goes to the terminal, if standard output is one; -> alone: here in any "
    "case; ->FILE: to a file, which is emptied; ->>FILE: appended. -i: the first "
    "task reads what attach gives it. The tasks go on when the console leaves "
    "(a prompt shows nothing of them any more: logs); wait waits for them. -@FILE: what "
    "PVM tasks call, as trace chooses, and what tasks write, as far as logs has it, is "
    "told in a file in PVM's trace format (SDDF), until they and what they spawn have "
    "ended; -@ alone: here. PVM's console, pvm, reads it as a "
    "task in the background. -?: the debugger of the host's bx= (else of "
    "PVM_DEBUGGER, else PVM_ROOT/lib/debugger) is run with the program and its "
    "arguments. Ctrl-C before they have been started: none is.",
    "",
    1,
    CMD_MANY,
    CMD_VM | CMD_STARTS | CMD_RAW,
    WORDS_FILE | WORDS_PROGRAM | WORDS_HOST,
    spawn_columns,
    run_spawn};
