/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting: spin briefly while there are idle processors, then sleep. */
#include "progress/progress.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/param.h"
#include "proto/bell.h"
#include "transport/shm/wake.h"

#include <sched.h>

enum { WAIT_SPIN, WAIT_HYBRID, WAIT_SLEEP };

static int64_t wait_mode, wait_spin_ns;

static const struct px_param wait_params[] = {
    {.name = "wait",
     .type = PX_PARAM_CHOICE,
     .dflt = "hybrid",
     .choices = "spin|hybrid|sleep",
     .help = "how a blocked task waits: always spinning, spinning shortly, or never",
     .store.number = &wait_mode},
    {.name = "wait.spin",
     .type = PX_PARAM_TIME,
     .dflt = "50us",
     .min = 0,
     .max = 1000000000,
     .help = "how long a blocked task spins before it sleeps, when processors are idle",
     .store.number = &wait_spin_ns},
};

enum {
    CHECK_NS = 500 * 1000 * 1000, /* a sleeper looks after the daemon this often: 2 wake-ups a
                                   * second cost about 0.002 % of a processor */
    TIGHT_SPINS = 64, /* rounds without a pause instruction, which takes 50 ns on some
                       * processors: about as long as the answer to a short message takes */
    LOOKS_PER_CLOCK = 256, /* rounds between two looks at the clock of who is patient */
    FULL_EVERY = 4,        /* rounds of which one looks at more than messages */
    SPINS_PER_LOOK = 16,   /* rounds between two looks at the clock: about 0.5 us */
    SLOW_YIELD_NS = 100 * 1000, /* somebody computes here: a sleeper is woken sooner than one
                                 * who has yielded gets its processor back */
    SKIP_MIN = 32,   /* waits without yielding after a slow yield, doubled while */
    SKIP_MAX = 8192, /* they stay slow */
};

void px_progress_settings(void)
{
    px_param_register(wait_params, sizeof wait_params / sizeof wait_params[0]);
}

static unsigned no_source(void *arg)
{
    (void)arg;
    return 0;
}

void px_progress_init(struct px_progress *p, struct px_arena *arena)
{
    *p = (struct px_progress){.arena = arena, .bell = -1, .source[0].fn = no_source};
    px_progress_settings();
    p->skip_next = SKIP_MIN;
}

