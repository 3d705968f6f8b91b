/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and texts of errors; the sentence of the last failure of each thread. */
#include "base/err.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE_MAX = 1024 };

static _Thread_local char last_error[SENTENCE_MAX];

const char *pvmx_err_name(pvmx_err err)
{
    switch (err) {
#define NAME(sym, num, text)                                                             \
    case num:                                                                            \
        return "PVMX_" #sym;
        PVMX_ERR_MAP(NAME)
#undef NAME
    }
    return "PVMX_ERR_?";
}

const char *pvmx_err_text(pvmx_err err)
{
    switch (err) {
#define TEXT(sym, num, text)                                                             \
    case num:                                                                            \
        return text;
        PVMX_ERR_MAP(TEXT)
#undef TEXT
    }
    return "an error that this version does not know";
}

const char *pvmx_last_error(void)
{
    return last_error[0] != '\0' ? last_error : pvmx_err_text(PVMX_OK);
}

/* The arguments may point into last_error itself ("spawn: %s", pvmx_last_error()): format aside. */
static size_t record(const char *fmt, va_list ap, const char *tail)
{
    char text[SENTENCE_MAX];
    int n = vsnprintf(text, sizeof text, fmt, ap);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    memcpy(last_error, text, len);
    last_error[len] = '\0';
    if (tail != NULL)
        snprintf(last_error + len, sizeof last_error - len, ": %s", tail);
    return len;
}

pvmx_err px_fail(pvmx_err err, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;
    va_start(ap, fmt);
    record(fmt, ap, NULL);
    va_end(ap);
    errno = saved;
    return err;
}

pvmx_err px_fail_errno(int errnum, const char *fmt, ...)
{
    int saved = errno;
    char space[128];
    const char *text = strerror_r(errnum, space, sizeof space);
    va_list ap;
    va_start(ap, fmt);
    record(fmt, ap, text);
    va_end(ap);
    errno = saved;
    return px_err_from_errno(errnum);
}

pvmx_err px_err_from_errno(int errnum)
{
    static const struct {
        int errnum;
        pvmx_err err;
    } map[] = {
        {0, PVMX_OK},
        {ENOENT, PVMX_ERR_NOENT},
        {ENOTDIR, PVMX_ERR_NOENT},
        {EACCES, PVMX_ERR_PERM},
        {EPERM, PVMX_ERR_PERM},
        {EROFS, PVMX_ERR_PERM},
        {ENOMEM, PVMX_ERR_NOMEM},
        {ENOBUFS, PVMX_ERR_NOMEM},
        {EAGAIN, PVMX_ERR_AGAIN},
        {EINTR, PVMX_ERR_AGAIN},
        {EINPROGRESS, PVMX_ERR_AGAIN},
        {ETIMEDOUT, PVMX_ERR_TIMEDOUT},
        {EMFILE, PVMX_ERR_LIMIT},
        {ENFILE, PVMX_ERR_LIMIT},
        {ENOSPC, PVMX_ERR_LIMIT},
        {EDQUOT, PVMX_ERR_LIMIT},
        {E2BIG, PVMX_ERR_TOOBIG},
        {EMSGSIZE, PVMX_ERR_TOOBIG},
        {EFBIG, PVMX_ERR_TOOBIG},
        {ENAMETOOLONG, PVMX_ERR_TOOBIG},
        {EEXIST, PVMX_ERR_EXISTS},
        {EADDRINUSE, PVMX_ERR_EXISTS},
        {EPIPE, PVMX_ERR_CLOSED},
        {ECONNRESET, PVMX_ERR_CLOSED},
        {ENOTCONN, PVMX_ERR_CLOSED},
        {ESRCH, PVMX_ERR_NOTASK},
        {EINVAL, PVMX_ERR_ARG},
        {EFAULT, PVMX_ERR_ARG},
        {ENOSYS, PVMX_ERR_UNSUPPORTED},
        {EOPNOTSUPP, PVMX_ERR_UNSUPPORTED},
        {ECANCELED, PVMX_ERR_CANCELLED},
    };
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].errnum == errnum)
            return map[i].err;
    return PVMX_ERR_SYS;
}
