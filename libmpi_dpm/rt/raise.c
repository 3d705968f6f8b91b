/* SPDX-License-Identifier: BSD-3-Clause */
/* What an error does: finds the handler that it belongs to, reports, ends the job; MPI_Abort. */
#include "abi/handles.h"
#include "comm/comm.h"
#include "rt/err.h"
#include "rt/errcode.h"
#include "rt/errhandler.h"
#include "rt/session.h"
#include "rt/state.h"
#include "xmpi.h"
#include <errno.h>
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/prog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "t40002, rank 3 of 4 in MPI_COMM_WORLD", as far as known. */
static void describe_self(char *out, size_t size)
{
    pvmx_tid tid = xmpi_is_up() ? pvmx_engine_self() : 0;
    if (tid && !xmpi_world_is_up())
        snprintf(out, size, "t%x, process %d of %d of its job", (unsigned)tid,
                 xmpi_world.rank, xmpi_world.size);
    else if (tid)
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

/* The handler that an error of an object (NULL: of none) belongs to; *on becomes MPI_COMM_SELF when
 * that stands for it (MPI 5.0 §9.3: only while the world model is up). */
static struct xmpi_errhandler *handler_of(struct xmpi_obj **on)
{
    struct xmpi_errhandler *eh = NULL;
    if (!*on && xmpi_world_is_up())
        *on = &xmpi_self.obj;
    /* One that a program has named counts before there is anything to be up. */
    if (!*on || (!xmpi_is_up() && (*on)->kind != XMPI_KIND_ERRHANDLER))
        return xmpi_errhandler_initial();
    switch ((*on)->kind) {
    case XMPI_KIND_COMM:
        eh = ((struct xmpi_comm *)*on)->errhandler;
        break;
    case XMPI_KIND_SESSION:
        eh = ((struct xmpi_session *)*on)->errhandler;
        break;
    case XMPI_KIND_ERRHANDLER:
        eh = (struct xmpi_errhandler *)*on;
        break;
    case XMPI_KIND_FILE:
        return xmpi_errhandler_of_file();
    default:
        break;
    }
    return eh ? eh : xmpi_errhandler_initial();
}

/* A function of the application gets the handle of its kind: the null handle when the error
 * belongs to no object of that kind (yet). */
static void call_user(struct xmpi_errhandler *eh, const struct xmpi_obj *on, int *cls,
                      const char *function)
{
    if (on && on->kind != (uint32_t)eh->of)
        on = NULL;
    xmpi_errhandler_ref(eh);
    switch (eh->of) {
    case XMPI_KIND_SESSION: {
        MPI_Session handle = on ? (MPI_Session)(uintptr_t)on : MPI_SESSION_NULL;
        eh->fn.session(&handle, cls, function, NULL);
        break;
    }
    case XMPI_KIND_WIN: {
        MPI_Win handle = MPI_WIN_NULL;
        eh->fn.win(&handle, cls, function, NULL);
        break;
    }
    case XMPI_KIND_FILE: {
        MPI_File handle = MPI_FILE_NULL;
        eh->fn.file(&handle, cls, function, NULL);
        break;
    }
    default: {
        MPI_Comm handle = xmpi_comm_handle((const struct xmpi_comm *)on);
        eh->fn.comm(&handle, cls, function, NULL);
    }
    }
    xmpi_errhandler_unref(eh);
}

/* Lets the handler deal with the error; its object may have gone when it returns. */
static void invoke(struct xmpi_obj *on, const char *function, int cls)
{
    struct xmpi_errhandler *eh = handler_of(&on);
    char sentence[MPI_MAX_ERROR_STRING];
    switch (eh->type) {
    case XMPI_EH_RETURN:
        return;
    case XMPI_EH_USER:
        call_user(eh, on, &cls, function);
        return;
    case XMPI_EH_FATAL:
    case XMPI_EH_ABORT:
        snprintf(sentence, sizeof(sentence), "%s",
                 xmpi_err_sentence(cls) ? xmpi_err_sentence(cls) : "");
        report(function, cls,
               eh->type == XMPI_EH_FATAL ? "MPI_ERRORS_ARE_FATAL" : "MPI_ERRORS_ABORT",
               sentence);
        /* FATAL also ends the rest of the world. Parents are not ended: they see the deaths as
         * errors of their own, and what they do then is theirs to choose. ABORT on a session or
         * before there is a communicator ends this process only. */
        end_job(on && on->kind == XMPI_KIND_COMM ? (struct xmpi_comm *)on : &xmpi_self,
                eh->type == XMPI_EH_FATAL, 1, sentence);
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

int xmpi_raise(void *on, const char *function, int cls)
{
    struct xmpi_comm *from = err_comm;
    err_comm = NULL;
    xmpi_err_raised(cls, function);
    invoke(on ? on : (void *)from, function, cls);
    if (from)
        xmpi_comm_release(from);
    return cls;
}

static int call_handler(struct xmpi_obj *on, const char *function, int errorcode)
{
    if (!xmpi_errcode_known(errorcode))
        return xmpi_err(MPI_ERR_ARG, "errorcode %d is not an error code", errorcode);
    invoke(on, function, errorcode);
    return MPI_SUCCESS;
}

int xmpi_comm_call_errhandler(struct xmpi_comm *comm, int errorcode)
{
    return call_handler(&comm->obj, "MPI_Comm_call_errhandler", errorcode);
}

int xmpi_session_call_errhandler(struct xmpi_session *session, int errorcode)
{
    return call_handler(&session->obj, "MPI_Session_call_errhandler", errorcode);
}

int xmpi_win_call_errhandler(struct xmpi_win *win, int errorcode)
{
    return call_handler((struct xmpi_obj *)win, "MPI_Win_call_errhandler", errorcode);
}

int xmpi_file_call_errhandler(struct xmpi_file *fh, int errorcode)
{
    return call_handler((struct xmpi_obj *)fh, "MPI_File_call_errhandler", errorcode);
}
