/* SPDX-License-Identifier: BSD-3-Clause */
/* Keyvals, attributes and names of datatypes. */
#include "typetest.h"
#include <string.h>

static int copies, deletes, refuse;

static int copy(MPI_Datatype old, int keyval, void *extra, void *in, void *out, int *flag)
{
    (void)old, (void)keyval;
    copies++;
    *(void **)out = (char *)in + 1;
    *flag = *(int *)extra;
    return refuse ? MPI_ERR_OTHER : MPI_SUCCESS;
}

static int deleted(MPI_Datatype t, int keyval, void *value, void *extra)
{
    (void)t, (void)keyval, (void)value, (void)extra;
    deletes++;
    return refuse ? MPI_ERR_OTHER : MPI_SUCCESS;
}

static void attributes(void)
{
    int yes = 1, no = 0, key, silent, same, comm_key, flag;
    char a[2];
    void *got = NULL;
    MPI_Datatype t, dup;
    OK(MPI_Type_create_keyval(copy, deleted, &key, &yes));
    OK(MPI_Type_create_keyval(copy, MPI_TYPE_NULL_DELETE_FN, &silent, &no));
    OK(MPI_Type_create_keyval(MPI_TYPE_DUP_FN, MPI_TYPE_NULL_DELETE_FN, &same, NULL));
    OK(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &comm_key,
                              NULL));
    OK(MPI_Type_contiguous(2, MPI_INT, &t));
    OK(MPI_Type_get_attr(t, key, &got, &flag));
    CHECK(!flag);
    OK(MPI_Type_set_attr(t, key, a));
    OK(MPI_Type_set_attr(t, silent, a));
    OK(MPI_Type_set_attr(t, same, a));
    OK(MPI_Type_dup(t, &dup));
    CHECK_EQ(copies, 2);
    OK(MPI_Type_get_attr(dup, key, &got, &flag));
    CHECK(flag && got == a + 1);
    OK(MPI_Type_get_attr(dup, silent, &got, &flag));
    CHECK(!flag);
    OK(MPI_Type_get_attr(dup, same, &got, &flag));
    CHECK(flag && got == a);
    OK(MPI_Type_delete_attr(dup, key));
    CHECK_EQ(deletes, 1);
    SAYS(MPI_Type_delete_attr(dup, key), MPI_ERR_KEYVAL, "no attribute is set");
    OK(MPI_Type_free(&dup));
    CHECK_EQ(deletes, 1);
    refuse = 1;
    CHECK_CLASS(MPI_Type_dup(t, &dup), MPI_ERR_OTHER);
    CHECK_CLASS(MPI_Type_free(&t), MPI_ERR_OTHER);
    CHECK(t != MPI_DATATYPE_NULL);
    refuse = 0;
    OK(MPI_Type_free(&t));
    CHECK_EQ(deletes, 3);
    OK(MPI_Type_set_attr(MPI_INT, same, a)); /* predefined types have attributes too */
    OK(MPI_Type_get_attr(MPI_INT, same, &got, &flag));
    CHECK(flag && got == a);
    SAYS(MPI_Type_set_attr(MPI_INT, comm_key, a), MPI_ERR_KEYVAL,
         "not a keyval of datatypes");
    SAYS(MPI_Comm_set_attr(MPI_COMM_SELF, key, a), MPI_ERR_KEYVAL, "of communicators");
    SAYS(MPI_Type_free_keyval(&comm_key), MPI_ERR_KEYVAL, "not a keyval of datatypes");
    SAYS(MPI_Type_get_attr(MPI_INT, MPI_TAG_UB, &got, &flag), MPI_ERR_KEYVAL, "datatypes");
    SAYS(MPI_Type_get_attr(MPI_INT, key, NULL, &flag), MPI_ERR_ARG, "attribute_val");
    SAYS(MPI_Type_set_attr(MPI_DATATYPE_NULL, key, a), MPI_ERR_TYPE, "MPI_DATATYPE_NULL");
    OK(MPI_Comm_free_keyval(&comm_key));
    OK(MPI_Type_free_keyval(&key));
    CHECK_EQ(key, MPI_KEYVAL_INVALID);
    SAYS(MPI_Type_free_keyval(&key), MPI_ERR_KEYVAL, "MPI_KEYVAL_INVALID");
    OK(MPI_Type_free_keyval(&silent));
    OK(MPI_Type_free_keyval(&same)); /* still on MPI_INT */
}

static void names(void)
{
    char name[MPI_MAX_OBJECT_NAME], longest[MPI_MAX_OBJECT_NAME + 20];
    int len;
    MPI_Datatype t, dup;
    OK(MPI_Type_get_name(MPI_DOUBLE, name, &len));
    CHECK(strcmp(name, "MPI_DOUBLE") == 0 && len == 10);
    OK(MPI_Type_contiguous(2, MPI_INT, &t));
    OK(MPI_Type_get_name(t, name, &len));
    CHECK(name[0] == '\0' && len == 0);
    OK(MPI_Type_set_name(t, "two ints"));
    OK(MPI_Type_get_name(t, name, &len));
    CHECK(strcmp(name, "two ints") == 0 && len == 8);
    SAYS(MPI_Send(name, 1, t, 0, 0, MPI_COMM_SELF), MPI_ERR_TYPE, "two ints");
    OK(MPI_Type_dup(t, &dup));
    OK(MPI_Type_get_name(dup, name, &len));
    CHECK_EQ(len, 0);
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    OK(MPI_Type_set_name(t, longest));
    OK(MPI_Type_get_name(t, name, &len));
    CHECK_EQ(len, MPI_MAX_OBJECT_NAME - 1);
    OK(MPI_Type_set_name(MPI_INT8_T, "octet"));
    OK(MPI_Type_get_name(MPI_INT8_T, name, &len));
    CHECK(strcmp(name, "octet") == 0);
    SAYS(MPI_Type_set_name(t, NULL), MPI_ERR_ARG, "type_name");
    SAYS(MPI_Type_get_name(MPI_DATATYPE_NULL, name, &len), MPI_ERR_TYPE, "MPI_DATATYPE_NULL");
    OK(MPI_Type_free(&t));
    OK(MPI_Type_free(&dup));
}

int main(int argc, char **argv)
{
    mt_begin(&argc, &argv, 1);
    attributes();
    names();
    return mt_end();
}
