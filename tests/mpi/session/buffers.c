/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers for buffered sends: that of the communicator comes first, then that of the session, then
 * that of the process. */
#include "mtest.h"
#include <stdlib.h>

enum { MESSAGE = 1000, ROOM = MESSAGE + MPI_BSEND_OVERHEAD };

static char data[MESSAGE], got[MESSAGE];

static void send_and_receive(MPI_Comm comm)
{
    MPI_Status st;
    mt_fill(data, MESSAGE, 5);
    OK(MPI_Bsend(data, MESSAGE, MPI_BYTE, 0, 1, comm));
    OK(MPI_Recv(got, MESSAGE, MPI_BYTE, 0, 1, comm, &st));
    CHECK(mt_filled(got, MESSAGE, 5));
}

int main(int argc, char **argv)
{
    MPI_Session session;
    MPI_Group group;
    MPI_Comm comm;
    MPI_Request request;
    static char session_buffer[ROOM], comm_buffer[ROOM];
    void *out = NULL;
    MPI_Count size = 0;
    int int_size = 0;
    setenv("PVMX_INITIAL_ERRHANDLER", "mpi_errors_return", 1);
    mt_prepare(&argc, &argv);
    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
    OK(MPI_Group_from_session_pset(session, "mpi://SELF", &group));
    OK(MPI_Comm_create_from_group(group, "b", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
    CHECK_CLASS(MPI_Bsend(data, MESSAGE, MPI_BYTE, 0, 1, comm), MPI_ERR_BUFFER);
    OK(MPI_Session_attach_buffer(session, session_buffer, ROOM));
    CHECK_CLASS(MPI_Session_attach_buffer(session, session_buffer, ROOM), MPI_ERR_BUFFER);
    send_and_receive(comm);
    OK(MPI_Session_flush_buffer(session));
    OK(MPI_Session_iflush_buffer(session, &request));
    OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    /* The communicator's own hides the session's: too small, so it does not fit. */
    OK(MPI_Comm_attach_buffer(comm, comm_buffer, MPI_BSEND_OVERHEAD));
    CHECK_CLASS(MPI_Bsend(data, MESSAGE, MPI_BYTE, 0, 1, comm), MPI_ERR_BUFFER);
    OK(MPI_Comm_detach_buffer(comm, &out, &int_size));
    CHECK(out == comm_buffer && int_size == MPI_BSEND_OVERHEAD);
    OK(MPI_Session_detach_buffer_c(session, &out, &size));
    CHECK(out == session_buffer && size == ROOM);
    OK(MPI_Session_attach_buffer(session, session_buffer, ROOM));
    send_and_receive(comm);
    OK(MPI_Session_detach_buffer(session, &out, &int_size));
    CHECK(out == session_buffer && int_size == ROOM);
    CHECK_CLASS(MPI_Session_detach_buffer_c(session, &out, &size), MPI_ERR_BUFFER);
    OK(MPI_Buffer_attach(session_buffer, ROOM));
    send_and_receive(comm);
    OK(MPI_Buffer_detach(&out, &int_size));
    OK(MPI_Session_attach_buffer_c(session, MPI_BUFFER_AUTOMATIC, 0));
    send_and_receive(comm);
    OK(MPI_Session_flush_buffer(session));
    OK(MPI_Session_iflush_buffer(session, &request));
    OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    OK(MPI_Session_detach_buffer(session, &out, &int_size));
    CHECK(out == MPI_BUFFER_AUTOMATIC && int_size == 0);
    CHECK_CLASS(MPI_Bsend(data, MESSAGE, MPI_BYTE, 0, 1, comm), MPI_ERR_BUFFER);
    OK(MPI_Session_attach_buffer(session, MPI_BUFFER_AUTOMATIC, 0));
    send_and_receive(comm);
    OK(MPI_Comm_free(&comm));
    OK(MPI_Group_free(&group));
    OK(MPI_Session_finalize(&session));
    return mt_failures() != 0;
}
