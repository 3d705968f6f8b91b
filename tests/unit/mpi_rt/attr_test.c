/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of communicators and their callbacks. */
#include "mpi.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

static int copies, deletes, last_deleted;

static void start(void)
{
    cr_assert(eq(int, MPI_Init(NULL, NULL), MPI_SUCCESS));
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
}

static void stop(void)
{
    MPI_Finalize();
}

TestSuite(attr, .init = start, .fini = stop);

static int copy_plus_one(MPI_Comm comm, int keyval, void *extra, void *in, void *out,
                         int *flag)
{
    (void)comm;
    (void)keyval;
    copies++;
    *(void **)out = (char *)in + 1;
    *flag = *(int *)extra;
    return MPI_SUCCESS;
}

static int count_delete(MPI_Comm comm, int keyval, void *value, void *extra)
{
    (void)comm;
    (void)value;
    (void)extra;
    deletes++;
    last_deleted = keyval;
    return MPI_SUCCESS;
}

static int refuse_delete(MPI_Comm comm, int keyval, void *value, void *extra)
{
    (void)comm;
    (void)keyval;
    (void)value;
    return *(int *)extra ? MPI_ERR_OTHER : MPI_SUCCESS;
}

static int refuse_copy(MPI_Comm comm, int keyval, void *extra, void *in, void *out, int *flag)
{
    (void)comm;
    (void)keyval;
    (void)extra;
    (void)in;
    (void)out;
    (void)flag;
    return MPI_ERR_OTHER;
}

Test(attr, set_get_replace_delete)
{
    int key, flag, a, b, *got;
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, count_delete, &key, NULL);
    MPI_Comm_get_attr(MPI_COMM_WORLD, key, &got, &flag);
    cr_assert(not(flag));
    MPI_Comm_set_attr(MPI_COMM_WORLD, key, &a);
    MPI_Comm_set_attr(MPI_COMM_WORLD, key, &b);
    cr_assert(eq(int, deletes, 1)); /* the old value was deleted */
    MPI_Comm_get_attr(MPI_COMM_WORLD, key, &got, &flag);
    cr_assert(flag);
    cr_assert(got == &b);
    cr_assert(eq(int, MPI_Comm_delete_attr(MPI_COMM_WORLD, key), MPI_SUCCESS));
    cr_assert(eq(int, deletes, 2));
    cr_assert(eq(int, MPI_Comm_delete_attr(MPI_COMM_WORLD, key), MPI_ERR_KEYVAL));
    int old = key;
    MPI_Comm_free_keyval(&key);
    cr_assert(eq(int, key, MPI_KEYVAL_INVALID));
    cr_assert(eq(int, MPI_Comm_set_attr(MPI_COMM_WORLD, old, &a), MPI_ERR_KEYVAL));
}

Test(attr, dup_asks_the_copy_function)
{
    char data[2];
    void *got;
    int yes = 1, no = 0, key[3], flag;
    MPI_Comm dup;
    MPI_Comm_create_keyval(copy_plus_one, MPI_COMM_NULL_DELETE_FN, &key[0], &yes);
    MPI_Comm_create_keyval(copy_plus_one, MPI_COMM_NULL_DELETE_FN, &key[1], &no);
    MPI_Comm_create_keyval(MPI_COMM_DUP_FN, count_delete, &key[2], NULL);
    for (int i = 0; i < 3; i++)
        MPI_Comm_set_attr(MPI_COMM_WORLD, key[i], data);
    cr_assert(eq(int, MPI_Comm_dup(MPI_COMM_WORLD, &dup), MPI_SUCCESS));
    cr_assert(eq(int, copies, 2));
    MPI_Comm_get_attr(dup, key[0], &got, &flag);
    cr_assert(flag && got == data + 1);
    MPI_Comm_get_attr(dup, key[1], &got, &flag);
    cr_assert(not(flag));
    MPI_Comm_get_attr(dup, key[2], &got, &flag);
    cr_assert(flag && got == data);
    cr_assert(eq(int, MPI_Comm_free(&dup), MPI_SUCCESS));
    cr_assert(eq(int, deletes, 1));
    for (int i = 0; i < 3; i++)
        MPI_Comm_delete_attr(MPI_COMM_WORLD, key[i]);
}

