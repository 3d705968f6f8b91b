/* SPDX-License-Identifier: BSD-3-Clause */
/* Control variables: settings under their names with PVMX_ as the environment knows them, and the
 * enumerations of those that are a choice. */
#include "rt/obj.h"
#include "tool/tool.h"
#include "xmpi.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 128 };

/* Unlikely bits: how a wild handle is told. */
enum { HANDLE_LIVE = 0x7c0a11fe, HANDLE_FREED = 0x7c0adead };

struct cvar_handle {
    uint32_t magic;
    int index;
};

/* "coll.bcast" is variable PVMX_COLL_BCAST. */
static void variable_name(const char *setting, char *out, size_t size)
{
    snprintf(out, size, "PVMX_%s", setting);
    for (char *c = out; *c; c++)
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

static bool has_enum(const struct pvmx_setting_row *row)
{
    return row->type == PVMX_SETTING_BOOL || row->type == PVMX_SETTING_CHOICE;
}

static MPI_Datatype type_of(const struct pvmx_setting_row *row)
{
    if (row->type == PVMX_SETTING_TEXT)
        return MPI_CHAR;
    return has_enum(row) ? MPI_INT : MPI_COUNT;
}

/* The handle of a variable's enumeration is its number + 1: null is no enumeration. */
static MPI_T_enum enum_of(int index, const struct pvmx_setting_row *row)
{
    return has_enum(row) ? (MPI_T_enum)(uintptr_t)(index + 1) : MPI_T_ENUM_NULL;
}

int xmpi_t_cvar_get_num(int *num_cvar)
{
    XMPI_TOOL_ENTER();
    if (!num_cvar)
        return MPI_T_ERR_INVALID;
    *num_cvar = pvmx_engine_setting_count();
    return MPI_SUCCESS;
}

int xmpi_t_cvar_get_info(int cvar_index, char *name, int *name_len, int *verbosity,
                         MPI_Datatype *datatype, MPI_T_enum *enumtype, char *desc,
                         int *desc_len, int *bind, int *scope)
{
    struct pvmx_setting_row row;
    char full[NAME_SIZE], help[512];
    XMPI_TOOL_ENTER();
    int rc = xmpi_tool_row(cvar_index, &row);
    if (rc)
        return rc;
    variable_name(row.name, full, sizeof(full));
    snprintf(help, sizeof(help), "%s%s", row.help,
             row.type == PVMX_SETTING_TIME   ? " (nanoseconds)"
             : row.type == PVMX_SETTING_SIZE ? " (bytes)"
                                             : "");
    xmpi_tool_text(full, name, name_len);
    xmpi_tool_text(help, desc, desc_len);
    xmpi_tool_number(MPI_T_VERBOSITY_USER_BASIC, verbosity);
    xmpi_tool_number(MPI_T_BIND_NO_OBJECT, bind);
    xmpi_tool_number(xmpi_tool_is_common(row.name) ? MPI_T_SCOPE_ALL_EQ : MPI_T_SCOPE_LOCAL,
                     scope);
    if (datatype)
        *datatype = type_of(&row);
    if (enumtype)
        *enumtype = enum_of(cvar_index, &row);
    return MPI_SUCCESS;
}

int xmpi_t_cvar_get_index(const char *name, int *cvar_index)
{
    struct pvmx_setting_row row;
    char full[NAME_SIZE];
    XMPI_TOOL_ENTER();
    if (!name || !cvar_index)
        return MPI_T_ERR_INVALID;
    for (int i = 0; pvmx_engine_setting_row(i, &row); i++) {
        variable_name(row.name, full, sizeof(full));
        if (strcmp(full, name) == 0) {
            *cvar_index = i;
            return MPI_SUCCESS;
        }
    }
    return MPI_T_ERR_INVALID_NAME;
}

int xmpi_t_cvar_handle_alloc(int cvar_index, void *obj_handle, MPI_T_cvar_handle *handle,
                             int *count)
{
    struct pvmx_setting_row row;
    (void)obj_handle; /* variables are bound to no object */
    XMPI_TOOL_ENTER();
    int rc = xmpi_tool_row(cvar_index, &row);
    if (rc)
        return rc;
    if (!handle)
        return MPI_T_ERR_INVALID;
    struct cvar_handle *h = malloc(sizeof(*h));
    if (!h)
        return MPI_T_ERR_MEMORY;
    *h = (struct cvar_handle){HANDLE_LIVE, cvar_index};
    *handle = (MPI_T_cvar_handle)(void *)h;
    xmpi_tool_number(row.type == PVMX_SETTING_TEXT ? XMPI_TOOL_TEXT_MAX : 1, count);
    return MPI_SUCCESS;
}

static struct cvar_handle *handle_of(MPI_T_cvar_handle handle)
{
    struct cvar_handle *h = (struct cvar_handle *)(void *)handle;
    return h && (uintptr_t)h % _Alignof(struct cvar_handle) == 0 && h->magic == HANDLE_LIVE
               ? h
               : NULL;
}

int xmpi_t_cvar_handle_free(MPI_T_cvar_handle *handle)
{
    XMPI_TOOL_ENTER();
    struct cvar_handle *h = handle ? handle_of(*handle) : NULL;
    if (!h)
        return MPI_T_ERR_INVALID_HANDLE;
    h->magic = HANDLE_FREED;
    free(h);
    *handle = MPI_T_CVAR_HANDLE_NULL;
    return MPI_SUCCESS;
}

/* The setting that a handle and a buffer are for. */
static int begin(MPI_T_cvar_handle handle, const void *buf, struct pvmx_setting_row *row)
{
    const struct cvar_handle *h = handle_of(handle);
    if (!h)
        return MPI_T_ERR_INVALID_HANDLE;
    return buf ? xmpi_tool_row(h->index, row) : MPI_T_ERR_INVALID;
}

int xmpi_t_cvar_read(MPI_T_cvar_handle handle, void *buf)
{
    struct pvmx_setting_row row;
    int64_t number = 0;
    XMPI_TOOL_ENTER();
    int rc = begin(handle, buf, &row);
    if (rc)
        return rc;
    if (row.type == PVMX_SETTING_TEXT) {
        const char *text = pvmx_engine_setting(row.name);
        snprintf(buf, XMPI_TOOL_TEXT_MAX, "%s", text ? text : "");
        return MPI_SUCCESS;
    }
    if (pvmx_engine_setting_number(row.name, &number) != PVMX_OK)
        return MPI_T_ERR_NOT_ACCESSIBLE;
    if (has_enum(&row))
        *(int *)buf = (int)number;
    else
        *(MPI_Count *)buf = number;
    return MPI_SUCCESS;
}

int xmpi_t_cvar_write(MPI_T_cvar_handle handle, const void *buf)
{
    struct pvmx_setting_row row;
    pvmx_err err;
    XMPI_TOOL_ENTER();
    int rc = begin(handle, buf, &row);
    if (rc)
        return rc;
    if (row.type == PVMX_SETTING_TEXT) {
        char text[XMPI_TOOL_TEXT_MAX];
        snprintf(text, sizeof(text), "%.*s", XMPI_TOOL_TEXT_MAX - 1, (const char *)buf);
        err = pvmx_engine_setting_set(row.name, text);
    } else {
        int64_t number = has_enum(&row) ? *(const int *)buf : *(const MPI_Count *)buf;
        err = pvmx_engine_setting_set_number(row.name, number);
    }
    if (err)
        return err == PVMX_ERR_STATE ? MPI_T_ERR_CVAR_SET_NOT_NOW : MPI_T_ERR_INVALID;
    xmpi_tool_written(row.name);
    return MPI_SUCCESS;
}

/* ---- enumerations ------------------------------------------------------------------ */

/* The setting behind an enumeration, and its words "a|b|c". */
static int enum_row(MPI_T_enum handle, struct pvmx_setting_row *row, const char **words)
{
    uintptr_t v = (uintptr_t)handle;
    if (v == 0 || v > (uintptr_t)pvmx_engine_setting_count() ||
        xmpi_tool_row((int)v - 1, row) != MPI_SUCCESS || !has_enum(row))
        return MPI_T_ERR_INVALID_HANDLE;
    *words = row->type == PVMX_SETTING_BOOL ? "no|yes" : row->choices;
    return MPI_SUCCESS;
}

int xmpi_t_enum_get_info(MPI_T_enum enumtype, int *num, char *name, int *name_len)
{
    struct pvmx_setting_row row;
    const char *words;
    char full[NAME_SIZE];
    int n = 1;
    XMPI_TOOL_ENTER();
    int rc = enum_row(enumtype, &row, &words);
    if (rc)
        return rc;
    for (const char *c = words; *c; c++)
        n += *c == '|';
    xmpi_tool_number(n, num);
    variable_name(row.name, full, sizeof(full));
    xmpi_tool_text(full, name, name_len);
    return MPI_SUCCESS;
}

int xmpi_t_enum_get_item(MPI_T_enum enumtype, int indx, int *value, char *name, int *name_len)
{
    struct pvmx_setting_row row;
    const char *words;
    char word[NAME_SIZE];
    XMPI_TOOL_ENTER();
    int rc = enum_row(enumtype, &row, &words);
    if (rc)
        return rc;
    for (int i = 0; i < indx && words; i++) {
        words = strchr(words, '|');
        words = words ? words + 1 : NULL;
    }
    if (indx < 0 || !words)
        return MPI_T_ERR_INVALID_ITEM;
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(words, "|"), words);
    xmpi_tool_number(indx, value);
    xmpi_tool_text(word, name, name_len);
    return MPI_SUCCESS;
}
