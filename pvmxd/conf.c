/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's settings table. */
#include "conf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/param.h"
#include "peer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conf conf;

static const struct px_param settings[] = {
    {.name = "daemon.linger",
     .type = PX_PARAM_TIME,
     .dflt = "2s",
     .min = 0,
     .max = (int64_t)(24 * 3600 * PX_SEC),
     .help =
         "how long an ephemeral daemon stays after its last task and client have gone",
     .store.number = &conf.linger},
    {.name = "daemon.grace",
     .type = PX_PARAM_TIME,
     .dflt = "2s",
     .min = (int64_t)PX_MS,
     .max = (int64_t)(3600 * PX_SEC),
     .help = "time between SIGTERM and SIGKILL when tasks are ended",
     .store.number = &conf.grace},
    {.name = "daemon.greeting",
     .type = PX_PARAM_TIME,
     .dflt = "10s",
     .min = (int64_t)PX_MS,
     .max = (int64_t)(3600 * PX_SEC),
     .help = "how long a new connection may take to greet before it is closed",
     .store.number = &conf.greeting},
    {.name = "daemon.spawners",
     .type = PX_PARAM_INT,
     .dflt = "0",
     .min = 0,
     .max = 64,
     .help = "threads that start processes; 0: as many as processors, 2 to 4",
     .store.number = &conf.threads},
    {.name = "daemon.host_timeout",
     .type = PX_PARAM_TIME,
     .dflt = "5s",
     .min = (int64_t)(50 * PX_MS),
     .max = (int64_t)(3600 * PX_SEC),
     .help = "how long another host may be silent before it is given up",
     .store.number = &conf.host_timeout},
    {.name = "daemon.add_timeout",
     .type = PX_PARAM_TIME,
     .dflt = "30s",
     .min = (int64_t)(10 * PX_MS),
     .max = (int64_t)(24 * 3600 * PX_SEC),
     .help = "how long a host that is added may take to come",
     .store.number = &conf.add_timeout},
    {.name = "daemon.add_parallel",
     .type = PX_PARAM_INT,
     .dflt = "32",
     .min = 1,
     .max = 4095,
     .help = "hosts of one request that are started at one time",
     .store.number = &conf.add_parallel},
    {.name = "daemon.output_task",
     .type = PX_PARAM_SIZE,
     .dflt = "64k",
     .min = 0,
     .max = 1 << 30,
     .help = "how much of what a task writes is kept for pvmx logs, where it passes "
             "through a daemon; 0: nothing",
     .store.number = &conf.output_task},
    {.name = "daemon.output_total",
     .type = PX_PARAM_SIZE,
     .dflt = "16m",
     .min = 0,
     .max = (int64_t)1 << 40,
     .help = "how much is kept of all tasks of a host together",
     .store.number = &conf.output_total},
    {.name = "daemon.limit_look",
     .type = PX_PARAM_TIME,
     .dflt = "1s",
     .min = (int64_t)(10 * PX_MS),
     .max = (int64_t)(3600 * PX_SEC),
     .help = "how often the daemon looks at what tasks use, while there are rules (pvmx "
             "limit); more seldom when that would take more than 1 % of a processor",
     .store.number = &conf.limit_look},
    {.name = "launcher",
     .type = PX_PARAM_TEXT,
     .dflt = "ssh",
     .help = "how hosts are started: ssh, fork (on this machine), or a command in which "
             "%h is the "
             "host, %u the user and %c the command to be run there",
     .store.text = &conf.launcher},
    {.name = "ssh",
     .type = PX_PARAM_TEXT,
     .dflt = "ssh",
     .help = "the command of launcher ssh, options included",
     .store.text = &conf.ssh},
    {.name = "daemon.program",
     .type = PX_PARAM_TEXT,
     .dflt = "",
     .help = "pvmxd on hosts that are added, where dx= does not say it; empty: as here",
     .store.text = &conf.program},
    {.name = "daemon.address",
     .type = PX_PARAM_TEXT,
     .dflt = "",
     .help = "what other hosts reach this machine by: an address, an interface (eth1) or "
             "a network "
             "(10.1.0.0/16); empty: all it has",
     .store.text = &conf.address},
    {.name = "daemon.ports",
     .type = PX_PARAM_TEXT,
     .dflt = "",
     .help =
         "port or range of ports (7000-7099) to listen on for other hosts; empty: any",
     .store.text = &conf.ports},
    {.name = "daemon.log",
     .type = PX_PARAM_TEXT,
     .dflt = "",
     .help = "file that the daemon's log is appended to; empty: standard error, which is "
             "closed "
             "when the daemon is in the background",
     .store.text = &conf.log},
};

