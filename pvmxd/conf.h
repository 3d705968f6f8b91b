/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's settings. */
#ifndef CONF_H
#define CONF_H

#include "proto/messages.h"
#include <stdint.h>

struct server;
struct peer;

struct conf {
    int64_t linger; /* ns that an ephemeral daemon stays after its last task and client  */
    int64_t grace; /* ns between SIGTERM and SIGKILL                                    */
    int64_t greeting; /* ns that a connection may take to say hello                        */
    int64_t threads; /* spawner threads; 0: as many as processors, at most 4              */
    int64_t host_timeout; /* ns without a word after which a host is given up              */
    int64_t add_timeout; /* ns that a new host may take to come                           */
    int64_t add_parallel; /* hosts being started at one time                               */
    int64_t output_task; /* bytes kept of what a task writes                               */
    int64_t output_total; /* of all tasks together                                          */
    int64_t limit_look; /* ns between two looks at what tasks use, while there are rules    */
    const char *launcher; /* how hosts are started when nothing else is said               */
    const char *ssh; /* the command of launcher ssh, with options                     */
    const char *address; /* to listen on for other hosts; empty: all interfaces           */
    const char *ports; /* range for that; empty: any                                    */
    const char *program; /* on hosts that are added; empty: as here                      */
    const char *log; /* file of the daemon's own log; empty: standard error               */
};

extern struct conf conf;

/* Registers the table and reads the environment. Call once, before anything else of the daemon. */
void conf_init(void);
/* The daemon's own log, behind px_log_settings; PVM's PVMDLOGMAX limits it where PVMX_LOG_MAX does not. */
void conf_log(void);
/* Message settings. */
pvmx_err conf_settings(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len);

#endif
