/* SPDX-License-Identifier: BSD-3-Clause */
/* Categories: one for each part whose settings share the word before the first '.'; a setting
 * without one is its own part's ("wait" and "wait.spin"). They contain no other categories. */
#include "tool/tool.h"
#include "xmpi.h"
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 64 };

static void part_of(const struct pvmx_setting_row *row, char *out)
{
    snprintf(out, WORD_MAX, "%.*s", (int)strcspn(row->name, "."), row->name);
}

/* True for the first setting of its part. */
static bool is_first(int index, const char *part)
{
    struct pvmx_setting_row row;
    char other[WORD_MAX];
    for (int i = 0; i < index && pvmx_engine_setting_row(i, &row); i++) {
        part_of(&row, other);
        if (strcmp(other, part) == 0)
            return false;
    }
    return true;
}

/* The name of a category; returns how many there are. */
static int find(int index, char *name)
{
    struct pvmx_setting_row row;
    char part[WORD_MAX];
    int n = 0;
    for (int i = 0; pvmx_engine_setting_row(i, &row); i++) {
        part_of(&row, part);
        if (is_first(i, part) && n++ == index)
            memcpy(name, part, sizeof(part));
    }
    return n;
}

static int enter(int index, char *name)
{
    XMPI_TOOL_ENTER();
    return index >= 0 && index < find(index, name) ? MPI_SUCCESS : MPI_T_ERR_INVALID_INDEX;
}

/* Writes the variables of a part, at most len; returns how many there are. */
static int list_variables(const char *part, int len, int indices[])
{
    struct pvmx_setting_row row;
    char other[WORD_MAX];
    int n = 0;
    for (int i = 0; pvmx_engine_setting_row(i, &row); i++) {
        part_of(&row, other);
        if (strcmp(other, part) != 0)
            continue;
        if (n < len && indices)
            indices[n] = i;
        n++;
    }
    return n;
}

int xmpi_t_category_get_num(int *num_cat)
{
    char name[WORD_MAX];
    XMPI_TOOL_ENTER();
    if (!num_cat)
        return MPI_T_ERR_INVALID;
    *num_cat = find(-1, name);
    return MPI_SUCCESS;
}

int xmpi_t_category_get_info(int cat_index, char *name, int *name_len, char *desc,
                             int *desc_len, int *num_cvars, int *num_pvars,
                             int *num_categories)
{
    char part[WORD_MAX], text[WORD_MAX + 32];
    int rc = enter(cat_index, part);
    if (rc)
        return rc;
    snprintf(text, sizeof(text), "settings PVMX_* of part %s", part);
    xmpi_tool_text(part, name, name_len);
    xmpi_tool_text(text, desc, desc_len);
    xmpi_tool_number(list_variables(part, 0, NULL), num_cvars);
    xmpi_tool_number(0, num_pvars);
    xmpi_tool_number(0, num_categories);
    return MPI_SUCCESS;
}

int xmpi_t_category_get_num_events(int cat_index, int *num_events)
{
    char part[WORD_MAX];
    int rc = enter(cat_index, part);
    if (!rc)
        xmpi_tool_number(0, num_events);
    return rc;
}

int xmpi_t_category_get_index(const char *name, int *cat_index)
{
    char part[WORD_MAX];
    XMPI_TOOL_ENTER();
    if (!name || !cat_index)
        return MPI_T_ERR_INVALID;
    for (int i = 0, n = find(-1, part); i < n; i++) {
        find(i, part);
        if (strcmp(part, name) == 0) {
            *cat_index = i;
            return MPI_SUCCESS;
        }
    }
    return MPI_T_ERR_INVALID_NAME;
}

int xmpi_t_category_get_cvars(int cat_index, int len, int indices[])
{
    char part[WORD_MAX];
    int rc = enter(cat_index, part);
    if (!rc)
        list_variables(part, len, indices);
    return rc;
}

/* What follows finds nothing to write. */
int xmpi_t_category_get_pvars(int cat_index, int len, int indices[])
{
    char part[WORD_MAX];
    (void)len;
    (void)indices;
    return enter(cat_index, part);
}

int xmpi_t_category_get_events(int cat_index, int len, int indices[])
{
    return xmpi_t_category_get_pvars(cat_index, len, indices);
}

int xmpi_t_category_get_categories(int cat_index, int len, int indices[])
{
    return xmpi_t_category_get_pvars(cat_index, len, indices);
}

/* Settings are only ever added, and with them categories. */
int xmpi_t_category_changed(int *update_number)
{
    XMPI_TOOL_ENTER();
    if (!update_number)
        return MPI_T_ERR_INVALID;
    *update_number = pvmx_engine_setting_count();
    return MPI_SUCCESS;
}
