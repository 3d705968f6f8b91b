/* SPDX-License-Identifier: BSD-3-Clause */
/* What the generated entry points say of bad arguments. */
#include "pmpi/check.h"
#include "request/request.h"
#include "rt/err.h"
#include "rt/info.h"
#include <stdio.h>

int xmpi_bad_state(const char *fn)
{
    const char *when =
        xmpi_state == XMPI_STATE_FINALIZED ? "after MPI_Finalize" : "before MPI_Init";
    int cls = xmpi_err(MPI_ERR_OTHER, "called %s%s", when,
                       xmpi_is_up() ? ", and a session is not enough for it" : "");
    return xmpi_raise(NULL, fn, cls);
}

/* The classes of handles: name of the kind, first predefined value (its null handle), error class. */
static const struct handle_class {
    enum xmpi_kind kind;
    unsigned first, count;
    int cls;
    const char *null, *noun;
} classes[] = {
    {XMPI_KIND_COMM, 0x100, 8, MPI_ERR_COMM, "MPI_COMM_NULL", "communicator"},
    {XMPI_KIND_GROUP, 0x108, 8, MPI_ERR_GROUP, "MPI_GROUP_NULL", "group"},
    {XMPI_KIND_DTYPE, 0x200, 256, MPI_ERR_TYPE, "MPI_DATATYPE_NULL", "datatype"},
    {XMPI_KIND_OP, 0x20, 32, MPI_ERR_OP, "MPI_OP_NULL", "reduction operation"},
    {XMPI_KIND_REQUEST, 0x180, 8, MPI_ERR_REQUEST, "MPI_REQUEST_NULL", "request"},
    {XMPI_KIND_INFO, 0x130, 8, MPI_ERR_INFO, "MPI_INFO_NULL", "info object"},
    {XMPI_KIND_ERRHANDLER, 0x140, 8, MPI_ERR_ERRHANDLER, "MPI_ERRHANDLER_NULL",
     "error handler"},
    {XMPI_KIND_SESSION, 0x120, 8, MPI_ERR_SESSION, "MPI_SESSION_NULL", "session"},
    {XMPI_KIND_MESSAGE, 0x128, 8, MPI_ERR_REQUEST, "MPI_MESSAGE_NULL", "message"},
    {XMPI_KIND_WIN, 0x110, 8, MPI_ERR_WIN, "MPI_WIN_NULL", "window"},
    {XMPI_KIND_FILE, 0x118, 8, MPI_ERR_FILE, "MPI_FILE_NULL", "file"},
};

enum { CLASSES = sizeof(classes) / sizeof(classes[0]) };

static const struct handle_class *class_of_kind(uint32_t kind)
{
    for (int i = 0; i < CLASSES; i++)
        if ((uint32_t)classes[i].kind == kind)
            return &classes[i];
    return NULL;
}

/* What a handle is, whatever was wanted; NULL: nothing known. */
static const struct handle_class *class_of_value(uintptr_t v)
{
    if (v >= XMPI_PREDEF_LIMIT)
        return (v & 7) == 0 ? class_of_kind(((const struct xmpi_obj *)v)->kind) : NULL;
    for (int i = 0; i < CLASSES; i++)
        if (v >= classes[i].first && v < classes[i].first + classes[i].count)
            return &classes[i];
    return NULL;
}

int xmpi_bad_handle(void *on, const char *fn, const char *arg, const void *handle,
                    enum xmpi_kind wanted)
{
    uintptr_t v = (uintptr_t)handle;
    const struct handle_class *want = class_of_kind(wanted), *is = class_of_value(v);
    int cls;
    if (wanted == XMPI_KIND_FILE && !on)
        on = &xmpi_file_null; /* MPI 5.0 §14.7 */
    if (v == want->first)
        cls = xmpi_err(want->cls, "%s is %s", arg, want->null);
    else if (is == want && is->kind == XMPI_KIND_COMM && v < XMPI_PREDEF_LIMIT)
        cls = xmpi_err(want->cls,
                       "%s is %s, which exists between MPI_Init and MPI_Finalize only", arg,
                       v == (uintptr_t)MPI_COMM_WORLD ? "MPI_COMM_WORLD" : "MPI_COMM_SELF");
    else if (is && is != want)
        cls = xmpi_err(want->cls, "%s is %s%s, not a %s", arg,
                       v == is->first ? "" : "the handle of a ",
                       v == is->first ? is->null : is->noun, want->noun);
    else
        cls = xmpi_err(want->cls, "%s (%#lx) is not the handle of a %s%s", arg,
                       (unsigned long)v, want->noun,
                       v < XMPI_PREDEF_LIMIT ? "" : "; was it freed?");
    return xmpi_raise(on, fn, cls);
}

