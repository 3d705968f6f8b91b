/* SPDX-License-Identifier: BSD-3-Clause */
/* Arguments of constructors: kept, told (envelope, contents), and read as parts of the type map. */
#include "datatype/made.h"
#include "pmpi/check.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stdlib.h>
#include <string.h>

struct xmpi_dtype_made *xmpi_made_new(int combiner, bool large, MPI_Count ints,
                                      MPI_Count counts, MPI_Count addresses, MPI_Count types)
{
    MPI_Count nwide = addresses + (large ? counts : 0), nints = ints + (large ? 0 : counts);
    size_t bytes, words = (size_t)nwide + (size_t)types;
    if (__builtin_mul_overflow(words, sizeof(MPI_Count), &bytes) ||
        __builtin_add_overflow(bytes, (size_t)nints * sizeof(int), &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct xmpi_dtype_made), &bytes))
        return NULL;
    struct xmpi_dtype_made *m = malloc(bytes);
    if (!m)
        return NULL;
    MPI_Count *wide = (MPI_Count *)(m + 1);
    struct xmpi_dtype **of = (struct xmpi_dtype **)(wide + nwide);
    *m = (struct xmpi_dtype_made){.combiner = combiner,
                                  .large = large,
                                  .wide = wide,
                                  .types = of,
                                  .ints = (int *)(of + types)};
    return m;
}

void xmpi_made_int(struct xmpi_dtype_made *m, int value)
{
    m->ints[m->nints++] = value;
}

void xmpi_made_address(struct xmpi_dtype_made *m, MPI_Count value)
{
    m->wide[m->nwide++] = value;
}

void xmpi_made_count(struct xmpi_dtype_made *m, MPI_Count value)
{
    if (m->large)
        xmpi_made_address(m, value);
    else
        xmpi_made_int(m, (int)value);
}

void xmpi_made_type(struct xmpi_dtype_made *m, struct xmpi_dtype *type)
{
    xmpi_dtype_hold(type);
    m->types[m->ntypes++] = type;
}

void xmpi_made_free(struct xmpi_dtype_made *m)
{
    for (MPI_Count k = 0; m && k < m->ntypes; k++)
        xmpi_dtype_release(m->types[k]);
    free(m);
}

/* -- parts of the type map */

MPI_Count xmpi_dtype_parts(const struct xmpi_dtype *type)
{
    const struct xmpi_dtype *value, *index;
    if (!type->made)
        return xmpi_pair_of(type, &value, &index) ? 2 : 0;
    return type->made->ntypes;
}

const struct xmpi_dtype *xmpi_dtype_part(const struct xmpi_dtype *type, MPI_Count k,
                                         uint64_t *n)
{
    const struct xmpi_dtype_made *m = type->made;
    *n = 1;
    if (!m) {
        const struct xmpi_dtype *value, *index;
        xmpi_pair_of(type, &value, &index);
        return k == 0 ? value : index;
    }
    const struct xmpi_dtype *child = m->types[k];
    if (m->combiner == MPI_COMBINER_STRUCT)
        *n = (uint64_t)(m->large ? m->wide[1 + k] : m->ints[1 + k]);
    else if (m->combiner != MPI_COMBINER_VALUE_INDEX)
        *n = child->size ? type->size / child->size : 0;
    return child;
}

/* -- what programs are told */

int xmpi_type_get_envelope_c(struct xmpi_dtype *datatype, MPI_Count *num_integers,
                             MPI_Count *num_addresses, MPI_Count *num_large_counts,
                             MPI_Count *num_datatypes, int *combiner)
{
    const struct xmpi_dtype_made *m = datatype->made;
    *num_integers = *num_addresses = *num_large_counts = *num_datatypes = 0;
    *combiner = MPI_COMBINER_NAMED;
    if (!m)
        return MPI_SUCCESS;
    bool f90 = m->fixed && m->combiner != MPI_COMBINER_VALUE_INDEX;
    *combiner = m->combiner;
    *num_integers = m->nints;
    *(m->large ? num_large_counts : num_addresses) = m->nwide;
    *num_datatypes = f90 ? 0 : m->ntypes; /* the type that it stands for is ours */
    return MPI_SUCCESS;
}

int xmpi_type_get_envelope(struct xmpi_dtype *datatype, int *num_integers,
                           int *num_addresses, int *num_datatypes, int *combiner)
{
    MPI_Count ni, na, nc, nd;
    int cls = xmpi_type_get_envelope_c(datatype, &ni, &na, &nc, &nd, combiner);
    *num_integers = xmpi_narrow(ni);
    *num_addresses = xmpi_narrow(na);
    *num_datatypes = xmpi_narrow(nd);
    return cls;
}

static int too_few(const char *what, MPI_Count max, MPI_Count have)
{
    return xmpi_err(MPI_ERR_ARG, "max_%s is %lld but the constructor had %lld", what,
                    (long long)max, (long long)have);
}

int xmpi_type_get_contents_c(struct xmpi_dtype *datatype, MPI_Count max_integers,
                             MPI_Count max_addresses, MPI_Count max_large_counts,
                             MPI_Count max_datatypes, int array_of_integers[],
                             MPI_Aint array_of_addresses[],
                             MPI_Count array_of_large_counts[],
                             MPI_Datatype array_of_datatypes[])
{
    const struct xmpi_dtype_made *m = datatype->made;
    MPI_Count ni, na, nc, nd;
    int combiner;
    if (!m)
        return xmpi_err(MPI_ERR_TYPE, "%s is predefined: it has no contents",
                        xmpi_dtype_name(datatype));
    xmpi_type_get_envelope_c(datatype, &ni, &na, &nc, &nd, &combiner);
    if (max_integers < ni)
        return too_few("integers", max_integers, ni);
    if (max_addresses < na)
        return too_few("addresses", max_addresses, na);
    if (max_large_counts < nc)
        return too_few("large_counts", max_large_counts, nc);
    if (max_datatypes < nd)
        return too_few("datatypes", max_datatypes, nd);
    for (MPI_Count k = 0; k < ni; k++)
        array_of_integers[k] = m->ints[k];
    for (MPI_Count k = 0; k < na; k++)
        array_of_addresses[k] = m->wide[k];
    for (MPI_Count k = 0; k < nc; k++)
        array_of_large_counts[k] = m->wide[k];
    for (MPI_Count k = 0; k < nd; k++)
        array_of_datatypes[k] = xmpi_dtype_again(m->types[k]);
    return MPI_SUCCESS;
}

int xmpi_type_get_contents(struct xmpi_dtype *datatype, int max_integers,
                           int max_addresses, int max_datatypes, int array_of_integers[],
                           MPI_Aint array_of_addresses[], MPI_Datatype array_of_datatypes[])
{
    if (datatype->made && datatype->made->large)
        return xmpi_err(MPI_ERR_TYPE,
                        "%s was made with large counts: its contents can be had "
                        "from MPI_Type_get_contents_c only",
                        xmpi_dtype_name(datatype));
    return xmpi_type_get_contents_c(datatype, max_integers, max_addresses, 0,
                                    max_datatypes, array_of_integers, array_of_addresses,
                                    NULL, array_of_datatypes);
}
