/* SPDX-License-Identifier: BSD-3-Clause */
/* How the tasks of a program are spread over hosts: a pure function of the host list and of a text in
 * the spawn request, words separated by spaces,
 *     hosts=NAME[:N],...  only these hosts, in this order, each for N tasks (not said: one for each of
 *                         its processors) before the next has its turn
 *     arch=NAME           only hosts of this architecture
 *     others              only hosts other than the spawner's
 *     each=N              N tasks for each host before the next has its turn, however many processors
 *                         it has
 *     cpu=K, node=K       go round processors or hosts, beginning with number K (modulo how many
 *                         there are); not said: cpu=0
 *     at=PLACE+PLACE...   exactly these, again and again: nK, nK-L,M hosts; cK, cK-L,M processors;
 *                         N every host; C every processor; h the spawner's host; o the first
 * A NAME may also be an address of a host. Hosts and processors are numbered in the order of the list that
 * the words before left. */
#ifndef SPREAD_H
#define SPREAD_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spread_host {
    const char *name, *arch;
    const char *const *addresses; /* "192.0.2.1:4711" */
    size_t naddresses;
    uint32_t cpus;
    bool skip; /* only for those who ask for it by name or number */
};

struct spread_vm {
    const struct spread_host *hosts;
    uint32_t n;
    uint32_t here; /* the spawner's */
};

#define SPREAD_EACH UINT32_MAX

/* The name stands for the host called `here`, which is this one: with or without its domain, as localhost,
 * or as an address of its own. */
bool spread_is_here(const char *name, const char *here);

/* Writes the host of each of *count tasks; *count == SPREAD_EACH becomes the number of places that the
 * text names. *hosts is malloc'ed, entries are indices into vm->hosts. PVMX_ERR_ARG: the text means
 * nothing; PVMX_ERR_UNSUPPORTED: there is no such host; PVMX_ERR_LIMIT: too many places. Each with
 * the sentence. */
pvmx_err spread_tasks(const struct spread_vm *vm, const char *text, uint32_t *count,
                      uint32_t **hosts);

#endif
