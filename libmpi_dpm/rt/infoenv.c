/* SPDX-License-Identifier: BSD-3-Clause */
/* The contents of MPI_INFO_ENV (MPI 5.0, chapter 10): command, argv, maxprocs, host, arch, wdir,
 * thread_level. */
#include "rt/infoenv.h"
#include "abi/handles.h"
#include "rt/memkinds.h"
#include <pthread.h>
#include <pvmx/engine/dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct xmpi_info xmpi_info_env = {
    .obj = {.kind = XMPI_KIND_INFO, .refs = 1, .predef = 0x131}, /* MPI_INFO_ENV */
};

enum { MAX_ARGS = 256 };

void xmpi_info_env_command(struct xmpi_info *info, int argc, char **argv)
{
    char line[MPI_MAX_INFO_VAL];
    size_t n = 0;
    line[0] = '\0';
    for (int i = 1; i < argc && argv[i]; i++) {
        int k = snprintf(line + n, sizeof(line) - n, "%s%s", i > 1 ? " " : "", argv[i]);
        if (k < 0 || (size_t)k >= sizeof(line) - n)
            break; /* a value holds no more; what is there is cut */
        n += (size_t)k;
    }
    char command[MPI_MAX_INFO_VAL];
    snprintf(command, sizeof(command), "%s", argv[0]);
    xmpi_info_put(info, "command", command);
    xmpi_info_put(info, "argv", line);
}

/* The argument vector of this process as the kernel keeps it. */
static void add_command(void)
{
    char text[8192], *argv[MAX_ARGS];
    FILE *f = fopen("/proc/self/cmdline", "re");
    if (!f)
        return;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    int argc = 0;
    for (size_t at = 0; at < n && argc < MAX_ARGS; at += strlen(text + at) + 1)
        argv[argc++] = text + at;
    if (argc)
        xmpi_info_env_command(&xmpi_info_env, argc, argv);
}

/* How many processes of this program the daemon was asked for; NULL: it has not started this one, which
 * may have the variable from the process that did. */
static const char *asked_for(void)
{
    return getenv("PVMX_TASK") || pvmx_engine_birth() ? getenv("PVMX_MAXPROCS") : NULL;
}

static void fill(void)
{
    char text[MPI_MAX_INFO_VAL];
    struct utsname u;
    add_command();
    if (uname(&u) == 0) {
        xmpi_info_put(&xmpi_info_env, "host", u.nodename);
        xmpi_info_put(&xmpi_info_env, "arch", u.machine);
    }
    if (getcwd(text, sizeof(text)))
        xmpi_info_put(&xmpi_info_env, "wdir", text);
    xmpi_memkinds_initial(text, sizeof(text));
    xmpi_info_put(&xmpi_info_env, XMPI_MEMKINDS_KEY, text);
    if (asked_for())
        xmpi_info_put(&xmpi_info_env, "maxprocs", asked_for());
    /* Only what was asked for before the program started, not what it asks for. */
    const char *asked = getenv("PVMX_THREAD_LEVEL");
    int level;
    if (asked && xmpi_thread_level_of(asked, &level))
        xmpi_info_put(&xmpi_info_env, "thread_level", asked);
}

void xmpi_info_env_fill(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill);
}

static const struct {
    char name[24];
    int level;
} levels[] = {
    {"MPI_THREAD_SINGLE", MPI_THREAD_SINGLE},
    {"MPI_THREAD_FUNNELED", MPI_THREAD_FUNNELED},
    {"MPI_THREAD_SERIALIZED", MPI_THREAD_SERIALIZED},
    {"MPI_THREAD_MULTIPLE", MPI_THREAD_MULTIPLE},
};

const char *xmpi_thread_level_name(int level)
{
    size_t i = 0;
    while (i < 3 && levels[i].level != level)
        i++;
    return levels[i].name;
}

bool xmpi_thread_level_of(const char *name, int *level)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(levels[i].name, name) == 0) {
            *level = levels[i].level;
            return true;
        }
    return false;
}

void xmpi_info_env_started(int size)
{
    if (asked_for())
        return;
    char text[16];
    snprintf(text, sizeof(text), "%d", size);
    xmpi_info_put(&xmpi_info_env, "maxprocs", text);
}
