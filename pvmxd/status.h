/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots for people: tasks and hosts (server_on_status), names and ports. */
#ifndef STATUS_H
#define STATUS_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;

/* Message catalog. */
pvmx_err status_catalog(struct server *sv, struct peer *p, uint32_t serial,
                        const uint8_t *body, size_t len);

/* Message clock. */
pvmx_err status_clock(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);

#endif
