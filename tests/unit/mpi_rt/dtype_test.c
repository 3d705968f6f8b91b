/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of predefined datatypes against the facts of the ABI. */
#include "abi/handles.h"
#include "datatype/fortran.h"
#include "xmpi.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COL_NAME,
    COL_KIND,
    COL_CTYPE,
    COL_VALUE,
    COL_FORM = 8,
    COL_SIZE = 9,
    COLUMNS = 10
};

/* Cuts a line at its tabs. */
static int cut(char *line, char **col)
{
    int n = 0;
    for (char *p = line; p && n < COLUMNS; n++) {
        col[n] = p;
        p = strchr(p, '\t');
        if (p)
            *p++ = '\0';
    }
    return n;
}

Test(dtype, every_datatype_of_the_abi_is_there_with_its_size)
{
    char line[1024], *col[COLUMNS];
    FILE *f = fopen(PVMX_ABI_TABLES "/constants.tsv", "r");
    cr_assert(f != NULL);
    int seen = 0;
    while (fgets(line, sizeof(line), f)) {
        if (cut(line, col) < COLUMNS || strcmp(col[COL_CTYPE], "MPI_Datatype") != 0)
            continue;
        uintptr_t v = strtoul(col[COL_VALUE], NULL, 0);
        if (v == (uintptr_t)MPI_DATATYPE_NULL)
            continue;
        struct xmpi_dtype *t = xmpi_dtype_of((MPI_Datatype)v);
        cr_assert(t != NULL, "%s is not in the table", col[COL_NAME]);
        cr_assert(t->obj.predef == v, "%s", col[COL_NAME]);
        if (strcmp(col[COL_FORM], "alias") != 0)
            cr_assert(eq(str, (char *)t->name, col[COL_NAME]));
        if (strcmp(col[COL_SIZE], "-") != 0 && t->size != SIZE_MAX)
            cr_assert(t->size == strtoul(col[COL_SIZE], NULL, 10), "size of %s",
                      col[COL_NAME]);
        seen++;
    }
    fclose(f);
    cr_assert(gt(int, seen, 70));
}

Test(dtype, sizes_in_the_handle_agree)
{
    for (uintptr_t v = 0x200; v < 0x300; v++) {
        struct xmpi_dtype *t = xmpi_dtype_of((MPI_Datatype)v);
        if (t && t->size != SIZE_MAX && (v & 0x40))
            cr_assert(t->size == (size_t)1 << ((v >> 3) & 7), "%s", t->name);
        if (t && t->size != SIZE_MAX)
            cr_assert(t->extent >= (ptrdiff_t)t->size, "%s", t->name);
    }
}

Test(dtype, pairs_have_the_layout_of_the_c_struct)
{
    MPI_Count lb, extent, size;
    struct xmpi_dtype *t = xmpi_dtype_of(MPI_DOUBLE_INT);
    xmpi_type_size(t, &size);
    xmpi_type_get_extent(t, &lb, &extent);
    cr_assert(eq(long, size, 12));
    cr_assert(eq(long, extent, 16));
    xmpi_type_get_true_extent(t, &lb, &extent);
    cr_assert(eq(long, lb, 0));
    cr_assert(eq(long, extent, 12));
    t = xmpi_dtype_of(MPI_SHORT_INT);
    xmpi_type_size(t, &size);
    xmpi_type_get_true_extent(t, &lb, &extent);
    cr_assert(eq(long, size, 6));
    cr_assert(eq(long, extent, 8));
}

