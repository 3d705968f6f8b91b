/* SPDX-License-Identifier: BSD-3-Clause */
/* What a program learns of the ABI, before MPI_Init, between and after MPI_Finalize; what it tells of
 * Fortran, once; handles of every kind as ints; MPI_Pcontrol. */
#include "mtest.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void has(MPI_Info info, const char *key, const char *wanted)
{
    char value[MPI_MAX_INFO_VAL];
    int flag = 0, len = sizeof(value);
    OK(MPI_Info_get_string(info, key, &len, value, &flag));
    if (!flag || strcmp(value, wanted) != 0)
        mt_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", key, flag ? value : "",
                wanted);
}

/* Callable at any time. */
static void queries(void)
{
    int major = -1, minor = -1, n = 0;
    MPI_Info info = MPI_INFO_NULL;
    OK(MPI_Abi_get_version(&major, &minor));
    CHECK(major == MPI_ABI_VERSION && minor == MPI_ABI_SUBVERSION && major == 1);
    OK(MPI_Abi_get_info(&info));
    has(info, "mpi_aint_size", "8");
    has(info, "mpi_count_size", "8");
    has(info, "mpi_offset_size", "8");
    OK(MPI_Info_get_nkeys(info, &n));
    CHECK_EQ(n, 3);
    OK(MPI_Info_free(&info)); /* it is the program's */
    OK(MPI_Pcontrol(0));
    OK(MPI_Pcontrol(1));
    OK(MPI_Pcontrol(2, "more", 3.0, &n));
    OK(MPI_Pcontrol(-7));
}

/* Only what was asked for before the program started. */
static void no_level(void)
{
    char value[MPI_MAX_INFO_VAL];
    int flag = -1, len = sizeof(value);
    MPI_Info info;
    OK(MPI_Info_get_string(MPI_INFO_ENV, "thread_level", &len, value, &flag));
    CHECK_EQ(flag, 0);
    OK(MPI_Info_create_env(0, NULL, &info));
    OK(MPI_Info_get_string(info, "thread_level", &len, value, &flag));
    CHECK_EQ(flag, 0);
    OK(MPI_Info_free(&info));
}

static void fortran(void)
{
    MPI_Info info = MPI_INFO_ENV;
    int32_t yes = -1, no = 0, yes_is = -2, no_is = -2;
    int set = -1;
    OK(MPI_Abi_get_fortran_info(&info));
    CHECK(info == MPI_INFO_NULL); /* nobody has told */
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "mpi_logical_size", "3"));
    CHECK_CLASS(MPI_Abi_set_fortran_info(info), MPI_ERR_INFO_VALUE);
    OK(MPI_Info_set(info, "mpi_logical_size", "4"));
    OK(MPI_Info_set(info, "mpi_integer_size", "8"));
    OK(MPI_Info_set(info, "mpi_real2_supported", "false"));
    OK(MPI_Abi_set_fortran_info(info));
    CHECK_CLASS(MPI_Abi_set_fortran_info(info), MPI_ERR_ABI);
    OK(MPI_Info_free(&info));
    OK(MPI_Abi_get_fortran_info(&info));
    has(info, "mpi_integer_size", "8");
    has(info, "mpi_real2_supported", "false");
    OK(MPI_Info_free(&info));
    OK(MPI_Abi_get_fortran_booleans(4, &yes_is, &no_is, &set));
    CHECK_EQ(set, 0);
    CHECK_CLASS(MPI_Abi_set_fortran_booleans(5, &yes, &no), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Abi_set_fortran_booleans(4, NULL, &no), MPI_ERR_ARG);
    OK(MPI_Abi_set_fortran_booleans(4, &yes, &no));
    CHECK_CLASS(MPI_Abi_set_fortran_booleans(4, &no, &yes), MPI_ERR_ABI);
    OK(MPI_Abi_get_fortran_booleans(4, &yes_is, &no_is, &set));
    CHECK(set == 1 && yes_is == -1 && no_is == 0);
    OK(MPI_Abi_get_fortran_booleans(4, NULL, NULL, &set));
    OK(MPI_Abi_get_fortran_booleans(8, &yes_is, &no_is, &set));
    CHECK_EQ(set, 0);
}

/* What true is has been told for 4 bytes, and for 1 byte false is not 0; nothing of 8 bytes. */
static void logicals(void)
{
    int8_t yes = 'T', no = 'F';
    int8_t small[2][4] = {{'T', 'T', 'F', 'F'}, {'T', 'F', 'T', 'F'}}, in[4];
    int32_t four[4] = {-1, -1, 0, 0}, with[4] = {-1, 0, 1, 0}; /* 1: neither */
    int64_t eight[4] = {1, 1, 0, 0}, other[4] = {1, 0, 5, 0};
    OK(MPI_Abi_set_fortran_booleans(1, &yes, &no));
    memcpy(in, small[1], sizeof in);
    OK(MPI_Reduce_local(small[0], in, 4, MPI_LOGICAL1, MPI_LAND));
    CHECK(memcmp(in, "TFFF", 4) == 0);
    memcpy(in, small[1], sizeof in);
    OK(MPI_Reduce_local(small[0], in, 4, MPI_LOGICAL1, MPI_LOR));
    CHECK(memcmp(in, "TTTF", 4) == 0);
    OK(MPI_Reduce_local(small[0], small[1], 4, MPI_LOGICAL1, MPI_LXOR));
    CHECK(memcmp(small[1], "FTTF", 4) == 0);
    OK(MPI_Reduce_local(four, with, 4, MPI_LOGICAL, MPI_LOR));
    CHECK(with[0] == -1 && with[1] == -1 && with[2] == -1 && with[3] == 0);
    with[0] = 0;
    OK(MPI_Reduce_local(four, with, 4, MPI_LOGICAL4, MPI_LXOR));
    CHECK(with[0] == -1 && with[1] == 0 && with[2] == -1 && with[3] == 0);
    OK(MPI_Reduce_local(eight, other, 4, MPI_LOGICAL8, MPI_LOR));
    CHECK(other[0] == 1 && other[1] == 1 && other[2] == 1 && other[3] == 0);
}

