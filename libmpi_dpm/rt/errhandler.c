/* SPDX-License-Identifier: BSD-3-Clause */
/* Error handlers: the predefined ones, those of the application, and what each does. */
#include "rt/errhandler.h"
#include "abi/handles.h"
#include "comm/comm.h"
#include "rt/err.h"
#include "rt/errcode.h"
#include "rt/state.h"
#include "xmpi.h"
#include <errno.h>
#include <pthread.h>
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/prog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

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

int xmpi_comm_create_errhandler(MPI_Comm_errhandler_function *comm_errhandler_fn,
                                MPI_Errhandler *errhandler)
{
    if (!comm_errhandler_fn)
        return xmpi_err(MPI_ERR_ARG, "comm_errhandler_fn is a null pointer");
    struct xmpi_errhandler *eh = malloc(sizeof(*eh));
    if (!eh)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an error handler");
    xmpi_obj_init(&eh->obj, XMPI_KIND_ERRHANDLER);
    eh->type = XMPI_EH_COMM;
    eh->fn = comm_errhandler_fn;
    *errhandler = xmpi_errhandler_handle(eh);
    return MPI_SUCCESS;
}

int xmpi_comm_set_errhandler(struct xmpi_comm *comm, struct xmpi_errhandler *errhandler)
{
    struct xmpi_errhandler *old = comm->errhandler;
    comm->errhandler = xmpi_errhandler_ref(errhandler);
    xmpi_errhandler_unref(old);
    return MPI_SUCCESS;
}

int xmpi_comm_get_errhandler(struct xmpi_comm *comm, MPI_Errhandler *errhandler)
{
    struct xmpi_errhandler *eh =
        comm->errhandler ? comm->errhandler : xmpi_errhandler_initial();
    *errhandler = xmpi_errhandler_handle(xmpi_errhandler_ref(eh));
    return MPI_SUCCESS;
}

int xmpi_errhandler_free(MPI_Errhandler *errhandler)
{
    /* Handles of predefined handlers come from MPI_Comm_get_errhandler too and may be freed. */
    xmpi_errhandler_unref(xmpi_errhandler_of(*errhandler));
    *errhandler = MPI_ERRHANDLER_NULL;
    return MPI_SUCCESS;
}

/* "t40002, rank 3 of 4 in MPI_COMM_WORLD", as far as known. */
static void describe_self(char *out, size_t size)
{
    pvmx_tid tid = xmpi_is_up() ? pvmx_engine_self() : 0;
    if (tid)
        snprintf(out, size, "t%x, rank %d of %d in MPI_COMM_WORLD", (unsigned)tid,
                 xmpi_world.rank, xmpi_world.size);
    else if (xmpi_is_up())
        snprintf(out, size, "started by hand, alone in MPI_COMM_WORLD");
    else
        snprintf(out, size, "%s",
                 xmpi_state == XMPI_STATE_FINALIZED ? "after MPI_Finalize"
                                                    : "before MPI_Init");
}

/* The engine knows the name from its start to its end only. */
static const char *host(void)
{
    static char name[256];
    const char *known = pvmx_engine_host();
    if (known[0])
        return known;
    return gethostname(name, sizeof(name) - 1) == 0 ? name : "this host";
}

/* Output that the program has written must not be lost. Another thread may hold a stream for ever
 * (blocked in a read), so only what can be locked at once is flushed. */
static void flush_output(void)
{
    FILE *const streams[] = {stdout, stderr};
    for (int i = 0; i < 2; i++) {
        if (ftrylockfile(streams[i]) != 0)
            continue;
        fflush_unlocked(streams[i]);
        funlockfile(streams[i]);
    }
}

/* One write: blocks of several processes must not be mixed. n as snprintf returned it. */
static void say(const char *text, int n, size_t room)
{
    size_t len = n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
    flush_output();
    if (write(STDERR_FILENO, text, len) < 0)
        return; /* nobody can be told; the exit status still says it */
}

static void report(const char *function, int cls, const char *handler, const char *sentence)
{
    char who[128], block[2048];
    int known = cls;
    xmpi_error_class(cls, &known);
    const char *symbol = xmpi_err_symbol(known), *text = xmpi_err_text(known);
    size_t fn = strlen(function);
    if (strncmp(sentence, function, fn) == 0 && sentence[fn] == ':')
        sentence += fn + 2;
    describe_self(who, sizeof(who));
    int n = snprintf(block, sizeof(block),
                     "PVMX: %s failed and the error handler is %s: the job ends here\n"
                     "  program  %s, process %ld on %s\n"
                     "  task     %s\n"
                     "  error    %s (%d): %s\n"
                     "  cause    %s\n",
                     function, handler, program_invocation_name, (long)getpid(), host(),
                     who, symbol ? symbol : "added by the program", cls, text ? text : "",
                     sentence[0] ? sentence : "not recorded");
    say(block, n, sizeof(block));
}

