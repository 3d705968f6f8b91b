/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers in the group server's place. */
#include "gserver.h"

#include "group/table.h"
#include "msg.h"
#include "pack.h"

#include <pvmx/engine/box.h>
#include <stdlib.h>
#include <string.h>

/* Length of the name, name, members, places, how many meet (-1: nobody waits) and wait, tids by place (-1:
 * nobody), tids of those that wait, which are not known. */
static int pack_group(struct p3_buf *b, const struct pvmx_group *g)
{
    static const int unknown, nobody = -1;
    int size = 0, len = (int)strlen(g->name);
    for (size_t i = 0; i < g->n; i++)
        size += g->tids[i] != 0;
    int numbers[] = {size, (int)g->n, g->count ? (int)g->count : -1, (int)g->reached};
    int cc = p3_pack_ints(b, &len, 1);
    if (!cc)
        cc = p3_pack_string(b, g->name);
    if (!cc)
        cc = p3_pack_ints(b, numbers, 4);
    for (size_t i = 0; !cc && i < g->n; i++)
        cc = p3_pack_ints(b, g->tids[i] ? &g->tids[i] : &nobody, 1);
    for (uint32_t i = 0; !cc && i < g->reached; i++)
        cc = p3_pack_ints(b, &unknown, 1);
    return cc;
}

static int tell(void)
{
    struct pvmx_group *list = NULL;
    size_t n = 0;
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    int cc = b ? p3_error(pvmx_engine_group_list(&list, &n)) : PvmNoMem, count = (int)n;
    if (!cc)
        cc = p3_pack_ints(b, &count, 1);
    for (size_t i = 0; !cc && i < n; i++)
        cc = pack_group(b, &list[i]);
    free(list);
    if (cc) {
        if (b)
            p3_buf_free(b);
        return cc;
    }
    b->src = pvmmytid & P3_HOST_MASK;
    b->dst = pvmmytid;
    b->tag = P3_GROUPS_STATUS;
    b->ctx = P3_GROUP_CTX;
    p3_msg_arrived(b);
    return PvmOk;
}

int p3_ask_groups(int tag)
{
    size_t n;
    switch (tag) {
    case P3_GROUPS_DUMP: /* PVM's server prints them where it runs */
        return p3_error(p3_group_table(stderr, &n));
    case P3_GROUPS_STATUS:
        return tell();
    default:
        return PvmNotImpl;
    }
}
