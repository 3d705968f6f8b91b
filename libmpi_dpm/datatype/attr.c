/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of datatypes. */
#include "rt/attr.h"
#include "abi/handles.h"
#include "xmpi.h"

static struct xmpi_attr_site site_of(struct xmpi_dtype *type)
{
    return (struct xmpi_attr_site){XMPI_KIND_DTYPE, xmpi_dtype_handle(type), &type->attrs};
}

int xmpi_type_create_keyval(MPI_Type_copy_attr_function *type_copy_attr_fn,
                            MPI_Type_delete_attr_function *type_delete_attr_fn,
                            int *type_keyval, void *extra_state)
{
    return xmpi_keyval_create(XMPI_KIND_DTYPE,
                              (union xmpi_attr_copy_fn){.type = type_copy_attr_fn},
                              (union xmpi_attr_delete_fn){.type = type_delete_attr_fn},
                              type_keyval, extra_state);
}

int xmpi_type_free_keyval(int *type_keyval)
{
    return xmpi_keyval_free(XMPI_KIND_DTYPE, type_keyval);
}

int xmpi_type_get_attr(struct xmpi_dtype *datatype, int type_keyval, void *attribute_val,
                       int *flag)
{
    struct xmpi_attr_site site = site_of(datatype);
    return xmpi_attr_get(&site, type_keyval, attribute_val, flag);
}

int xmpi_type_set_attr(struct xmpi_dtype *datatype, int type_keyval, void *attribute_val)
{
    struct xmpi_attr_site site = site_of(datatype);
    return xmpi_attr_set(&site, type_keyval, attribute_val);
}

int xmpi_type_delete_attr(struct xmpi_dtype *datatype, int type_keyval)
{
    struct xmpi_attr_site site = site_of(datatype);
    return xmpi_attr_delete(&site, type_keyval);
}

int xmpi_type_attrs_copy(struct xmpi_dtype *old, struct xmpi_dtype *to)
{
    struct xmpi_attr_site from = site_of(old), target = site_of(to);
    return xmpi_attr_copy_all(&from, &target);
}

int xmpi_type_attrs_delete_all(struct xmpi_dtype *type)
{
    struct xmpi_attr_site site = site_of(type);
    return xmpi_attr_delete_all(&site);
}
