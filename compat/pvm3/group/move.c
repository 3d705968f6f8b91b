/* SPDX-License-Identifier: BSD-3-Clause */
/* Scatter and gather: the root sends to or receives from each member. Their messages have a context of
 * their own, so that they never meet the program's. */
#include "group/move.h"
#include "gserver.h"

#include <string.h>

static const unsigned char sizes[] = {
    [PVM_BYTE] = 1,   [PVM_SHORT] = 2,  [PVM_INT] = 4,    [PVM_FLOAT] = 4,
    [PVM_CPLX] = 8,   [PVM_DOUBLE] = 8, [PVM_DCPLX] = 16, [PVM_LONG] = 8,
    [PVM_USHORT] = 2, [PVM_UINT] = 4,   [PVM_ULONG] = 8,
};

size_t p3_group_item(int datatype)
{
    return datatype > PVM_STR && datatype <= PVM_ULONG ? sizes[datatype] : 0;
}

int p3_group_begin(struct p3_group_call *c)
{
    c->item = p3_group_item(c->datatype);
    if (!c->item || c->count < 0 || c->tag < 0 || (c->count && !c->data))
        return c->datatype == PVM_STR ? PvmNotImpl : PvmBadParam;
    int cc = p3_group_get(c->name, &c->group, &c->place);
    if (cc)
        return cc;
    if (c->place < 0)
        cc = PvmNotInGroup;
    else if (c->root < 0 || (size_t)c->root >= c->group.n || !c->group.tids[c->root])
        cc = PvmNoInst;
    for (size_t i = 0; !cc && i < c->group.n; i++)
        if (!c->group.tids[i])
            cc = PvmNoInst; /* places have to follow one another */
    if (cc)
        p3_group_put(&c->group);
    else
        c->old_ctx = pvm_setcontext(P3_GROUP_CTX);
    return cc;
}

int p3_group_end(struct p3_group_call *c, int cc)
{
    pvm_setcontext(c->old_ctx);
    p3_group_put(&c->group);
    return cc < 0 ? cc : PvmOk;
}

int p3_group_done(const char *func, int kind, int code)
{
    tev_result(kind, &(struct p3_item){TEV_DID_CC, code, NULL}, 1);
    return code < 0 ? lpvmerr(func, code) : code;
}

int p3_group_recv(const struct p3_group_call *c, int place, void *to)
{
    int len;
    int cc = pvm_precv(c->group.tids[place], c->tag, to, c->count, c->datatype, NULL,
                       NULL, &len);
    return cc < 0 ? cc : (size_t)len >= (size_t)c->count * c->item ? PvmOk : PvmNoData;
}

static int gather(struct p3_group_call *c, char *result)
{
    size_t bytes = (size_t)c->count * c->item;
    if (c->place != c->root)
        return pvm_psend(c->group.tids[c->root], c->tag, c->data, c->count, c->datatype);
    int cc = PvmOk;
    for (size_t i = 0; !cc && i < c->group.n; i++)
        if ((int)i != c->root)
            cc = p3_group_recv(c, (int)i, result + i * bytes);
        else if (bytes)
            memmove(result + i * bytes, c->data, bytes);
    return cc;
}

P3_PUBLIC int pvm_gather(void *result, void *data, int count, int datatype, int tag,
                         char *name, int root)
{
    struct p3_group_call c = {.name = name,
                              .data = data,
                              .count = count,
                              .datatype = datatype,
                              .tag = tag,
                              .root = root};
    P3_GROUP_CALL(TEV_GATHER, name, {TEV_DID_MC, tag, NULL});
    int cc = p3_group_begin(&c);
    if (!cc)
        cc = p3_group_end(&c, c.place == root && !result ? PvmBadParam : gather(&c, result));
    return p3_group_done("pvm_gather", TEV_GATHER, cc);
}

static int scatter(struct p3_group_call *c, char *result)
{
    size_t bytes = (size_t)c->count * c->item;
    char *data = c->data;
    if (c->place != c->root)
        return p3_group_recv(c, c->root, result);
    int cc = PvmOk;
    for (size_t i = 0; !cc && i < c->group.n; i++)
        if ((int)i != c->root)
            cc = pvm_psend(c->group.tids[i], c->tag, data + i * bytes, c->count, c->datatype);
        else if (bytes)
            memmove(result, data + i * bytes, bytes);
    return cc;
}

P3_PUBLIC int pvm_scatter(void *result, void *data, int count, int datatype, int tag,
                          char *name, int root)
{
    static char none;
    struct p3_group_call c = {.name = name,
                              .data = &none,
                              .count = count,
                              .datatype = datatype,
                              .tag = tag,
                              .root = root};
    P3_GROUP_CALL(TEV_SCATTER, name, {TEV_DID_MC, tag, NULL});
    int cc = count && !result ? PvmBadParam : p3_group_begin(&c);
    if (!cc) {
        c.data = data;
        cc = p3_group_end(&c, c.place == root && count && !data ? PvmBadParam
                                                                : scatter(&c, result));
    }
    return p3_group_done("pvm_scatter", TEV_SCATTER, cc);
}
