/* SPDX-License-Identifier: BSD-3-Clause */
/* Gates of groups. */
#include "gate.h"

void gates_init(struct gates *all)
{
    *all = (struct gates){.n = PX_GATES};
    for (uint32_t i = 0; i < PX_GATES; i++)
        all->free[i] = (uint16_t)i;
}

static struct px_gate *place(struct px_arena_head *head, const struct gate *g)
{
    return px_gate_at(head, g->number - 1);
}

void gate_take(struct gates *all, struct px_arena_head *head, struct gate *g)
{
    *g = (struct gate){0};
    if (all->n == 0)
        return;
    g->number = all->free[all->first] + 1u;
    all->first = (all->first + 1) % PX_GATES;
    all->n--;
    atomic_store(&place(head, g)->nmembers, 0);
}

void gate_seat(struct px_arena_head *head, const struct gate *g, uint32_t number, uint32_t who)
{
    if (g->number == 0)
        return;
    struct px_gate *at = place(head, g);
    atomic_store(&at->members[number], (uint16_t)who);
    if (number >= atomic_load(&at->nmembers))
        atomic_store(&at->nmembers, number + 1);
}

void gate_drop(struct gates *all, struct gate *g)
{
    if (g->number > 0)
        all->free[(all->first + all->n++) % PX_GATES] = (uint16_t)(g->number - 1);
    *g = (struct gate){0};
}

void gate_open(struct px_arena_head *head, struct gate *g)
{
    if (g->number == 0 || g->open || g->spent)
        return;
    uint64_t s = atomic_load(&place(head, g)->state);
    g->epoch = px_gate_epoch(s);
    g->open = true;
    atomic_store(&place(head, g)->state, s | PX_GATE_OPEN);
}

void gate_renew(struct gate *g)
{
    g->spent = false;
}

uint32_t gate_waiting(struct px_arena_head *head, const struct gate *g, uint32_t *count)
{
    uint64_t s = g->open ? atomic_load(&place(head, g)->state) : 0;
    if (px_gate_arrived(s) > 0)
        *count = px_gate_count(s);
    return px_gate_arrived(s);
}

uint32_t gate_close(struct px_arena_head *head, struct gate *g, uint32_t *count)
{
    if (!g->open)
        return 0;
    struct px_gate *at = place(head, g);
    uint64_t s = atomic_load(&at->state);
    do
        atomic_store(&at->closed, s);
    while (!atomic_compare_exchange_weak(&at->state, &s,
                                         px_gate_state(px_gate_epoch(s) + 1,
                                                       px_gate_round(s), 0, 0)));
    g->open = false;
    g->spent = px_gate_arrived(s) > 0;
    if (g->spent)
        *count = px_gate_count(s);
    return px_gate_arrived(s);
}
