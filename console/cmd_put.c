/* SPDX-License-Identifier: BSD-3-Clause */
/* The command put: an entry of PVM's mailbox. */
#include "boxes.h"
#include "cmds.h"

#include <errno.h>
#include <pvmx/engine/box.h>
#include <stdlib.h>

static int run_put(struct console *c, const struct cmd *cmd, struct args *a)
{
    char *end;
    errno = 0;
    long flags = strtol(a->words[1], &end, 0);
    if (errno || end == a->words[1] || *end || flags < 0 || flags > INT32_MAX)
        return cmd_usage(cmd, "put: %s: must be the sum of flags", a->words[1]);
    if (!*a->words[0])
        return cmd_usage(cmd, "put: the name is empty");
    if (c->single) /* or it would be gone before anybody has read it */
        flags |= PVMX_BOX_KEEP;
    return boxes_put(&c->link, a->words[0], (uint32_t)flags, a->words[2], &c->boxes)
               ? cmd_error()
               : CMD_OK;
}

const struct cmd cmd_put = {
    "put",
    "NAME FLAGS TEXT",
    "put a text into PVM's mailbox",
    "Tasks read it with pvm_recvinfo and pvm_upkstr. FLAGS is a sum as for "
    "pvm_putinfo: 1 the entry stays when the console leaves (as it does in any case "
    "when put is all that pvmx was called for), 2 one more under this name, 4 others "
    "may replace and delete it, 1024 times an index: there. names lists entries, "
    "reset info deletes those that were left.",
    "",
    3,
    3,
    CMD_VM | CMD_RAW,
    WORDS_NOTHING,
    NULL,
    run_put};
