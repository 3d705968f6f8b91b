/* SPDX-License-Identifier: BSD-3-Clause */
/* See spread.h. */
#include "spread.h"
#include "base/err.h"
#include "proto/hostfile.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TURN_MAX = 1 << 20 }; /* places in one round */

/* A growing list of host indices. */
struct places {
    uint32_t *at;
    size_t n, cap;
};

struct spread {
    const struct spread_vm *vm;
    struct places nodes; /* the hosts that may be used                        */
    struct places cpus;  /* each of them once for each processor              */
    struct places named; /* at=                                               */
    bool by_node;        /* node=                                             */
    uint64_t start;      /* of cpu= and node=                                 */
};

static pvmx_err add(struct places *p, uint32_t host, uint64_t times)
{
    if (times > TURN_MAX || p->n + times > TURN_MAX)
        return px_fail(PVMX_ERR_LIMIT, "more than %d places were named", TURN_MAX);
    if (p->n + times > p->cap) {
        size_t cap = 2 * (p->n + times);
        uint32_t *more = realloc(p->at, cap * sizeof *more);
        if (more == NULL)
            return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to spread tasks");
        p->at = more;
        p->cap = cap;
    }
    while (times-- > 0)
        p->at[p->n++] = host;
    return PVMX_OK;
}

/* ---- names of hosts --------------------------------------------------------------------------- */

static bool same(const char *a, size_t len, const char *b, size_t blen)
{
    return len == blen && strncasecmp(a, b, len) == 0;
}

bool spread_is_here(const char *name, const char *here)
{
    size_t len = strlen(name);
    return pxp_host_named(name, len, here) || pxp_host_here(name, len) ||
           pxp_host_own_address(name, len);
}

static pvmx_err find_host(const struct spread_vm *vm, const char *name, size_t len,
                          uint32_t *host)
{
    for (uint32_t i = 0; i < vm->n; i++) {
        if (!pxp_host_named(name, len, vm->hosts[i].name) &&
            (i != vm->here || !pxp_host_here(name, len)))
            continue;
        *host = i;
        return PVMX_OK;
    }
    if (len == 0)
        return px_fail(PVMX_ERR_ARG, "the name of a host is missing");
    /* An address, unless a host goes by it as its name. */
    *host = vm->here;
    if (pxp_host_own_address(name, len))
        return PVMX_OK;
    for (*host = 0; *host < vm->n; ++*host)
        if (pxp_host_listens_at(name, len, vm->hosts[*host].addresses,
                                vm->hosts[*host].naddresses))
            return PVMX_OK;
    return px_fail(PVMX_ERR_UNSUPPORTED,
                   "%.*s is not a host of this virtual machine, which has %u: %s%s",
                   (int)(len < 200 ? len : 200), name, vm->n, vm->hosts[0].name,
                   vm->n > 1 ? ", ..." : "");
}

/* Reads a number up to what must end it. */
static bool read_number(const char **at, const char *ends, uint64_t *out)
{
    char *end;
    errno = 0;
    if (**at < '0' || **at > '9')
        return false;
    *out = strtoull(*at, &end, 10);
    if (errno != 0 || (*end != '\0' && strchr(ends, *end) == NULL))
        return false;
    *at = end;
    return true;
}

/* The hosts of a list, instead of all. */
static pvmx_err read_hosts(struct spread *s, const char *list)
{
    s->nodes.n = s->cpus.n = 0;
    for (;; list++) {
        const char *from = *list == '[' ? list + strcspn(list, "]") : list;
        size_t len = (size_t)(from - list) + strcspn(from, ":, ");
        uint32_t host = 0;
        uint64_t times;
        pvmx_err err = find_host(s->vm, list, len, &host);
        if (err != PVMX_OK)
            return err;
        times = s->vm->hosts[host].cpus;
        list += len;
        if (*list == ':') {
            const char *number = ++list;
            if (!read_number(&list, ", ", &times) || times == 0)
                return px_fail(PVMX_ERR_ARG, "\"%.*s\" is no number of tasks for host %s",
                               (int)strcspn(number, ", "), number, s->vm->hosts[host].name);
        }
        err = add(&s->nodes, host, 1);
        if (err == PVMX_OK)
            err = add(&s->cpus, host, times);
        if (err != PVMX_OK)
            return err;
        if (*list != ',')
            return PVMX_OK;
    }
}

