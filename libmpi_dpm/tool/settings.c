/* SPDX-License-Identifier: BSD-3-Clause */
/* The MPI library's own settings as rows of the tables that tools see: the algorithms of the
 * collectives and the debug list of leaks. */
#include "coll/algo.h"
#include "rt/leaks.h"
#include "tool/tool.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_ = 48, CHOICES_MAX = 256 };

static struct texts {
    char name[NAME_MAX_];
    char choices[CHOICES_MAX];
} texts[XMPI_COLL_KINDS];

static const char leaks_name[] = "leaks";
static const char prefix[] = "coll.";

/* "auto|flat|tree" */
static void list_algorithms(const struct xmpi_algo_list *l, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "auto");
    for (int i = 0; i < l->count && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "|%s", l->algos[i].name);
}

static void add(void)
{
    struct pvmx_setting rows[XMPI_COLL_KINDS + 1];
    for (int i = 0; i < XMPI_COLL_KINDS; i++) {
        const struct xmpi_algo_list *l = &xmpi_algo_lists[i];
        snprintf(texts[i].name, sizeof(texts[i].name), "%s%s", prefix, l->name);
        list_algorithms(l, texts[i].choices, sizeof(texts[i].choices));
        rows[i] = (struct pvmx_setting){
            .name = texts[i].name,
            .dflt = "auto",
            .help = "algorithm of this collective; the same one in all processes",
            .choices = texts[i].choices};
    }
    rows[XMPI_COLL_KINDS] = (struct pvmx_setting){
        .name = leaks_name,
        .dflt = "no",
        .help = "list the MPI objects that the program has not given back when MPI ends",
        .choices = "no|yes"};
    pvmx_engine_settings(rows, XMPI_COLL_KINDS + 1);
}

void xmpi_tool_settings(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, add);
}

bool xmpi_tool_is_common(const char *name)
{
    return strncmp(name, prefix, sizeof(prefix) - 1) == 0;
}

void xmpi_tool_written(const char *name)
{
    const char *value = pvmx_engine_setting(name);
    if (!value)
        return;
    if (strcmp(name, leaks_name) == 0)
        __atomic_store_n(&xmpi_leaks_on, strcmp(value, "yes") == 0, __ATOMIC_RELAXED);
    for (int i = 0; xmpi_tool_is_common(name) && i < XMPI_COLL_KINDS; i++)
        if (strcmp(texts[i].name, name) == 0)
            xmpi_algo_force((enum xmpi_coll_kind)i,
                            xmpi_algo_find((enum xmpi_coll_kind)i, value));
}
