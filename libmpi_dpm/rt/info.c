/* SPDX-License-Identifier: BSD-3-Clause */
/* Info objects and MPI_INFO_ENV. One lock for all: they are small and rarely used. */
#include "rt/info.h"
#include "abi/handles.h"
#include "rt/err.h"
#include "rt/infoenv.h"
#include "xmpi.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct xmpi_info *xmpi_info_new(void)
{
    struct xmpi_info *info = calloc(1, sizeof(*info));
    if (info)
        xmpi_obj_init(&info->obj, XMPI_KIND_INFO);
    return info;
}

void xmpi_info_release(struct xmpi_info *info)
{
    if (!info || info == &xmpi_info_env || !xmpi_obj_unref(&info->obj))
        return;
    for (int i = 0; i < info->n; i++) {
        free(info->pairs[i].key);
        free(info->pairs[i].value);
    }
    free(info->pairs);
    free(info);
}

/* Index of a key or -1. */
static int find(const struct xmpi_info *info, const char *key)
{
    for (int i = 0; i < info->n; i++)
        if (strcmp(info->pairs[i].key, key) == 0)
            return i;
    return -1;
}

/* Everything that reads an object begins here: MPI_INFO_ENV is filled at its first use. */
static void begin(const struct xmpi_info *info)
{
    if (info == &xmpi_info_env)
        xmpi_info_env_fill();
    pthread_mutex_lock(&lock);
}

static int end(int cls)
{
    pthread_mutex_unlock(&lock);
    return cls;
}

const char *xmpi_info_value(const struct xmpi_info *info, const char *key)
{
    if (!info)
        return NULL;
    begin(info);
    int i = find(info, key);
    const char *value = i < 0 ? NULL : info->pairs[i].value;
    end(0);
    return value;
}

bool xmpi_info_flag(const struct xmpi_info *info, const char *key, bool dflt)
{
    static const char *const yes[] = {"true", "yes", "1", "on"};
    static const char *const no[] = {"false", "no", "0", "off"};
    const char *value = xmpi_info_value(info, key);
    for (int i = 0; value && i < 4; i++) {
        if (strcasecmp(value, yes[i]) == 0)
            return true;
        if (strcasecmp(value, no[i]) == 0)
            return false;
    }
    return dflt;
}

/* Adds a pair at the end or replaces its value. Lengths are checked. */
static int put(struct xmpi_info *info, const char *key, const char *value)
{
    char *copy = strdup(value), *name = NULL;
    int i = find(info, key);
    if (copy && i >= 0) {
        free(info->pairs[i].value);
        info->pairs[i].value = copy;
        return MPI_SUCCESS;
    }
    if (copy)
        name = strdup(key);
    if (name && info->n == info->cap) {
        int cap = info->cap ? info->cap * 2 : 8;
        struct xmpi_info_pair *pairs = realloc(info->pairs, (size_t)cap * sizeof(*pairs));
        if (pairs) {
            info->pairs = pairs;
            info->cap = cap;
        }
    }
    if (!name || info->n == info->cap) {
        free(copy);
        free(name);
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for key \"%s\"", key);
    }
    info->pairs[info->n++] = (struct xmpi_info_pair){name, copy};
    return MPI_SUCCESS;
}

static int check_key(const char *key)
{
    size_t n = strlen(key);
    if (n == 0)
        return xmpi_err(MPI_ERR_INFO_KEY, "key is an empty text");
    if (n >= MPI_MAX_INFO_KEY)
        return xmpi_err(MPI_ERR_INFO_KEY, "key has %zu characters, at most %d are allowed",
                        n, MPI_MAX_INFO_KEY - 1);
    return MPI_SUCCESS;
}

int xmpi_info_put(struct xmpi_info *info, const char *key, const char *value)
{
    int cls = check_key(key);
    if (cls)
        return cls;
    if (strlen(value) >= MPI_MAX_INFO_VAL)
        return xmpi_err(MPI_ERR_INFO_VALUE,
                        "the value of \"%s\" has %zu characters, at most %d are allowed",
                        key, strlen(value), MPI_MAX_INFO_VAL - 1);
    pthread_mutex_lock(&lock);
    return end(put(info, key, value));
}

struct xmpi_info *xmpi_info_copy(const struct xmpi_info *from)
{
    struct xmpi_info *info = xmpi_info_new();
    if (!info || !from)
        return info;
    begin(from);
    int cls = MPI_SUCCESS;
    for (int i = 0; i < from->n && !cls; i++)
        cls = put(info, from->pairs[i].key, from->pairs[i].value);
    end(0);
    if (!cls)
        return info;
    xmpi_info_release(info);
    return NULL;
}

/* -- the functions of the standard */

