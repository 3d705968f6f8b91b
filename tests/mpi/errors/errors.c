/* SPDX-License-Identifier: BSD-3-Clause */
/* Every wrong argument that can be found is found: right class, right error handler, called once; a
 * sentence that names function, parameter and value; and the library is as good as before. */
#include "errors.h"
#include "mtest.h"
#include <stdlib.h>
#include <string.h>

MPI_Comm errors_comm, errors_cart, errors_graph, errors_dist;
MPI_Group errors_group;
MPI_Info errors_info;
MPI_Errhandler errors_handler, errors_session_handler;
MPI_Session errors_session;
MPI_Request errors_persistent;
MPI_Datatype errors_raw;
MPI_Status errors_status;
int errors_ints[64], errors_zeros[64], errors_keyval;
MPI_Count errors_counts[64];
MPI_Aint errors_displs[64];
MPI_Datatype errors_types[4];
MPI_Request errors_requests[4], errors_wrong_requests[4];
long long errors_data[512], errors_out[512];

static int calls[ON_GIVEN + 1], codes[ON_GIVEN + 1];

static void note(enum errors_on on, int code)
{
    calls[on]++;
    codes[on] = code;
}

static void on_self(MPI_Comm *comm, int *code, ...)
{
    note(*comm == MPI_COMM_SELF ? ON_SELF : ON_GIVEN, *code);
}

/* The same function serves the communicators and, as an argument, those that are not made yet. */
static void on_comm(MPI_Comm *comm, int *code, ...)
{
    note(*comm == MPI_COMM_NULL ? ON_GIVEN : ON_COMM, *code);
}

static void on_session(MPI_Session *session, int *code, ...)
{
    note(*session == MPI_SESSION_NULL ? ON_GIVEN : ON_SESSION, *code);
}

static void on_file(MPI_File *file, int *code, ...)
{
    (void)file;
    note(ON_FILE, *code);
}

static void make_communicators(void)
{
    int one = 1, zero = 0;
    OK(MPI_Comm_dup(MPI_COMM_SELF, &errors_comm));
    OK(MPI_Cart_create(MPI_COMM_SELF, 1, &one, &zero, 0, &errors_cart));
    OK(MPI_Graph_create(MPI_COMM_SELF, 1, &zero, &zero, 0, &errors_graph));
    OK(MPI_Dist_graph_create_adjacent(MPI_COMM_SELF, 0, NULL, errors_ints, 0, NULL,
                                      errors_ints, MPI_INFO_NULL, 0, &errors_dist));
    MPI_Comm world = MPI_COMM_WORLD;
    MPI_Comm *const all[] = {&errors_comm, &errors_cart, &errors_graph, &errors_dist, &world};
    for (int i = 0; i < 5; i++)
        OK(MPI_Comm_set_errhandler(*all[i], errors_handler));
}

static void make_objects(void)
{
    MPI_Errhandler self, file;
    OK(MPI_Comm_create_errhandler(on_comm, &errors_handler));
    OK(MPI_Session_create_errhandler(on_session, &errors_session_handler));
    make_communicators();
    OK(MPI_Session_init(MPI_INFO_NULL, errors_session_handler, &errors_session));
    OK(MPI_Comm_group(errors_comm, &errors_group));
    OK(MPI_Info_create(&errors_info));
    OK(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN,
                              &errors_keyval, NULL));
    OK(MPI_Type_contiguous(2, MPI_INT, &errors_raw));
    OK(MPI_Recv_init(errors_data, 1, MPI_INT, 0, 1, errors_comm, &errors_persistent));
    for (int i = 0; i < 64; i++) {
        errors_ints[i] = 1;
        errors_counts[i] = 1;
    }
    for (int i = 0; i < 4; i++) {
        errors_types[i] = MPI_INT;
        errors_requests[i] = MPI_REQUEST_NULL;
        errors_wrong_requests[i] = (MPI_Request)(void *)errors_comm;
    }
    OK(MPI_Comm_create_errhandler(on_self, &self));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, self));
    OK(MPI_Errhandler_free(&self));
    OK(MPI_File_create_errhandler(on_file, &file));
    OK(MPI_File_set_errhandler(MPI_FILE_NULL, file));
    OK(MPI_Errhandler_free(&file));
}

