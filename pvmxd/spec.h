/* SPDX-License-Identifier: BSD-3-Clause */
/* What is said of a host that is to be added (message host_add, host files): is it sound? */
#ifndef SPEC_H
#define SPEC_H

#include "proto/messages.h"

struct server;

/* ssh would lead back to this machine, whose daemon this is. */
bool spec_is_here(struct server *sv, const struct pxp_host_spec *s);
/* PVMX_ERR_ARG: name, launcher, address or texts make no sense; PVMX_ERR_EXISTS: the host is there. */
pvmx_err spec_check(struct server *sv, const struct pxp_host_spec *s);

#endif