/* Predefined handles are the numbers of the ABI; others have one that is theirs. */
#define PREDEFINED(Type, handle)                                                         \
    do {                                                                                 \
        CHECK_EQ(MPI_##Type##_toint(handle), (int)(uintptr_t)(void *)(handle));          \
        CHECK(MPI_##Type##_fromint(MPI_##Type##_toint(handle)) == (handle));             \
    } while (0)
#define MADE(Type, a, b)                                                                 \
    do {                                                                                 \
        int number = MPI_##Type##_toint(a);                                              \
        CHECK(number > 16384 && number == MPI_##Type##_toint(a));                        \
        CHECK(number != MPI_##Type##_toint(b));                                          \
        CHECK(MPI_##Type##_fromint(number) == (a));                                      \
        CHECK(MPI_##Type##_fromint(MPI_##Type##_toint(b)) == (b));                       \
    } while (0)

static void on_comm(MPI_Comm *comm, int *code, ...)
{
    (void)comm, (void)code;
}

static void add(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)in, (void)inout, (void)n, (void)type;
}

static void predefined(void)
{
    PREDEFINED(Comm, MPI_COMM_WORLD);
    PREDEFINED(Comm, MPI_COMM_NULL);
    PREDEFINED(Errhandler, MPI_ERRORS_ABORT);
    PREDEFINED(File, MPI_FILE_NULL);
    PREDEFINED(Group, MPI_GROUP_EMPTY);
    PREDEFINED(Info, MPI_INFO_ENV);
    PREDEFINED(Message, MPI_MESSAGE_NO_PROC);
    PREDEFINED(Op, MPI_MAXLOC);
    PREDEFINED(Request, MPI_REQUEST_NULL);
    PREDEFINED(Session, MPI_SESSION_NULL);
    PREDEFINED(Type, MPI_DOUBLE);
    PREDEFINED(Win, MPI_WIN_NULL);
}

static void made(void)
{
    MPI_Comm comm[2];
    MPI_Errhandler eh[2];
    MPI_Group group[2];
    MPI_Info info[2];
    MPI_Op op[2];
    MPI_Datatype type[2];
    MPI_Session session[2];
    MPI_Request req[2];
    MPI_Message msg[2];
    for (int i = 0; i < 2; i++) {
        OK(MPI_Comm_dup(MPI_COMM_SELF, &comm[i]));
        OK(MPI_Comm_create_errhandler(on_comm, &eh[i]));
        OK(MPI_Comm_group(comm[i], &group[i]));
        OK(MPI_Info_create(&info[i]));
        OK(MPI_Op_create(add, 1, &op[i]));
        OK(MPI_Type_contiguous(2 + i, MPI_INT, &type[i]));
        OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session[i]));
        OK(MPI_Isend(NULL, 0, MPI_INT, 0, i, MPI_COMM_SELF, &req[i]));
        OK(MPI_Mprobe(0, i, MPI_COMM_SELF, &msg[i], MPI_STATUS_IGNORE));
        OK(MPI_Wait(&req[i], MPI_STATUS_IGNORE));
        OK(MPI_Send_init(NULL, 0, MPI_INT, 0, i, MPI_COMM_SELF, &req[i]));
    }
    MADE(Comm, comm[0], comm[1]);
    MADE(Errhandler, eh[0], eh[1]);
    MADE(Info, info[0], info[1]);
    MADE(Op, op[0], op[1]);
    MADE(Type, type[0], type[1]);
    MADE(Session, session[0], session[1]);
    MADE(Request, req[0], req[1]);
    MADE(Message, msg[0], msg[1]);
    MPI_Group both;
    OK(MPI_Group_union(group[0], MPI_GROUP_EMPTY, &both));
    MADE(Group, group[0], both);
    OK(MPI_Group_free(&both));
    for (int i = 0; i < 2; i++) {
        OK(MPI_Comm_free(&comm[i]));
        OK(MPI_Errhandler_free(&eh[i]));
        OK(MPI_Group_free(&group[i]));
        OK(MPI_Info_free(&info[i]));
        OK(MPI_Op_free(&op[i]));
        OK(MPI_Type_free(&type[i]));
        OK(MPI_Session_finalize(&session[i]));
        OK(MPI_Mrecv(NULL, 0, MPI_INT, &msg[i], MPI_STATUS_IGNORE));
        OK(MPI_Request_free(&req[i]));
    }
}

int main(int argc, char **argv)
{
    setenv("PVMX_INITIAL_ERRHANDLER", "mpi_errors_return", 1);
    mt_prepare(&argc, &argv);
    queries();
    no_level();
    fortran();
    predefined();
    OK(MPI_Init(&argc, &argv));
    queries();
    no_level();
    predefined();
    made();
    logicals();
    OK(MPI_Finalize());
    queries();
    predefined();
    return mt_failures() != 0;
}
