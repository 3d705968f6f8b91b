/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts of a host file, as they are meant on this host. */
#include "own.h"
#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

static pvmx_err append_variable(struct px_buf *b, const char *name, size_t len)
{
    char *copy = strndup(name, len);
    const char *value = copy != NULL ? getenv(copy) : NULL;
    pvmx_err err = copy == NULL ? PVMX_ERR_NOMEM : PVMX_OK;
    if (value != NULL)
        err = px_buf_append(b, value, strlen(value));
    free(copy);
    return err;
}

/* One variable at *at, which stands at '$'. */
static pvmx_err expand_one(struct px_buf *b, const char **at)
{
    bool brace = (*at)[1] == '{';
    const char *name = *at + 1 + brace;
    size_t len = strspn(name, letters);
    if (len == 0 || (brace && name[len] != '}')) {
        (*at)++;
        return px_buf_append(b, "$", 1);
    }
    *at = name + len + brace;
    return append_variable(b, name, len);
}

static pvmx_err expand(const char *text, char **out)
{
    struct px_buf b = {0};
    pvmx_err err = PVMX_OK;
    bool begins = true; /* of the text, or of a directory of a list */
    if (*text == '\0')
        return PVMX_OK;
    for (const char *at = text; err == PVMX_OK && *at != '\0';) {
        if (*at == '$') {
            err = expand_one(&b, &at);
        } else if (*at == '~' && begins && (at[1] == '/' || at[1] == ':' || at[1] == '\0')) {
            err = append_variable(&b, "HOME", 4);
            at++;
        } else {
            begins = *at == ':';
            err = px_buf_append(&b, at++, 1);
            continue;
        }
        begins = false;
    }
    if (err == PVMX_OK)
        err = px_buf_append(&b, "", 1);
    *out = err == PVMX_OK ? strdup((const char *)px_buf_head(&b)) : NULL;
    px_buf_free(&b);
    return *out != NULL ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "no memory for \"%.80s\"", text);
}

pvmx_err own_set(struct own *o, const char *wdir, const char *path, const char *wrapper,
                 const char *debugger)
{
    own_free(o);
    pvmx_err err = expand(wdir, &o->wdir);
    if (err == PVMX_OK)
        err = expand(path, &o->path);
    if (err == PVMX_OK)
        err = expand(wrapper, &o->wrapper);
    if (err == PVMX_OK)
        err = expand(debugger, &o->debugger);
    if (err != PVMX_OK)
        own_free(o);
    return err;
}

void own_free(struct own *o)
{
    free(o->wdir);
    free(o->path);
    free(o->wrapper);
    free(o->debugger);
    *o = (struct own){0};
}
