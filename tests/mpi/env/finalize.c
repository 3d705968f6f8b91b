/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Finalize deletes the attributes of MPI_COMM_SELF first, last set first, while everything still
 * works; what may be called after it, and what not. */
#include "mtest.h"
#include <stdlib.h>

enum { ATTRS = 4 };

static int deleted[ATTRS], n;

static int on_delete(MPI_Comm comm, int keyval, void *value, void *extra)
{
    int up = 0, down = 1, one = 1, sum = 0, rank = -1;
    (void)keyval;
    CHECK(comm == MPI_COMM_SELF && extra == deleted);
    OK(MPI_Initialized(&up));
    OK(MPI_Finalized(&down));
    CHECK(up && !down);
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    CHECK(sum == 1 && rank == 0);
    if (n < ATTRS)
        deleted[n++] = *(int *)value;
    return MPI_SUCCESS;
}

int main(int argc, char **argv)
{
    int values[ATTRS], keys[ATTRS], flag, provided;
    MPI_Info info;
    void *memory = NULL;
    setenv("PVMX_INITIAL_ERRHANDLER", "mpi_errors_return", 1);
    mt_prepare(&argc, &argv);
    CHECK_CLASS(MPI_Init_thread(&argc, &argv, 99, &provided), MPI_ERR_ARG);
    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &provided));
    CHECK_EQ(provided, MPI_THREAD_SERIALIZED);
    OK(MPI_Is_thread_main(&flag));
    CHECK(flag);
    for (int i = 0; i < ATTRS; i++) {
        values[i] = i;
        OK(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, on_delete, &keys[i], deleted));
        OK(MPI_Comm_set_attr(MPI_COMM_SELF, keys[i], &values[i]));
        OK(MPI_Comm_free_keyval(&keys[i]));
    }
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "mpi_minimum_memory_alignment", "4096"));
    OK(MPI_Alloc_mem(10000, info, &memory));
    CHECK(memory && (uintptr_t)memory % 4096 == 0);
    OK(MPI_Free_mem(memory));
    OK(MPI_Info_set(info, "mpi_minimum_memory_alignment", "100"));
    CHECK_CLASS(MPI_Alloc_mem(10000, info, &memory), MPI_ERR_INFO_VALUE);
    OK(MPI_Info_free(&info));
    CHECK_EQ(n, 0);
    OK(MPI_Finalize());
    CHECK_EQ(n, ATTRS);
    for (int i = 0; i < ATTRS; i++)
        CHECK_EQ(deleted[i], ATTRS - 1 - i);
    OK(MPI_Finalized(&flag));
    CHECK(flag);
    CHECK_CLASS(MPI_Finalize(), MPI_ERR_OTHER);
    CHECK_CLASS(MPI_Init(&argc, &argv), MPI_ERR_OTHER);
    CHECK_CLASS(MPI_Barrier(MPI_COMM_SELF), MPI_ERR_OTHER);
    OK(MPI_Info_create(&info)); /* usable at any time */
    OK(MPI_Info_free(&info));
    return mt_failures() != 0;
}
