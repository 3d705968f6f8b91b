/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm_gstat, also called pvmgroups: which groups there are, their members, and who waits in a barrier. */
#include "group/table.h"

#include <pvm3.h>

int main(int argc, char **argv)
{
    size_t n = 0;
    if (argc > 1) {
        fprintf(stderr, "%s: takes no arguments (%s)\n", argv[0], argv[1]);
        return 2;
    }
    if (pvm_mytid() < 0) /* has said why */
        return 1;
    pvmx_err err = p3_group_table(stdout, &n);
    if (err)
        fprintf(stderr, "%s: the list of groups cannot be had\n", argv[0]);
    pvm_exit();
    return err != PVMX_OK;
}
