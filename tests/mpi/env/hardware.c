/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of the machine: what a process is bound to, and communicators split by it; splits by shared
 * memory and by process set. */
#include "mtest.h"
#include <sched.h>
#include <stdio.h>
#include <string.h>

static bool bound_to(const char *type)
{
    MPI_Info info;
    char value[8] = "";
    int len = sizeof(value), flag = 0;
    OK(MPI_Get_hw_resource_info(&info));
    OK(MPI_Info_get_string(info, type, &len, value, &flag));
    CHECK(flag && (strcmp(value, "true") == 0 || strcmp(value, "false") == 0));
    OK(MPI_Info_free(&info));
    return strcmp(value, "true") == 0;
}

/* Size of the part, 0: MPI_COMM_NULL. */
static int split(MPI_Comm comm, int type, const char *key, const char *value)
{
    MPI_Info info = MPI_INFO_NULL;
    MPI_Comm part;
    int size = 0;
    if (key) {
        OK(MPI_Info_create(&info));
        OK(MPI_Info_set(info, key, value));
    }
    OK(MPI_Comm_split_type(comm, type, mt_rank, info, &part));
    if (part != MPI_COMM_NULL) {
        OK(MPI_Comm_size(part, &size));
        OK(MPI_Barrier(part));
        OK(MPI_Comm_free(&part));
    }
    if (info != MPI_INFO_NULL)
        OK(MPI_Info_free(&info));
    return size;
}

/* Binds this process to the i-th processor that it may use (modulo their number, which is returned);
 * 0: it cannot. */
static int bind(int i)
{
    cpu_set_t all, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof(all), &all) != 0)
        return 0;
    int n = CPU_COUNT(&all), want = i % n;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && want-- == 0)
            CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof(one), &one) == 0 ? n : 0;
}

/* Half of the processes on each of two processors: that is how they are told apart. */
static void by_processor(MPI_Comm comm)
{
    int n = bind(mt_rank % 2), least, same = (mt_size + 1 - mt_rank % 2) / 2;
    OK(MPI_Allreduce(&n, &least, 1, MPI_INT, MPI_MIN, comm));
    if (least == 0)
        return;
    CHECK(bound_to("hwloc://PU") && bound_to("hwloc://Machine"));
    if (least == 1)
        same = mt_size;
    CHECK_EQ(split(comm, MPI_COMM_TYPE_HW_GUIDED, "mpi_hw_resource_type", "hwloc://PU"),
             same);
    CHECK_EQ(split(comm, MPI_COMM_TYPE_RESOURCE_GUIDED, "mpi_hw_resource_type", "pu"), same);
    if (least == 1)
        return;
    MPI_Info info;
    MPI_Comm part;
    char value[64] = "";
    int size = 0, len = sizeof(value), flag = 0;
    OK(MPI_Info_create(&info));
    OK(MPI_Comm_split_type(comm, MPI_COMM_TYPE_HW_UNGUIDED, 0, info, &part));
    CHECK(part != MPI_COMM_NULL);
    OK(MPI_Comm_size(part, &size));
    CHECK_EQ(size, same);
    OK(MPI_Info_get_string(info, "mpi_hw_resource_type", &len, value, &flag));
    CHECK(flag && strncmp(value, "hwloc://", 8) == 0 && bound_to(value));
    OK(MPI_Comm_free(&part));
    OK(MPI_Info_free(&info));
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 4), part;
    static const char hw[] = "mpi_hw_resource_type";
    CHECK(bound_to("hwloc://Machine"));
    CHECK_EQ(split(comm, MPI_COMM_TYPE_SHARED, NULL, NULL), mt_size);
    CHECK_EQ(split(comm, MPI_COMM_TYPE_HW_GUIDED, hw, "mpi_shared_memory"), mt_size);
    CHECK_EQ(split(comm, MPI_COMM_TYPE_HW_GUIDED, hw, "hwloc://Machine"), mt_size);
    CHECK_EQ(split(comm, MPI_COMM_TYPE_HW_GUIDED, hw, "no such thing"), 0);
    CHECK_EQ(split(comm, MPI_COMM_TYPE_HW_GUIDED, NULL, NULL), 0);
    CHECK_EQ(split(comm, MPI_COMM_TYPE_RESOURCE_GUIDED, "mpi_pset_name", "mpi://SELF"), 1);
    CHECK_EQ(split(comm, MPI_COMM_TYPE_RESOURCE_GUIDED, "mpi_pset_name", "none"), 0);
    OK(MPI_Comm_split_type(comm, MPI_UNDEFINED, 0, MPI_INFO_NULL, &part));
    CHECK(part == MPI_COMM_NULL);
    CHECK_CLASS(MPI_Comm_split_type(comm, 4711, 0, MPI_INFO_NULL, &part), MPI_ERR_ARG);
    by_processor(comm);
    return mt_end();
}
