/* SPDX-License-Identifier: BSD-3-Clause */
/* Error handlers of sessions, windows and files, and which handler an error goes to: that of the
 * object; without one that of MPI_COMM_SELF; without the world model the initial one, which the
 * environment sets. */
#include "mtest.h"
#include <stdarg.h>
#include <stdlib.h>

static int session_calls, comm_calls, file_calls, last;
static MPI_Session seen_session;
static MPI_Comm seen_comm;
static MPI_File seen_file;

static void on_session(MPI_Session *session, int *code, ...)
{
    seen_session = *session;
    session_calls++;
    last = *code;
}

static void on_comm(MPI_Comm *comm, int *code, ...)
{
    seen_comm = *comm;
    comm_calls++;
    last = *code;
}

static void on_file(MPI_File *file, int *code, ...)
{
    seen_file = *file;
    file_calls++;
    last = *code;
}

static void on_win(MPI_Win *win, int *code, ...)
{
    (void)win;
    (void)code;
}

static void sessions(void)
{
    MPI_Errhandler eh, comm_eh, got;
    MPI_Session session;
    MPI_Group group;
    OK(MPI_Session_create_errhandler(on_session, &eh));
    OK(MPI_Comm_create_errhandler(on_comm, &comm_eh));
    OK(MPI_Session_init(MPI_INFO_NULL, eh, &session));
    OK(MPI_Session_get_errhandler(session, &got));
    CHECK(got == eh);
    OK(MPI_Errhandler_free(&got));
    CHECK_CLASS(MPI_Group_from_session_pset(session, "none", &group), MPI_ERR_ARG);
    CHECK(session_calls == 1 && seen_session == session && last == MPI_ERR_ARG);
    OK(MPI_Session_call_errhandler(session, MPI_ERR_OTHER));
    CHECK(session_calls == 2 && last == MPI_ERR_OTHER);
    CHECK_CLASS(MPI_Session_call_errhandler(session, 1 << 29), MPI_ERR_ARG);
    CHECK_EQ(session_calls, 3);
    CHECK_CLASS(MPI_Session_set_errhandler(session, comm_eh), MPI_ERR_ERRHANDLER);
    CHECK_EQ(session_calls, 4);
    OK(MPI_Session_set_errhandler(session, MPI_ERRORS_RETURN));
    CHECK_CLASS(MPI_Group_from_session_pset(session, "none", &group), MPI_ERR_ARG);
    CHECK_EQ(session_calls, 4);
    OK(MPI_Session_finalize(&session));

    /* The handler that is given counts for the making itself. */
    MPI_Info info;
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "thread_level", "none"));
    CHECK_CLASS(MPI_Session_init(info, eh, &session), MPI_ERR_INFO_VALUE);
    CHECK(session_calls == 5 && seen_session == MPI_SESSION_NULL);
    OK(MPI_Info_free(&info));
    OK(MPI_Session_init(MPI_INFO_NULL, eh, &session));
    OK(MPI_Group_from_session_pset(session, "mpi://SELF", &group));
    MPI_Comm comm;
    CHECK_CLASS(MPI_Comm_create_from_group(group, NULL, MPI_INFO_NULL, comm_eh, &comm),
                MPI_ERR_ARG);
    CHECK(comm_calls == 1 && seen_comm == MPI_COMM_NULL);
    OK(MPI_Comm_create_from_group(group, "self", MPI_INFO_NULL, comm_eh, &comm));
    int x = 0;
    CHECK_CLASS(MPI_Send(&x, 1, MPI_INT, 7, 0, comm), MPI_ERR_RANK);
    CHECK(comm_calls == 2 && seen_comm == comm && last == MPI_ERR_RANK);
    OK(MPI_Comm_free(&comm));
    OK(MPI_Group_free(&group));
    /* No object: the initial handler; neither of the two above. */
    CHECK_CLASS(MPI_Comm_size(MPI_COMM_NULL, &x), MPI_ERR_COMM);
    CHECK(comm_calls == 2 && session_calls == 5);
    OK(MPI_Session_finalize(&session));
    CHECK_CLASS(MPI_Session_get_num_psets(session, MPI_INFO_NULL, &x), MPI_ERR_OTHER);
    OK(MPI_Errhandler_free(&eh));
    OK(MPI_Errhandler_free(&comm_eh));
}

