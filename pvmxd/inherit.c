/* SPDX-License-Identifier: BSD-3-Clause */
/* See inherit.h. */
#include "inherit.h"
#include "base/err.h"
#include "limit.h"
#include "proto/hello.h"
#include "server.h"
#include "spawn.h"
#include "tasks.h"
#include <stdlib.h>
#include <string.h>

/* The spawner's line, and the spawner's job. */
static pvmx_err read_line(struct spawn_req *r, const struct job *j)
{
    uint32_t *line = pxp_zone_alloc(&r->zone, LINEAGE_MAX * sizeof *line);
    if (line == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a spawn request");
    uint32_t n = j->nline;
    if (n > 0)
        memcpy(line, j->line, n * sizeof *line);
    if (n == LINEAGE_MAX) { /* limits are given to the first ones, or to those of today */
        memmove(line + 1, line + 2, (LINEAGE_MAX - 2) * sizeof *line);
        n--;
    }
    line[n++] = j->id;
    r->line = line;
    r->nline = n;
    return PVMX_OK;
}

static void take_place(struct spawn_req *r, const struct job *j)
{
    char *place = NULL;
    if (j->place != NULL && (place = pxp_zone_alloc(&r->zone, strlen(j->place) + 1)) != NULL)
        strcpy(place, j->place);
    r->place = place;
    for (size_t i = 0; place != NULL && i < r->m.n_apps; i++)
        if (*r->m.apps[i].place == '\0')
            r->m.apps[i].place = place;
}

pvmx_err inherit_request(struct spawn_req *r)
{
    const struct job *j = r->owner != NULL ? r->owner->job : NULL;
    pvmx_err err = PVMX_OK;
    if (j != NULL) {
        if (r->m.slots == 0)
            r->m.slots = j->slots;
        take_place(r, j);
        r->limit = limit_ref(j->limit);
        err = read_line(r, j);
    } else if (*r->m.limit != '\0') {
        err = limit_new(&(struct pxp_limit_rule){.expr = r->m.limit, .action = PXP_LIMIT_KILL},
                        &r->limit);
    }
    return err;
}

void inherit_number(struct spawn_req *r)
{
    if (r->limit != NULL && r->limit->job == 0)
        r->limit->job = r->job_id;
}

pvmx_err inherit_part(struct spawn_req *r, const struct pxp_start *m)
{
    if (m->n_line > LINEAGE_MAX)
        return px_fail(PVMX_ERR_PROTO, "a job that stems from %zu others", m->n_line);
    r->line = m->line;
    r->nline = (uint32_t)m->n_line;
    return *m->limit.expr != '\0' ? limit_new(&m->limit, &r->limit) : PVMX_OK;
}

void inherit_write(const struct spawn_req *r, struct pxp_start *m)
{
    m->line = (uint32_t *)r->line;
    m->n_line = r->nline;
    if (r->limit != NULL)
        m->limit = limit_write(r->limit);
    else
        m->limit.expr = "";
}

void inherit_job(const struct spawn_req *r, struct job *j)
{
    if (*r->m.apps[0].place != '\0')
        j->place = strdup(r->m.apps[0].place);
    if (r->nline > 0 && (j->line = malloc(r->nline * sizeof *j->line)) != NULL) {
        memcpy(j->line, r->line, r->nline * sizeof *j->line);
        j->nline = r->nline;
    }
    j->limit = limit_ref(r->limit);
    if (j->limit != NULL && j->limit->looked == 0)
        limits_wake(j->sv);
}

void inherit_drop_request(struct spawn_req *r)
{
    limit_unref(r->limit);
    r->limit = NULL;
}

void inherit_drop_job(struct job *j)
{
    limit_unref(j->limit);
    free(j->line);
    free(j->place);
}
