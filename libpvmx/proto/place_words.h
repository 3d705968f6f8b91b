/* SPDX-License-Identifier: BSD-3-Clause */
/* What people write about processors - in options, variables and info keys, as several systems have
 * them - made into the text of proto/place.h. */
#ifndef PXP_PLACE_WORDS_H
#define PXP_PLACE_WORDS_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stdint.h>

struct pxp_place_words {
    char *text;                    /* NULL: nothing was said */
    bool bound;                    /* it was said what to bind to */
    bool may_crowd, may_not_crowd; /* :OVERSUBSCRIBE, :NOOVERSUBSCRIBE */
    uint32_t each; /* node, ppr:N:node: so many on each host before the next one; 0: not said */
};

/* Takes one saying. Keys:
 *     bind_to      none|hwthread|core|numa|socket[:N] and other mpiexecs' names for them
 *     map_by       packed|hwthread|core|numa|socket|node|ppr:N:node..., perhaps with :PE=N and the like;
 *                  binds to cores where nothing was said about that
 *     mpit_cpus, mpit_cpus_r<RANK>           processors for each process, for one rank
 *     mpit_procmap                           as map_by without binding, or a list of numbers
 *     mpit_bind_to_processor_set             yes or no
 * PVMX_ERR_NOENT: the key is no such key (nothing is reported). PVMX_ERR_ARG with the sentence: the
 * value means nothing; `what` names it there ("-bind-to"). Free in any case. */
pvmx_err pxp_place_say(struct pxp_place_words *w, const char *what, const char *key,
                       const char *value);
/* What map_by says about hosts, as words.each; 0: nothing, or it means nothing. *rest (may be NULL): what
 * stands behind it. */
uint32_t pxp_place_each(const char *map_by, const char **rest);
void pxp_place_words_free(struct pxp_place_words *w);

#endif
