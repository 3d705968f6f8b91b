/* SPDX-License-Identifier: BSD-3-Clause */
/* How a datatype was made: the arguments of its constructor, kept for MPI_Type_get_contents and for
 * the sequence of basic types; and the last step of every constructor. */
#ifndef XMPI_MADE_H
#define XMPI_MADE_H

#include "datatype/bounds.h"
#include "datatype/dtype.h"

struct xmpi_dtype_made {
    int combiner;
    bool large; /* by a _c function: counts and addresses are kept as large counts        */
    bool fixed; /* an unnamed predefined type: never freed by the application             */
    _Atomic int handles; /* that the application holds; the rest of obj.refs is ours    */
    const struct xmpi_dtype *basic; /* all elements are of this predefined type; NULL: mixed */
    uint64_t elements; /* basic ones in one element of the type                      */
    uint64_t external; /* bytes of one element in "external32"; UINT64_MAX: too many  */
    MPI_Count nints, nwide, ntypes;
    int *ints;
    MPI_Count *wide; /* addresses, or with `large` the large counts             */
    struct xmpi_dtype **types; /* one reference each                                      */
    struct xmpi_dtype *next_dead; /* while types are being freed                             */
};

/* Room for so many arguments by kind: always int; int or large count; address or large count; and
 * types. NULL without memory. The arguments are then put in the order in which the constructor takes
 * them, which is the order of MPI 5.0 §5.1.13 for both forms. */
struct xmpi_dtype_made *xmpi_made_new(int combiner, bool large, MPI_Count ints,
                                      MPI_Count counts, MPI_Count addresses,
                                      MPI_Count types);
void xmpi_made_int(struct xmpi_dtype_made *m, int value);
void xmpi_made_count(struct xmpi_dtype_made *m, MPI_Count value);
void xmpi_made_address(struct xmpi_dtype_made *m, MPI_Count value);
/* Takes a reference. */
void xmpi_made_type(struct xmpi_dtype_made *m, struct xmpi_dtype *type);
/* For a constructor that fails. NULL is allowed. */
void xmpi_made_free(struct xmpi_dtype_made *m);

/* The parts of a type in the order of its type map: part k is *n elements of the type returned. A
 * type without parts is one basic element. */
MPI_Count xmpi_dtype_parts(const struct xmpi_dtype *type);
const struct xmpi_dtype *xmpi_dtype_part(const struct xmpi_dtype *type, MPI_Count k,
                                         uint64_t *n);

/* Makes the type, not committed, with these bounds. Consumes made and layout, whatever happens;
 * an error of the engine in err is passed on. */
int xmpi_dtype_make(struct xmpi_dtype_made *made, pvmx_err err, struct pvmx_layout *layout,
                    const struct xmpi_bounds *bounds, struct xmpi_dtype **out);

/* One more handle of the application's for a type that it has or had, to give to it. */
MPI_Datatype xmpi_dtype_again(struct xmpi_dtype *type);

/* datatype/external.c: bytes of one element in "external32". */
uint64_t xmpi_dtype_external(const struct xmpi_dtype *type);

/* datatype/pairs.c: the value and the index of a named pair type; false for other types. */
bool xmpi_pair_of(const struct xmpi_dtype *type, const struct xmpi_dtype **value,
                  const struct xmpi_dtype **index);

/* datatype/unnamed.c. Unnamed predefined types are made when first asked for, the same one for the
 * same arguments, and kept until finalize. */
struct xmpi_unnamed {
    int combiner, p, r;        /* of MPI_Type_create_f90_*, or 0             */
    struct xmpi_dtype *first;  /* the type it stands for, or of the value    */
    struct xmpi_dtype *second; /* of the index, or NULL                      */
};
int xmpi_unnamed_get(const struct xmpi_unnamed *key, MPI_Datatype *out);
void xmpi_unnamed_stop(void);

#endif
