/* SPDX-License-Identifier: BSD-3-Clause */
/* What a session tells: its hints, the number, names and sizes of process sets; groups of them. */
#include "mtest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void hints(void)
{
    MPI_Info info, used;
    MPI_Session session;
    char value[64];
    int flag, len = sizeof(value);
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "thread_level", "MPI_THREAD_MULTIPLE"));
    OK(MPI_Info_set(info, "mpi_memory_alloc_kinds", "mpi:alloc_mem,cuda:device,system:x,mpi"));
    OK(MPI_Info_set(info, "not_known_here", "1"));
    OK(MPI_Session_init(info, MPI_ERRORS_RETURN, &session));
    OK(MPI_Session_get_info(session, &used));
    OK(MPI_Info_get_string(used, "thread_level", &len, value, &flag));
    CHECK(flag && strcmp(value, "MPI_THREAD_MULTIPLE") == 0);
    len = sizeof(value);
    OK(MPI_Info_get_string(used, "mpi_memory_alloc_kinds", &len, value, &flag));
    CHECK(flag && strcmp(value, "system,mpi,mpi:alloc_mem") == 0);
    OK(MPI_Info_get_string(used, "not_known_here", &len, value, &flag));
    CHECK_EQ(flag, 0);
    OK(MPI_Info_free(&used));
    OK(MPI_Session_finalize(&session));
    OK(MPI_Info_set(info, "thread_level", "MPI_THREAD_PLENTY"));
    CHECK_CLASS(MPI_Session_init(info, MPI_ERRORS_RETURN, &session), MPI_ERR_INFO_VALUE);
    OK(MPI_Info_free(&info));
}

static int set_size(MPI_Session session, const char *name)
{
    MPI_Info info;
    char value[16] = "";
    int len = sizeof(value), flag = 0;
    OK(MPI_Session_get_pset_info(session, name, &info));
    OK(MPI_Info_get_string(info, "mpi_size", &len, value, &flag));
    CHECK(flag);
    OK(MPI_Info_free(&info));
    return atoi(value);
}

static void names(MPI_Session session)
{
    int n, world = 0, self = 0;
    OK(MPI_Session_get_num_psets(session, MPI_INFO_NULL, &n));
    CHECK(n >= 2);
    for (int i = 0; i < n; i++) {
        char name[MPI_MAX_PSET_NAME_LEN], part[5] = "????";
        int len = 0, room = sizeof(part), size, group_size;
        MPI_Group group;
        OK(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, i, &len, NULL));
        CHECK(len > 1 && len <= MPI_MAX_PSET_NAME_LEN);
        OK(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, i, &len, name));
        CHECK_EQ(len, (int)strlen(name) + 1);
        OK(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, i, &room, part));
        CHECK(strlen(part) == 4 && strncmp(part, name, 4) == 0);
        CHECK_EQ(room, len);
        size = set_size(session, name);
        OK(MPI_Group_from_session_pset(session, name, &group));
        OK(MPI_Group_size(group, &group_size));
        CHECK_EQ(size, group_size);
        OK(MPI_Group_free(&group));
        world += strcmp(name, "mpi://WORLD") == 0;
        self += strcmp(name, "mpi://SELF") == 0 && size == 1;
    }
    CHECK(world == 1 && self == 1);
    int len = 0;
    CHECK_CLASS(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, n, &len, NULL), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, -1, &len, NULL),
                MPI_ERR_ARG);
    MPI_Info info;
    MPI_Group group = MPI_GROUP_EMPTY;
    CHECK_CLASS(MPI_Session_get_pset_info(session, "none", &info), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Group_from_session_pset(session, "none", &group), MPI_ERR_ARG);
    CHECK(group == MPI_GROUP_NULL);
}

/* Groups derived from a session's; communicators of parts, and of nobody. */
static void groups(MPI_Session session)
{
    MPI_Group world, some, none;
    MPI_Comm comm = MPI_COMM_WORLD;
    char tag[MPI_MAX_STRINGTAG_LEN + 2];
    int size, rank, zero = 0;
    OK(MPI_Group_from_session_pset(session, "mpi://WORLD", &world));
    OK(MPI_Group_size(world, &size));
    OK(MPI_Group_rank(world, &rank));
    OK(MPI_Group_incl(world, 1, &zero, &some));
    if (rank == 0) {
        OK(MPI_Comm_create_from_group(some, "first", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
        OK(MPI_Barrier(comm));
        OK(MPI_Comm_free(&comm));
    } else {
        CHECK_CLASS(MPI_Comm_create_from_group(some, "first", MPI_INFO_NULL,
                                               MPI_ERRORS_RETURN, &comm),
                    MPI_ERR_GROUP);
    }
    OK(MPI_Comm_create_from_group(MPI_GROUP_EMPTY, "none", MPI_INFO_NULL,
                                  MPI_ERRORS_RETURN, &comm));
    CHECK(comm == MPI_COMM_NULL);
    memset(tag, 'x', sizeof(tag));
    tag[sizeof(tag) - 1] = '\0';
    CHECK_CLASS(MPI_Comm_create_from_group(world, tag, MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm),
                MPI_ERR_ARG);
    OK(MPI_Group_difference(world, world, &none));
    CHECK(none == MPI_GROUP_EMPTY);
    OK(MPI_Group_free(&some));
    OK(MPI_Group_free(&world));
}

/* Hints of a communicator: those given are kept, the kinds of memory are the session's. */
static void communicator_hints(void)
{
    MPI_Info info, used;
    MPI_Session session;
    MPI_Group group;
    MPI_Comm comm;
    char value[64] = "";
    int flag, len = sizeof(value);
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "mpi_memory_alloc_kinds", "mpi:alloc_mem"));
    OK(MPI_Session_init(info, MPI_ERRORS_RETURN, &session));
    OK(MPI_Info_free(&info));
    OK(MPI_Group_from_session_pset(session, "mpi://SELF", &group));
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "mpi_assert_no_any_tag", "true"));
    OK(MPI_Comm_create_from_group(group, "hints", info, MPI_ERRORS_RETURN, &comm));
    OK(MPI_Comm_get_info(comm, &used));
    OK(MPI_Info_get_string(used, "mpi_assert_no_any_tag", &len, value, &flag));
    CHECK(flag && strcmp(value, "true") == 0);
    len = sizeof(value);
    OK(MPI_Info_get_string(used, "mpi_memory_alloc_kinds", &len, value, &flag));
    CHECK(flag && strcmp(value, "system,mpi,mpi:alloc_mem") == 0);
    OK(MPI_Info_free(&used));
    OK(MPI_Info_free(&info));
    OK(MPI_Group_free(&group));
    OK(MPI_Comm_free(&comm));
    OK(MPI_Session_finalize(&session));
}

int main(int argc, char **argv)
{
    MPI_Session session;
    mt_prepare(&argc, &argv);
    hints();
    communicator_hints();
    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
    names(session);
    groups(session);
    OK(MPI_Session_finalize(&session));
    return mt_failures() != 0;
}
