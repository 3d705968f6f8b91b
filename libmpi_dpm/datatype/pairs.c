/* SPDX-License-Identifier: BSD-3-Clause */
/* Pair types of MPI_MINLOC and MPI_MAXLOC: which numbers they consist of. */
#include "abi/handles.h"
#include "datatype/made.h"
#include "xmpi.h"

static const struct {
    MPI_Datatype pair, value, index;
} pairs[] = {
    {MPI_FLOAT_INT, MPI_FLOAT, MPI_INT},
    {MPI_DOUBLE_INT, MPI_DOUBLE, MPI_INT},
    {MPI_LONG_INT, MPI_LONG, MPI_INT},
    {MPI_2INT, MPI_INT, MPI_INT},
    {MPI_SHORT_INT, MPI_SHORT, MPI_INT},
    {MPI_LONG_DOUBLE_INT, MPI_LONG_DOUBLE, MPI_INT},
    {MPI_2REAL, MPI_REAL, MPI_REAL},
    {MPI_2DOUBLE_PRECISION, MPI_DOUBLE_PRECISION, MPI_DOUBLE_PRECISION},
    {MPI_2INTEGER, MPI_INTEGER, MPI_INTEGER},
};

enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]) };

bool xmpi_pair_of(const struct xmpi_dtype *type, const struct xmpi_dtype **value,
                  const struct xmpi_dtype **index)
{
    MPI_Datatype handle = xmpi_dtype_handle(type);
    for (int i = 0; i < PAIRS; i++)
        if (pairs[i].pair == handle) {
            *value = xmpi_dtype_of(pairs[i].value);
            *index = xmpi_dtype_of(pairs[i].index);
            return true;
        }
    return false;
}

/* What MPI_MAX orders can be a value; an integer of up to 8 bytes can be an index. */
static bool usable(const struct xmpi_dtype *value, const struct xmpi_dtype *index)
{
    const unsigned integer = XMPI_OPC_INTEGER | XMPI_OPC_MULTI;
    return !value->made && !index->made && (value->op_class & (integer | XMPI_OPC_FLOAT)) &&
           (index->op_class & integer) && index->size <= 8;
}

int xmpi_type_get_value_index(struct xmpi_dtype *value_type,
                              struct xmpi_dtype *index_type, MPI_Datatype *pair_type)
{
    *pair_type = MPI_DATATYPE_NULL; /* no such pair */
    if (!usable(value_type, index_type))
        return MPI_SUCCESS;
    for (int i = 0; i < PAIRS; i++)
        if (pairs[i].value == xmpi_dtype_handle(value_type) &&
            pairs[i].index == xmpi_dtype_handle(index_type)) {
            *pair_type = pairs[i].pair;
            return MPI_SUCCESS;
        }
    return xmpi_unnamed_get(&(struct xmpi_unnamed){.combiner = MPI_COMBINER_VALUE_INDEX,
                                                   .first = value_type,
                                                   .second = index_type},
                            pair_type);
}
