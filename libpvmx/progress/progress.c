/* SPDX-License-Identifier: BSD-3-Clause */
/* One round of progress over the sources, then the hooks. Mostly the first source has what is waited for,
 * and the rest of the round would stand between a message and its receiver. */
#include "progress/progress.h"

#include <assert.h>

enum {
    FIRST_MAX = 8, /* rounds in a row that end with the first source, which had something */
};

void px_progress_add(struct px_progress *p, unsigned (*fn)(void *arg), void *arg)
{
    assert(p->nsources < PX_SOURCES_MAX);
    p->source[p->nsources].fn = fn;
    p->source[p->nsources++].arg = arg;
}

unsigned px_progress(struct px_progress *p)
{
    unsigned n = p->source[0].fn(p->source[0].arg);
    if (n && ++p->nfirst < FIRST_MAX)
        return n;
    p->nfirst = 0;
    for (unsigned i = 1; i < p->nsources; i++)
        n += p->source[i].fn(p->source[i].arg);
    for (struct pvmx_hook *h = p->hooks, *next; h; h = next) {
        next = h->next;
        n += h->fn(h); /* may remove itself */
    }
    return n;
}

void px_hook_add(struct px_progress *p, struct pvmx_hook *hook)
{
    hook->next = p->hooks;
    hook->pprev = &p->hooks;
    if (p->hooks)
        p->hooks->pprev = &hook->next;
    p->hooks = hook;
}

void px_hook_remove(struct pvmx_hook *hook)
{
    *hook->pprev = hook->next;
    if (hook->next)
        hook->next->pprev = hook->pprev;
    hook->next = NULL;
    hook->pprev = NULL;
}
