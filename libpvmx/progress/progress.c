/* SPDX-License-Identifier: BSD-3-Clause */
/* One round of progress over the sources, then the hooks. */
#include "progress/progress.h"

#include <assert.h>

void px_progress_add(struct px_progress *p, unsigned (*fn)(void *arg), void *arg)
{
    assert(p->nsources < PX_SOURCES_MAX);
    p->source[p->nsources].fn = fn;
    p->source[p->nsources++].arg = arg;
}

unsigned px_progress(struct px_progress *p)
{
    unsigned n = 0;
    for (unsigned i = 0; i < p->nsources; i++)
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
