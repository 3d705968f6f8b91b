/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings of the layers above, in the same tables as ours, and all of them for tools. */
#include "base/err.h"
#include "base/log.h"
#include "base/param.h"
#include "base/rundir.h"
#include "core/ctx.h"
#include "proto/start.h"
#include "transport/shm/shm.h"

#include <assert.h>
#include <pvmx/engine/util.h>
#include <stdlib.h>

static_assert((int)PVMX_SETTING_BOOL == (int)PX_PARAM_BOOL &&
                  (int)PVMX_SETTING_INT == (int)PX_PARAM_INT &&
                  (int)PVMX_SETTING_SIZE == (int)PX_PARAM_SIZE &&
                  (int)PVMX_SETTING_TIME == (int)PX_PARAM_TIME &&
                  (int)PVMX_SETTING_CHOICE == (int)PX_PARAM_CHOICE &&
                  (int)PVMX_SETTING_TEXT == (int)PX_PARAM_TEXT,
              "types of settings have the same numbers inside and outside");

void pvmx_engine_settings(const struct pvmx_setting *table, size_t n)
{
    union value {
        int64_t number;
        const char *text;
    };
    struct px_param *rows = calloc(n, sizeof *rows); /* lives as long as the process: listed */
    union value *values = calloc(n, sizeof *values);
    if (!rows || !values) {
        free(rows);
        free(values);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bool choice = table[i].choices != NULL;
        rows[i] = (struct px_param){.name = table[i].name,
                                    .type = choice ? PX_PARAM_CHOICE : PX_PARAM_TEXT,
                                    .dflt = table[i].dflt,
                                    .choices = table[i].choices,
                                    .help = table[i].help};
        if (choice)
            rows[i].store.number = &values[i].number;
        else
            rows[i].store.text = &values[i].text;
    }
    px_param_register(rows, n);
}

const char *pvmx_engine_setting(const char *name)
{
    static _Thread_local char value[256];
    return px_param_get(name, value, sizeof value) == PVMX_OK ? value : NULL;
}

/* ---- for tools */

/* Most tables are registered when their module begins; a tool may look before that. */
static void load_all(void)
{
    px_log_settings();
    px_rundir_settings();
    pxp_start_settings();
    px_progress_settings();
    px_shm_settings();
    px_spawn_settings();
}

struct search {
    int index; /* wanted, counted down */
    const struct px_param *found;
};

static void look(const struct px_param *row, void *arg)
{
    struct search *s = arg;
    if (s->index-- == 0)
        s->found = row;
}

static void count(const struct px_param *row, void *arg)
{
    (void)row;
    ++*(int *)arg;
}

int pvmx_engine_setting_count(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int n = 0;
    pthread_once(&once, load_all);
    px_param_each(count, &n);
    return n;
}

bool pvmx_engine_setting_row(int index, struct pvmx_setting_row *out)
{
    struct search s = {.index = index};
    if (index >= 0)
        px_param_each(look, &s);
    if (!s.found)
        return false;
    *out = (struct pvmx_setting_row){.name = s.found->name,
                                     .help = s.found->help,
                                     .choices = s.found->choices,
                                     .type = (enum pvmx_setting_type)s.found->type,
                                     .at_start = s.found->at_start};
    return true;
}

pvmx_err pvmx_engine_setting_number(const char *name, int64_t *value)
{
    return px_param_get_number(name, value);
}

struct by_name {
    const char *name;
    bool at_start;
};

static void look_by_name(const struct px_param *row, void *arg)
{
    struct by_name *b = arg;
    const char *x = row->name, *y = b->name;
    while (*x && *x == *y)
        x++, y++;
    if (*x == *y)
        b->at_start = row->at_start;
}

static pvmx_err check_time(const char *name)
{
    struct by_name b = {.name = name};
    px_param_each(look_by_name, &b);
    if (b.at_start && px_ctx.tid)
        return px_fail(
            PVMX_ERR_STATE,
            "setting %s counts when a process becomes a task of its VM, which this "
            "one is already",
            name);
    return PVMX_OK;
}

pvmx_err pvmx_engine_setting_set(const char *name, const char *value)
{
    pvmx_err err = check_time(name);
    return err ? err : px_param_set(name, value);
}

pvmx_err pvmx_engine_setting_set_number(const char *name, int64_t value)
{
    pvmx_err err = check_time(name);
    return err ? err : px_param_set_number(name, value);
}