static void free_objects(void)
{
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Type_free(&errors_raw));
    OK(MPI_Request_free(&errors_persistent));
    OK(MPI_Comm_free_keyval(&errors_keyval));
    OK(MPI_Info_free(&errors_info));
    OK(MPI_Group_free(&errors_group));
    OK(MPI_Session_finalize(&errors_session));
    OK(MPI_Comm_free(&errors_comm));
    OK(MPI_Comm_free(&errors_cart));
    OK(MPI_Comm_free(&errors_graph));
    OK(MPI_Comm_free(&errors_dist));
    OK(MPI_Errhandler_free(&errors_handler));
    OK(MPI_Errhandler_free(&errors_session_handler));
}

/* The value of a class may be spelt as a name that the sentence shows. */
static void check_sentence(const struct errors_row *row, int rc)
{
    char said[MPI_MAX_ERROR_STRING];
    int len;
    OK(MPI_Error_string(rc, said, &len));
    if (!strstr(said, row->function) || !strstr(said, row->parameter) ||
        (row->value && !strstr(said, row->value)))
        mt_fail(__FILE__, __LINE__, "%s with wrong %s (%s) says \"%s\"", row->function,
                row->parameter, row->value ? row->value : "", said);
}

static bool still_works(void)
{
    int one = 1, sum = 0;
    return MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, errors_comm) == MPI_SUCCESS &&
           sum == 1;
}

static void check_row(const struct errors_row *row)
{
    static const char *const who[] = {"MPI_COMM_SELF", "the communicator", "the session",
                                      "MPI_FILE_NULL", "what was given"};
    int class = -1, total = 0;
    memset(calls, 0, sizeof(calls));
    mt_at(row->function, 0);
    int rc = row->call();
    if (rc == MPI_SUCCESS || MPI_Error_class(rc, &class) != MPI_SUCCESS ||
        class != row->class) {
        char said[MPI_MAX_ERROR_STRING];
        int len;
        MPI_Error_string(rc, said, &len);
        mt_fail(__FILE__, __LINE__, "%s with wrong %s (%s) gives class %d, not %d: %s",
                row->function, row->parameter, row->value ? row->value : "", class,
                row->class, said);
        return;
    }
    for (int i = 0; i <= ON_GIVEN; i++)
        total += calls[i];
    if (total != 1 || calls[row->on] != 1 || codes[row->on] != rc)
        mt_fail(__FILE__, __LINE__,
                "%s with wrong %s (%s): %d handlers called, that of %s %d times",
                row->function, row->parameter, row->value ? row->value : "", total,
                who[row->on], calls[row->on]);
    check_sentence(row, rc);
    if (!still_works())
        mt_fail(__FILE__, __LINE__, "after %s with wrong %s nothing works", row->function,
                row->parameter);
}

/* The initial handler returns in this test (its environment says so). */
static void check_state(const char *when)
{
    for (int i = 0; i < errors_calls_count; i++) {
        char said[MPI_MAX_ERROR_STRING] = "";
        int len, class = -1;
        mt_at(errors_calls[i].function, 0);
        int rc = errors_calls[i].call();
        if (rc != MPI_SUCCESS)
            MPI_Error_string(rc, said, &len);
        MPI_Error_class(rc, &class);
        if (class != MPI_ERR_OTHER || !strstr(said, when) ||
            !strstr(said, errors_calls[i].function))
            mt_fail(__FILE__, __LINE__, "%s %s gives class %d: %s",
                    errors_calls[i].function, when, class, said);
    }
}

int main(int argc, char **argv)
{
    mt_prepare(&argc, &argv);
    check_state("before MPI_Init");
    mt_begin(&argc, &argv, 0);
    make_objects();
    for (int i = 0; i < errors_rows_count; i++)
        check_row(&errors_rows[i]);
    free_objects();
    MPI_Finalize();
    check_state("after MPI_Finalize");
    CHECK(errors_rows_count > 1500);
    return mt_failures() != 0;
}
