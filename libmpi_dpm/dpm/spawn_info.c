/* SPDX-License-Identifier: BSD-3-Clause */
/* Info keys of a spawn: which are known, and those that are said in one word. The others: soft.c,
 * spawn_env.c, spawn_where.c, spawn_place.c, spawn_schema.c. */
#include "dpm/spawn_info.h"
#include "dpm/dpm.h"
#include "rt/err.h"
#include "rt/info.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char known[][32] = {
    /* MPI */
    "host",
    "arch",
    "wdir",
    "path",
    "file",
    "soft",
    "mpi_initial_errhandler",
    "mpi_memory_alloc_kinds",
    "thread_level",
    /* others have these, too */
    "hostfile",
    "hosts",
    "environ",
    "env",
    "add-host",
    "add-hostfile",
    "preload_files",
    "lam_spawn_file",
    "lam_spawn_sched_round_robin",
    "lam_no_root_node_schedule",
    "bind_to",
    "map_by",
    "mpit_cpus",
    "mpit_cpus_r*",
    "mpit_procmap",
    "mpit_bind_to_processor_set",
    /* ours */
    "pvmx_lifetime",
    "pvmx_stdin",
    "pvmx_stdout",
    "pvmx_stderr",
    "pvmx_oversubscribe",
    "pvmx_env",
};

/* value is one of the two; *out: which. */
static int read_choice(const struct xmpi_info *info, const char *key, const char *no,
                       const char *yes, int *out)
{
    const char *value = xmpi_info_value(info, key);
    char expected[64];
    if (!value)
        return MPI_SUCCESS;
    if (strcmp(value, no) == 0 || strcmp(value, yes) == 0) {
        *out = strcmp(value, yes) == 0;
        return MPI_SUCCESS;
    }
    snprintf(expected, sizeof(expected), "\"%s\" or \"%s\"", no, yes);
    return xmpi_dpm_bad_value(key, value, expected);
}

/* Files that come along. That they can be read is seen here, before anything is started. */
static int read_files(const struct xmpi_info *info, struct xmpi_spawn_hints *h)
{
    const char *value = xmpi_info_value(info, "preload_files");
    size_t n = 0, most = 1;
    if (!value)
        return MPI_SUCCESS;
    for (const char *at = value; *at; at++)
        most += *at == ',';
    h->preload = calloc(most + 1, sizeof(*h->preload));
    h->preload_text = strdup(value);
    if (!h->preload || !h->preload_text)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the files of a spawn");
    for (char *rest = h->preload_text; rest;) {
        char *name = strsep(&rest, ",");
        if (!*name || access(name, R_OK) != 0)
            return xmpi_dpm_bad_value("preload_files",
                                      name, "names of files that can be read, separated by commas");
        h->preload[n++] = name;
    }
    return MPI_SUCCESS;
}

static int read_stdio(const struct xmpi_info *info, struct xmpi_spawn_stdio *stdio)
{
    static const char keys[3][16] = {"pvmx_stdin", "pvmx_stdout", "pvmx_stderr"};
    for (int i = 0; i < 3; i++) {
        stdio->path[i] = xmpi_info_value(info, keys[i]);
        if (stdio->path[i] && !*stdio->path[i])
            return xmpi_dpm_bad_value(keys[i], "", "the name of a file");
    }
    return MPI_SUCCESS;
}

static int read_all(const struct xmpi_info *info, struct xmpi_spawn_hints *h)
{
    const char *soft = xmpi_info_value(info, "soft");
    int cls = MPI_SUCCESS;
    h->wdir = xmpi_info_value(info, "wdir");
    h->path = xmpi_info_value(info, "path");
    h->file = xmpi_info_value(info, "lam_spawn_file");
    if (!h->file)
        h->file = xmpi_info_value(info, "file");
    if (h->wdir && !*h->wdir)
        return xmpi_dpm_bad_value("wdir", "", "a directory");
    if (h->file && !*h->file)
        return xmpi_dpm_bad_value(xmpi_info_value(info, "lam_spawn_file")
                                      ? "lam_spawn_file"
                                      : "file",
                                  "", "the name of an application schema");
    if (soft)
        cls = xmpi_soft_read(soft, &h->soft);
    if (!cls)
        cls = read_choice(info, "pvmx_lifetime", "connected", "detached", &h->detached);
    if (!cls)
        cls = read_choice(info, "pvmx_oversubscribe", "no", "yes", &h->oversubscribe);
    if (!cls)
        cls = read_files(info, h);
    if (!cls)
        cls = read_stdio(info, &h->stdio);
    if (!cls)
        cls = xmpi_spawn_where_read(info, h);
    if (!cls)
        cls = xmpi_spawn_place_read(info, h);
    if (!cls)
        cls = xmpi_spawn_env_read(info, h);
    return cls;
}

int xmpi_spawn_hints_read(const struct xmpi_info *info, struct xmpi_spawn_hints *hints)
{
    enum { KNOWN = sizeof(known) / sizeof(known[0]) };
    const char *names[KNOWN + 1];
    *hints = (struct xmpi_spawn_hints){.detached = -1, .oversubscribe = -1};
    for (int i = 0; i < KNOWN; i++)
        names[i] = known[i];
    names[KNOWN] = NULL;
    xmpi_dpm_note_unknown(info, names, "spawn");
    int cls = read_all(info, hints);
    if (cls)
        xmpi_spawn_hints_free(hints);
    return cls;
}

void xmpi_spawn_hints_free(struct xmpi_spawn_hints *hints)
{
    free(hints->soft.triplets);
    free(hints->env);
    free(hints->env_text);
    free(hints->preload);
    free(hints->preload_text);
    for (int i = 0; i < 2; i++)
        pvmx_engine_host_list_free(&hints->add[i]);
    free(hints->where);
    free(hints->place);
    *hints = (struct xmpi_spawn_hints){0};
}
