/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may talk to the daemon: processes of its own user, after a greeting in a known version. */
#ifndef AUTH_H
#define AUTH_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct server;
struct peer;

/* The other side is a process of our user; *pid is it. */
bool auth_peer(int fd, pid_t *pid);
/* Message hello. */
pvmx_err auth_hello(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);

#endif
