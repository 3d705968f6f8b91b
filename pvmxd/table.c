/* SPDX-License-Identifier: BSD-3-Clause */
/* The host table's entries. */
#include "table.h"
#include "base/err.h"
#include "proto/hello.h"
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255 };

bool table_name_ok(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > NAME_MAX_BYTES || name[0] == '-')
        return false;
    for (const char *c = name; *c != '\0'; c++) /* it becomes an argument and part of a path */
        if ((unsigned char)*c <= ' ' || *c == '/' || *c == 0x7f)
            return false;
    return true;
}

static bool set(char **to, const char *text)
{
    char *copy = strdup(text != NULL ? text : "");
    if (copy == NULL)
        return false;
    free(*to);
    *to = copy;
    return true;
}

static void host_free(struct host *h)
{
    px_list_remove(&h->changed);
    for (size_t i = 0; i < h->naddresses; i++)
        free(h->addresses[i]);
    free(h->name);
    free(h->arch);
    free(h->release);
    free(h->launcher);
    free(h->text);
    free(h);
}

struct host *table_add(struct hosts *hs, uint32_t index, const char *name)
{
    struct host *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->index = index;
    h->speed = HOST_SPEED;
    px_list_init(&h->changed);
    if (!set(&h->name, name) || !set(&h->arch, "") || !set(&h->release, "") ||
        !set(&h->launcher, "") || !set(&h->text, "") ||
        px_map_put(&hs->table, index, h) != PVMX_OK) {
        host_free(h);
        return NULL;
    }
    return h;
}

void table_remove(struct hosts *hs, struct host *h)
{
    px_map_remove(&hs->table, h->index);
    host_free(h);
}

void table_free(struct hosts *hs)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);)
        host_free(value);
    px_map_free(&hs->table);
}

pvmx_err table_read(struct host *h, const struct pxp_host_entry *m)
{
    bool ok = set(&h->arch, m->arch) && set(&h->release, m->release) &&
              set(&h->launcher, m->launcher) && set(&h->text, m->text);
    if (*m->name != '\0')
        ok = ok && set(&h->name, m->name);
    h->state = m->state;
    h->slots = m->slots;
    h->speed = m->speed;
    h->since = m->since;
    for (size_t i = 0; i < h->naddresses; i++)
        free(h->addresses[i]);
    h->naddresses = 0;
    for (size_t i = 0; ok && i < m->n_addresses && i < HOST_ADDRESSES; i++) {
        h->addresses[i] = strdup(m->addresses[i]);
        ok = h->addresses[i] != NULL;
        h->naddresses += ok;
    }
    return ok ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "no memory for host %s", h->name);
}

void table_write(const struct hosts *hs, const struct host *h, bool live,
                 struct pxp_host_entry *m)
{
    *m = (struct pxp_host_entry){.index = h->index,
                                 .name = h->name,
                                 .state = h->state,
                                 .slots = h->slots,
                                 .speed = h->speed,
                                 .arch = h->arch,
                                 .addresses = (const char **)(uintptr_t)h->addresses,
                                 .n_addresses = h->naddresses,
                                 .since = h->since,
                                 .release = h->release,
                                 .text = h->text,
                                 .launcher = h->launcher};
    if (!live)
        return;
    m->tasks = h->tasks;
    m->load = h->load;
    m->memory_kb = h->memory_kb;
    m->leader = h->index == hs->leader;
}

static int by_index(const void *a, const void *b)
{
    uint32_t x = ((const struct pxp_host_entry *)a)->index,
             y = ((const struct pxp_host_entry *)b)->index;
    return (x > y) - (x < y);
}

struct pxp_host_entry *table_list(const struct hosts *hs, bool live, struct pxp_zone *z,
                                  size_t *n)
{
    uint64_t key;
    void *value;
    struct pxp_host_entry *list = pxp_zone_alloc(z, (hs->table.count + 1) * sizeof *list);
    *n = 0;
    if (list == NULL)
        return NULL;
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);)
        table_write(hs, value, live, &list[(*n)++]);
    qsort(list, *n, sizeof *list, by_index);
    return list;
}

uint32_t table_slots(const struct hosts *hs)
{
    uint64_t key, sum = 0;
    void *value;
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);) {
        const struct host *h = value;
        if (h->state == PXP_HOST_UP)
            sum += h->slots;
    }
    return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX - 1;
}
