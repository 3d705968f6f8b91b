/* SPDX-License-Identifier: BSD-3-Clause */
/* Handles and objects, both ways, and handles as ints. */
#include "abi/handles.h"
#include "comm/comm.h"
#include "rt/info.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

Test(handles, predefined_ones_find_their_objects)
{
    cr_assert(xmpi_comm_of(MPI_COMM_WORLD) == NULL);
    cr_assert(xmpi_comm_of(MPI_COMM_SELF) == NULL);
    xmpi_state = XMPI_STATE_UP;
    cr_assert(xmpi_comm_of(MPI_COMM_WORLD) == &xmpi_world);
    cr_assert(xmpi_comm_of(MPI_COMM_SELF) == &xmpi_self);
    xmpi_state = XMPI_STATE_NONE;
    cr_assert(xmpi_group_of(MPI_GROUP_EMPTY) == &xmpi_group_empty);
    cr_assert(xmpi_info_of(MPI_INFO_ENV) == &xmpi_info_env);
    cr_assert(eq(int, xmpi_info_env.obj.predef == (uintptr_t)MPI_INFO_ENV, 1));
    cr_assert(xmpi_errhandler_of(MPI_ERRORS_RETURN) != NULL);
    cr_assert(xmpi_errhandler_handle(xmpi_errhandler_of(MPI_ERRORS_ABORT)) ==
              MPI_ERRORS_ABORT);
    cr_assert(xmpi_op_handle(xmpi_op_of(MPI_SUM)) == MPI_SUM);
    cr_assert(xmpi_dtype_handle(xmpi_dtype_of(MPI_INT)) == MPI_INT);
}

Test(handles, null_handles_have_no_object)
{
    cr_assert(xmpi_comm_of(MPI_COMM_NULL) == NULL);
    cr_assert(xmpi_group_of(MPI_GROUP_NULL) == NULL);
    cr_assert(xmpi_dtype_of(MPI_DATATYPE_NULL) == NULL);
    cr_assert(xmpi_op_of(MPI_OP_NULL) == NULL);
    cr_assert(xmpi_request_of(MPI_REQUEST_NULL) == NULL);
    cr_assert(xmpi_info_of(MPI_INFO_NULL) == NULL);
    cr_assert(xmpi_errhandler_of(MPI_ERRHANDLER_NULL) == NULL);
    cr_assert(xmpi_comm_handle(NULL) == MPI_COMM_NULL);
    cr_assert(xmpi_request_handle(NULL) == MPI_REQUEST_NULL);
}

/* No value of the reserved range may be taken for an address. */
Test(handles, small_values_are_never_read)
{
    for (uintptr_t v = 0; v < XMPI_PREDEF_LIMIT; v++) {
        (void)xmpi_comm_of((MPI_Comm)v);
        (void)xmpi_group_of((MPI_Group)v);
        (void)xmpi_dtype_of((MPI_Datatype)v);
        (void)xmpi_op_of((MPI_Op)v);
        (void)xmpi_errhandler_of((MPI_Errhandler)v);
        cr_assert(xmpi_request_of((MPI_Request)v) == NULL);
        cr_assert(xmpi_message_of((MPI_Message)v) == NULL);
    }
    cr_assert(xmpi_comm_of((MPI_Comm)0x103) == NULL);
    cr_assert(xmpi_op_of((MPI_Op)0x25) == NULL);
    cr_assert(xmpi_dtype_of((MPI_Datatype)0x2ff) == NULL);
}

Test(handles, objects_of_another_class_are_not_taken)
{
    struct xmpi_info *info = xmpi_info_new();
    MPI_Info h = xmpi_info_handle(info);
    cr_assert(xmpi_info_of(h) == info);
    cr_assert(xmpi_comm_of((MPI_Comm)h) == NULL);
    cr_assert(xmpi_request_of((MPI_Request)h) == NULL);
    cr_assert(xmpi_info_of((MPI_Info)((char *)h + 4)) == NULL);
    xmpi_info_release(info);
}

Test(handles, last_reference_ends_the_handle)
{
    struct xmpi_obj o;
    xmpi_obj_init(&o, XMPI_KIND_COMM);
    xmpi_obj_ref(&o);
    cr_assert(not(xmpi_obj_unref(&o)));
    cr_assert(xmpi_comm_of((MPI_Comm)&o) != NULL);
    cr_assert(xmpi_obj_unref(&o));
    cr_assert(xmpi_comm_of((MPI_Comm)&o) == NULL);
}

Test(handles, predefined_ints_are_the_abi_values)
{
    cr_assert(eq(int, MPI_Comm_toint(MPI_COMM_WORLD), 257));
    cr_assert(MPI_Comm_fromint(257) == MPI_COMM_WORLD);
    cr_assert(eq(int, MPI_Type_toint(MPI_INT), 0x209));
    cr_assert(MPI_Request_fromint(0x180) == MPI_REQUEST_NULL);
    cr_assert(MPI_Win_fromint(MPI_Win_toint(MPI_WIN_NULL)) == MPI_WIN_NULL);
    cr_assert(MPI_File_fromint(MPI_File_toint(MPI_FILE_NULL)) == MPI_FILE_NULL);
}

Test(handles, other_ints_are_stable_and_their_own)
{
    enum { N = 1000 };
    MPI_Info h[N];
    int number[N];
    for (int i = 0; i < N; i++) {
        MPI_Info_create(&h[i]);
        number[i] = MPI_Info_toint(h[i]);
        cr_assert(gt(int, number[i], 16384));
    }
    for (int i = 0; i < N; i++) {
        cr_assert(eq(int, MPI_Info_toint(h[i]), number[i]));
        cr_assert(MPI_Info_fromint(number[i]) == h[i]);
        MPI_Info_free(&h[i]);
    }
    cr_assert(MPI_Info_fromint(-5) == NULL);
    cr_assert(MPI_Info_fromint(16385 + 100000) == NULL);
}
