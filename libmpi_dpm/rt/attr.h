/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes cached on objects: one mechanism for every kind of object that has keyvals. The callbacks
 * are the application's: none is called with a lock held. */
#ifndef XMPI_ATTR_H
#define XMPI_ATTR_H

#include "mpi.h"
#include "rt/obj.h"

struct xmpi_comm;
struct xmpi_dtype;
struct xmpi_attrs;

/* The callbacks of a keyval, of the kind of object that it is for. */
union xmpi_attr_copy_fn {
    MPI_Comm_copy_attr_function *comm;
    MPI_Type_copy_attr_function *type;
    MPI_Win_copy_attr_function *win;
};
union xmpi_attr_delete_fn {
    MPI_Comm_delete_attr_function *comm;
    MPI_Type_delete_attr_function *type;
    MPI_Win_delete_attr_function *win;
};

/* An object that attributes are cached on. */
struct xmpi_attr_site {
    enum xmpi_kind kind;
    void *handle; /* MPI_Comm or MPI_Datatype: what callbacks are given */
    struct xmpi_attrs **attrs;
};

int xmpi_keyval_create(enum xmpi_kind kind, union xmpi_attr_copy_fn copy,
                       union xmpi_attr_delete_fn del, int *keyval, void *extra);
int xmpi_keyval_free(enum xmpi_kind kind, int *keyval);
int xmpi_attr_set(const struct xmpi_attr_site *site, int keyval, void *value);
int xmpi_attr_get(const struct xmpi_attr_site *site, int keyval, void *value, int *flag);
int xmpi_attr_delete(const struct xmpi_attr_site *site, int keyval);
/* The two below for an object of any kind. */
int xmpi_attr_copy_all(const struct xmpi_attr_site *old, const struct xmpi_attr_site *to);
int xmpi_attr_delete_all(const struct xmpi_attr_site *site);
/* Frees the list without calling anybody: for predefined objects, at finalize. */
void xmpi_attrs_forget(struct xmpi_attrs **attrs);

/* For MPI_Comm_dup and its kin: calls the copy functions of old's attributes and sets the results on
 * new. On error nothing is set on new, and the copy function's code is returned. */
int xmpi_attrs_copy(struct xmpi_comm *old, struct xmpi_comm *to);
/* For MPI_Comm_free and disconnect, before anything is released: calls the delete functions, last
 * set first. On error the attribute that refused and those not yet deleted stay. */
int xmpi_attrs_delete_all(struct xmpi_comm *comm);
/* The same for MPI_Type_dup and MPI_Type_free: datatype/attr.c. */
int xmpi_type_attrs_copy(struct xmpi_dtype *old, struct xmpi_dtype *to);
int xmpi_type_attrs_delete_all(struct xmpi_dtype *type);

#endif
