/* SPDX-License-Identifier: BSD-3-Clause */
/* Info keys of a spawn that say on which hosts the children run: host, hosts, hostfile, add-host,
 * add-hostfile, arch, lam_spawn_sched_round_robin, lam_no_root_node_schedule. Here they become the
 * words of pvmxd/spread.h; the daemon knows the hosts. */
#include "dpm/dpm.h"
#include "dpm/spawn_info.h"
#include "rt/err.h"
#include "rt/info.h"
#include <pvmx/engine/vm.h>
#include <pvmx/pvmx.h>
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

/* The lists of these keys, behind the word that they make together. */
static int read_lists(const struct xmpi_info *info, const char *word,
                      const char *const lists[], const char *const files[], struct words *out)
{
    struct words w = {0};
    int cls = MPI_SUCCESS;
    for (int i = 0; lists[i] && !cls; i++)
        if (xmpi_info_value(info, lists[i]))
            cls = say_hosts(&w, lists[i], xmpi_info_value(info, lists[i]));
    for (int i = 0; files[i] && !cls; i++)
        if (xmpi_info_value(info, files[i]))
            cls = say_file(&w, files[i], xmpi_info_value(info, files[i]));
    if (!cls && w.len > 0) {
        say_word(out, word);
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

int xmpi_spawn_where_read(const struct xmpi_info *info, struct xmpi_spawn_hints *h)
{
    static const char *const hosts[] = {"host", "hosts", NULL}, *const files[] = {
                                                                    "hostfile", NULL};
    static const char *const add[] = {"add-host", NULL}, *const adds[] = {"add-hostfile",
                                                                          NULL};
    struct words w = {0};
    int cls = read_lists(info, "hosts=", hosts, files, &w);
    if (!cls)
        cls = read_lists(info, "known=", add, adds, &w);
    if (!cls)
        cls = read_arch(info, &w);
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
