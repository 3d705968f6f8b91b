/* SPDX-License-Identifier: BSD-3-Clause */
/* What the entry points say of bad arguments: class and sentence, in a process of its own world. */
#include "mpi.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static int buf[4];

static void start(void)
{
    cr_assert(eq(int, MPI_Init(NULL, NULL), MPI_SUCCESS));
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
}

static void stop(void)
{
    cr_assert(eq(int, MPI_Finalize(), MPI_SUCCESS));
}

TestSuite(check, .init = start, .fini = stop);

/* The call must have failed with this class, and MPI_Error_string must end with this sentence. */
static void expect(int got, int cls, const char *sentence)
{
    char text[MPI_MAX_ERROR_STRING];
    int len;
    cr_assert(got == cls, "code %d instead of %d (\"%s\")", got, cls, sentence);
    cr_assert(eq(int, MPI_Error_string(got, text, &len), MPI_SUCCESS));
    const char *at = strstr(text, sentence);
    cr_assert(at && strcmp(at, sentence) == 0, "\"%s\" instead of \"%s\"", text, sentence);
}

Test(check, ranks)
{
    expect(MPI_Send(buf, 1, MPI_INT, 7, 0, MPI_COMM_WORLD), MPI_ERR_RANK,
           ": MPI_Send: dest is 7 but the communicator has rank 0 only");
    expect(MPI_Send(buf, 1, MPI_INT, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD), MPI_ERR_RANK,
           ": MPI_Send: dest is MPI_ANY_SOURCE, which only a receive may use");
    expect(MPI_Recv(buf, 1, MPI_INT, -7, 0, MPI_COMM_SELF, MPI_STATUS_IGNORE),
           MPI_ERR_RANK, ": MPI_Recv: source is -7 but the communicator has rank 0 only");
    expect(MPI_Bcast(buf, 1, MPI_INT, 1, MPI_COMM_WORLD), MPI_ERR_ROOT,
           ": MPI_Bcast: root is 1 but the communicator has rank 0 only");
    cr_assert(eq(int, MPI_Send(buf, 1, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_WORLD),
                 MPI_SUCCESS));
}

Test(check, tags_counts_and_buffers)
{
    expect(MPI_Send(buf, 1, MPI_INT, 0, -5, MPI_COMM_WORLD), MPI_ERR_TAG,
           ": MPI_Send: tag is -5; tags are 0 to 2147483647");
    expect(MPI_Send(buf, 1, MPI_INT, 0, MPI_ANY_TAG, MPI_COMM_WORLD), MPI_ERR_TAG,
           ": MPI_Send: tag is MPI_ANY_TAG, which only a receive may use");
    expect(MPI_Send(buf, -1, MPI_INT, 0, 0, MPI_COMM_WORLD), MPI_ERR_COUNT,
           ": MPI_Send: count is -1; it must not be negative");
    expect(MPI_Send_c(buf, -5000000000, MPI_INT, 0, 0, MPI_COMM_WORLD), MPI_ERR_COUNT,
           ": MPI_Send_c: count is -5000000000; it must not be negative");
    expect(MPI_Send(NULL, 1, MPI_INT, 0, 0, MPI_COMM_WORLD), MPI_ERR_BUFFER,
           ": MPI_Send: buf is a null pointer but the count is not 0");
    expect(MPI_Send(MPI_IN_PLACE, 1, MPI_INT, 0, 0, MPI_COMM_WORLD), MPI_ERR_BUFFER,
           ": MPI_Send: buf is MPI_IN_PLACE, which is not allowed here");
    cr_assert(eq(int, MPI_Send(NULL, 0, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_WORLD),
                 MPI_SUCCESS));
}

