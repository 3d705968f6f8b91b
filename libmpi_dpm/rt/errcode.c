/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Error_class, MPI_Error_string and the classes and codes that an application adds. */
#include "rt/errcode.h"
#include "rt/err.h"
#include "xmpi.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Added codes start here: above the standard's MPI_ERR_LASTCODE and this library's own classes. */
enum { FIRST = 16400, MAX_ADDED = 1 << 20 };

enum added_kind { ADDED_FREE, ADDED_CLASS, ADDED_CODE };

struct added {
    enum added_kind kind;
    int cls;    /* a class: its own number                        */
    int codes;  /* a class: how many codes of it are there        */
    char *text; /* NULL: none given                               */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct added *table;
static int used, cap;

static struct added *find(int code)
{
    int i = code - FIRST;
    return i >= 0 && i < used && table[i].kind != ADDED_FREE ? &table[i] : NULL;
}

int xmpi_errcode_last_used(void)
{
    pthread_mutex_lock(&lock);
    int last = used ? FIRST + used - 1 : MPI_ERR_LASTCODE;
    pthread_mutex_unlock(&lock);
    return last;
}

bool xmpi_errcode_known(int code)
{
    if (xmpi_err_symbol(code))
        return true;
    pthread_mutex_lock(&lock);
    bool known = find(code) != NULL;
    pthread_mutex_unlock(&lock);
    return known;
}

/* Returns the number of a new entry, or -1 without memory. */
static int add(enum added_kind kind, int cls)
{
    if (used == cap) {
        int want = cap ? cap * 2 : 16;
        struct added *grown =
            want <= MAX_ADDED ? realloc(table, (size_t)want * sizeof(*table)) : NULL;
        if (!grown)
            return -1;
        table = grown;
        cap = want;
    }
    int code = FIRST + used;
    table[used++] = (struct added){.kind = kind, .cls = kind == ADDED_CLASS ? code : cls};
    return code;
}

int xmpi_add_error_class(int *errorclass)
{
    pthread_mutex_lock(&lock);
    int code = add(ADDED_CLASS, 0);
    pthread_mutex_unlock(&lock);
    if (code < 0)
        return xmpi_err(MPI_ERR_NO_MEM, "no room for another error class");
    *errorclass = code;
    return MPI_SUCCESS;
}

int xmpi_add_error_code(int errorclass, int *errorcode)
{
    pthread_mutex_lock(&lock);
    struct added *cls = find(errorclass);
    bool own = cls && cls->kind == ADDED_CLASS;
    int code = -2;
    if (own || xmpi_err_symbol(errorclass))
        code = add(ADDED_CODE, errorclass);
    if (own && code >= 0)
        find(errorclass)->codes++;
    pthread_mutex_unlock(&lock);
    if (code == -2)
        return xmpi_err(MPI_ERR_ARG, "%d is not an error class", errorclass);
    if (code < 0)
        return xmpi_err(MPI_ERR_NO_MEM, "no room for another error code");
    *errorcode = code;
    return MPI_SUCCESS;
}

int xmpi_add_error_string(int errorcode, const char *string)
{
    if (strlen(string) >= MPI_MAX_ERROR_STRING)
        return xmpi_err(MPI_ERR_ARG, "the text has %zu characters, at most %d are allowed",
                        strlen(string), MPI_MAX_ERROR_STRING - 1);
    char *copy = strdup(string);
    if (!copy)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the error text");
    pthread_mutex_lock(&lock);
    struct added *e = find(errorcode);
    if (e) {
        free(e->text);
        e->text = copy;
    }
    pthread_mutex_unlock(&lock);
    if (e)
        return MPI_SUCCESS;
    free(copy);
    return xmpi_err(MPI_ERR_ARG, "%d is not an error class or code that was added",
                    errorcode);
}

/* Common part of the removals: kind ADDED_FREE removes the text only. */
static int remove_entry(int code, enum added_kind kind)
{
    const char *why = NULL;
    pthread_mutex_lock(&lock);
    struct added *e = find(code);
    if (!e || (kind != ADDED_FREE && e->kind != kind))
        why = kind == ADDED_CLASS ? "an error class"
              : kind              ? "an error code"
                                  : "a class or code";
    if (!why && kind != ADDED_FREE && (e->codes || e->text)) {
        pthread_mutex_unlock(&lock);
        return xmpi_err(MPI_ERR_OTHER, "%d still has %s; remove it first", code,
                        e->codes ? "codes" : "a text");
    }
    if (!why && kind == ADDED_FREE && !e->text)
        why = "a class or code with a text";
    if (!why) {
        free(e->text);
        e->text = NULL;
        struct added *cls = kind == ADDED_CODE ? find(e->cls) : NULL;
        if (cls)
            cls->codes--;
        if (kind != ADDED_FREE)
            e->kind = ADDED_FREE;
        while (used && table[used - 1].kind == ADDED_FREE)
            used--;
    }
    pthread_mutex_unlock(&lock);
    return why ? xmpi_err(MPI_ERR_ARG, "%d is not %s that was added", code, why)
               : MPI_SUCCESS;
}

int xmpi_remove_error_class(int errorclass)
{
    return remove_entry(errorclass, ADDED_CLASS);
}

int xmpi_remove_error_code(int errorcode)
{
    return remove_entry(errorcode, ADDED_CODE);
}

int xmpi_remove_error_string(int errorcode)
{
    return remove_entry(errorcode, ADDED_FREE);
}

int xmpi_error_class(int errorcode, int *errorclass)
{
    if (xmpi_err_symbol(errorcode) || errorcode == MPI_ERR_LASTCODE) {
        *errorclass = errorcode;
        return MPI_SUCCESS;
    }
    pthread_mutex_lock(&lock);
    struct added *e = find(errorcode);
    int cls = e ? e->cls : -1;
    pthread_mutex_unlock(&lock);
    if (cls < 0)
        return xmpi_err(MPI_ERR_ARG, "%d is not an error code", errorcode);
    *errorclass = cls;
    return MPI_SUCCESS;
}

int xmpi_error_string(int errorcode, char *string, int *resultlen)
{
    const char *symbol = xmpi_err_symbol(errorcode);
    const char *sentence = xmpi_err_sentence(errorcode);
    int n;
    if (symbol) {
        n = snprintf(string, MPI_MAX_ERROR_STRING, "%s: %s%s%s", symbol,
                     xmpi_err_text(errorcode), sentence ? ": " : "",
                     sentence ? sentence : "");
    } else if (errorcode == MPI_ERR_LASTCODE) {
        n = snprintf(string, MPI_MAX_ERROR_STRING, "MPI_ERR_LASTCODE: last error code");
    } else {
        pthread_mutex_lock(&lock);
        struct added *e = find(errorcode);
        /* A code or class without a text has the empty string. */
        n = e ? snprintf(string, MPI_MAX_ERROR_STRING, "%s", e->text ? e->text : "") : -1;
        pthread_mutex_unlock(&lock);
        if (n < 0)
            return xmpi_err(MPI_ERR_ARG, "%d is not an error code", errorcode);
    }
    *resultlen = n < MPI_MAX_ERROR_STRING ? n : MPI_MAX_ERROR_STRING - 1;
    return MPI_SUCCESS;
}