Test(dtype, layouts_agree_with_the_table)
{
    cr_assert(eq(int, xmpi_dtype_start(), MPI_SUCCESS));
    for (uintptr_t v = 0x200; v < 0x300; v++) {
        struct xmpi_dtype *t = xmpi_dtype_of((MPI_Datatype)v);
        if (!t || t->size == SIZE_MAX)
            continue;
        const struct pvmx_layout_info *i = pvmx_engine_layout_info(t->layout);
        cr_assert(i->size == t->size && i->lb == t->lb && i->extent == t->extent &&
                      i->true_lb == t->true_lb && i->true_extent == t->true_extent &&
                      i->dense == t->dense,
                  "%s", t->name);
    }
    struct {
        short value;
        int index;
    } pairs[2] = {{1, 2}, {3, 4}};
    char packed[12];
    struct pvmx_view view = xmpi_dtype_view(xmpi_dtype_of(MPI_SHORT_INT), pairs, 2);
    cr_assert(eq(u64, pvmx_engine_pack(&view, 0, packed, sizeof(packed)), 12));
    cr_assert(memcmp(packed + 2, &pairs[0].index, 4) == 0);
    cr_assert(memcmp(packed + 6, &pairs[1].value, 2) == 0);
    xmpi_dtype_stop();
    cr_assert(xmpi_dtype_of(MPI_INT)->layout == NULL);
}

Test(dtype, types_that_the_platform_lacks_are_undefined)
{
    MPI_Count size;
    xmpi_type_size(xmpi_dtype_of(MPI_REAL2), &size);
    cr_assert(eq(long, size, MPI_UNDEFINED));
}

Test(dtype, match_size_finds_the_sized_types)
{
    MPI_Datatype t;
    cr_assert(eq(int, xmpi_type_match_size(MPI_TYPECLASS_REAL, 8, &t), MPI_SUCCESS));
    cr_assert(t == MPI_REAL8);
    cr_assert(eq(int, xmpi_type_match_size(MPI_TYPECLASS_COMPLEX, 8, &t), MPI_SUCCESS));
    cr_assert(t == MPI_COMPLEX8);
    cr_assert(eq(int, xmpi_type_match_size(MPI_TYPECLASS_INTEGER, 3, &t), MPI_ERR_ARG));
    cr_assert(eq(int, xmpi_type_match_size(5, 4, &t), MPI_ERR_ARG));
}

Test(dtype, fortran_kinds_are_set_once_through_the_abi_functions)
{
    setenv("PVMX_INITIAL_ERRHANDLER", "mpi_errors_return", 1);
    MPI_Info info, back;
    MPI_Abi_get_fortran_info(&back);
    cr_assert(back == MPI_INFO_NULL);
    MPI_Info_create(&info);
    MPI_Info_set(info, "mpi_integer_size", "seven");
    cr_assert(eq(int, MPI_Abi_set_fortran_info(info), MPI_ERR_INFO_VALUE));
    MPI_Info_set(info, "mpi_integer_size", "8");
    cr_assert(eq(int, MPI_Abi_set_fortran_info(info), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Abi_set_fortran_info(info), MPI_ERR_ABI));
    cr_assert(eq(sz, xmpi_dtype_of(MPI_INTEGER)->size, 8));
    cr_assert(xmpi_dtype_of(MPI_INTEGER)->elem == XMPI_ELEM_I64);
    cr_assert(eq(sz, xmpi_dtype_of(MPI_REAL)->size, 4));
    cr_assert(eq(int, MPI_Abi_get_fortran_info(&back), MPI_SUCCESS));
    cr_assert(back != MPI_INFO_NULL);
    MPI_Info_free(&back);
    MPI_Info_free(&info);
    int yes = 1, no = 0, got = 7, other = 7, is_set = 7;
    MPI_Abi_get_fortran_booleans(4, &got, &other, &is_set);
    cr_assert(eq(int, is_set, 0));
    cr_assert(eq(int, MPI_Abi_set_fortran_booleans(4, &yes, &no), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Abi_set_fortran_booleans(4, &yes, &no), MPI_ERR_ABI));
    MPI_Abi_get_fortran_booleans(4, &got, &other, &is_set);
    cr_assert(eq(int, is_set, 1));
    cr_assert(eq(int, got, 1));
    cr_assert(eq(int, other, 0));
    cr_assert(eq(int, MPI_Abi_set_fortran_booleans(3, &yes, &no), MPI_ERR_ARG));
}
