/* SPDX-License-Identifier: BSD-3-Clause */
/* Error handlers: the predefined ones, those of the application, who has which. What each does:
 * rt/raise.c. */
#include "rt/errhandler.h"
#include "abi/handles.h"
#include "comm/comm.h"
#include "rt/err.h"
#include "rt/session.h"
#include "xmpi.h"
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#define PREDEF(handle, what)                                                                 \
    {                                                                                        \
        .obj = {.kind = XMPI_KIND_ERRHANDLER, .refs = 1, .predef = (handle)}, .type = (what) \
    }

/* By value & 7, as the ABI numbers them; 0 is MPI_ERRHANDLER_NULL. */
static struct xmpi_errhandler predef[4] = {
    [1] = PREDEF(0x141, XMPI_EH_FATAL),
    [2] = PREDEF(0x142, XMPI_EH_ABORT),
    [3] = PREDEF(0x143, XMPI_EH_RETURN),
};

static struct xmpi_errhandler *initial = &predef[1];

struct xmpi_errhandler *xmpi_errhandler_of(MPI_Errhandler h)
{
    uintptr_t v = (uintptr_t)h;
    if (v > 0x140 && v <= 0x143)
        return &predef[v & 7];
    return xmpi_obj_of(v, XMPI_KIND_ERRHANDLER);
}

/* Whoever starts a job may ask for another one, by the names of the reserved info key. */
static void read_initial(void)
{
    static const char *const names[] = {NULL, "mpi_errors_are_fatal", "mpi_errors_abort",
                                        "mpi_errors_return"};
    const char *name = getenv("PVMX_INITIAL_ERRHANDLER");
    for (int i = 1; name && i < 4; i++)
        if (strcasecmp(name, names[i]) == 0)
            initial = &predef[i];
}

struct xmpi_errhandler *xmpi_errhandler_initial(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_initial);
    return initial;
}

struct xmpi_errhandler *xmpi_errhandler_ref(struct xmpi_errhandler *eh)
{
    if (eh && !eh->obj.predef)
        xmpi_obj_ref(&eh->obj);
    return eh;
}

void xmpi_errhandler_unref(struct xmpi_errhandler *eh)
{
    if (eh && !eh->obj.predef && xmpi_obj_unref(&eh->obj))
        free(eh);
}

static int create(enum xmpi_kind of, union xmpi_errhandler_fn fn, MPI_Errhandler *errhandler)
{
    struct xmpi_errhandler *eh = malloc(sizeof(*eh));
    if (!eh)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an error handler");
    xmpi_obj_init(&eh->obj, XMPI_KIND_ERRHANDLER);
    eh->type = XMPI_EH_USER;
    eh->of = of;
    eh->fn = fn;
    *errhandler = xmpi_errhandler_handle(eh);
    return MPI_SUCCESS;
}

static int null_function(const char *parameter)
{
    return xmpi_err(MPI_ERR_ARG, "%s is a null pointer", parameter);
}

int xmpi_comm_create_errhandler(MPI_Comm_errhandler_function *comm_errhandler_fn,
                                MPI_Errhandler *errhandler)
{
    if (!comm_errhandler_fn)
        return null_function("comm_errhandler_fn");
    union xmpi_errhandler_fn fn = {.comm = comm_errhandler_fn};
    return create(XMPI_KIND_COMM, fn, errhandler);
}

int xmpi_session_create_errhandler(MPI_Session_errhandler_function *session_errhandler_fn,
                                   MPI_Errhandler *errhandler)
{
    if (!session_errhandler_fn)
        return null_function("session_errhandler_fn");
    union xmpi_errhandler_fn fn = {.session = session_errhandler_fn};
    return create(XMPI_KIND_SESSION, fn, errhandler);
}

int xmpi_win_create_errhandler(MPI_Win_errhandler_function *win_errhandler_fn,
                               MPI_Errhandler *errhandler)
{
    if (!win_errhandler_fn)
        return null_function("win_errhandler_fn");
    union xmpi_errhandler_fn fn = {.win = win_errhandler_fn};
    return create(XMPI_KIND_WIN, fn, errhandler);
}

int xmpi_file_create_errhandler(MPI_File_errhandler_function *file_errhandler_fn,
                                MPI_Errhandler *errhandler)
{
    if (!file_errhandler_fn)
        return null_function("file_errhandler_fn");
    union xmpi_errhandler_fn fn = {.file = file_errhandler_fn};
    return create(XMPI_KIND_FILE, fn, errhandler);
}

