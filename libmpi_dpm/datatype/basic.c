/* SPDX-License-Identifier: BSD-3-Clause */
/* The predefined datatypes with names: the table and their layouts. */
#include "abi/handles.h"
#include "datatype/fortran.h"
#include "datatype/made.h"
#include "rt/attr.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stddef.h>

/* Rows of the table; 0 is "no such type". */
enum {
    ROW_NONE,
#define XMPI_BASIC(name, value, type, elem, cls) ROW_##name,
#define XMPI_PAIR(name, value, first, second, elem) ROW_##name,
#define XMPI_LACKING(name, value) ROW_##name,
#include "datatype/basic.def"
#undef XMPI_BASIC
#undef XMPI_PAIR
#undef XMPI_LACKING
    ROWS
};

#define HEAD(value)                                                                      \
    {                                                                                    \
        .kind = XMPI_KIND_DTYPE, .refs = 1, .predef = (value)                            \
    }

/* Numbers of 16 bytes and pairs of them stand in the table as bytes. */
#define ALIGN(type) (sizeof(type) >= 16 && _Alignof(type) == 1 ? 16 : _Alignof(type))

#define PAIR(first, second)                                                              \
    struct {                                                                             \
        first a;                                                                         \
        second b;                                                                        \
    }

/* Not const: references are counted, and the default Fortran kinds may be set. */
struct xmpi_dtype xmpi_dtype_table[ROWS] = {
#define XMPI_BASIC(name_, value, type, elem_, cls)                                       \
    [ROW_##name_] = {.obj = HEAD(value),                                                 \
                     .name = #name_,                                                     \
                     .size = sizeof(type),                                               \
                     .extent = sizeof(type),                                             \
                     .true_extent = sizeof(type),                                        \
                     .bare_ub = sizeof(type),                                            \
                     .align = ALIGN(type),                                               \
                     .dense = true,                                                      \
                     .committed = true,                                                  \
                     .elem = XMPI_ELEM_##elem_,                                          \
                     .op_class = (cls)},
#define XMPI_PAIR(name_, value, first, second, elem_)                                        \
    [ROW_##name_] = {.obj = HEAD(value),                                                     \
                     .name = #name_,                                                         \
                     .size = sizeof(first) + sizeof(second),                                 \
                     .extent = sizeof(PAIR(first, second)),                                  \
                     .true_extent = offsetof(PAIR(first, second), b) + sizeof(second),       \
                     .bare_ub = offsetof(PAIR(first, second), b) + sizeof(second),           \
                     .align = _Alignof(PAIR(first, second)),                                 \
                     .dense = sizeof(PAIR(first, second)) == sizeof(first) + sizeof(second), \
                     .committed = true,                                                      \
                     .elem = XMPI_ELEM_##elem_,                                              \
                     .op_class = XMPI_OPC_PAIR},
#define XMPI_LACKING(name_, value)                                                       \
    [ROW_##name_] = {.obj = HEAD(value), .name = #name_, .size = SIZE_MAX},
#include "datatype/basic.def"
#undef XMPI_BASIC
#undef XMPI_PAIR
#undef XMPI_LACKING
};

const uint8_t xmpi_dtype_index[256] = {
#define XMPI_BASIC(name, value, type, elem, cls) [(value)&0xff] = ROW_##name,
#define XMPI_PAIR(name, value, first, second, elem) [(value)&0xff] = ROW_##name,
#define XMPI_LACKING(name, value) [(value)&0xff] = ROW_##name,
#include "datatype/basic.def"
#undef XMPI_BASIC
#undef XMPI_PAIR
#undef XMPI_LACKING
};

static bool lacking(const struct xmpi_dtype *type)
{
    return type->size == SIZE_MAX;
}

int xmpi_type_match_size(int typeclass, int size, MPI_Datatype *datatype)
{
    static const struct {
        int cls, size, row;
    } sized[] = {
        {MPI_TYPECLASS_INTEGER, 1, ROW_MPI_INTEGER1},
        {MPI_TYPECLASS_INTEGER, 2, ROW_MPI_INTEGER2},
        {MPI_TYPECLASS_INTEGER, 4, ROW_MPI_INTEGER4},
        {MPI_TYPECLASS_INTEGER, 8, ROW_MPI_INTEGER8},
        {MPI_TYPECLASS_INTEGER, 16, ROW_MPI_INTEGER16},
        {MPI_TYPECLASS_REAL, 4, ROW_MPI_REAL4},
        {MPI_TYPECLASS_REAL, 8, ROW_MPI_REAL8},
        {MPI_TYPECLASS_REAL, 16, ROW_MPI_REAL16},
        {MPI_TYPECLASS_COMPLEX, 8, ROW_MPI_COMPLEX8},
        {MPI_TYPECLASS_COMPLEX, 16, ROW_MPI_COMPLEX16},
        {MPI_TYPECLASS_COMPLEX, 32, ROW_MPI_COMPLEX32},
        {MPIX_TYPECLASS_LOGICAL, 1, ROW_MPI_LOGICAL1},
        {MPIX_TYPECLASS_LOGICAL, 2, ROW_MPI_LOGICAL2},
        {MPIX_TYPECLASS_LOGICAL, 4, ROW_MPI_LOGICAL4},
        {MPIX_TYPECLASS_LOGICAL, 8, ROW_MPI_LOGICAL8},
        {MPIX_TYPECLASS_LOGICAL, 16, ROW_MPI_LOGICAL16},
    };
    bool known = false;
    for (size_t i = 0; i < sizeof(sized) / sizeof(sized[0]); i++) {
        known |= sized[i].cls == typeclass;
        if (sized[i].cls == typeclass && sized[i].size == size) {
            *datatype = xmpi_dtype_handle(&xmpi_dtype_table[sized[i].row]);
            return MPI_SUCCESS;
        }
    }
    if (!known)
        return xmpi_err(MPI_ERR_ARG, "typeclass %d is none of the MPI_TYPECLASS_ values",
                        typeclass);
    return xmpi_err(MPI_ERR_ARG, "there is no type of %d bytes in this class", size);
}

/* -- layouts */

/* Layout of a pair with gaps; its int is its end. */
static pvmx_err pair_layout(const struct xmpi_dtype *t, struct pvmx_layout **out)
{
    struct pvmx_layout *whole = NULL, *parts[2] = {NULL, NULL};
    const uint64_t ones[2] = {1, 1};
    const int64_t displs[2] = {0, t->true_extent - (ptrdiff_t)sizeof(int)};
    pvmx_err err = pvmx_engine_layout_bytes(t->size - sizeof(int), &parts[0]);
    if (!err)
        err = pvmx_engine_layout_bytes(sizeof(int), &parts[1]);
    if (!err)
        err = pvmx_engine_layout_struct(2, ones, displs, parts, &whole);
    if (!err)
        err = pvmx_engine_layout_resized(whole, t->lb, t->extent, out);
    pvmx_engine_layout_put(parts[0]);
    pvmx_engine_layout_put(parts[1]);
    pvmx_engine_layout_put(whole);
    return err;
}

/* (Re)places the layout of a predefined type. */
static pvmx_err set_layout(struct xmpi_dtype *t)
{
    struct pvmx_layout *made;
    pvmx_err err =
        t->dense ? pvmx_engine_layout_bytes(t->size, &made) : pair_layout(t, &made);
    if (err)
        return err;
    pvmx_engine_layout_put(t->layout);
    t->layout = made;
    return PVMX_OK;
}

static int set_layouts(void)
{
    for (int row = 1; row < ROWS; row++) {
        struct xmpi_dtype *t = &xmpi_dtype_table[row];
        pvmx_err err = lacking(t) ? PVMX_OK : set_layout(t);
        if (err)
            return xmpi_err_engine(err);
    }
    return MPI_SUCCESS;
}

int xmpi_dtype_start(void)
{
    int cls = set_layouts();
    if (cls)
        xmpi_dtype_stop();
    return cls;
}

void xmpi_dtype_stop(void)
{
    xmpi_unnamed_stop();
    for (int row = 1; row < ROWS; row++) {
        pvmx_engine_layout_put(xmpi_dtype_table[row].layout);
        xmpi_dtype_table[row].layout = NULL;
        xmpi_attrs_forget(&xmpi_dtype_table[row].attrs);
    }
}

/* -- default kinds of Fortran */

/* Gives a row the size of a number and the element that has it. */
static void set_kind(int row, size_t size, enum xmpi_elem elem, uint8_t op_class)
{
    struct xmpi_dtype *t = &xmpi_dtype_table[row];
    t->size = size;
    t->extent = t->true_extent = t->bare_ub = (ptrdiff_t)size;
    size_t number = op_class & (XMPI_OPC_COMPLEX | XMPI_OPC_PAIR) ? size / 2 : size;
    t->align = (uint8_t)(number < 16 ? number : 16);
    t->dense = true;
    t->elem = elem;
    t->op_class = elem == XMPI_ELEM_NONE ? 0 : op_class;
}

/* Elements by the size of a number: 1, 2, 4, 8, 16 bytes. */
static const enum xmpi_elem integers[] = {XMPI_ELEM_I8, XMPI_ELEM_I16, XMPI_ELEM_I32,
                                          XMPI_ELEM_I64, XMPI_ELEM_I128};
static const enum xmpi_elem logicals[] = {XMPI_ELEM_L8, XMPI_ELEM_L16, XMPI_ELEM_L32,
                                          XMPI_ELEM_L64, XMPI_ELEM_L128};
static const enum xmpi_elem reals[] = {XMPI_ELEM_NONE, XMPI_ELEM_NONE, XMPI_ELEM_F32,
                                       XMPI_ELEM_F64, XMPI_ELEM_F128};
static const enum xmpi_elem complexes[] = {XMPI_ELEM_NONE, XMPI_ELEM_NONE, XMPI_ELEM_C32,
                                           XMPI_ELEM_C64, XMPI_ELEM_C128};

static enum xmpi_elem elem_of(const enum xmpi_elem by_size[], size_t size)
{
    return by_size[__builtin_ctzl(size)];
}

int xmpi_dtype_set_fortran(const struct xmpi_fortran_kinds *k)
{
    bool r4 = k->real_size == 4, r8 = k->real_size == 8, d8 = k->double_size == 8;
    set_kind(ROW_MPI_LOGICAL, k->logical_size, elem_of(logicals, k->logical_size),
             XMPI_OPC_LOGICAL);
    set_kind(ROW_MPI_INTEGER, k->integer_size, elem_of(integers, k->integer_size),
             XMPI_OPC_INTEGER);
    set_kind(ROW_MPI_REAL, k->real_size, elem_of(reals, k->real_size), XMPI_OPC_FLOAT);
    set_kind(ROW_MPI_COMPLEX, 2 * k->real_size, elem_of(complexes, k->real_size),
             XMPI_OPC_COMPLEX);
    set_kind(ROW_MPI_DOUBLE_PRECISION, k->double_size, elem_of(reals, k->double_size),
             XMPI_OPC_FLOAT);
    set_kind(ROW_MPI_DOUBLE_COMPLEX, 2 * k->double_size,
             elem_of(complexes, k->double_size), XMPI_OPC_COMPLEX);
    /* Pairs keep their kernels for the usual kinds only. */
    set_kind(ROW_MPI_2REAL, 2 * k->real_size,
             r4   ? XMPI_ELEM_2REAL
             : r8 ? XMPI_ELEM_2DOUBLE
                  : XMPI_ELEM_NONE,
             XMPI_OPC_PAIR);
    set_kind(ROW_MPI_2DOUBLE_PRECISION, 2 * k->double_size,
             d8 ? XMPI_ELEM_2DOUBLE : XMPI_ELEM_NONE, XMPI_OPC_PAIR);
    set_kind(ROW_MPI_2INTEGER, 2 * k->integer_size,
             k->integer_size == 4 ? XMPI_ELEM_2INTEGER : XMPI_ELEM_NONE, XMPI_OPC_PAIR);
    bool started = xmpi_dtype_table[ROW_MPI_INTEGER].layout != NULL;
    return started ? set_layouts() : MPI_SUCCESS;
}

void xmpi_dtype_get_fortran(struct xmpi_fortran_kinds *k)
{
    k->logical_size = xmpi_dtype_table[ROW_MPI_LOGICAL].size;
    k->integer_size = xmpi_dtype_table[ROW_MPI_INTEGER].size;
    k->real_size = xmpi_dtype_table[ROW_MPI_REAL].size;
    k->double_size = xmpi_dtype_table[ROW_MPI_DOUBLE_PRECISION].size;
}
