/* SPDX-License-Identifier: BSD-3-Clause */
/* Error classes, codes and strings, all before MPI_Init. */
#include "mpi.h"
#include "rt/err.h"
#include "rt/errcode.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static void errors_return(void)
{
    setenv("PVMX_INITIAL_ERRHANDLER", "mpi_errors_return", 1);
}

TestSuite(errcode, .init = errors_return);

Test(errcode, every_class_of_the_standard_has_a_text)
{
    char text[MPI_MAX_ERROR_STRING];
    int len, cls;
    for (int c = MPI_SUCCESS; c <= MPI_ERR_ABI; c++) {
        cr_assert(eq(int, MPI_Error_string(c, text, &len), MPI_SUCCESS));
        cr_assert(strncmp(text, c ? "MPI_ERR_" : "MPI_SUCCESS", 8) == 0);
        cr_assert(eq(int, len, (int)strlen(text)));
        cr_assert(eq(int, MPI_Error_class(c, &cls), MPI_SUCCESS));
        cr_assert(eq(int, cls, c));
    }
    for (int c = MPI_T_ERR_CANNOT_INIT; c <= MPI_T_ERR_PVAR_NO_ATOMIC; c++)
        cr_assert(eq(int, MPI_Error_string(c, text, &len), MPI_SUCCESS));
    cr_assert(eq(str, (char *)xmpi_err_symbol(XMPI_ERR_PROC_FAILED), "MPIX_ERR_PROC_FAILED"));
    cr_assert(eq(int, MPI_Error_string(MPI_ERR_ABI + 1, text, &len), MPI_ERR_ARG));
    cr_assert(eq(int, MPI_Error_class(-1, &cls), MPI_ERR_ARG));
}

Test(errcode, sentence_belongs_to_the_last_error_only)
{
    xmpi_err(MPI_ERR_RANK, "dest is %d", 7);
    cr_assert(eq(str, (char *)xmpi_err_sentence(MPI_ERR_RANK), "dest is 7"));
    cr_assert(xmpi_err_sentence(MPI_ERR_TAG) == NULL);
    xmpi_err_raised(MPI_ERR_RANK, "MPI_Send");
    cr_assert(eq(str, (char *)xmpi_err_sentence(MPI_ERR_RANK), "MPI_Send: dest is 7"));
    /* The next error of the class came without a sentence of its own. */
    xmpi_err_raised(MPI_ERR_RANK, "MPI_Recv");
    cr_assert(eq(str, (char *)xmpi_err_sentence(MPI_ERR_RANK), "in MPI_Recv"));
}

Test(errcode, long_sentences_are_cut)
{
    char text[MPI_MAX_ERROR_STRING + 100];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    xmpi_err(MPI_ERR_OTHER, "%s", text);
    int len;
    MPI_Error_string(MPI_ERR_OTHER, text, &len);
    cr_assert(eq(int, len, MPI_MAX_ERROR_STRING - 1));
    cr_assert(eq(int, (int)strlen(text), len));
}

Test(errcode, classes_and_codes_can_be_added)
{
    int cls, code, other, back, len;
    char text[MPI_MAX_ERROR_STRING];
    cr_assert(eq(int, xmpi_errcode_last_used(), MPI_ERR_LASTCODE));
    cr_assert(eq(int, MPI_Add_error_class(&cls), MPI_SUCCESS));
    cr_assert(gt(int, cls, MPI_ERR_LASTCODE));
    cr_assert(eq(int, MPI_Add_error_code(cls, &code), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Add_error_code(MPI_ERR_IO, &other), MPI_SUCCESS));
    cr_assert(eq(int, xmpi_errcode_last_used(), other));
    MPI_Error_class(code, &back);
    cr_assert(eq(int, back, cls));
    MPI_Error_class(other, &back);
    cr_assert(eq(int, back, MPI_ERR_IO));
    cr_assert(eq(int, MPI_Add_error_string(code, "the flux is low"), MPI_SUCCESS));
    MPI_Error_string(code, text, &len);
    cr_assert(eq(str, text, "the flux is low"));
    MPI_Error_string(cls, text, &len);
    cr_assert(eq(str, text, ""));
    cr_assert(eq(int, MPI_Add_error_string(MPI_ERR_IO, "no"), MPI_ERR_ARG));
    cr_assert(eq(int, MPI_Add_error_code(9999, &back), MPI_ERR_ARG));
}

Test(errcode, removal_goes_from_the_leaves_inward)
{
    int cls, code;
    MPI_Add_error_class(&cls);
    MPI_Add_error_code(cls, &code);
    MPI_Add_error_string(code, "text");
    cr_assert(eq(int, MPI_Remove_error_class(cls), MPI_ERR_OTHER));
    cr_assert(eq(int, MPI_Remove_error_code(code), MPI_ERR_OTHER));
    cr_assert(eq(int, MPI_Remove_error_string(code), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Remove_error_string(code), MPI_ERR_ARG));
    cr_assert(eq(int, MPI_Remove_error_code(code), MPI_SUCCESS));
    cr_assert(eq(int, MPI_Remove_error_code(code), MPI_ERR_ARG));
    cr_assert(eq(int, MPI_Remove_error_class(cls), MPI_SUCCESS));
    cr_assert(eq(int, xmpi_errcode_last_used(), MPI_ERR_LASTCODE));
    cr_assert(eq(int, MPI_Remove_error_class(MPI_ERR_IO), MPI_ERR_ARG));
}

Test(errcode, engine_errors_have_classes)
{
    cr_assert(eq(int, xmpi_err_engine(PVMX_OK), MPI_SUCCESS));
    cr_assert(eq(int, xmpi_err_engine(PVMX_ERR_TRUNCATE), MPI_ERR_TRUNCATE));
    cr_assert(eq(int, xmpi_err_engine(PVMX_ERR_PEER_DEAD), XMPI_ERR_PROC_FAILED));
    cr_assert(eq(int, xmpi_err_engine(PVMX_ERR_DEAD_PENDING), XMPI_ERR_PROC_FAILED_PENDING));
    cr_assert(eq(int, xmpi_err_engine(PVMX_ERR_SPAWN), MPI_ERR_SPAWN));
    cr_assert(eq(int, xmpi_err_engine(PVMX_ERR_VM_LOST), MPI_ERR_OTHER));
}
