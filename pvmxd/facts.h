/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands in the leader's book, and in copies of it: names, boxes, places in groups, and answers that
 * may have to be given again. A store knows nothing of what its facts mean. */
#ifndef FACTS_H
#define FACTS_H

#include "base/list.h"
#include "base/map.h"
#include "proto/messages.h"
#include <stdbool.h>

enum fact_kind {
    FACT_NAME = 1, /* data: what it stands for, with its end */
    FACT_BOX,      /* number: index */
    FACT_PLACE,    /* of owner in the group `name` */
    FACT_GROUP,    /* of a static group */
    FACT_ANSWER, /* to host `owner` on its errand `number`; data: a frame without its length */
    FACT_SETTLED, /* no fact: host `owner` needs no answers before `number` any more */
};

struct fact {
    struct px_list node;       /* in facts.all, by stamp */
    struct px_list in_answers; /* in facts.answers; alone: it is none */
    struct fact *next;         /* with the same hash */
    uint64_t stamp;            /* rises with every change */
    uint32_t kind, number, flags;
    int32_t owner;
    size_t len;
    const uint8_t *data;
    char name[];
};

struct facts {
    struct px_list all, answers;
    struct px_map map;
    uint64_t last; /* stamp */
    uint64_t term, version;
};

void facts_init(struct facts *s);
void facts_clear(struct facts *s);
/* Adds it, or replaces the one with the same kind, name and number. NULL: no memory, nothing was done. */
struct fact *facts_put(struct facts *s, const struct pxp_fact *m);
/* owner: counts for answers only. */
struct fact *facts_find(const struct facts *s, uint32_t kind, const char *name,
                        uint32_t number, int32_t owner);
void facts_remove(struct facts *s, struct fact *f);
/* It was changed in place. */
void facts_touch(struct facts *s, struct fact *f);
/* Drops the answers that a host needs no more; true: there were some. */
bool facts_settle(struct facts *s, int32_t host, uint32_t before);
/* As another store has told it. PVMX_ERR_NOMEM. */
pvmx_err facts_apply(struct facts *s, const struct pxp_fact *m);
/* As it is sent; nothing is copied. */
struct pxp_fact facts_write(const struct fact *f);

#endif