/* The variables of other systems, LOW:HIGH: nobody but daemons listens here. */
static void ports_of_others(void)
{
    static const char *const names[] = {"MPIEXEC_PORT_RANGE", "MPICH_PORT_RANGE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = getenv(names[i]);
        char range[40];
        if (text == NULL || *text == '\0')
            continue;
        snprintf(range, sizeof range, "%s", text);
        char *between = strpbrk(range, ":,");
        if (between != NULL)
            *between = '-';
        px_param_set("daemon.ports", range);
        return;
    }
}

void conf_log(void)
{
    static const char name[] = "PVMDLOGMAX";
    const char *text = getenv(name);
    int64_t max = 0;
    px_param_get_number("log.max", &max);
    if (max == 0 && text != NULL && *text != '\0' && px_param_set("log.max", text) != PVMX_OK)
        px_log(PX_LOG_WARN, "LOG-MAX", "%s=%.80s is no number of bytes", name, text);
    int errnum = conf.log[0] != '\0' ? px_log_set_file(conf.log) : 0;
    if (errnum != 0)
        px_log(PX_LOG_WARN, "LOG-FILE", "cannot append to %s (PVMX_DAEMON_LOG): %s",
               conf.log, strerror(errnum));
}

void conf_init(void)
{
    px_param_register(settings, sizeof settings / sizeof settings[0]);
    if (*conf.ports == '\0')
        ports_of_others();
}

/* ---- for the console -------------------------------------------------------------------------- */

enum { SETTINGS_MAX = 128, VALUE_SIZE = 256 };

struct collector {
    const char *name; /* only this one; empty: all */
    struct pxp_zone zone;
    struct pxp_setting settings[SETTINGS_MAX];
    size_t n;
};

static void collect(const struct px_param *row, void *arg)
{
    struct collector *c = arg;
    char *texts =
        c->n < SETTINGS_MAX && (*c->name == '\0' || strcmp(row->name, c->name) == 0)
            ? pxp_zone_alloc(&c->zone, 2 * VALUE_SIZE)
            : NULL;
    if (texts == NULL)
        return;
    px_param_get(row->name, texts, VALUE_SIZE);
    px_param_expects(row, texts + VALUE_SIZE, VALUE_SIZE);
    c->settings[c->n++] = (struct pxp_setting){.name = row->name,
                                               .value = texts,
                                               .dflt = row->dflt,
                                               .expects = texts + VALUE_SIZE,
                                               .help = row->help};
}

static pvmx_err change(const char *name, const char *value)
{
    char variable[64];
    bool late = strcmp(name, "daemon.spawners") == 0 || strcmp(name, "daemon.log") == 0;
    if (strncmp(name, "daemon.", 7) != 0)
        return px_fail(PVMX_ERR_NOENT, "the daemon has no setting \"%.100s\"", name);
    if (!late)
        return px_param_set(name, value);
    px_param_env_name(name, variable, sizeof variable);
    return px_fail(PVMX_ERR_STATE,
                   "setting %s is read when the daemon starts: set %s in its environment",
                   name, variable);
}

pvmx_err conf_settings(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct collector c = {.n = 0};
    struct pxp_settings m;
    (void)sv;
    pvmx_err err = pxp_settings_decode(body, len, &m, &c.zone);
    if (err == PVMX_OK && m.set)
        err = change(m.name, m.value);
    if (err == PVMX_OK) {
        c.name = m.name;
        px_param_each(collect, &c);
        if (c.n == 0)
            err = px_fail(PVMX_ERR_NOENT, "the daemon has no setting \"%.100s\"", m.name);
    }
    if (err == PVMX_OK) {
        struct pxp_settings_are are = {.settings = c.settings, .n_settings = c.n};
        err = pxp_settings_are_encode(peer_out(p), serial, &are);
    }
    pxp_zone_free(&c.zone);
    return err;
}