/* MPI_INFO_ENV belongs to the library. */
static int check_writable(const struct xmpi_info *info)
{
    if (info == &xmpi_info_env)
        return xmpi_err(MPI_ERR_INFO, "MPI_INFO_ENV cannot be changed or freed");
    return MPI_SUCCESS;
}

static int give(struct xmpi_info *info, MPI_Info *out)
{
    if (!info)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an info object");
    *out = xmpi_info_handle(info);
    return MPI_SUCCESS;
}

int xmpi_info_create(MPI_Info *info)
{
    return give(xmpi_info_new(), info);
}

int xmpi_info_dup(struct xmpi_info *info, MPI_Info *newinfo)
{
    return give(xmpi_info_copy(info), newinfo);
}

int xmpi_info_create_env(int argc, char *argv[], MPI_Info *info)
{
    struct xmpi_info *copy = xmpi_info_copy(&xmpi_info_env);
    if (copy && argv && argc > 0 && argv[0])
        xmpi_info_env_command(copy, argc, argv);
    return give(copy, info);
}

int xmpi_info_free(MPI_Info *info)
{
    struct xmpi_info *obj = xmpi_info_of(*info);
    int cls = check_writable(obj);
    if (cls)
        return cls;
    xmpi_info_release(obj);
    *info = MPI_INFO_NULL;
    return MPI_SUCCESS;
}

int xmpi_info_set(struct xmpi_info *info, const char *key, const char *value)
{
    int cls = check_writable(info);
    return cls ? cls : xmpi_info_put(info, key, value);
}

int xmpi_info_delete(struct xmpi_info *info, const char *key)
{
    int cls = check_writable(info);
    if (!cls)
        cls = check_key(key);
    if (cls)
        return cls;
    begin(info);
    int i = find(info, key);
    if (i < 0)
        return end(xmpi_err(MPI_ERR_INFO_NOKEY, "key \"%s\" is not set", key));
    free(info->pairs[i].key);
    free(info->pairs[i].value);
    memmove(&info->pairs[i], &info->pairs[i + 1],
            (size_t)(--info->n - i) * sizeof(info->pairs[0]));
    return end(MPI_SUCCESS);
}

/* Copies at most room - 1 characters and ends the text. */
static void copy_text(char *to, size_t room, const char *text)
{
    size_t n = strlen(text);
    if (n >= room)
        n = room - 1;
    memcpy(to, text, n);
    to[n] = '\0';
}

int xmpi_info_get_string(struct xmpi_info *info, const char *key, int *buflen,
                         char *value, int *flag)
{
    int cls = check_key(key);
    if (cls)
        return cls;
    if (*buflen < 0)
        return xmpi_err(MPI_ERR_ARG, "buflen is %d; it must not be negative", *buflen);
    if (*buflen > 0 && !value)
        return xmpi_err(MPI_ERR_ARG, "value is a null pointer but buflen is %d", *buflen);
    begin(info);
    int i = find(info, key);
    *flag = i >= 0;
    if (i >= 0) {
        if (*buflen > 0)
            copy_text(value, (size_t)*buflen, info->pairs[i].value);
        *buflen = (int)strlen(info->pairs[i].value) + 1;
    }
    return end(MPI_SUCCESS);
}

int xmpi_info_get(struct xmpi_info *info, const char *key, int valuelen, char *value,
                  int *flag)
{
    int cls = check_key(key);
    if (cls)
        return cls;
    if (valuelen < 0 || !value)
        return xmpi_err(MPI_ERR_ARG,
                        valuelen < 0 ? "valuelen is %d; it must not be negative"
                                     : "value is a null pointer (valuelen %d)",
                        valuelen);
    begin(info);
    int i = find(info, key);
    *flag = i >= 0;
    if (i >= 0)
        copy_text(value, (size_t)valuelen + 1, info->pairs[i].value);
    return end(MPI_SUCCESS);
}

int xmpi_info_get_valuelen(struct xmpi_info *info, const char *key, int *valuelen, int *flag)
{
    int cls = check_key(key);
    if (cls)
        return cls;
    begin(info);
    int i = find(info, key);
    *flag = i >= 0;
    if (i >= 0)
        *valuelen = (int)strlen(info->pairs[i].value);
    return end(MPI_SUCCESS);
}

int xmpi_info_get_nkeys(struct xmpi_info *info, int *nkeys)
{
    begin(info);
    *nkeys = info->n;
    return end(MPI_SUCCESS);
}

int xmpi_info_get_nthkey(struct xmpi_info *info, int n, char *key)
{
    begin(info);
    if (n < 0 || n >= info->n)
        return end(xmpi_err(MPI_ERR_ARG, "n is %d but the object has %d keys", n, info->n));
    copy_text(key, MPI_MAX_INFO_KEY, info->pairs[n].key);
    return end(MPI_SUCCESS);
}