Test(check, handles)
{
    int n;
    MPI_Request request = MPI_REQUEST_NULL;
    expect(MPI_Comm_rank(MPI_COMM_NULL, &n), MPI_ERR_COMM,
           ": MPI_Comm_rank: comm is MPI_COMM_NULL");
    expect(MPI_Comm_rank((MPI_Comm)MPI_INT, &n), MPI_ERR_COMM,
           ": MPI_Comm_rank: comm is the handle of a datatype, not a communicator");
    expect(MPI_Comm_rank((MPI_Comm)MPI_GROUP_NULL, &n), MPI_ERR_COMM,
           ": MPI_Comm_rank: comm is MPI_GROUP_NULL, not a communicator");
    expect(MPI_Comm_rank((MPI_Comm)0, &n), MPI_ERR_COMM,
           ": MPI_Comm_rank: comm (0) is not the handle of a communicator");
    expect(MPI_Send(buf, 1, MPI_DATATYPE_NULL, 0, 0, MPI_COMM_WORLD), MPI_ERR_TYPE,
           ": MPI_Send: datatype is MPI_DATATYPE_NULL");
    expect(MPI_Send(buf, 1, MPI_REAL2, 0, 0, MPI_COMM_WORLD), MPI_ERR_TYPE,
           ": MPI_Send: datatype is MPI_REAL2, which this platform does not have");
    expect(MPI_Allreduce(MPI_IN_PLACE, buf, 1, MPI_INT, MPI_OP_NULL, MPI_COMM_WORLD),
           MPI_ERR_OP, ": MPI_Allreduce: op is MPI_OP_NULL");
    expect(MPI_Group_size(MPI_GROUP_NULL, &n), MPI_ERR_GROUP,
           ": MPI_Group_size: group is MPI_GROUP_NULL");
    expect(MPI_Start(&request), MPI_ERR_REQUEST, ": MPI_Start: request is MPI_REQUEST_NULL");
    cr_assert(eq(int, MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS));
    MPI_Request list[2] = {MPI_REQUEST_NULL, (MPI_Request)MPI_COMM_WORLD};
    expect(MPI_Waitall(2, list, MPI_STATUSES_IGNORE), MPI_ERR_REQUEST,
           ": MPI_Waitall: array_of_requests[1] is the handle of a communicator, "
           "not a request");
}

Test(check, null_pointers)
{
    expect(MPI_Comm_size(MPI_COMM_WORLD, NULL), MPI_ERR_ARG,
           ": MPI_Comm_size: size is a null pointer");
    expect(MPI_Isend(buf, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, NULL), MPI_ERR_ARG,
           ": MPI_Isend: request is a null pointer");
    expect(MPI_Waitall(1, NULL, MPI_STATUSES_IGNORE), MPI_ERR_ARG,
           ": MPI_Waitall: array_of_requests is a null pointer");
    expect(MPI_Comm_set_name(MPI_COMM_WORLD, NULL), MPI_ERR_ARG,
           ": MPI_Comm_set_name: comm_name is a null pointer");
}

Test(check, functions_that_are_missing_say_so)
{
    MPI_Win win;
    expect(MPI_Win_create(buf, 4, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win),
           MPI_ERR_UNSUPPORTED_OPERATION,
           ": MPI_Win_create: this library does not implement it");
}

Test(check, a_second_init_is_refused)
{
    expect(MPI_Init(NULL, NULL), MPI_ERR_OTHER, ": MPI_Init: MPI is initialized already");
}

Test(check, environment_of_a_lone_process)
{
    int n, *value, flag;
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &value, &flag);
    cr_assert(flag);
    cr_assert(eq(int, *value, 2147483647));
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, &value, &flag);
    cr_assert(flag);
    cr_assert(ge(int, *value, 1));
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_APPNUM, &value, &flag);
    cr_assert(not(flag));
    MPI_Get_processor_name(text, &n);
    cr_assert(gt(int, n, 0));
    MPI_Get_library_version(text, &n);
    cr_assert(eq(int, n, (int)strlen(text)));
    cr_assert(strncmp(text, "PVMX ", 5) == 0);
    double t = MPI_Wtime();
    cr_assert(MPI_Wtime() >= t);
    cr_assert(MPI_Wtick() > 0 && MPI_Wtick() < 1e-3);
    void *memory;
    MPI_Info info;
    MPI_Info_create(&info);
    MPI_Info_set(info, "mpi_minimum_memory_alignment", "4096");
    cr_assert(eq(int, MPI_Alloc_mem(100, info, &memory), MPI_SUCCESS));
    cr_assert(eq(int, (int)((uintptr_t)memory % 4096), 0));
    MPI_Free_mem(memory);
    expect(MPI_Alloc_mem(-1, MPI_INFO_NULL, &memory), MPI_ERR_ARG,
           ": MPI_Alloc_mem: size is -1; it must not be negative");
    MPI_Info_free(&info);
    MPI_Query_thread(&n);
    cr_assert(eq(int, n, MPI_THREAD_SINGLE));
    MPI_Is_thread_main(&flag);
    cr_assert(flag);
}
