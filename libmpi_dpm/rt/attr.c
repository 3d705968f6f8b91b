/* SPDX-License-Identifier: BSD-3-Clause */
/* Keyvals and attributes of all kinds of objects; those of communicators, the predefined included. */
#include "rt/attr.h"
#include "abi/handles.h"
#include "comm/comm.h"
#include "rt/err.h"
#include "rt/errcode.h"
#include "xmpi.h"
#include <limits.h>
#include <pthread.h>
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/prog.h>
#include <stdlib.h>
#include <string.h>

/* First keyval: integers up to 16384 are reserved by the ABI. */
enum { FIRST = 20000 };

/* The callbacks MPI_x_NULL_COPY_FN and MPI_x_NULL_DELETE_FN are 0, MPI_x_DUP_FN is 1: never called. */
struct keyval {
    int id;
    int refs; /* the application's, one for each attribute */
    bool freed;
    enum xmpi_kind kind;
    union xmpi_attr_copy_fn copy;
    union xmpi_attr_delete_fn del;
    void *extra;
};

struct attr {
    struct keyval *key;
    void *value;
};

struct xmpi_attrs {
    int n, cap;
    struct attr list[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* table, refs and all lists */
static struct keyval **table;
static int used;

static struct keyval *keyval_find(enum xmpi_kind kind, int id)
{
    int i = id - FIRST;
    return i >= 0 && i < used && table[i] && table[i]->kind == kind ? table[i] : NULL;
}

static void keyval_unref(struct keyval *k)
{
    if (--k->refs > 0)
        return;
    table[k->id - FIRST] = NULL;
    free(k);
}

int xmpi_keyval_create(enum xmpi_kind kind, union xmpi_attr_copy_fn copy,
                       union xmpi_attr_delete_fn del, int *keyval, void *extra)
{
    struct keyval *k = malloc(sizeof(*k));
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < used && table[i])
        i++;
    if (k && i == used) {
        struct keyval **grown = realloc(table, (size_t)(used + 1) * sizeof(*table));
        if (grown) {
            table = grown;
            table[used++] = NULL;
        }
    }
    bool ok = k && i < used;
    if (ok) {
        *k = (struct keyval){.id = FIRST + i,
                             .refs = 1,
                             .kind = kind,
                             .copy = copy,
                             .del = del,
                             .extra = extra};
        table[i] = k;
        *keyval = k->id;
    }
    pthread_mutex_unlock(&lock);
    if (ok)
        return MPI_SUCCESS;
    free(k);
    return xmpi_err(MPI_ERR_NO_MEM, "no memory for a keyval");
}

static const char *noun(enum xmpi_kind kind)
{
    return kind == XMPI_KIND_COMM  ? "communicators"
           : kind == XMPI_KIND_WIN ? "windows"
                                   : "datatypes";
}

static int bad_keyval(enum xmpi_kind kind, int keyval)
{
    if (keyval == MPI_KEYVAL_INVALID)
        return xmpi_err(MPI_ERR_KEYVAL, "the keyval is MPI_KEYVAL_INVALID");
    if (kind == XMPI_KIND_COMM && keyval >= MPI_TAG_UB && keyval <= MPI_UNIVERSE_SIZE)
        return xmpi_err(MPI_ERR_KEYVAL, "the predefined attribute %d cannot be changed",
                        keyval);
    return xmpi_err(MPI_ERR_KEYVAL, "%d is not a keyval of %s", keyval, noun(kind));
}

int xmpi_keyval_free(enum xmpi_kind kind, int *keyval)
{
    pthread_mutex_lock(&lock);
    struct keyval *k = keyval_find(kind, *keyval);
    bool ok = k != NULL;
    /* Freeing it again while attributes hold it is let pass: libraries have their delete functions
     * free the keyval, once for each attribute. */
    if (ok && !k->freed) {
        k->freed = true;
        keyval_unref(k);
    }
    pthread_mutex_unlock(&lock);
    if (!ok)
        return bad_keyval(kind, *keyval);
    *keyval = MPI_KEYVAL_INVALID;
    return MPI_SUCCESS;
}

/* -- attributes */

static int find(const struct xmpi_attrs *a, const struct keyval *k)
{
    for (int i = 0; a && i < a->n; i++)
        if (a->list[i].key == k)
            return i;
    return -1;
}

int xmpi_attr_get(const struct xmpi_attr_site *site, int keyval, void *value, int *flag)
{
    pthread_mutex_lock(&lock);
    const struct keyval *k = keyval_find(site->kind, keyval);
    int i = k ? find(*site->attrs, k) : -1;
    if (i >= 0)
        *(void **)value = (*site->attrs)->list[i].value;
    pthread_mutex_unlock(&lock);
    if (!k)
        return bad_keyval(site->kind, keyval);
    *flag = i >= 0;
    return MPI_SUCCESS;
}

/* Calls the delete function; its code. */
static int call_delete(const struct xmpi_attr_site *site, const struct keyval *k, void *value)
{
    int code = MPI_SUCCESS;
    if (k->kind == XMPI_KIND_COMM && k->del.comm)
        code = k->del.comm(site->handle, k->id, value, k->extra);
    else if (k->kind == XMPI_KIND_DTYPE && k->del.type)
        code = k->del.type(site->handle, k->id, value, k->extra);
    if (code)
        return xmpi_err(code, "the delete function of keyval %d returned %d", k->id, code);
    return MPI_SUCCESS;
}

/* Calls the copy function; its code. *flag 0: no copy. */
static int call_copy(const struct xmpi_attr_site *old, const struct keyval *k, void *in,
                     void **value, int *flag)
{
    int code = MPI_SUCCESS;
    *value = in;
    *flag = 0;
    if (k->kind == XMPI_KIND_COMM && k->copy.comm == MPI_COMM_DUP_FN)
        *flag = 1;
    else if (k->kind == XMPI_KIND_DTYPE && k->copy.type == MPI_TYPE_DUP_FN)
        *flag = 1;
    else if (k->kind == XMPI_KIND_COMM && k->copy.comm)
        code = k->copy.comm(old->handle, k->id, k->extra, in, value, flag);
    else if (k->kind == XMPI_KIND_DTYPE && k->copy.type)
        code = k->copy.type(old->handle, k->id, k->extra, in, value, flag);
    if (code)
        return xmpi_err(code, "the copy function of keyval %d returned %d", k->id, code);
    return MPI_SUCCESS;
}

/* Adds or replaces under the lock; false without memory. */
static bool store(struct xmpi_attrs **attrs, struct keyval *k, void *value)
{
    struct xmpi_attrs *a = *attrs;
    int i = find(a, k);
    if (i >= 0) {
        a->list[i].value = value;
        return true;
    }
    if (!a || a->n == a->cap) {
        int cap = a ? a->cap * 2 : 4;
        a = realloc(a, sizeof(*a) + (size_t)cap * sizeof(a->list[0]));
        if (!a)
            return false;
        if (!*attrs)
            a->n = 0;
        a->cap = cap;
        *attrs = a;
    }
    a->list[a->n++] = (struct attr){k, value};
    k->refs++;
    return true;
}

int xmpi_attr_set(const struct xmpi_attr_site *site, int keyval, void *value)
{
    pthread_mutex_lock(&lock);
    struct keyval *k = keyval_find(site->kind, keyval);
    bool usable = k && !k->freed;
    int i = usable ? find(*site->attrs, k) : -1;
    void *old = i >= 0 ? (*site->attrs)->list[i].value : NULL;
    pthread_mutex_unlock(&lock);
    if (!usable)
        return bad_keyval(site->kind, keyval);
    int cls = i >= 0 ? call_delete(site, k, old) : MPI_SUCCESS;
    if (cls)
        return cls;
    pthread_mutex_lock(&lock);
    bool ok = store(site->attrs, k, value);
    pthread_mutex_unlock(&lock);
    return ok ? MPI_SUCCESS : xmpi_err(MPI_ERR_NO_MEM, "no memory for an attribute");
}

/* Takes entry i out, under the lock. */
static void take_out(struct xmpi_attrs **attrs, int i)
{
    struct xmpi_attrs *a = *attrs;
    struct keyval *k = a->list[i].key;
    memmove(&a->list[i], &a->list[i + 1], (size_t)(--a->n - i) * sizeof(a->list[0]));
    if (a->n == 0) {
        free(a);
        *attrs = NULL;
    }
    keyval_unref(k);
}

/* Deletes one attribute: the function first, then the entry if it is still there. */
static int delete_attr(const struct xmpi_attr_site *site, struct keyval *k, void *value)
{
    int cls = call_delete(site, k, value);
    if (cls)
        return cls;
    pthread_mutex_lock(&lock);
    int i = find(*site->attrs, k);
    if (i >= 0)
        take_out(site->attrs, i);
    pthread_mutex_unlock(&lock);
    return MPI_SUCCESS;
}

int xmpi_attr_delete(const struct xmpi_attr_site *site, int keyval)
{
    pthread_mutex_lock(&lock);
    struct keyval *k = keyval_find(site->kind, keyval);
    int i = k ? find(*site->attrs, k) : -1;
    void *value = i >= 0 ? (*site->attrs)->list[i].value : NULL;
    pthread_mutex_unlock(&lock);
    if (!k)
        return bad_keyval(site->kind, keyval);
    if (i < 0)
        return xmpi_err(MPI_ERR_KEYVAL, "no attribute is set for keyval %d", keyval);
    return delete_attr(site, k, value);
}

int xmpi_attr_delete_all(const struct xmpi_attr_site *site)
{
    for (;;) {
        pthread_mutex_lock(&lock);
        struct xmpi_attrs *a = *site->attrs;
        struct attr last = a ? a->list[a->n - 1] : (struct attr){NULL, NULL};
        pthread_mutex_unlock(&lock);
        if (!last.key)
            return MPI_SUCCESS;
        int cls = delete_attr(site, last.key, last.value);
        if (cls)
            return cls;
    }
}

void xmpi_attrs_forget(struct xmpi_attrs **attrs)
{
    pthread_mutex_lock(&lock);
    while (*attrs)
        take_out(attrs, (*attrs)->n - 1);
    pthread_mutex_unlock(&lock);
}

/* Copies one attribute to `to` if its copy function wants that. */
static int copy_attr(const struct xmpi_attr_site *old, const struct xmpi_attr_site *to,
                     struct attr at)
{
    void *value;
    int flag, cls = call_copy(old, at.key, at.value, &value, &flag);
    if (cls || !flag)
        return cls;
    pthread_mutex_lock(&lock);
    bool ok = store(to->attrs, at.key, value);
    pthread_mutex_unlock(&lock);
    return ok ? MPI_SUCCESS : xmpi_err(MPI_ERR_NO_MEM, "no memory for an attribute");
}

int xmpi_attr_copy_all(const struct xmpi_attr_site *old, const struct xmpi_attr_site *to)
{
    /* Each attribute is looked at once, in the order set; callbacks may change the list. */
    for (int i = 0;; i++) {
        pthread_mutex_lock(&lock);
        bool more = *old->attrs && i < (*old->attrs)->n;
        struct attr at = more ? (*old->attrs)->list[i] : (struct attr){NULL, NULL};
        pthread_mutex_unlock(&lock);
        if (!more)
            return MPI_SUCCESS;
        int cls = copy_attr(old, to, at);
        if (cls) {
            xmpi_attr_delete_all(to);
            return cls;
        }
    }
}

/* -- communicators */

static struct xmpi_attr_site site_of(struct xmpi_comm *comm)
{
    return (struct xmpi_attr_site){XMPI_KIND_COMM, xmpi_comm_handle(comm), &comm->attrs};
}

/* There are no windows yet that attributes could be cached on. */
int xmpi_win_create_keyval(MPI_Win_copy_attr_function *win_copy_attr_fn,
                           MPI_Win_delete_attr_function *win_delete_attr_fn,
                           int *win_keyval, void *extra_state)
{
    return xmpi_keyval_create(XMPI_KIND_WIN,
                              (union xmpi_attr_copy_fn){.win = win_copy_attr_fn},
                              (union xmpi_attr_delete_fn){.win = win_delete_attr_fn},
                              win_keyval, extra_state);
}

int xmpi_win_free_keyval(int *win_keyval)
{
    return xmpi_keyval_free(XMPI_KIND_WIN, win_keyval);
}

int xmpi_comm_create_keyval(MPI_Comm_copy_attr_function *comm_copy_attr_fn,
                            MPI_Comm_delete_attr_function *comm_delete_attr_fn,
                            int *comm_keyval, void *extra_state)
{
    return xmpi_keyval_create(XMPI_KIND_COMM,
                              (union xmpi_attr_copy_fn){.comm = comm_copy_attr_fn},
                              (union xmpi_attr_delete_fn){.comm = comm_delete_attr_fn},
                              comm_keyval, extra_state);
}

int xmpi_comm_free_keyval(int *comm_keyval)
{
    return xmpi_keyval_free(XMPI_KIND_COMM, comm_keyval);
}

/* Predefined attributes: C programs get a pointer to an int. */
static int *predefined(int keyval)
{
    static int tag_ub = PVMX_ENGINE_TAG_UB, any = MPI_ANY_SOURCE, none = MPI_PROC_NULL;
    static int global, appnum, last, universe;
    const struct pvmx_birth *birth;
    switch (keyval) {
    case MPI_TAG_UB:
        return &tag_ub;
    case MPI_IO:
        return &any; /* every process can read and write files */
    case MPI_HOST:
        return &none;
    case MPI_WTIME_IS_GLOBAL:
        return &global; /* 0: each host has its own clock */
    case MPI_APPNUM:
        birth = pvmx_engine_birth();
        if (!birth)
            return NULL; /* started by hand */
        __atomic_store_n(&appnum, birth->appnum, __ATOMIC_RELAXED);
        return &appnum;
    case MPI_LASTUSEDCODE:
        __atomic_store_n(&last, xmpi_errcode_last_used(), __ATOMIC_RELAXED);
        return &last;
    case MPI_UNIVERSE_SIZE:
        if (pvmx_engine_universe_size() == INT_MAX)
            return NULL; /* mpiexec -usize INFINITE */
        __atomic_store_n(&universe, pvmx_engine_universe_size(), __ATOMIC_RELAXED);
        return &universe;
    default:
        return NULL;
    }
}

int xmpi_comm_get_attr(struct xmpi_comm *comm, int comm_keyval, void *attribute_val, int *flag)
{
    if (comm_keyval >= MPI_TAG_UB && comm_keyval <= MPI_UNIVERSE_SIZE) {
        int *value = predefined(comm_keyval);
        *flag = value != NULL;
        if (value)
            *(int **)attribute_val = value;
        return MPI_SUCCESS;
    }
    struct xmpi_attr_site site = site_of(comm);
    return xmpi_attr_get(&site, comm_keyval, attribute_val, flag);
}

int xmpi_comm_set_attr(struct xmpi_comm *comm, int comm_keyval, void *attribute_val)
{
    struct xmpi_attr_site site = site_of(comm);
    return xmpi_attr_set(&site, comm_keyval, attribute_val);
}

int xmpi_comm_delete_attr(struct xmpi_comm *comm, int comm_keyval)
{
    struct xmpi_attr_site site = site_of(comm);
    return xmpi_attr_delete(&site, comm_keyval);
}

int xmpi_attrs_delete_all(struct xmpi_comm *comm)
{
    struct xmpi_attr_site site = site_of(comm);
    return xmpi_attr_delete_all(&site);
}

int xmpi_attrs_copy(struct xmpi_comm *old, struct xmpi_comm *to)
{
    struct xmpi_attr_site from = site_of(old), target = site_of(to);
    return xmpi_attr_copy_all(&from, &target);
}