void px_progress_fini(struct px_progress *p)
{
    px_fd_close(&p->bell);
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

struct spin {
    uint64_t until; /* 0: not begun */
    unsigned rounds;
    uint64_t yielded; /* how long the last yield took, on a host that is not crowded; 0: none */
};

enum step { STEP_RELAX, STEP_YIELD, STEP_SLEEP };

static bool is_crowded(const struct px_progress *p)
{
    const struct px_arena_head *h = p->arena->head;
    return atomic_load_explicit(&h->running, memory_order_relaxed) > (int32_t)h->ncpus;
}

/* What the waiting task does before its next look: spin, as long as there are idle processors
 * (yielding now and then, since the task that it waits for may share its processor, which no
 * count of ours shows); let others run, as long as they only wait too; sleep. Yielding costs 0.6 us
 * for each switch where sleep and wake-up cost 3: a barrier of 8 tasks on 2 processors takes 6 us
 * instead of 17. */
static enum step next_step(struct px_progress *p, struct spin *s)
{
    if (wait_mode == WAIT_SPIN)
        return STEP_RELAX;
    if (wait_mode == WAIT_SLEEP || p->no_spin)
        return STEP_SLEEP;
    bool crowded = is_crowded(p);
    /* Somebody computes here: a sleeper gets its processor back sooner than one who spins. Of waits that
     * spin over rings most are over before that matters. */
    if (p->skip_yields > 0 && s->rounds == 0 && !s->until &&
        (crowded || (p->far && *p->far))) {
        p->skip_yields--;
        return STEP_SLEEP;
    }
    if (!crowded && (++s->rounds < TIGHT_SPINS || s->rounds % SPINS_PER_LOOK))
        return STEP_RELAX;
    uint64_t now = px_now_ns();
    if (!s->until)
        s->until = now + (uint64_t)wait_spin_ns;
    if (now >= s->until)
        return STEP_SLEEP;
    return crowded || s->rounds >= TIGHT_SPINS + SPINS_PER_LOOK * 4 ? STEP_YIELD : STEP_RELAX;
}

/* Lets others run; notes whether one of them had more to do than to wait. */
static void yield(struct px_progress *p, struct spin *s)
{
    uint64_t before = px_now_ns();
    if (p->lock)
        pthread_mutex_unlock(p->lock);
    sched_yield();
    if (p->lock)
        pthread_mutex_lock(p->lock);
    uint64_t took = px_now_ns() - before;
    if (took < SLOW_YIELD_NS) {
        p->skip_next = SKIP_MIN;
        s->yielded = is_crowded(p) ? 0 : took;
        return;
    }
    p->skip_yields = p->skip_next;
    if (p->skip_next < SKIP_MAX)
        p->skip_next *= 2;
    s->until = before;
}

static void count_asleep(struct px_progress *p, struct px_arena *a, bool asleep)
{
    if (p->sleeping)
        *p->sleeping = asleep;
    atomic_store(&a->slot->asleep, asleep);
    atomic_fetch_add(&a->head->running, asleep ? -1 : 1);
}

/* The descriptor to sleep on besides the doorbell, with the bell in place that goes with it; -1: none.
 * Without a socket for the bell sleeps are short instead: px_bell_poll then sees only the sockets. */
static int sleep_descriptor(struct px_progress *p, struct px_slot *slot)
{
    int fd = p->descriptor ? p->descriptor(p->descriptor_arg) : -1;
    if (__builtin_expect(fd < 0, 1))
        return -1;
    if (p->bell < 0)
        p->bell = pxp_bell_open(&p->bell_name);
    if (p->bell < 0)
        return fd;
    atomic_store(&slot->bell, p->bell_name);
    atomic_fetch_or(&slot->rx_flags, PX_RX_SOCKET);
    return fd;
}

/* Sleeps unless something turns up in the last look: in what progress brings, or in what is waited for
 * itself, which others may have written (boards). True: that is the case. Returns with the lock held
 * again. */
static bool sleep_once(struct px_progress *p, bool (*done)(void *arg), void *arg,
                       uint64_t deadline)
{
    struct px_arena a = *p->arena; /* joining a VM changes it under a sleeping thread */
    int fd = sleep_descriptor(p, a.slot);
    uint32_t seen = atomic_load(&a.slot->doorbell);
    atomic_fetch_or(&a.slot->rx_flags, PX_RX_SLEEPING);
    if (is_crowded(p))
        px_bell_crowd(a.slot);
    px_bell_settle(a.slot);
    bool is_done = false;
    if (px_progress(p) == 0 && !(is_done = done(arg)) &&
        atomic_load(&a.slot->doorbell) == seen) {
        uint64_t now = px_now_ns(), timeout = CHECK_NS;
        if (deadline != PX_NEVER)
            timeout = deadline <= now            ? 0
                      : deadline - now < timeout ? deadline - now
                                                 : timeout;
        if (p->sleepers++ == 0)
            count_asleep(p, &a, true);
        if (p->lock)
            pthread_mutex_unlock(p->lock);
        if (fd < 0)
            px_bell_sleep(a.slot, seen, timeout);
        else
            px_bell_poll(a.slot, seen, p->bell, fd,
                         p->bell < 0 && timeout > PX_MS ? PX_MS : timeout);
        if (p->lock)
            pthread_mutex_lock(p->lock);
        if (--p->sleepers == 0)
            count_asleep(p, &a, false);
        if (fd >= 0)
            p->descriptor(p->descriptor_arg); /* what has woken us is looked at first */
        if (px_now_ns() - now >= CHECK_NS && p->check)
            p->check(p->check_arg);
    }
    if (p->sleepers == 0)
        atomic_fetch_and(&a.slot->rx_flags, ~(uint32_t)PX_RX_SLEEPING);
    return is_done;
}

/* What was waited for has come, without sleep. */
static void note_end(struct px_progress *p, const struct spin *s)
{
    if (__builtin_expect(px_bell_fenced, 0) && !is_crowded(p))
        px_bell_calm(p->arena->slot);
    if (__builtin_expect(s->yielded || p->spread.shared, 0))
        px_spread_note(&p->spread, s->yielded, p->arena->index % 2);
}

/* Tells others that what they ask is answered at once. Not for waits that are over at the first look. */
static void show(struct px_progress *p, bool waiting)
{
    p->shown = waiting;
    atomic_store_explicit(&p->arena->slot->waiting, waiting, memory_order_relaxed);
}

/* patience_ns: as long as that, roughly: most waits end before the clock is looked at; 0: until the
 * deadline. */
static pvmx_err wait_until(struct px_progress *p, bool (*done)(void *arg), void *arg,
                           uint64_t deadline_ns, uint64_t patience_ns)
{
    struct spin spin = {0};
    unsigned looks = 0;
    for (;;) {
        if (done(arg)) {
            note_end(p, &spin);
            return PVMX_OK;
        }
        unsigned n =
            looks++ % FULL_EVERY && !p->hooks ? px_progress_first(p) : px_progress(p);
        if (p->lock)
            px_progress_tell(p);
        if (n) {
            spin = (struct spin){.yielded = spin.yielded};
            continue;
        }
        if (!p->shown && wait_mode != WAIT_SLEEP)
            show(p, true);
        spin.yielded = 0;
        enum step step = next_step(p, &spin);
        if (step == STEP_RELAX && spin.rounds < TIGHT_SPINS && !p->lock)
            continue;
        bool look = !patience_ns || step == STEP_SLEEP || looks % LOOKS_PER_CLOCK == 0;
        if (patience_ns && look && deadline_ns == PX_NEVER)
            deadline_ns = px_now_ns() + patience_ns;
        else if (look && deadline_ns != PX_NEVER && px_now_ns() >= deadline_ns)
            return done(arg) ? PVMX_OK
                             : px_fail(PVMX_ERR_TIMEDOUT, "the time limit has passed");
        if (step == STEP_SLEEP) {
            if (sleep_once(p, done, arg, deadline_ns)) /* done may take what it finds: asked once */
                return PVMX_OK;
            spin = (struct spin){0};
        } else if (step == STEP_YIELD) {
            yield(p, &spin);
        } else if (p->lock) { /* others may want to send meanwhile */
            pthread_mutex_unlock(p->lock);
            relax();
            pthread_mutex_lock(p->lock);
        } else {
            relax();
        }
    }
}

pvmx_err px_wait(struct px_progress *p, bool (*done)(void *arg), void *arg,
                 uint64_t deadline_ns)
{
    pvmx_err err = wait_until(p, done, arg, deadline_ns, 0);
    if (p->shown)
        show(p, false);
    return err;
}

pvmx_err px_wait_for(struct px_progress *p, bool (*done)(void *arg), void *arg,
                     uint64_t patience_ns)
{
    pvmx_err err = wait_until(p, done, arg, PX_NEVER, patience_ns);
    if (p->shown)
        show(p, false);
    return err;
}
