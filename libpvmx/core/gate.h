/* SPDX-License-Identifier: BSD-3-Clause */
/* Meeting other members of a group at its gate (proto/gate.h). With the lock held. */
#ifndef PX_CORE_GATE_H
#define PX_CORE_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* What the daemon has said of a group that this task is a member of. gate: number + 1; 0: there is none. */
void px_gate_learn(const char *name, uint32_t gate, uint32_t epoch);
/* This task leaves the group. */
void px_gate_forget(const char *name);
/* Returns when `count` members are there. False: the daemon has to be asked. */
bool px_gate_meet(const char *name, uint32_t count);
void px_gates_fini(void);

#endif
