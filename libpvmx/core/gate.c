/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of a group meet in shared memory. */
#include "core/gate.h"

#include "base/clock.h"
#include "base/map.h"
#include "core/ctx.h"
#include "proto/gate.h"
#include "transport/shm/wake.h"

#include <stdlib.h>
#include <string.h>

struct known {
    uint32_t gate, epoch;
    char name[];
};

static struct px_map groups; /* hash of a name -> struct known; of two with one hash the later */
static struct px_map members; /* slot -> where it is mapped: those that were to be woken */

static struct known *find(const char *name)
{
    struct known *k = px_map_get(&groups, px_map_text(name));
    return k && strcmp(k->name, name) == 0 ? k : NULL;
}

void px_gate_forget(const char *name)
{
    struct known *k = find(name);
    if (!k)
        return;
    px_map_remove(&groups, px_map_text(name));
    free(k);
}

void px_gate_learn(const char *name, uint32_t gate, uint32_t epoch)
{
    uint64_t hash = px_map_text(name);
    size_t len = strlen(name) + 1;
    free(px_map_remove(&groups, hash));
    struct known *k = gate && gate <= PX_GATES ? malloc(sizeof *k + len) : NULL;
    if (!k)
        return; /* without memory: the daemon can always be asked */
    k->gate = gate - 1;
    k->epoch = epoch;
    memcpy(k->name, name, len);
    if (px_map_put(&groups, hash, k) != PVMX_OK)
        free(k);
}

struct wait {
    struct px_gate *gate;
    uint64_t mine; /* state with which this task arrived */
};

static bool over(void *arg)
{
    const struct wait *w = arg;
    uint64_t s = atomic_load(&w->gate->state);
    /* another round, another epoch, or closed */
    return (s ^ w->mine) >> 16 != 0 || px_ctx.ctl.lost;
}

/* Were all there? Else the gate was closed before, or the daemon is lost. */
static bool was_complete(const struct wait *w)
{
    uint64_t s = atomic_load(&w->gate->state);
    if (px_gate_epoch(s) != px_gate_epoch(w->mine)) {
        s = atomic_load(&w->gate->closed);
        if (px_gate_epoch(s) != px_gate_epoch(w->mine))
            return true;
    }
    return px_gate_round(s) != px_gate_round(w->mine);
}

static void wake(uint32_t index)
{
    struct px_slot *slot = px_map_get(&members, index);
    if (!slot && (slot = px_arena_map_slot(&px_ctx.arena, index)) &&
        px_map_put(&members, index, slot) != PVMX_OK) {
        px_bell_after_publish(slot, PX_NRINGS);
        px_arena_unmap_slot(slot);
        return;
    }
    if (slot)
        px_bell_after_publish(slot, PX_NRINGS);
}

static void wake_all(struct px_gate *gate)
{
    uint32_t n = atomic_load(&gate->nmembers);
    for (uint32_t i = 0; i < n && i < PX_GATE_MEMBERS; i++) {
        uint32_t slot = atomic_load(&gate->members[i]);
        if (slot > 0 && slot - 1 != px_ctx.arena.index)
            wake(slot - 1);
    }
}

bool px_gate_meet(const char *name, uint32_t count)
{
    struct known *k = find(name);
    if (!k || count == 0 || count > PX_GATE_MEMBERS || px_ctx.ctl.lost)
        return false;
    struct wait w = {.gate = px_gate_at(px_ctx.arena.head, k->gate)};
    uint64_t s = atomic_load(&w.gate->state), next;
    uint32_t arrived;
    do {
        arrived = px_gate_arrived(s);
        if (!(s & PX_GATE_OPEN) || px_gate_epoch(s) != k->epoch) {
            px_gate_forget(name);
            return false;
        }
        if (arrived > 0 && px_gate_count(s) != count)
            return false; /* whose error it is the daemon finds out */
        next = arrived + 1 == count
                   ? px_gate_state(k->epoch, px_gate_round(s) + 1, 0, 0)
                   : px_gate_state(k->epoch, px_gate_round(s), count, arrived + 1);
    } while (!atomic_compare_exchange_weak(&w.gate->state, &s, next | PX_GATE_OPEN));
    if (arrived + 1 == count) {
        wake_all(w.gate);
        return true;
    }
    w.mine = next | PX_GATE_OPEN;
    px_ctx_wait(over, &w, PX_NEVER);
    return was_complete(&w);
}

void px_gates_fini(void)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&groups, &pos, &key, &value);)
        free(value);
    px_map_free(&groups);
    for (size_t pos = 0; px_map_next(&members, &pos, &key, &value);)
        px_arena_unmap_slot(value);
    px_map_free(&members);
}

void px_gates_forget(void)
{
    groups = members = (struct px_map){0};
}
