/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors: the list, the sentence of each thread, the mapping from errno. */
#include "base/err.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

Test(err, every_number_has_its_own_name_and_a_sentence)
{
    const char *names[64];
    size_t n = 0;
#define ONE(sym, num, text)                                                              \
    cr_assert_str_eq(pvmx_err_name(num), "PVMX_" #sym);                                  \
    cr_assert_str_eq(pvmx_err_text(num), text);                                          \
    names[n++] = text;
    PVMX_ERR_MAP(ONE)
#undef ONE
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            cr_assert_str_neq(names[i], names[k]);
    cr_assert_str_eq(pvmx_err_name(-9999), "PVMX_ERR_?");
    cr_assert_str_neq(pvmx_err_text(1), "");
}

Test(err, the_sentence_may_quote_the_one_before)
{
    cr_assert_str_eq(pvmx_last_error(), "success");
    cr_assert_eq(px_fail(PVMX_ERR_NOENT, "no %s", "bread"), PVMX_ERR_NOENT);
    cr_assert_eq(px_fail(PVMX_ERR_SPAWN, "breakfast: %s", pvmx_last_error()), PVMX_ERR_SPAWN);
    cr_assert_str_eq(pvmx_last_error(), "breakfast: no bread");
}

Test(err, a_long_sentence_is_cut_and_errno_kept)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    errno = EDOM;
    px_fail(PVMX_ERR_ARG, "%s", text);
    cr_assert_eq(strlen(pvmx_last_error()), 1023);
    px_fail_errno(ENOENT, "%s", text);
    cr_assert_eq(strlen(pvmx_last_error()), 1023);
    cr_assert_eq(errno, EDOM);
}

Test(err, an_errno_gives_number_and_text)
{
    cr_assert_eq(px_fail_errno(EACCES, "cannot open %s", "/x"), PVMX_ERR_PERM);
    cr_assert_str_eq(pvmx_last_error(), "cannot open /x: Permission denied");
    cr_assert_eq(px_err_from_errno(ENOENT), PVMX_ERR_NOENT);
    cr_assert_eq(px_err_from_errno(EMFILE), PVMX_ERR_LIMIT);
    cr_assert_eq(px_err_from_errno(ECONNRESET), PVMX_ERR_CLOSED);
    cr_assert_eq(px_err_from_errno(EIO), PVMX_ERR_SYS);
    cr_assert_eq(px_err_from_errno(0), PVMX_OK);
}

static void *other_thread(void *arg)
{
    (void)arg;
    px_fail(PVMX_ERR_ARG, "theirs");
    return NULL;
}

Test(err, each_thread_has_its_own_sentence)
{
    pthread_t t;
    px_fail(PVMX_ERR_ARG, "mine");
    pthread_create(&t, NULL, other_thread, NULL);
    pthread_join(t, NULL);
    cr_assert_str_eq(pvmx_last_error(), "mine");
}
