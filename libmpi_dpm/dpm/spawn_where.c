/* SPDX-License-Identifier: BSD-3-Clause */
/* Info keys of a spawn that say on which hosts the children run: host, hosts, hostfile, add-host,
 * add-hostfile, arch, lam_spawn_sched_round_robin, lam_no_root_node_schedule. Here they become the
 * words of pvmxd/spread.h; the daemon knows the hosts. */
#include "dpm/dpm.h"
#include "dpm/spawn_info.h"
#include "rt/err.h"
#include "rt/info.h"
#include <ctype.h>
#include <errno.h>
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

/* ---- host files -------------------------------------------------------------------- */

/* "slots=4", "cpu=4", ...: the number as text; NULL: another word. */
static const char *slots_of(const char *word)
{
    static const char keys[][8] = {"slots=", "cpu=", "cpus="};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strncmp(word, keys[i], strlen(keys[i])) == 0)
            return word + strlen(keys[i]);
    return NULL;
}

/* HOST, HOST:N, HOST slots=N; other KEY=VALUE words of other systems mean nothing here. False: the
 * line is not understood. */
static bool say_line(struct words *w, char *line)
{
    char *save = NULL, *word;
    const char *slots = NULL;
    line[strcspn(line, "#\n")] = '\0';
    char *host = strtok_r(line, " \t\r", &save);
    if (!host)
        return true;
    while ((word = strtok_r(NULL, " \t\r", &save)) != NULL) {
        if (strcmp(word, "schedule=no") == 0)
            return true;
        if (!strchr(word, '='))
            return false;
        slots = slots_of(word) ? slots_of(word) : slots;
    }
    if (strchr(host, ',') || (slots && !isdigit((unsigned char)*slots)))
        return false;
    say(w, ",", w->len > 0 ? 1 : 0);
    say_word(w, host);
    if (slots) {
        say_word(w, ":");
        say_word(w, slots);
    }
    return true;
}

static int say_file(struct words *w, const char *key, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return xmpi_err(MPI_ERR_INFO_VALUE, "info key \"%s\": host file %s: %s", key,
                        path, strerror(errno));
    char *line = NULL;
    size_t size = 0, before = w->len;
    int cls = MPI_SUCCESS;
    for (unsigned number = 1; !cls && getline(&line, &size, f) >= 0; number++)
        if (!say_line(w, line))
            cls = xmpi_err(MPI_ERR_INFO_VALUE,
                           "info key \"%s\": host file %s, line %u is not understood "
                           "(HOST, HOST:N or HOST slots=N)",
                           key, path, number);
    if (!cls && w->len == before)
        cls = xmpi_err(MPI_ERR_INFO_VALUE, "info key \"%s\": host file %s names no host",
                       key, path);
    free(line);
    fclose(f);
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
