/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: boxes, groups and numbers that the daemon keeps for all tasks. Each joins or starts
 * the VM first. Rules of use as in <pvmx/engine/msg.h>. */
#ifndef PVMX_ENGINE_BOX_H
#define PVMX_ENGINE_BOX_H

#include <pvmx/types.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PVMX_BOX_KEEP = 1, /* put: outlives its owner                                */
    PVMX_BOX_MULTI =
        2, /* put: one more under the name, at the lowest free index; nothing is replaced */
    PVMX_BOX_SHARED = 4, /* put: others may replace, take and drop it              */
    PVMX_BOX_FIRST = 8,  /* get: the first at or behind the index                  */
    PVMX_BOX_TAKE = 16,  /* get: and drop it                                       */
    PVMX_BOX_WAIT = 32,  /* get: wait until there is one                           */
};

struct pvmx_box_put {
    const char *name;
    const void *data;
    size_t len;
    uint32_t flags; /* kept with the entry, all bits */
    bool direct; /* replace the one at index; with PVMX_BOX_MULTI: the lowest free index from there on */
    uint32_t index;
    pvmx_tid owner; /* whose it becomes; 0: this task's */
};
struct pvmx_box {
    char *name; /* lists only */
    uint32_t index, flags;
    pvmx_tid owner; /* 0: has ended */
    void *data;     /* get only */
    size_t len;
};

/* PVMX_ERR_PERM: another task's, and not shared. PVMX_ERR_TOOBIG: more than a few MiB. */
PVMX_API pvmx_err pvmx_engine_box_put(const struct pvmx_box_put *put, uint32_t *index);
/* PVMX_ERR_NOENT, PVMX_ERR_PERM (take). Free out->data on success. */
PVMX_API pvmx_err pvmx_engine_box_get(const char *name, uint32_t index, uint32_t flags,
                                      struct pvmx_box *out);
PVMX_API pvmx_err pvmx_engine_box_drop(const char *name, uint32_t index);
/* Entries by name and index, in one allocation: free *out. Parts of the pattern between '*' must occur
 * in a name in this order; "" and "*": all. */
PVMX_API pvmx_err pvmx_engine_box_list(const char *pattern, struct pvmx_box **out, size_t *n);

/* A number that no other call on this host gets, from 1 on. */
PVMX_API pvmx_err pvmx_engine_number(uint32_t *out);

/* ---- named groups: members have places, from 0 on */
struct pvmx_group {
    pvmx_tid *tids; /* by place; 0: nobody */
    size_t n;
    bool frozen;
    /* of pvmx_engine_group_list */
    char *name;
    uint32_t count, reached; /* a barrier's, while members wait in one */
};
/* Takes the lowest free place. PVMX_ERR_EXISTS: is in it; PVMX_ERR_STATE: the group is frozen. */
PVMX_API pvmx_err pvmx_engine_group_join(const char *name, int32_t *place);
/* PVMX_ERR_NOENT: no such group; PVMX_ERR_STATE: not in it. */
PVMX_API pvmx_err pvmx_engine_group_leave(const char *name);
/* PVMX_ERR_NOENT. Free *out on success. */
PVMX_API pvmx_err pvmx_engine_group_look(const char *name, struct pvmx_group *out);
/* Returns when count members have called it. PVMX_ERR_ARG: others wait with another count;
 * PVMX_ERR_STATE: not in it; PVMX_ERR_NOENT: no such group, or a frozen one has lost a member. With
 * freeze nobody joins any more. out may be NULL. */
PVMX_API pvmx_err pvmx_engine_group_meet(const char *name, uint32_t count, bool freeze,
                                         struct pvmx_group *out);
PVMX_API void pvmx_engine_group_free(struct pvmx_group *out);
/* All of them, by name, in one allocation: free *out. */
PVMX_API pvmx_err pvmx_engine_group_list(struct pvmx_group **out, size_t *n);

#ifdef __cplusplus
}
#endif

#endif
