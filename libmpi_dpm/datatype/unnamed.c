/* SPDX-License-Identifier: BSD-3-Clause */
/* Predefined types without names: those of Fortran's numbers of a given precision and range, and pairs
 * of a value and an index. */
#include "abi/handles.h"
#include "datatype/made.h"
#include "rt/attr.h"
#include "rt/err.h"
#include "xmpi.h"
#include <float.h>
#include <pthread.h>
#include <stdlib.h>

struct entry {
    struct xmpi_unnamed key;
    struct xmpi_dtype *type;
    struct entry *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *list;

static bool same(const struct xmpi_unnamed *a, const struct xmpi_unnamed *b)
{
    return a->combiner == b->combiner && a->p == b->p && a->r == b->r &&
           a->first == b->first && a->second == b->second;
}

/* The arguments as MPI_Type_get_contents tells them. */
static struct xmpi_dtype_made *arguments(const struct xmpi_unnamed *key)
{
    struct xmpi_dtype_made *m = xmpi_made_new(key->combiner, false, 2, 0, 0, 2);
    if (!m)
        return NULL;
    m->fixed = true;
    if (!key->second && key->combiner != MPI_COMBINER_F90_INTEGER)
        xmpi_made_int(m, key->p);
    if (!key->second)
        xmpi_made_int(m, key->r);
    xmpi_made_type(m, key->first);
    if (key->second)
        xmpi_made_type(m, key->second);
    return m;
}

/* The first type, and behind it the second where the C compiler would place it. */
static int make(const struct xmpi_unnamed *key, struct xmpi_dtype **out)
{
    struct xmpi_dtype *of[2] = {key->first, key->second};
    struct pvmx_layout *layouts[2] = {key->first->layout}, *layout = NULL;
    struct xmpi_bounds bounds = {.any = false};
    const uint64_t ones[2] = {1, 1};
    int64_t displs[2] = {0, 0};
    int n = key->second ? 2 : 1;
    if (key->second) {
        const int64_t to = key->second->align;
        layouts[1] = key->second->layout;
        displs[1] = ((int64_t)key->first->size + to - 1) / to * to;
    }
    for (int i = 0; i < n; i++)
        xmpi_bounds_add(&bounds, displs[i], 1, of[i]);
    struct xmpi_dtype_made *made = arguments(key);
    if (!made)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a datatype");
    pvmx_err err = pvmx_engine_layout_struct((uint64_t)n, ones, displs, layouts, &layout);
    int cls = xmpi_dtype_make(made, err, layout, &bounds, out);
    if (cls)
        return cls;
    (*out)->committed = true;
    (*out)->elem = key->second ? XMPI_ELEM_VALUE_INDEX : key->first->elem;
    (*out)->op_class = key->second ? XMPI_OPC_PAIR : key->first->op_class;
    return MPI_SUCCESS;
}

int xmpi_unnamed_get(const struct xmpi_unnamed *key, MPI_Datatype *out)
{
    pthread_mutex_lock(&lock);
    struct entry *e = list;
    int cls = MPI_SUCCESS;
    while (e && !same(&e->key, key))
        e = e->next;
    if (!e) {
        e = malloc(sizeof(*e));
        cls = e ? make(key, &e->type) : xmpi_err(MPI_ERR_NO_MEM, "no memory for a datatype");
        if (cls) {
            free(e);
        } else {
            e->key = *key;
            e->next = list;
            list = e;
        }
    }
    if (!cls)
        *out = xmpi_dtype_handle(e->type);
    pthread_mutex_unlock(&lock);
    return cls;
}

void xmpi_unnamed_stop(void)
{
    while (list) {
        struct entry *e = list;
        list = e->next;
        xmpi_attrs_forget(&e->type->attrs);
        xmpi_dtype_release(e->type);
        free(e);
    }
}

/* -- Fortran's numbers: the smallest kind with p decimal digits and the exponent range r */

struct kind {
    int p, r;
    MPI_Datatype real, complex;
};

/* What selected_real_kind knows: IEEE formats, and with x87 its own. */
static const struct kind reals[] = {
    {6, 37, MPI_REAL4, MPI_COMPLEX8},
    {15, 307, MPI_REAL8, MPI_COMPLEX16},
#if LDBL_MANT_DIG == 64
    {18, 4931, MPI_LONG_DOUBLE, MPI_C_LONG_DOUBLE_COMPLEX},
#endif
    {33, 4931, MPI_REAL16, MPI_COMPLEX32},
};

static int get_real(int combiner, int p, int r, MPI_Datatype *newtype)
{
    int digits = p == MPI_UNDEFINED ? 0 : p, range = r == MPI_UNDEFINED ? 0 : r;
    if (p == MPI_UNDEFINED && r == MPI_UNDEFINED)
        return xmpi_err(MPI_ERR_ARG, "p and r are both MPI_UNDEFINED");
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        const struct kind *k = &reals[i];
        if (digits > k->p || range > k->r)
            continue;
        MPI_Datatype is = combiner == MPI_COMBINER_F90_REAL ? k->real : k->complex;
        const struct xmpi_unnamed key = {combiner, p, r, xmpi_dtype_of(is), NULL};
        return xmpi_unnamed_get(&key, newtype);
    }
    return xmpi_err(MPI_ERR_ARG,
                    "no number has %d decimal digits and an exponent range of %d; the "
                    "largest has 33 and 4931",
                    digits, range);
}

int xmpi_type_create_f90_real(int p, int r, MPI_Datatype *newtype)
{
    return get_real(MPI_COMBINER_F90_REAL, p, r, newtype);
}

int xmpi_type_create_f90_complex(int p, int r, MPI_Datatype *newtype)
{
    return get_real(MPI_COMBINER_F90_COMPLEX, p, r, newtype);
}

int xmpi_type_create_f90_integer(int r, MPI_Datatype *newtype)
{
    static const struct {
        int r;
        MPI_Datatype type;
    } integers[] = {{2, MPI_INTEGER1},
                    {4, MPI_INTEGER2},
                    {9, MPI_INTEGER4},
                    {18, MPI_INTEGER8},
                    {38, MPI_INTEGER16}};
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++)
        if (r <= integers[i].r) {
            const struct xmpi_unnamed key = {MPI_COMBINER_F90_INTEGER, 0, r,
                                             xmpi_dtype_of(integers[i].type), NULL};
            return xmpi_unnamed_get(&key, newtype);
        }
    return xmpi_err(MPI_ERR_ARG, "no integer has %d decimal digits; the largest has 38", r);
}