Test(attr, a_refused_copy_fails_the_dup)
{
    int key, own;
    MPI_Comm dup = MPI_COMM_NULL;
    MPI_Comm_create_keyval(refuse_copy, MPI_COMM_NULL_DELETE_FN, &key, NULL);
    MPI_Comm_create_keyval(MPI_COMM_DUP_FN, count_delete, &own, NULL);
    MPI_Comm_set_attr(MPI_COMM_WORLD, own, NULL);
    MPI_Comm_set_attr(MPI_COMM_WORLD, key, NULL);
    cr_assert(eq(int, MPI_Comm_dup(MPI_COMM_WORLD, &dup), MPI_ERR_OTHER));
    cr_assert(eq(int, deletes, 1)); /* what had been copied before */
    MPI_Comm_delete_attr(MPI_COMM_WORLD, own);
    MPI_Comm_delete_attr(MPI_COMM_WORLD, key);
}

Test(attr, a_refused_delete_keeps_the_communicator)
{
    int key, refuse = 1, size;
    MPI_Comm dup;
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, refuse_delete, &key, &refuse);
    MPI_Comm_dup(MPI_COMM_SELF, &dup);
    MPI_Comm_set_attr(dup, key, NULL);
    cr_assert(eq(int, MPI_Comm_free(&dup), MPI_ERR_OTHER));
    cr_assert(dup != MPI_COMM_NULL);
    cr_assert(eq(int, MPI_Comm_size(dup, &size), MPI_SUCCESS));
    refuse = 0;
    cr_assert(eq(int, MPI_Comm_free(&dup), MPI_SUCCESS));
}

Test(attr, a_freed_keyval_lives_as_long_as_its_attributes)
{
    int key, flag;
    void *got;
    MPI_Comm dup;
    MPI_Comm_dup(MPI_COMM_SELF, &dup);
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, count_delete, &key, NULL);
    int old = key;
    MPI_Comm_set_attr(dup, key, &key);
    MPI_Comm_free_keyval(&key);
    cr_assert(eq(int, MPI_Comm_get_attr(dup, old, &got, &flag), MPI_SUCCESS));
    cr_assert(flag);
    MPI_Comm_free(&dup);
    cr_assert(eq(int, deletes, 1));
    cr_assert(eq(int, MPI_Comm_get_attr(MPI_COMM_SELF, old, &got, &flag), MPI_ERR_KEYVAL));
}

static int free_it(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm, (void)value, (void)extra;
    return MPI_Comm_free_keyval(&key);
}

Test(attr, each_delete_function_may_free_the_keyval)
{
    int key, copy, other;
    MPI_Comm dup;
    MPI_Comm_dup(MPI_COMM_WORLD, &dup);
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, free_it, &key, NULL);
    copy = other = key;
    MPI_Comm_set_attr(MPI_COMM_WORLD, key, NULL);
    MPI_Comm_set_attr(dup, key, NULL);
    cr_assert(eq(int, MPI_Comm_free(&dup), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Comm_free_keyval(&key), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Comm_delete_attr(MPI_COMM_WORLD, copy), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Comm_free_keyval(&other), MPI_ERR_KEYVAL)); /* now it is gone */
}

Test(attr, predefined_ones_cannot_be_changed)
{
    int key = MPI_TAG_UB;
    cr_assert(eq(int, MPI_Comm_set_attr(MPI_COMM_WORLD, key, NULL), MPI_ERR_KEYVAL));
    cr_assert(eq(int, MPI_Comm_delete_attr(MPI_COMM_WORLD, key), MPI_ERR_KEYVAL));
    cr_assert(eq(int, MPI_Comm_free_keyval(&key), MPI_ERR_KEYVAL));
}

Test(attr, self_is_told_of_finalize_last_set_first, .fini = NULL)
{
    int first, second;
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, count_delete, &first, NULL);
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, count_delete, &second, NULL);
    MPI_Comm_set_attr(MPI_COMM_SELF, first, NULL);
    MPI_Comm_set_attr(MPI_COMM_SELF, second, NULL);
    MPI_Finalize();
    cr_assert(eq(int, deletes, 2));
    cr_assert(eq(int, last_deleted, first));
    _exit(0); /* the suite's end would finalize again */
}