int xmpi_bad_type(void *on, const char *fn, const char *arg, MPI_Datatype handle)
{
    const struct xmpi_dtype *type = xmpi_dtype_of(handle);
    if (!type)
        return xmpi_bad_handle(on, fn, arg, handle, XMPI_KIND_DTYPE);
    int cls;
    if (type->size == SIZE_MAX)
        cls = xmpi_err(MPI_ERR_TYPE, "%s is %s, which this platform does not have", arg,
                       type->name);
    else
        cls = xmpi_err(MPI_ERR_TYPE, "%s (%s) is not committed: call MPI_Type_commit first",
                       arg, xmpi_dtype_name(type));
    return xmpi_raise(on, fn, cls);
}

int xmpi_bad_count(void *on, const char *fn, const char *arg, MPI_Count value)
{
    int cls = xmpi_err(MPI_ERR_COUNT, "%s is %lld; it must not be negative", arg,
                       (long long)value);
    return xmpi_raise(on, fn, cls);
}

int xmpi_bad_number(void *on, const char *fn, const char *arg, MPI_Count value)
{
    int cls =
        xmpi_err(MPI_ERR_ARG, "%s is %lld; it must not be negative", arg, (long long)value);
    return xmpi_raise(on, fn, cls);
}

/* "the communicator has ranks 0 to 3". */
static void describe_ranks(const struct xmpi_comm *comm, char *out, size_t size)
{
    const char *whose =
        comm->inter ? "remote group of the intercommunicator" : "communicator";
    if (comm->remote->size == 1)
        snprintf(out, size, "the %s has rank 0 only", whose);
    else
        snprintf(out, size, "the %s has ranks 0 to %d", whose, comm->remote->size - 1);
}

int xmpi_bad_rank(struct xmpi_comm *comm, const char *fn, const char *arg, int value)
{
    char ranks[96];
    describe_ranks(comm, ranks, sizeof(ranks));
    int cls;
    if (value == MPI_ANY_SOURCE)
        cls = xmpi_err(MPI_ERR_RANK, "%s is MPI_ANY_SOURCE, which only a receive may use",
                       arg);
    else
        cls = xmpi_err(MPI_ERR_RANK, "%s is %d but %s", arg, value, ranks);
    return xmpi_raise(comm, fn, cls);
}

int xmpi_bad_tag(void *on, const char *fn, const char *arg, int value)
{
    int cls;
    if (value == MPI_ANY_TAG)
        cls = xmpi_err(MPI_ERR_TAG, "%s is MPI_ANY_TAG, which only a receive may use", arg);
    else
        cls = xmpi_err(MPI_ERR_TAG, "%s is %d; tags are 0 to %d", arg, value,
                       PVMX_ENGINE_TAG_UB);
    return xmpi_raise(on, fn, cls);
}

int xmpi_bad_root(struct xmpi_comm *comm, const char *fn, int value)
{
    char ranks[96];
    describe_ranks(comm, ranks, sizeof(ranks));
    int cls = xmpi_err(MPI_ERR_ROOT, "root is %d but %s%s", value, ranks,
                       comm->inter ? " (MPI_ROOT and MPI_PROC_NULL are allowed too)" : "");
    return xmpi_raise(comm, fn, cls);
}

int xmpi_bad_null(void *on, const char *fn, const char *arg)
{
    return xmpi_raise(on, fn, xmpi_err(MPI_ERR_ARG, "%s is a null pointer", arg));
}

int xmpi_bad_buffer(void *on, const char *fn, const char *arg, const void *buf)
{
    int cls;
    if (buf == MPI_IN_PLACE)
        cls = xmpi_err(MPI_ERR_BUFFER, "%s is MPI_IN_PLACE, which is not allowed here", arg);
    else
        cls = xmpi_err(MPI_ERR_BUFFER, "%s is a null pointer but the count is not 0", arg);
    return xmpi_raise(on, fn, cls);
}

int xmpi_unsupported(const char *fn, MPI_Comm comm)
{
    if (!xmpi_is_up())
        return xmpi_bad_state(fn);
    int cls =
        xmpi_err(MPI_ERR_UNSUPPORTED_OPERATION, "this library does not implement it");
    return xmpi_raise(comm == MPI_COMM_NULL ? NULL : xmpi_comm_of(comm), fn, cls);
}

int xmpi_check_requests(const char *fn, MPI_Count count, const MPI_Request *requests)
{
    for (MPI_Count i = 0; i < count; i++) {
        if (requests[i] == MPI_REQUEST_NULL || xmpi_request_of(requests[i]))
            continue;
        char arg[48];
        snprintf(arg, sizeof(arg), "array_of_requests[%lld]", (long long)i);
        return xmpi_bad_handle(NULL, fn, arg, requests[i], XMPI_KIND_REQUEST);
    }
    return MPI_SUCCESS;
}
