/* SPDX-License-Identifier: BSD-3-Clause */
/* The mailbox: messages that the daemon keeps under a name and an index; and PVM 3.3's name service,
 * whose entries are mailbox entries with one number. */
#include "mesg.h"
#include "pack.h"
#include "trace.h"

#include <assert.h>
#include <pvmx/engine/box.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)PVMX_BOX_KEEP == PvmMboxPersistent &&
                  (int)PVMX_BOX_MULTI == PvmMboxMultiInstance &&
                  (int)PVMX_BOX_SHARED == PvmMboxOverWritable &&
                  (int)PVMX_BOX_FIRST == PvmMboxFirstAvail &&
                  (int)PVMX_BOX_TAKE == PvmMboxReadAndDelete &&
                  (int)PVMX_BOX_WAIT == PvmMboxWaitForInfo,
              "the bits are PVM's");

static int error_of(pvmx_err err)
{
    switch (err) {
    case PVMX_ERR_NOENT:
        return PvmNotFound;
    case PVMX_ERR_PERM:
        return PvmDenied;
    case PVMX_ERR_EXISTS:
        return PvmExists;
    case PVMX_ERR_TOOBIG:
        return PvmNoMem;
    default:
        return p3_error(err);
    }
}

/* What is kept: the message with its head, in XDR form. */
static int put(const char *name, struct p3_buf *b, int flags)
{
    struct p3_buf *whole = p3_buf_new(PvmDataDefault);
    struct p3_buf *run = b->npieces ? p3_buf_gather(b) : b;
    int cc = whole && run ? p3_mesg_pack(whole, run) : PvmNoMem;
    if (!cc) {
        uint32_t direct = (uint32_t)flags >> PvmMboxDirectIndexShift, index = 0;
        struct pvmx_box_put m = {.name = name,
                                 .data = whole->data,
                                 .len = whole->len,
                                 .flags = (uint32_t)flags,
                                 .direct = direct != 0,
                                 .index = direct};
        cc = error_of(pvmx_engine_box_put(&m, &index));
        if (!cc)
            cc = (int)index;
    }
    if (run && run != b)
        p3_buf_free(run);
    if (whole)
        p3_buf_free(whole);
    return cc;
}

static int putinfo(const char *name, int bufid, int flags)
{
    int cc = PvmOk;
    if (!name || !*name || flags < 0)
        return PvmBadParam;
    struct p3_buf *b = p3_buf_arg(bufid, &cc);
    return b ? put(name, b, flags) : cc;
}

P3_PUBLIC int pvm_putinfo(char *name, int bufid, int flags)
{
    int cc = p3_enter();
    P3_TRACE(TEV_PUTINFO, {TEV_DID_CN, 0, name ? name : ""},
             {TEV_DID_CI, flags >> PvmMboxDirectIndexShift, NULL},
             {TEV_DID_CF, flags, NULL}, {TEV_DID_CD, bufid, NULL});
    return p3_leave("pvm_putinfo", cc ? cc : putinfo(name, bufid, flags));
}

static int message_of(const struct pvmx_box *box, struct p3_buf **out)
{
    struct p3_buf *whole = p3_buf_new(PvmDataDefault);
    char *room = whole ? p3_buf_room(whole, box->len) : NULL;
    int cc = PvmNoMem;
    if (room) {
        memcpy(room, box->data, box->len);
        whole->len = box->len;
        cc = p3_mesg_unpack(whole, out);
    }
    if (whole)
        p3_buf_free(whole);
    return cc;
}

/* Without the lock, since it may wait for long. */
static pvmx_err get(const char *name, uint32_t index, uint32_t flags, struct pvmx_box *box)
{
    pvmx_engine_unlock();
    pvmx_err err = pvmx_engine_box_get(name, index, flags, box);
    pvmx_engine_lock();
    return err;
}

static int recvinfo(const char *name, int index, int flags, struct p3_buf **out)
{
    struct pvmx_box box;
    if (!name || !*name || index < 0 || flags < 0)
        return PvmBadParam;
    int cc = error_of(get(name, (uint32_t)index, (uint32_t)flags, &box));
    if (cc)
        return cc;
    cc = message_of(&box, out);
    free(box.data);
    return cc;
}

/* Nothing there is an answer that many programs poll for, not a failure. */
static int answer(const char *func, int cc)
{
    return cc != PvmNotFound ? p3_leave(func, cc) : (pvm_errno = p3_done(cc));
}

P3_PUBLIC int pvm_recvinfo(char *name, int index, int flags)
{
    struct p3_buf *b;
    int cc = p3_enter();
    P3_TRACE(TEV_GETINFO, {TEV_DID_CN, 0, name ? name : ""}, {TEV_DID_CI, index, NULL},
             {TEV_DID_CF, flags, NULL});
    if (!cc)
        cc = recvinfo(name, index, flags, &b);
    if (!cc)
        cc = p3_buf_receive(b);
    P3_TRACE_MORE({TEV_DID_CR, cc, NULL});
    return answer("pvm_recvinfo", cc);
}

static int delinfo(const char *name, int index)
{
    if (!name || !*name || index < 0)
        return PvmBadParam;
    int cc = error_of(pvmx_engine_box_drop(name, (uint32_t)index));
    return cc ? cc : index;
}

