/* SPDX-License-Identifier: BSD-3-Clause */
/* Support of the tests of datatypes. */
#include "typetest.h"
#include <stdlib.h>
#include <string.h>

void tt_says(int rc, int class, const char *text, const char *file, int line, const char *call)
{
    char said[MPI_MAX_ERROR_STRING] = "";
    int len;
    if (!mt_check_class(rc, class, file, line, call) || rc == MPI_SUCCESS)
        return;
    MPI_Error_string(rc, said, &len);
    if (!strstr(said, text))
        mt_fail(file, line, "%s says \"%s\", not \"%s\"", call, said, text);
}

void tt_ints_at(MPI_Datatype type, const int *at, int n, const char *file, int line)
{
    enum { ROOM = 4096 }; /* bytes on either side of the base */
    char *memory = malloc(2 * ROOM);
    int packed[256], position = 0, size;
    MPI_Type_size(type, &size);
    if (size != n * (int)sizeof(int)) {
        mt_fail(file, line, "the size is %d, not %d ints", size, n);
    } else {
        for (int i = 0; i < 2 * ROOM; i++)
            memory[i] = (char)(i * 7 + (i >> 8) * 31);
        MPI_Type_commit(&type);
        MPI_Pack(memory + ROOM, 1, type, packed, (int)sizeof(packed), &position,
                 MPI_COMM_SELF);
        for (int i = 0; i < n; i++)
            if (memcmp(&packed[i], memory + ROOM + at[i], sizeof(int)) != 0)
                mt_fail(file, line, "int %d does not lie at %d", i, at[i]);
    }
    free(memory);
}

void tt_bounds(MPI_Datatype type, const MPI_Aint want[4], const char *file, int line)
{
    MPI_Aint got[4];
    MPI_Type_get_extent(type, &got[0], &got[1]);
    MPI_Type_get_true_extent(type, &got[2], &got[3]);
    if (memcmp(got, want, sizeof(got)) != 0)
        mt_fail(file, line, "bounds are %ld %ld, true %ld %ld; wanted %ld %ld, true %ld %ld",
                (long)got[0], (long)got[1], (long)got[2], (long)got[3], (long)want[0],
                (long)want[1], (long)want[2], (long)want[3]);
}

bool tt_alike(MPI_Datatype a, MPI_Datatype b)
{
    MPI_Datatype types[2] = {a, b};
    MPI_Count got[2][5];
    char *packed[2];
    for (int i = 0; i < 2; i++) {
        MPI_Type_size_c(types[i], &got[i][0]);
        MPI_Type_get_extent_c(types[i], &got[i][1], &got[i][2]);
        MPI_Type_get_true_extent_c(types[i], &got[i][3], &got[i][4]);
    }
    if (memcmp(got[0], got[1], sizeof(got[0])) != 0)
        return false;
    char *memory = malloc((size_t)got[0][4] + 1);
    mt_fill(memory, (size_t)got[0][4], 3);
    for (int i = 0; i < 2; i++) {
        MPI_Count position = 0;
        packed[i] = malloc((size_t)got[0][0] + 1);
        MPI_Type_commit(&types[i]);
        MPI_Pack_c((void *)((uintptr_t)memory - (uintptr_t)got[0][3]), 1, types[i],
                   packed[i], got[0][0], &position, MPI_COMM_SELF);
    }
    bool same = memcmp(packed[0], packed[1], (size_t)got[0][0]) == 0;
    free(packed[0]);
    free(packed[1]);
    free(memory);
    return same;
}
