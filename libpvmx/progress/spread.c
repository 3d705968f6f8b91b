/* SPDX-License-Identifier: BSD-3-Clause */
/* See spread.h. */
#include "progress/spread.h"

#include "base/clock.h"

#include <sched.h>

enum {
    OTHER_RAN_NS = 1500, /* a yield to nobody takes 0.3 us */
    SOON = 8,            /* such waits in a row take some 50 us together, a move 10 */
    LATE = 64,
    AGAIN_NS = 5 * 1000 * 1000, /* about what the kernel needs to find a new balance */
};

static void move(void)
{
    cpu_set_t may, other;
    int here = sched_getcpu();
    if (here < 0 || sched_getaffinity(0, sizeof may, &may) != 0 || CPU_COUNT(&may) < 2)
        return;
    other = may;
    CPU_CLR(here, &other);
    if (sched_setaffinity(0, sizeof other, &other) == 0)
        sched_setaffinity(0, sizeof may, &may);
}

void px_spread_note(struct px_spread *s, uint64_t took_ns, bool late)
{
    if (took_ns < OTHER_RAN_NS) {
        s->shared = 0;
        return;
    }
    if (++s->shared < (late ? LATE : SOON))
        return;
    s->shared = 0;
    uint64_t now = px_now_ns();
    if (now - s->moved_ns < AGAIN_NS)
        return;
    s->moved_ns = now;
    move();
}
