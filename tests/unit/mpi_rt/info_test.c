/* SPDX-License-Identifier: BSD-3-Clause */
/* Info objects through the public functions, before MPI_Init and from several threads. */
#include "mpi.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void errors_return(void)
{
    setenv("PVMX_INITIAL_ERRHANDLER", "mpi_errors_return", 1);
}

TestSuite(info, .init = errors_return);

Test(info, keeps_the_order_and_replaces_values)
{
    MPI_Info info;
    cr_assert(eq(int, MPI_Info_create(&info), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Info_set(info, "host", "a"), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Info_set(info, "wdir", "/tmp"), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Info_set(info, "host", "b"), MPI_SUCCESS));
    int n, flag, len = 8;
    char key[MPI_MAX_INFO_KEY], value[8];
    MPI_Info_get_nkeys(info, &n);
    cr_assert(eq(int, n, 2));
    MPI_Info_get_nthkey(info, 0, key);
    cr_assert(eq(str, key, "host"));
    MPI_Info_get_nthkey(info, 1, key);
    cr_assert(eq(str, key, "wdir"));
    MPI_Info_get_string(info, "host", &len, value, &flag);
    cr_assert(flag);
    cr_assert(eq(str, value, "b"));
    cr_assert(eq(int, len, 2));
    cr_assert(eq(int, MPI_Info_free(&info), MPI_SUCCESS));
    cr_assert(info == MPI_INFO_NULL);
}

Test(info, get_string_says_the_length_and_cuts)
{
    MPI_Info info;
    MPI_Info_create(&info);
    MPI_Info_set(info, "k", "abcdef");
    int len = 0, flag;
    cr_assert(eq(int, MPI_Info_get_string(info, "k", &len, NULL, &flag), MPI_SUCCESS));
    cr_assert(eq(int, len, 7));
    char value[4] = "zzz";
    len = 4;
    MPI_Info_get_string(info, "k", &len, value, &flag);
    cr_assert(eq(str, value, "abc"));
    cr_assert(eq(int, len, 7));
    len = 4;
    MPI_Info_get_string(info, "none", &len, value, &flag);
    cr_assert(not(flag));
    cr_assert(eq(str, value, "abc"));
    cr_assert(eq(int, len, 4));
    char old[3];
    MPI_Info_get(info, "k", 2, old, &flag); /* deprecated: room for valuelen + 1 */
    cr_assert(eq(str, old, "ab"));
    MPI_Info_get_valuelen(info, "k", &len, &flag);
    cr_assert(eq(int, len, 6));
    MPI_Info_free(&info);
}

Test(info, delete_and_dup)
{
    MPI_Info info, copy;
    MPI_Info_create(&info);
    MPI_Info_set(info, "a", "1");
    MPI_Info_set(info, "b", "2");
    MPI_Info_dup(info, &copy);
    cr_assert(eq(int, MPI_Info_delete(info, "a"), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Info_delete(info, "a"), MPI_ERR_INFO_NOKEY));
    int n;
    MPI_Info_get_nkeys(info, &n);
    cr_assert(eq(int, n, 1));
    MPI_Info_get_nkeys(copy, &n);
    cr_assert(eq(int, n, 2));
    MPI_Info_free(&info);
    MPI_Info_free(&copy);
}

Test(info, limits_are_those_of_the_header)
{
    char key[MPI_MAX_INFO_KEY + 1], value[MPI_MAX_INFO_VAL + 1];
    memset(key, 'k', sizeof(key));
    memset(value, 'v', sizeof(value));
    MPI_Info info;
    MPI_Info_create(&info);
    key[MPI_MAX_INFO_KEY] = value[MPI_MAX_INFO_VAL] = '\0';
    cr_assert(eq(int, MPI_Info_set(info, key, "x"), MPI_ERR_INFO_KEY));
    cr_assert(eq(int, MPI_Info_set(info, "x", value), MPI_ERR_INFO_VALUE));
    cr_assert(eq(int, MPI_Info_set(info, "", "x"), MPI_ERR_INFO_KEY));
    key[MPI_MAX_INFO_KEY - 1] = value[MPI_MAX_INFO_VAL - 1] = '\0';
    cr_assert(eq(int, MPI_Info_set(info, key, value), MPI_SUCCESS));
    char back[MPI_MAX_INFO_KEY];
    MPI_Info_get_nthkey(info, 0, back);
    cr_assert(eq(str, back, key));
    MPI_Info_free(&info);
}

Test(info, wrong_handles_and_arguments_are_told_apart)
{
    MPI_Info info, gone;
    int n;
    MPI_Info_create(&info);
    gone = info;
    MPI_Info_free(&info);
    cr_assert(eq(int, MPI_Info_get_nkeys(MPI_INFO_NULL, &n), MPI_ERR_INFO));
    cr_assert(eq(int, MPI_Info_get_nkeys((MPI_Info)MPI_COMM_WORLD, &n), MPI_ERR_INFO));
    (void)gone;
#ifndef __SANITIZE_ADDRESS__ /* which stops at the look into freed memory that finds this */
    cr_assert(eq(int, MPI_Info_get_nkeys(gone, &n), MPI_ERR_INFO));
#endif
    cr_assert(eq(int, MPI_Info_create(NULL), MPI_ERR_ARG));
    char text[MPI_MAX_ERROR_STRING];
    MPI_Info_get_nkeys(MPI_INFO_NULL, &n);
    MPI_Error_string(MPI_ERR_INFO, text, &n);
    cr_assert(eq(
        str, text,
        "MPI_ERR_INFO: invalid info object: MPI_Info_get_nkeys: info is MPI_INFO_NULL"));
}

Test(info, env_is_there_before_init_and_read_only)
{
    char value[MPI_MAX_INFO_VAL];
    int len = sizeof(value), flag;
    cr_assert(eq(int, MPI_Info_get_string(MPI_INFO_ENV, "command", &len, value, &flag),
                 MPI_SUCCESS));
    cr_assert(flag);
    cr_assert(gt(int, len, 1));
    cr_assert(eq(int, MPI_Info_set(MPI_INFO_ENV, "x", "y"), MPI_ERR_INFO));
    MPI_Info env = MPI_INFO_ENV;
    cr_assert(eq(int, MPI_Info_free(&env), MPI_ERR_INFO));
    char *argv[] = {"prog", "-a", "b", NULL};
    MPI_Info mine;
    cr_assert(eq(int, MPI_Info_create_env(3, argv, &mine), MPI_SUCCESS));
    len = sizeof(value);
    MPI_Info_get_string(mine, "argv", &len, value, &flag);
    cr_assert(eq(str, value, "-a b"));
    cr_assert(eq(int, MPI_Info_set(mine, "x", "y"), MPI_SUCCESS));
    MPI_Info_free(&mine);
}

static void *set_many(void *arg)
{
    MPI_Info info = arg;
    char key[16];
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        MPI_Info_set(info, key, "v");
    }
    return NULL;
}

Test(info, threads_may_share_an_object)
{
    MPI_Info info;
    MPI_Info_create(&info);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, set_many, info);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    int n;
    MPI_Info_get_nkeys(info, &n);
    cr_assert(eq(int, n, 200));
    MPI_Info_free(&info);
}
