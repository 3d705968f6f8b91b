/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's settings table. */
#include "conf.h"
#include "base/clock.h"
#include "base/param.h"

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
    {.name = "daemon.log",
     .type = PX_PARAM_TEXT,
     .dflt = "",
     .help = "file that the daemon's log is appended to; empty: standard error, which is "
             "closed "
             "when the daemon is in the background",
     .store.text = &conf.log},
};

void conf_init(void)
{
    px_param_register(settings, sizeof settings / sizeof settings[0]);
}
