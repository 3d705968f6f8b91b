/* SPDX-License-Identifier: BSD-3-Clause */
/* The attributes that MPI_COMM_WORLD has from the start, and what the environment tells by functions:
 * times, versions, names, memory. */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The int behind a predefined attribute; -1: it is not set. */
static int value_of(int keyval)
{
    int *value = NULL, flag = -1;
    OK(MPI_Comm_get_attr(MPI_COMM_WORLD, keyval, &value, &flag));
    CHECK(flag == 0 || (flag == 1 && value));
    return flag == 1 && value ? *value : -1;
}

static void predefined(void)
{
    static const int keys[] = {MPI_TAG_UB,          MPI_IO,     MPI_HOST,
                               MPI_WTIME_IS_GLOBAL, MPI_APPNUM, MPI_LASTUSEDCODE,
                               MPI_UNIVERSE_SIZE};
    int size, x = 1, y = 0, cls, code;
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    CHECK(value_of(MPI_TAG_UB) >= 32767);
    OK(MPI_Sendrecv(&x, 1, MPI_INT, 0, value_of(MPI_TAG_UB), &y, 1, MPI_INT, 0,
                    value_of(MPI_TAG_UB), MPI_COMM_SELF, MPI_STATUS_IGNORE));
    CHECK_EQ(y, 1);
    int io = value_of(MPI_IO), host = value_of(MPI_HOST);
    CHECK(io == MPI_ANY_SOURCE || io == MPI_PROC_NULL || (io >= 0 && io < size));
    CHECK(host == MPI_PROC_NULL || (host >= 0 && host < size));
    CHECK(value_of(MPI_WTIME_IS_GLOBAL) == 0 || value_of(MPI_WTIME_IS_GLOBAL) == 1);
    CHECK(value_of(MPI_UNIVERSE_SIZE) == -1 || value_of(MPI_UNIVERSE_SIZE) >= 1);
    CHECK_EQ(value_of(MPI_LASTUSEDCODE), MPI_ERR_LASTCODE);
    OK(MPI_Add_error_class(&cls));
    CHECK_EQ(value_of(MPI_LASTUSEDCODE), cls);
    OK(MPI_Add_error_code(cls, &code));
    CHECK(code > cls && value_of(MPI_LASTUSEDCODE) == code);
    OK(MPI_Remove_error_code(code));
    OK(MPI_Remove_error_class(cls));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        int key = keys[i];
        CHECK_CLASS(MPI_Comm_set_attr(MPI_COMM_WORLD, key, &x), MPI_ERR_KEYVAL);
        CHECK_CLASS(MPI_Comm_delete_attr(MPI_COMM_WORLD, key), MPI_ERR_KEYVAL);
        CHECK_CLASS(MPI_Comm_free_keyval(&key), MPI_ERR_KEYVAL);
    }
}

static void times(void)
{
    const struct timespec nap = {0, 2000000};
    double before = MPI_Wtime(), last = before, tick = MPI_Wtick();
    CHECK(tick > 0 && tick < 1e-3);
    for (int i = 0; i < 1000; i++) {
        double now = MPI_Wtime();
        CHECK(now >= last);
        last = now;
    }
    before = MPI_Wtime();
    nanosleep(&nap, NULL);
    CHECK(MPI_Wtime() - before >= 0.002);
}

static void texts(void)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING], name[MPI_MAX_PROCESSOR_NAME];
    int len = -1, version = 0, sub = -1;
    OK(MPI_Get_version(&version, &sub));
    CHECK(version == MPI_VERSION && sub == MPI_SUBVERSION);
    OK(MPI_Get_library_version(text, &len));
    CHECK(len == (int)strlen(text) && strstr(text, "PVMX"));
    OK(MPI_Get_processor_name(name, &len));
    CHECK(len == (int)strlen(name) && len > 0);
}

static void memory(void)
{
    char *p = NULL, *q = NULL;
    OK(MPI_Alloc_mem(100000, MPI_INFO_NULL, &p));
    OK(MPI_Alloc_mem(0, MPI_INFO_NULL, &q));
    memset(p, 1, 100000);
    CHECK(p != q);
    OK(MPI_Free_mem(p));
    OK(MPI_Free_mem(q));
    CHECK_CLASS(MPI_Alloc_mem(-1, MPI_INFO_NULL, &p), MPI_ERR_ARG);
}

/* The kinds of memory are told of the world and in MPI_INFO_ENV. */
static void kinds_of_memory(void)
{
    MPI_Info infos[2] = {MPI_INFO_ENV, MPI_INFO_NULL};
    OK(MPI_Comm_get_info(MPI_COMM_WORLD, &infos[1]));
    for (int i = 0; i < 2; i++) {
        char value[64] = "";
        int flag = 0, len = sizeof(value);
        OK(MPI_Info_get_string(infos[i], "mpi_memory_alloc_kinds", &len, value, &flag));
        CHECK(flag && strncmp(value, "system,mpi", 10) == 0);
    }
    OK(MPI_Info_free(&infos[1]));
}

int main(int argc, char **argv)
{
    mt_begin(&argc, &argv, 1);
    predefined();
    times();
    texts();
    memory();
    kinds_of_memory();
    return mt_end();
}
