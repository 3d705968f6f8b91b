/* SPDX-License-Identifier: BSD-3-Clause */
/* From a request to plans: which file a command means, with which arguments, environment and
 * directory. Runs on a spawner thread, since every look into the file system may hang. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "exec.h"
#include "own.h"
#include "proto/messages.h"

/* Fills the plan for one program. host: this one's name, for sentences; own: what holds for all tasks here.
 * Memory comes from zone. On failure the sentence is recorded. */
pvmx_err resolve_app(const struct pxp_spawn *req, const struct pxp_app *app, const char *host,
                     const struct own *own, struct pxp_zone *zone, struct exec_plan *out);

/* Its first step: out->wdir, where the program's tasks run. */
pvmx_err resolve_wdir(const struct pxp_spawn *req, const struct pxp_app *app,
                      const char *host, const struct own *own, struct pxp_zone *zone,
                      struct exec_plan *out);

#endif