static void files_and_windows(void)
{
    MPI_Errhandler eh, win_eh, comm_eh, got;
    OK(MPI_Init(NULL, NULL));
    OK(MPI_Comm_create_errhandler(on_comm, &comm_eh));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, comm_eh));
    comm_calls = 0;
    OK(MPI_File_get_errhandler(MPI_FILE_NULL, &got));
    CHECK(got == MPI_ERRORS_RETURN);
    OK(MPI_File_create_errhandler(on_file, &eh));
    OK(MPI_File_set_errhandler(MPI_FILE_NULL, eh));
    OK(MPI_File_get_errhandler(MPI_FILE_NULL, &got));
    CHECK(got == eh);
    OK(MPI_Errhandler_free(&got));
    OK(MPI_File_call_errhandler(MPI_FILE_NULL, MPI_ERR_NO_SUCH_FILE));
    CHECK(file_calls == 1 && last == MPI_ERR_NO_SUCH_FILE && seen_file == MPI_FILE_NULL);
    /* A wrong file handle has no file: the default handler of files. */
    CHECK_CLASS(MPI_File_get_errhandler((MPI_File)MPI_COMM_WORLD, &got), MPI_ERR_FILE);
    CHECK(file_calls == 2 && comm_calls == 0);
    CHECK_CLASS(MPI_File_set_errhandler(MPI_FILE_NULL, comm_eh), MPI_ERR_ERRHANDLER);
    CHECK(file_calls == 3 && comm_calls == 0);
    OK(MPI_File_set_errhandler(MPI_FILE_NULL, MPI_ERRORS_RETURN));

    OK(MPI_Win_create_errhandler(on_win, &win_eh));
    CHECK_CLASS(MPI_Win_set_errhandler(MPI_WIN_NULL, win_eh), MPI_ERR_WIN);
    CHECK(comm_calls == 1 && seen_comm == MPI_COMM_SELF && last == MPI_ERR_WIN);
    int keyval = -1, comm_keyval = -1;
    OK(MPI_Win_create_keyval(MPI_WIN_NULL_COPY_FN, MPI_WIN_NULL_DELETE_FN, &keyval, NULL));
    OK(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN,
                              &comm_keyval, NULL));
    CHECK_CLASS(MPI_Win_free_keyval(&comm_keyval), MPI_ERR_KEYVAL);
    CHECK_EQ(comm_calls, 2);
    comm_calls = 1;
    OK(MPI_Comm_free_keyval(&comm_keyval));
    OK(MPI_Win_free_keyval(&keyval));
    CHECK_EQ(keyval, MPI_KEYVAL_INVALID);
    CHECK_CLASS(MPI_Win_get_errhandler((MPI_Win)comm_eh, &got), MPI_ERR_WIN);
    CHECK_CLASS(MPI_Win_call_errhandler(MPI_WIN_NULL, MPI_ERR_OTHER), MPI_ERR_WIN);
    CHECK_EQ(comm_calls, 3);
    CHECK_CLASS(MPI_Comm_set_errhandler(MPI_COMM_SELF, win_eh), MPI_ERR_ERRHANDLER);
    CHECK_EQ(comm_calls, 4);
    OK(MPI_Errhandler_free(&eh));
    OK(MPI_Errhandler_free(&win_eh));
    OK(MPI_Errhandler_free(&comm_eh));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Finalize());
}

int main(int argc, char **argv)
{
    setenv("PVMX_INITIAL_ERRHANDLER", "mpi_errors_return", 1);
    mt_prepare(&argc, &argv);
    sessions();
    files_and_windows();
    return mt_failures() != 0;
}
