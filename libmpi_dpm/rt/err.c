/* SPDX-License-Identifier: BSD-3-Clause */
/* The sentence of the last error of each thread, the texts of the classes, engine errors as classes. */
#include "rt/err.h"
#include "rt/errcode.h"
#include <pvmx/errors.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The texts lie in one block, and rows say where: pointers to them would be relocated at each start. */
static const struct {
#define XMPI_ERR_CLASS(cls, text)                                                        \
    char cls##_symbol[sizeof(#cls)], cls##_text[sizeof(text)];
#include "rt/err.def"
#undef XMPI_ERR_CLASS
} texts = {
#define XMPI_ERR_CLASS(cls, text) #cls, text,
#include "rt/err.def"
#undef XMPI_ERR_CLASS
};

struct err_row {
    int cls;
    uint16_t symbol, text; /* where they begin in texts */
};

static const struct err_row rows[] = {
#define XMPI_ERR_CLASS(cls, text)                                                        \
    {cls, offsetof(typeof(texts), cls##_symbol), offsetof(typeof(texts), cls##_text)},
#include "rt/err.def"
#undef XMPI_ERR_CLASS
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* Not more than MPI_Error_string may return. */
static __thread struct {
    int code;
    bool raised; /* by an entry point: what follows without a sentence of its own has none */
    char text[MPI_MAX_ERROR_STRING];
} last;

int xmpi_err(int cls, const char *fmt, ...)
{
    char text[sizeof(last.text)]; /* the arguments may contain the old sentence */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    memcpy(last.text, text, sizeof(text));
    last.code = cls;
    last.raised = false;
    return cls;
}

void xmpi_err_raised(int cls, const char *function)
{
    if (last.code == cls && !last.raised)
        xmpi_err(cls, "%s: %s", function, last.text);
    else
        xmpi_err(cls, "in %s", function);
    last.raised = true;
}

const char *xmpi_err_sentence(int code)
{
    return code != MPI_SUCCESS && last.code == code && last.text[0] ? last.text : NULL;
}

static const struct err_row *find(int cls)
{
    if (cls >= 0 && cls < ROWS && rows[cls].cls == cls)
        return &rows[cls];
    for (int i = 0; i < ROWS; i++)
        if (rows[i].cls == cls)
            return &rows[i];
    return NULL;
}

const char *xmpi_err_symbol(int cls)
{
    const struct err_row *row = find(cls);
    if (!row)
        return NULL;
    /* The classes of failures are spelt as in mpix_pvmx.h. */
    if (cls == XMPI_ERR_PROC_FAILED)
        return "MPIX_ERR_PROC_FAILED";
    if (cls == XMPI_ERR_PROC_FAILED_PENDING)
        return "MPIX_ERR_PROC_FAILED_PENDING";
    if (cls == XMPI_ERR_REVOKED)
        return "MPIX_ERR_REVOKED";
    return (const char *)&texts + row->symbol;
}

const char *xmpi_err_text(int cls)
{
    const struct err_row *row = find(cls);
    return row ? (const char *)&texts + row->text : NULL;
}

int xmpi_err_engine(pvmx_err err)
{
    int cls;
    switch (err) {
    case PVMX_OK:
        return MPI_SUCCESS;
    case PVMX_ERR_ARG:
    case PVMX_ERR_NOENT:
    case PVMX_ERR_NOTASK:
        cls = MPI_ERR_ARG;
        break;
    case PVMX_ERR_NOMEM:
        cls = MPI_ERR_NO_MEM;
        break;
    case PVMX_ERR_TRUNCATE:
        cls = MPI_ERR_TRUNCATE;
        break;
    case PVMX_ERR_PEER_DEAD:
        cls = XMPI_ERR_PROC_FAILED;
        break;
    case PVMX_ERR_DEAD_PENDING:
        cls = XMPI_ERR_PROC_FAILED_PENDING;
        break;
    case PVMX_ERR_REVOKED:
        cls = XMPI_ERR_REVOKED;
        break;
    case PVMX_ERR_SPAWN:
        cls = MPI_ERR_SPAWN;
        break;
    case PVMX_ERR_UNSUPPORTED:
        cls = MPI_ERR_UNSUPPORTED_OPERATION;
        break;
    case PVMX_ERR_TOOBIG:
        cls = MPI_ERR_VALUE_TOO_LARGE;
        break;
    case PVMX_ERR_PERM:
        cls = MPI_ERR_ACCESS;
        break;
    case PVMX_ERR_INTERN:
        cls = MPI_ERR_INTERN;
        break;
    default:
        cls = MPI_ERR_OTHER;
    }
    return xmpi_err(cls, "%s", pvmx_last_error());
}