P3_PUBLIC int pvm_delinfo(char *name, int index, int flags)
{
    (void)flags;
    int cc = p3_enter();
    P3_TRACE(TEV_DELINFO, {TEV_DID_CN, 0, name ? name : ""}, {TEV_DID_CI, index, NULL},
             {TEV_DID_CF, flags, NULL});
    return answer("pvm_delinfo", cc ? cc : delinfo(name, index));
}

/* ---- lists */

/* Classes, then their numbers, then their names, in memory that lives until the next call. */
static struct pvmmboxinfo *classes_of(const struct pvmx_box *list, size_t n, int *nclasses)
{
    static void *kept;
    size_t bytes = (n + 1) * (sizeof(struct pvmmboxinfo) + 3 * sizeof(int));
    for (size_t i = 0; i < n; i++)
        bytes += strlen(list[i].name) + 1;
    void *more = realloc(kept, bytes);
    if (!more)
        return NULL;
    kept = more;
    struct pvmmboxinfo *c = kept;
    int *numbers = (int *)(void *)(c + n + 1);
    char *text = (char *)(numbers + 3 * (n + 1));
    *nclasses = 0;
    for (size_t i = 0, k; i < n; i = k) {
        size_t len = strlen(list[i].name) + 1;
        for (k = i; k < n && strcmp(list[k].name, list[i].name) == 0; k++) {
            numbers[k] = (int)list[k].index;
            numbers[n + k] = list[k].owner;
            numbers[2 * n + k] = (int)list[k].flags;
        }
        c[(*nclasses)++] = (struct pvmmboxinfo){.mi_name = memcpy(text, list[i].name, len),
                                                .mi_nentries = (int)(k - i),
                                                .mi_indices = numbers + i,
                                                .mi_owners = numbers + n + i,
                                                .mi_flags = numbers + 2 * n + i};
        text += len;
    }
    return c;
}

static int getmboxinfo(const char *pattern, int *nclasses, struct pvmmboxinfo **classes)
{
    struct pvmx_box *list;
    size_t n;
    if (!nclasses || !classes)
        return PvmBadParam;
    int cc = error_of(pvmx_engine_box_list(pattern ? pattern : "", &list, &n));
    if (cc)
        return cc;
    *classes = classes_of(list, n, nclasses);
    free(list);
    return *classes ? PvmOk : PvmNoMem;
}

P3_PUBLIC int pvm_getmboxinfo(char *pattern, int *nclasses, struct pvmmboxinfo **classes)
{
    int cc = p3_enter();
    P3_TRACE(TEV_GETMBOXINFO, {TEV_DID_CN, 0, pattern ? pattern : ""});
    return p3_leave("pvm_getmboxinfo", cc ? cc : getmboxinfo(pattern, nclasses, classes));
}

/* ---- the name service of PVM 3.3 */

static int insert(const char *name, int index, int data)
{
    struct pvmx_box box;
    if (!name || !*name || index < -1)
        return PvmBadParam;
    if (index >= 0 && pvmx_engine_box_get(name, (uint32_t)index, 0, &box) == PVMX_OK) {
        free(box.data);
        return PvmDupEntry;
    }
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    int cc = b ? p3_pack_ints(b, &data, 1) : PvmNoMem;
    int flags = PvmMboxMultiInstance | PvmMboxOverWritable | PvmMboxPersistent;
    if (!cc && index > 0)
        flags |= PvmMboxDirectIndex(index);
    if (!cc)
        cc = put(name, b, flags);
    if (b)
        p3_buf_free(b);
    if (cc >= 0 && index >= 0 && cc != index) { /* another task was faster */
        pvmx_engine_box_drop(name, (uint32_t)cc);
        cc = PvmDupEntry;
    }
    return cc;
}

P3_PUBLIC int pvm_insert(char *name, int index, int data)
{
    int cc = p3_enter();
    P3_TRACE(TEV_INSERT, {TEV_DID_CN, 0, name ? name : ""}, {TEV_DID_CI, index, NULL},
             {TEV_DID_CD, data, NULL});
    cc = cc ? cc : insert(name, index, data);
    if (cc == PvmDupEntry)
        return pvm_errno = p3_done(cc);
    return p3_leave("pvm_insert", cc);
}

static int lookup(const char *name, int index, int *data)
{
    struct pvmx_box box;
    struct p3_buf *b;
    if (!name || !*name || index < -1)
        return PvmBadParam;
    int cc = error_of(pvmx_engine_box_get(name, index < 0 ? 0 : (uint32_t)index,
                                          index < 0 ? PVMX_BOX_FIRST : 0, &box));
    if (cc)
        return cc;
    cc = message_of(&box, &b);
    free(box.data);
    if (cc)
        return cc;
    int value = 0;
    cc = p3_unpack_ints(b, &value, 1);
    p3_buf_free(b);
    if (data)
        *data = value;
    return cc ? cc : (int)box.index;
}

P3_PUBLIC int pvm_lookup(char *name, int index, int *data)
{
    int cc = p3_enter();
    P3_TRACE(TEV_LOOKUP, {TEV_DID_CN, 0, name ? name : ""}, {TEV_DID_CI, index, NULL});
    return answer("pvm_lookup", cc ? cc : lookup(name, index, data));
}

P3_PUBLIC int pvm_delete(char *name, int index)
{
    int cc = p3_enter();
    P3_TRACE(TEV_DELETE, {TEV_DID_CN, 0, name ? name : ""}, {TEV_DID_CI, index, NULL});
    if (!cc)
        cc = delinfo(name, index);
    return answer("pvm_delete", cc > 0 ? PvmOk : cc);
}
