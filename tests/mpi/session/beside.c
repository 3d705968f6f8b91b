/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions beside the world model: opened before MPI_Init, while it is up, and still open after
 * MPI_Finalize; what of the world model a session alone does not give. */
#include "mtest.h"
#include <string.h>

static int calls, last_class;

static void note(MPI_Session *session, int *code, ...)
{
    (void)session;
    MPI_Error_class(*code, &last_class);
    calls++;
}

static int sum_over(MPI_Session session, const char *tag)
{
    MPI_Group group;
    MPI_Comm comm;
    int one = 1, sum = 0;
    OK(MPI_Group_from_session_pset(session, "mpi://world", &group));
    OK(MPI_Comm_create_from_group(group, tag, MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
    OK(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm));
    OK(MPI_Comm_free(&comm));
    OK(MPI_Group_free(&group));
    return sum;
}

static void has_level(MPI_Session session, const char *level)
{
    MPI_Info used;
    char value[64];
    int flag, len = sizeof(value);
    OK(MPI_Session_get_info(session, &used));
    OK(MPI_Info_get_string(used, "thread_level", &len, value, &flag));
    CHECK(flag && strcmp(value, level) == 0);
    OK(MPI_Info_free(&used));
}

/* Errors without an object of their own go to the initial handler, which mpiexec's option or the
 * environment has set to "return" for this test. */
static void world_is_not_there(void)
{
    int x;
    MPI_Comm parent;
    CHECK_CLASS(MPI_Comm_size(MPI_COMM_WORLD, &x), MPI_ERR_COMM);
    CHECK_CLASS(MPI_Comm_size(MPI_COMM_SELF, &x), MPI_ERR_COMM);
    CHECK_CLASS(MPI_Query_thread(&x), MPI_ERR_OTHER);
    CHECK_CLASS(MPI_Is_thread_main(&x), MPI_ERR_OTHER);
    CHECK_CLASS(MPI_Comm_get_parent(&parent), MPI_ERR_OTHER);
    CHECK_CLASS(MPI_Finalize(), MPI_ERR_OTHER);
}

int main(int argc, char **argv)
{
    MPI_Session before, during, late;
    MPI_Errhandler eh;
    int flag, size, keep, level;
    mt_prepare(&argc, &argv);
    OK(MPI_Session_create_errhandler(note, &eh));
    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &before));
    world_is_not_there();
    size = sum_over(before, "one");

    has_level(before, "MPI_THREAD_SINGLE");
    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level));
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &keep));
    CHECK_EQ(keep, size);
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &mt_rank));
    OK(MPI_Session_init(MPI_INFO_NULL, eh, &during));
    has_level(during, "MPI_THREAD_SERIALIZED"); /* the process has it anyway */
    CHECK_EQ(sum_over(during, "one"), size);
    CHECK_EQ(sum_over(before, "two"), size);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Finalize());

    OK(MPI_Finalized(&flag));
    CHECK_EQ(flag, 1);
    CHECK_EQ(sum_over(during, "three"), size);
    CHECK_CLASS(MPI_Barrier(MPI_COMM_WORLD), MPI_ERR_COMM);
    world_is_not_there();
    MPI_Group group;
    CHECK_CLASS(MPI_Group_from_session_pset(during, "mpi://nowhere", &group), MPI_ERR_ARG);
    CHECK(calls == 1 && last_class == MPI_ERR_ARG);
    OK(MPI_Session_finalize(&before));
    CHECK_EQ(sum_over(during, "four"), size);
    OK(MPI_Session_finalize(&during));
    OK(MPI_Errhandler_free(&eh));

    /* Nothing is open now. */
    CHECK_CLASS(MPI_Barrier(MPI_COMM_WORLD), MPI_ERR_OTHER);
    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &late));
    CHECK_EQ(sum_over(late, "five"), size);
    OK(MPI_Session_finalize(&late));
    return mt_failures() != 0;
}