/* Adds the members of a group but this process to list; returns the new length. */
static size_t append(pvmx_tid *list, size_t n, const struct xmpi_group *g)
{
    pvmx_tid self = pvmx_engine_self();
    for (int i = 0; i < g->size; i++)
        if (g->tids[i] && g->tids[i] != self)
            list[n++] = g->tids[i];
    return n;
}

/* Ends this process, those of comm and, if whole, those of the world. */
static void __attribute__((noreturn))
end_job(const struct xmpi_comm *comm, bool whole, int code, const char *text)
{
    int status = code == 0 ? 0 : (code & 0xff) ? (code & 0xff) : 1;
    flush_output();
    if (xmpi_is_up()) {
        int room = comm->local->size + comm->remote->size + xmpi_world.size;
        pvmx_tid *tids = malloc((size_t)room * sizeof(*tids));
        size_t n = 0;
        if (tids) {
            n = append(tids, n, comm->local);
            if (comm->inter)
                n = append(tids, n, comm->remote);
            if (whole && comm != &xmpi_world)
                n = append(tids, n, xmpi_world.local);
        }
        /* This process ends by itself: its exit status must be this one, not a signal. */
        if (n)
            pvmx_engine_abort(tids, n, status, text);
    }
    _exit(status);
}

int xmpi_abort(struct xmpi_comm *comm, int errorcode)
{
    char who[128], line[512];
    describe_self(who, sizeof(who));
    int n = snprintf(
        line, sizeof(line),
        "PVMX: MPI_Abort(%s, %d) by %s, process %ld on %s (%s): the processes of "
        "the communicator end\n",
        comm->name[0] ? comm->name : "unnamed communicator", errorcode,
        program_invocation_short_name, (long)getpid(), host(), who);
    say(line, n, sizeof(line));
    end_job(comm, false, errorcode, "MPI_Abort");
}

/* The handler that an error of comm (NULL: of none) goes to. */
static struct xmpi_errhandler *handler_of(struct xmpi_comm **comm)
{
    if (!xmpi_is_up())
        return xmpi_errhandler_initial();
    if (!*comm)
        *comm = &xmpi_self;
    return (*comm)->errhandler ? (*comm)->errhandler : xmpi_errhandler_initial();
}

/* Lets the handler deal with the error; comm may have gone when it returns. */
static void invoke(struct xmpi_comm *comm, const char *function, int cls)
{
    struct xmpi_errhandler *eh = handler_of(&comm);
    char sentence[MPI_MAX_ERROR_STRING];
    switch (eh->type) {
    case XMPI_EH_RETURN:
        return;
    case XMPI_EH_COMM: {
        MPI_Comm handle = xmpi_comm_handle(comm);
        xmpi_errhandler_ref(eh);
        eh->fn(&handle, &cls, function, NULL);
        xmpi_errhandler_unref(eh);
        return;
    }
    case XMPI_EH_FATAL:
    case XMPI_EH_ABORT:
        snprintf(sentence, sizeof(sentence), "%s",
                 xmpi_err_sentence(cls) ? xmpi_err_sentence(cls) : "");
        report(function, cls,
               eh->type == XMPI_EH_FATAL ? "MPI_ERRORS_ARE_FATAL" : "MPI_ERRORS_ABORT",
               sentence);
        /* FATAL also ends the rest of the world. Parents are not ended: they see the deaths as
         * errors of their own, and what they do then is theirs to choose. */
        end_job(comm, eh->type == XMPI_EH_FATAL, 1, sentence);
    }
}

static __thread struct xmpi_comm *err_comm; /* with a reference; see xmpi_err_from */

void xmpi_err_from(struct xmpi_comm *comm)
{
    struct xmpi_comm *old = err_comm;
    if (comm)
        xmpi_obj_ref(&comm->obj);
    err_comm = comm;
    if (old)
        xmpi_comm_release(old);
}

int xmpi_raise(struct xmpi_comm *comm, const char *function, int cls)
{
    struct xmpi_comm *from = err_comm;
    err_comm = NULL;
    xmpi_err_raised(cls, function);
    invoke(comm ? comm : from, function, cls);
    if (from)
        xmpi_comm_release(from);
    return cls;
}

int xmpi_comm_call_errhandler(struct xmpi_comm *comm, int errorcode)
{
    if (!xmpi_errcode_known(errorcode))
        return xmpi_err(MPI_ERR_ARG, "errorcode %d is not an error code", errorcode);
    invoke(comm, "MPI_Comm_call_errhandler", errorcode);
    return MPI_SUCCESS;
}
