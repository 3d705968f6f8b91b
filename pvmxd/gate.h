/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's side of gates (proto/gate.h): which group has which, opening and closing. */
#ifndef GATE_H
#define GATE_H

#include "proto/gate.h"

/* Gates that no group has, those that are free longest first: a late waiter may still look at others. */
struct gates {
    uint16_t free[PX_GATES];
    uint32_t first, n;
};

/* A group's. All 0: it has none. */
struct gate {
    uint32_t number; /* + 1 */
    uint32_t epoch;
    bool open;
    bool spent; /* closed before members who waited: some may not have looked at it since */
};

void gates_init(struct gates *all);
/* For a new group; without a free gate it does without. Closed yet, nobody in it. */
void gate_take(struct gates *all, struct px_arena_head *head, struct gate *g);
/* Who has this place (number) of the group, less than PX_GATE_MEMBERS: a slot + 1; 0: nobody. */
void gate_seat(struct px_arena_head *head, const struct gate *g, uint32_t number,
               uint32_t who);
/* The group has ended. The gate is closed. */
void gate_drop(struct gates *all, struct gate *g);
/* Members may meet there, if the gate can be opened (again). */
void gate_open(struct px_arena_head *head, struct gate *g);
/* All members have asked the daemon since it was closed. */
void gate_renew(struct gate *g);
/* How many wait there now; then *count: for how many in all. */
uint32_t gate_waiting(struct px_arena_head *head, const struct gate *g, uint32_t *count);
/* How many have waited there, and for how many in all (*count); then all members are to be woken. */
uint32_t gate_close(struct px_arena_head *head, struct gate *g, uint32_t *count);

#endif