/* ---- which hosts ------------------------------------------------------------------------------ */

static pvmx_err all_hosts(struct spread *s)
{
    pvmx_err err = PVMX_OK;
    for (uint32_t i = 0; err == PVMX_OK && i < s->vm->n; i++) {
        if (s->vm->hosts[i].skip)
            continue;
        err = add(&s->nodes, i, 1);
        if (err == PVMX_OK)
            err = add(&s->cpus, i, s->vm->hosts[i].cpus);
    }
    return err;
}

static bool is_arch(const struct spread_host *h, const char *arch, size_t len)
{
    return same(arch, len, h->arch, strlen(h->arch));
}

/* Keeps the places whose host has the architecture, or (arch NULL) is not the spawner's. */
static void keep(struct spread *s, struct places *p, const char *arch, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        if (arch != NULL ? is_arch(&s->vm->hosts[p->at[i]], arch, len)
                         : p->at[i] != s->vm->here)
            p->at[n++] = p->at[i];
    p->n = n;
}

static pvmx_err filter(struct spread *s, const char *arch, size_t len)
{
    keep(s, &s->nodes, arch, len);
    keep(s, &s->cpus, arch, len);
    if (s->nodes.n > 0)
        return PVMX_OK;
    if (arch != NULL)
        return px_fail(
            PVMX_ERR_UNSUPPORTED,
            "no host of this virtual machine has the architecture %.*s; %s has %s",
            (int)(len < 100 ? len : 100), arch, s->vm->hosts[0].name, s->vm->hosts[0].arch);
    return px_fail(PVMX_ERR_UNSUPPORTED,
                   "there is no host other than %s, on which the spawner runs",
                   s->vm->hosts[s->vm->here].name);
}

/* ---- at= -------------------------------------------------------------------------------------- */

static pvmx_err add_all(struct places *to, const struct places *from)
{
    pvmx_err err = PVMX_OK;
    for (size_t i = 0; err == PVMX_OK && i < from->n; i++)
        err = add(to, from->at[i], 1);
    return err;
}

/* 0-1,3 as indices into `of`. */
static pvmx_err add_numbers(struct spread *s, const char *word, size_t len,
                            const struct places *of)
{
    const char *at = word + 1;
    for (;; at++) {
        uint64_t first, last;
        bool ok = read_number(&at, "-,+ ", &first);
        last = first;
        if (ok && *at == '-') {
            at++;
            ok = read_number(&at, ",+ ", &last);
        }
        if (!ok || last < first)
            return px_fail(PVMX_ERR_ARG, "\"%.*s\" does not name hosts or processors",
                           (int)(len < 100 ? len : 100), word);
        if (last >= of->n)
            return px_fail(PVMX_ERR_UNSUPPORTED, "there is no %s %llu: the last one is %c%zu",
                           *word == 'n' ? "host" : "processor", (unsigned long long)last,
                           *word, of->n - 1);
        for (uint64_t k = first; k <= last; k++) {
            pvmx_err err = add(&s->named, of->at[k], 1);
            if (err != PVMX_OK)
                return err;
        }
        if (*at != ',')
            return PVMX_OK;
    }
}

