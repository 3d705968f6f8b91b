/* SPDX-License-Identifier: BSD-3-Clause */
/* Info keys of a spawn that say on which hosts the children run: host, hosts, hostfile, arch, map_by,
 * lam_spawn_sched_round_robin, lam_no_root_node_schedule. Here they become the words of pvmxd/spread.h;
 * the daemon knows the hosts. add-host and add-hostfile name hosts that are to be there before. */
#include "dpm/dpm.h"
#include "dpm/spawn_info.h"
#include "rt/err.h"
#include "rt/info.h"
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/vm.h>
#include <pvmx/pvmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text that grows; broken: there was no memory. */
struct words {
    char *text;
    size_t len;
    bool broken;
};

static void say(struct words *w, const char *text, size_t len)
{
    char *more = w->broken ? NULL : realloc(w->text, w->len + len + 1);
    w->broken = !more;
    if (!more)
        return;
    memcpy(more + w->len, text, len);
    w->text = more;
    w->len += len;
    more[w->len] = '\0';
}

static void say_word(struct words *w, const char *text)
{
    say(w, text, strlen(text));
}

/* A list of hosts, with blanks around its commas left out, behind what the list has already. */
static int say_hosts(struct words *w, const char *key, const char *value)
{
    for (const char *at = value;; at++) {
        at += strspn(at, " \t");
        size_t len = strcspn(at, ", \t\n");
        if (len == 0)
            return xmpi_dpm_bad_value(key, value, "names of hosts, separated by commas");
        say(w, ",", w->len > 0 ? 1 : 0);
        say(w, at, len);
        at += len + strspn(at + len, " \t\n");
        if (!*at)
            return MPI_SUCCESS;
        if (*at != ',')
            return xmpi_dpm_bad_value(key, value, "names of hosts, separated by commas");
    }
}

static int say_file(struct words *w, const char *key, const char *path)
{
    char *list = NULL;
    pvmx_err err = pvmx_engine_hostfile(path, &list);
    int cls = MPI_SUCCESS;
    if (err)
        return xmpi_err(err == PVMX_ERR_NOMEM ? MPI_ERR_NO_MEM : MPI_ERR_INFO_VALUE,
                        "info key \"%s\": %s", key, pvmx_last_error());
    if (*list) {
        say(w, ",", w->len > 0 ? 1 : 0);
        say_word(w, list);
    } else {
        cls = xmpi_err(MPI_ERR_INFO_VALUE,
                       "info key \"%s\": host file %s names no host that takes tasks",
                       key, path);
    }
    free(list);
    return cls;
}

/* ---- all of them ------------------------------------------------------------------- */

static int read_hosts(const struct xmpi_info *info, struct words *out)
{
    static const char keys[2][8] = {"host", "hosts"};
    const char *file = xmpi_info_value(info, "hostfile");
    struct words w = {0};
    int cls = MPI_SUCCESS;
    for (int i = 0; i < 2 && !cls; i++)
        if (xmpi_info_value(info, keys[i]))
            cls = say_hosts(&w, keys[i], xmpi_info_value(info, keys[i]));
    if (!cls && file)
        cls = say_file(&w, "hostfile", file);
    if (!cls && w.len > 0) {
        say_word(out, "hosts=");
        say(out, w.text, w.len);
        say_word(out, " ");
    }
    out->broken = out->broken || w.broken;
    free(w.text);
    return cls;
}

static int read_arch(const struct xmpi_info *info, struct words *out)
{
    const char *arch = xmpi_info_value(info, "arch");
    if (!arch)
        return MPI_SUCCESS;
    if (!*arch || strpbrk(arch, " \t\n"))
        return xmpi_dpm_bad_value("arch", arch, "the name of an architecture");
    say_word(out, "arch=");
    say_word(out, arch);
    say_word(out, " ");
    return MPI_SUCCESS;
}

/* Which processors on each host: spawn_place.c. */
static void read_map(const struct xmpi_info *info, struct words *out)
{
    const char *map = xmpi_info_value(info, "map_by");
    uint32_t each = map ? pvmx_engine_place_each(map) : 0;
    char word[24];
    snprintf(word, sizeof(word), "each=%u ", (unsigned)each);
    if (each > 0)
        say_word(out, word);
}

/* The first of LAM's keys that is there counts, as there; its file key was looked for before. */
static int read_lam(const struct xmpi_info *info, struct words *out)
{
    const char *robin = xmpi_info_value(info, "lam_spawn_sched_round_robin");
    const char *others = xmpi_info_value(info, "lam_no_root_node_schedule");
    if (robin) {
        size_t digits = strspn(robin + (*robin != '\0'), "0123456789");
        if ((*robin != 'n' && *robin != 'c') || digits == 0 || digits > 9 ||
            robin[1 + digits])
            return xmpi_dpm_bad_value("lam_spawn_sched_round_robin",
                                      robin, "nX or cX with the number X of a host or processor");
        say_word(out, *robin == 'n' ? "node=" : "cpu=");
        say_word(out, robin + 1);
    } else if (others && *others) {
        say_word(out, "others");
    }
    return MPI_SUCCESS;
}

static int add_class(pvmx_err err, const char *key)
{
    return xmpi_err(err == PVMX_ERR_NOMEM ? MPI_ERR_NO_MEM : MPI_ERR_INFO_VALUE,
                    "info key \"%s\": %s", key, pvmx_last_error());
}

/* Lines of a host file with commas for their ends. */
static int read_add(const struct xmpi_info *info, struct pvmx_host_list *out)
{
    static const char key[] = "add-host";
    const char *value = xmpi_info_value(info, key);
    char *lines = value ? strdup(value) : NULL;
    pvmx_err err = PVMX_OK;
    if (value && !lines)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the hosts of a spawn");
    for (char *c = lines; c && *c; c++)
        *c = *c == ',' ? '\n' : *c;
    if (lines)
        err = pvmx_engine_hosts_read(NULL, lines, out);
    free(lines);
    if (err)
        return add_class(err, key);
    return value && out->n == 0
               ? xmpi_dpm_bad_value(key, value, "names of hosts, separated by commas")
               : MPI_SUCCESS;
}

static int read_add_file(const struct xmpi_info *info, struct pvmx_host_list *out)
{
    static const char key[] = "add-hostfile";
    const char *path = xmpi_info_value(info, key);
    pvmx_err err = path ? pvmx_engine_hosts_read(path, NULL, out) : PVMX_OK;
    if (err)
        return add_class(err, key);
    return path && out->n == 0
               ? xmpi_err(MPI_ERR_INFO_VALUE,
                          "info key \"%s\": host file %s names no host", key, path)
               : MPI_SUCCESS;
}

int xmpi_spawn_where_read(const struct xmpi_info *info, struct xmpi_spawn_hints *h)
{
    struct words w = {0};
    int cls = read_hosts(info, &w);
    if (!cls)
        cls = read_add(info, &h->add[0]);
    if (!cls)
        cls = read_add_file(info, &h->add[1]);
    if (!cls)
        cls = read_arch(info, &w);
    if (!cls)
        read_map(info, &w);
    if (!cls)
        cls = read_lam(info, &w);
    if (!cls && w.broken)
        cls = xmpi_err(MPI_ERR_NO_MEM, "no memory for the hosts of a spawn");
    if (cls)
        free(w.text);
    else
        h->where = w.text;
    return cls;
}
