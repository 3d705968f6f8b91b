/* SPDX-License-Identifier: BSD-3-Clause */
/* Which handles the program holds, and the list of those that are left at the end. */
#include "rt/leaks.h"
#include "abi/handles.h"
#include "comm/comm.h"
#include "request/request.h"
#include "rt/info.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

int xmpi_leaks_on = -1;

enum {
    BUCKETS = 1024,
    MOST_LINES = 100, /* of one kind: a loop that leaks says the same each time */
};

struct held {
    struct held *next;
    uintptr_t handle;
    unsigned kind;
    unsigned count; /* handles of one object that were handed out */
    const char *function;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct held *table[BUCKETS];

static bool is_on(void)
{
    if (xmpi_leaks_on < 0) {
        const char *text = getenv("PVMX_LEAKS");
        bool yes = text && (strcasecmp(text, "yes") == 0 || strcasecmp(text, "on") == 0 ||
                            strcasecmp(text, "true") == 0 || strcasecmp(text, "1") == 0);
        __atomic_store_n(&xmpi_leaks_on, yes, __ATOMIC_RELAXED);
    }
    return xmpi_leaks_on > 0;
}

/* Where the entry stands or would stand. */
static struct held **find(unsigned kind, uintptr_t handle)
{
    struct held **at = &table[(handle >> 4 ^ handle ^ kind) % BUCKETS];
    while (*at && ((*at)->handle != handle || (*at)->kind != kind))
        at = &(*at)->next;
    return at;
}

static bool is_keyval(unsigned kind)
{
    return kind <= XMPI_LEAK_WIN_KEYVAL;
}

void xmpi_leaks_given(unsigned kind, uintptr_t handle, const char *function)
{
    if (!is_on() || (handle < XMPI_PREDEF_LIMIT && !is_keyval(kind)))
        return;
    pthread_mutex_lock(&lock);
    struct held **at = find(kind, handle);
    if (!*at)
        *at = calloc(1, sizeof(**at));
    if (*at) {
        struct held *h = *at;
        h->kind = kind;
        h->handle = handle;
        h->function = function;
        h->count++;
    }
    pthread_mutex_unlock(&lock);
}

void xmpi_leaks_taken(unsigned kind, uintptr_t handle)
{
    if (!is_on())
        return;
    pthread_mutex_lock(&lock);
    struct held **at = find(kind, handle), *h = *at;
    if (h && --h->count == 0) {
        *at = h->next;
        free(h);
    }
    pthread_mutex_unlock(&lock);
}

/* ---- the list ---------------------------------------------------------------------- */

static const struct kind {
    unsigned kind;
    char one[20], many[20];
} kinds[] = {
    {XMPI_KIND_COMM, "communicator", "communicators"},
    {XMPI_KIND_GROUP, "group", "groups"},
    {XMPI_KIND_DTYPE, "datatype", "datatypes"},
    {XMPI_KIND_OP, "operation", "operations"},
    {XMPI_KIND_INFO, "info object", "info objects"},
    {XMPI_KIND_ERRHANDLER, "error handler", "error handlers"},
    {XMPI_LEAK_COMM_KEYVAL, "communicator keyval", "communicator keyvals"},
    {XMPI_LEAK_TYPE_KEYVAL, "datatype keyval", "datatype keyvals"},
    {XMPI_LEAK_WIN_KEYVAL, "window keyval", "window keyvals"},
};

static const char *processes(int n)
{
    return n == 1 ? "process" : "processes";
}

/* What tells this object from others of its kind. */
static void describe(const struct held *h, char *out, size_t size)
{
    const void *obj = (const void *)h->handle;
    out[0] = '\0';
    if (is_keyval(h->kind)) {
        snprintf(out, size, " %d", (int)h->handle);
    } else if (h->kind == XMPI_KIND_COMM) {
        const struct xmpi_comm *c = obj;
        snprintf(out, size, "%s%s%s of %d %s", c->name[0] ? " \"" : "", c->name,
                 c->name[0] ? "\"" : "", c->size, processes(c->size));
    } else if (h->kind == XMPI_KIND_GROUP) {
        int n = ((const struct xmpi_group *)obj)->size;
        snprintf(out, size, " of %d %s", n, processes(n));
    } else if (h->kind == XMPI_KIND_DTYPE) {
        const struct xmpi_dtype *t = obj;
        if (t->name[0])
            snprintf(out, size, " \"%s\"", t->name);
    } else if (h->kind == XMPI_KIND_INFO) {
        snprintf(out, size, " with %d keys", ((const struct xmpi_info *)obj)->n);
    }
}

/* Says it of all of a kind; returns how many there are. */
static unsigned list_kind(const struct kind *kind)
{
    unsigned n = 0;
    for (int b = 0; b < BUCKETS; b++)
        for (const struct held *h = table[b]; h; h = h->next) {
            char what[MPI_MAX_OBJECT_NAME + 64];
            if (h->kind != kind->kind || n++ >= MOST_LINES)
                continue;
            describe(h, what, sizeof(what));
            fprintf(stderr, "  %s%s, made by %s\n", kind->one, what, h->function);
        }
    if (n > MOST_LINES)
        fprintf(stderr, "  and %u other %s\n", n - MOST_LINES, kind->many);
    return n;
}

struct requests {
    unsigned n;
};

static void list_request(const char *what, void *arg)
{
    struct requests *r = arg;
    if (r->n++ < MOST_LINES)
        fprintf(stderr, "  request: %s\n", what);
}

static bool any_left(void)
{
    for (int b = 0; b < BUCKETS; b++)
        if (table[b])
            return true;
    return false;
}

static void forget(void)
{
    for (int b = 0; b < BUCKETS; b++)
        while (table[b]) {
            struct held *h = table[b];
            table[b] = h->next;
            free(h);
        }
}

static void count_request(const char *what, void *arg)
{
    (void)what;
    ((struct requests *)arg)->n++;
}

void xmpi_leaks_report(void)
{
    struct requests r = {0};
    if (!is_on())
        return;
    pthread_mutex_lock(&lock);
    xmpi_request_leaks(count_request, &r);
    if (any_left() || r.n > 0) {
        unsigned n = 0;
        r.n = 0;
        flockfile(stderr);
        fprintf(stderr, "PVMX: process %ld, rank %d of %d, still has when MPI ends:\n",
                (long)getpid(), xmpi_world.rank, xmpi_world.size);
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
            n += list_kind(&kinds[i]);
        xmpi_request_leaks(list_request, &r);
        if (r.n > MOST_LINES)
            fprintf(stderr, "  and %u other requests\n", r.n - MOST_LINES);
        fprintf(stderr, "PVMX: %u objects were not given back\n", n + r.n);
        funlockfile(stderr);
    }
    forget();
    pthread_mutex_unlock(&lock);
}