static pvmx_err read_at(struct spread *s, const char *list)
{
    for (;; list++) {
        size_t len = strcspn(list, "+ ");
        pvmx_err err;
        if (len == 1 && *list == 'N')
            err = add_all(&s->named, &s->nodes);
        else if (len == 1 && *list == 'C')
            err = add_all(&s->named, &s->cpus);
        else if (len == 1 && *list == 'h')
            err = add(&s->named, s->vm->here, 1);
        else if (len == 1 && *list == 'o')
            err = add(&s->named, 0, 1);
        else if (len > 1 && (*list == 'n' || *list == 'c'))
            err = add_numbers(s, list, len, *list == 'n' ? &s->nodes : &s->cpus);
        else
            err = px_fail(PVMX_ERR_ARG, "\"%.*s\" does not name hosts or processors",
                          (int)(len < 100 ? len : 100), list);
        if (err != PVMX_OK)
            return err;
        list += len;
        if (*list != '+')
            return PVMX_OK;
    }
}

/* ---- the whole -------------------------------------------------------------------------------- */

static const char *value_of(const char *word, const char *key)
{
    size_t len = strlen(key);
    return strncmp(word, key, len) == 0 ? word + len : NULL;
}

static pvmx_err read_start(struct spread *s, const char *value, bool by_node)
{
    s->by_node = by_node;
    return read_number(&value, " ", &s->start)
               ? PVMX_OK
               : px_fail(PVMX_ERR_ARG, "\"%.100s\" is no number of a host or processor",
                         value);
}

static pvmx_err read_each(struct spread *s, const char *value)
{
    uint64_t times;
    pvmx_err err = PVMX_OK;
    if (!read_number(&value, " ", &times) || times == 0)
        return px_fail(PVMX_ERR_ARG, "\"%.100s\" is no number of tasks for each host", value);
    s->cpus.n = 0;
    for (size_t i = 0; err == PVMX_OK && i < s->nodes.n; i++)
        err = add(&s->cpus, s->nodes.at[i], times);
    return err;
}

static pvmx_err read_word(struct spread *s, const char *word)
{
    const char *v;
    if ((v = value_of(word, "hosts=")) != NULL)
        return read_hosts(s, v);
    if ((v = value_of(word, "arch=")) != NULL)
        return filter(s, v, strcspn(v, " "));
    if (strcspn(word, " ") == 6 && value_of(word, "others") != NULL)
        return filter(s, NULL, 0);
    if ((v = value_of(word, "each=")) != NULL)
        return read_each(s, v);
    if ((v = value_of(word, "cpu=")) != NULL)
        return read_start(s, v, false);
    if ((v = value_of(word, "node=")) != NULL)
        return read_start(s, v, true);
    if ((v = value_of(word, "at=")) != NULL)
        return read_at(s, v);
    return px_fail(PVMX_ERR_ARG, "\"%.100s\" does not say where to start tasks", word);
}

static pvmx_err give_out(const struct spread *s, uint32_t *count, uint32_t **hosts)
{
    const struct places *p = s->named.n > 0 ? &s->named
                             : s->by_node   ? &s->nodes
                                            : &s->cpus;
    if (p->n == 0)
        return px_fail(PVMX_ERR_UNSUPPORTED,
                       "no host of this virtual machine takes tasks");
    if (*count == SPREAD_EACH)
        *count = (uint32_t)p->n;
    uint32_t *out = malloc(((size_t)*count + 1) * sizeof *out);
    if (out == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to spread %u tasks", *count);
    size_t at = (size_t)(s->start % p->n);
    for (uint32_t i = 0; i < *count; i++) {
        out[i] = p->at[at];
        at = at + 1 < p->n ? at + 1 : 0;
    }
    *hosts = out;
    return PVMX_OK;
}

pvmx_err spread_tasks(const struct spread_vm *vm, const char *text, uint32_t *count,
                      uint32_t **hosts)
{
    struct spread s = {.vm = vm};
    pvmx_err err = all_hosts(&s);
    for (const char *word = text; err == PVMX_OK && *word != '\0';) {
        size_t len = strcspn(word, " ");
        if (len > 0)
            err = read_word(&s, word);
        word += len + (word[len] == ' ');
    }
    if (err == PVMX_OK)
        err = give_out(&s, count, hosts);
    free(s.nodes.at);
    free(s.cpus.at);
    free(s.named.at);
    return err;
}