int xmpi_errhandler_fits(const struct xmpi_errhandler *eh, enum xmpi_kind of)
{
    static const char nouns[][16] = {"communicators", "sessions", "windows", "files"};
    if (eh->type != XMPI_EH_USER || eh->of == of)
        return MPI_SUCCESS;
    const char *noun = eh->of == XMPI_KIND_COMM      ? nouns[0]
                       : eh->of == XMPI_KIND_SESSION ? nouns[1]
                       : eh->of == XMPI_KIND_WIN     ? nouns[2]
                                                     : nouns[3];
    return xmpi_err(MPI_ERR_ERRHANDLER, "errhandler is an error handler of %s", noun);
}

static int set(struct xmpi_errhandler **where, enum xmpi_kind of, struct xmpi_errhandler *eh)
{
    int cls = xmpi_errhandler_fits(eh, of);
    if (cls)
        return cls;
    struct xmpi_errhandler *old =
        __atomic_exchange_n(where, xmpi_errhandler_ref(eh), __ATOMIC_ACQ_REL);
    xmpi_errhandler_unref(old);
    return MPI_SUCCESS;
}

static int get(struct xmpi_errhandler *eh, MPI_Errhandler *errhandler)
{
    if (!eh)
        eh = xmpi_errhandler_initial();
    *errhandler = xmpi_errhandler_handle(xmpi_errhandler_ref(eh));
    return MPI_SUCCESS;
}

int xmpi_comm_set_errhandler(struct xmpi_comm *comm, struct xmpi_errhandler *errhandler)
{
    return set(&comm->errhandler, XMPI_KIND_COMM, errhandler);
}

int xmpi_comm_get_errhandler(struct xmpi_comm *comm, MPI_Errhandler *errhandler)
{
    return get(comm->errhandler, errhandler);
}

int xmpi_session_set_errhandler(struct xmpi_session *session,
                                struct xmpi_errhandler *errhandler)
{
    return set(&session->errhandler, XMPI_KIND_SESSION, errhandler);
}

int xmpi_session_get_errhandler(struct xmpi_session *session, MPI_Errhandler *errhandler)
{
    return get(session->errhandler, errhandler);
}

/* ---- files and windows: there are none yet but MPI_FILE_NULL, whose handler is the one that
 * files get when they are opened and that errors of opening and deleting go to. */

struct xmpi_file xmpi_file_null = {
    .obj = {.kind = XMPI_KIND_FILE, .refs = 1, .predef = (uintptr_t)MPI_FILE_NULL},
};
static struct xmpi_errhandler *file_default = &predef[3]; /* MPI 5.0 §14.7 */

struct xmpi_errhandler *xmpi_errhandler_of_file(void)
{
    return __atomic_load_n(&file_default, __ATOMIC_ACQUIRE);
}

void xmpi_errhandler_stop(void)
{
    (void)set(&file_default, XMPI_KIND_FILE, &predef[3]);
}

int xmpi_file_set_errhandler(struct xmpi_file *file, struct xmpi_errhandler *errhandler)
{
    (void)file;
    return set(&file_default, XMPI_KIND_FILE, errhandler);
}

int xmpi_file_get_errhandler(struct xmpi_file *file, MPI_Errhandler *errhandler)
{
    (void)file;
    return get(file_default, errhandler);
}

int xmpi_win_set_errhandler(struct xmpi_win *win, struct xmpi_errhandler *errhandler)
{
    (void)win;
    (void)errhandler;
    return xmpi_err(MPI_ERR_WIN, "there are no windows");
}

int xmpi_win_get_errhandler(struct xmpi_win *win, MPI_Errhandler *errhandler)
{
    (void)win;
    (void)errhandler;
    return xmpi_err(MPI_ERR_WIN, "there are no windows");
}

int xmpi_errhandler_free(MPI_Errhandler *errhandler)
{
    /* Handles of predefined handlers come from MPI_Comm_get_errhandler too and may be freed. */
    xmpi_errhandler_unref(xmpi_errhandler_of(*errhandler));
    *errhandler = MPI_ERRHANDLER_NULL;
    return MPI_SUCCESS;
}
