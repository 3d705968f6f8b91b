/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings: order and content over many laps, back-pressure, and a producer that is killed at every
 * single instruction of a push. */
#include "transport/shm/ring.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static struct px_ring *shared_ring(void)
{
    struct px_ring *r =
        mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq((void *)r, MAP_FAILED);
    px_ring_reset(r);
    return r;
}

/* Record k: its length depends on k, its bytes too. */
static size_t length_of(uint64_t k)
{
    static const size_t shapes[] = {0,  1,   7,    8,    56,   57,
                                    64, 200, 1000, 4096, 8000, PX_RING_RECORD_MAX,
                                    24};
    return shapes[(k * 7 + k / 12) % (sizeof shapes / sizeof shapes[0])];
}

static void fill(uint8_t *p, uint64_t k, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(k * 31 + i * 7);
}

enum { HEADER = 24 }; /* of most messages; short ones have a way of their own */

static uint8_t bytes[PX_RING_RECORD_MAX];

static bool push_filled(struct px_ring_end *e, uint64_t k)
{
    size_t len = length_of(k), half = len >= HEADER && len <= 56 ? HEADER : len / 3;
    struct px_slice v[2] = {{bytes, half}, {bytes + half, len - half}};
    return px_ring_push(e, v, 2, len);
}

static bool push(struct px_ring_end *e, uint64_t k)
{
    fill(bytes, k, length_of(k));
    return push_filled(e, k);
}

static void check(const uint8_t *p, size_t len, uint64_t k)
{
    cr_assert_eq(len, length_of(k), "record %lu has %zu bytes", (unsigned long)k, len);
    for (size_t i = 0; i < len; i++)
        cr_assert_eq(p[i], (uint8_t)(k * 31 + i * 7), "record %lu byte %zu",
                     (unsigned long)k, i);
}

Test(ring, keeps_order_and_content_over_many_laps)
{
    struct px_ring_end out, in;
    struct px_ring *r = shared_ring();
    px_ring_attach_producer(&out, r);
    px_ring_attach_consumer(&in, r);
    uint64_t pushed = 0, popped = 0;
    while (popped < 5000) {
        unsigned burst = (unsigned)(pushed % 17) + 1;
        while (burst-- && push(&out, pushed))
            pushed++;
        cr_assert_gt(pushed, popped, "an empty ring has room");
        size_t len;
        const uint8_t *p;
        for (unsigned n = (unsigned)(popped % 5) + 1; n && (p = px_ring_peek(&in, &len));
             n--) {
            check(p, len, popped++);
            px_ring_pop(&in, len);
        }
        px_ring_release(&in);
    }
    munmap(r, sizeof *r);
}

Test(ring, refuses_when_full_and_takes_again_when_read)
{
    struct px_ring_end out, in;
    struct px_ring *r = shared_ring();
    px_ring_attach_producer(&out, r);
    px_ring_attach_consumer(&in, r);
    uint64_t k = 0;
    while (push(&out, k))
        k++;
    cr_assert_not(push(&out, k));
    size_t len;
    for (uint64_t i = 0; i < k; i++) {
        const uint8_t *p = px_ring_peek(&in, &len);
        cr_assert_not_null(p);
        check(p, len, i);
        px_ring_pop(&in, len);
    }
    cr_assert_null(px_ring_peek(&in, &len));
    px_ring_release(&in);
    cr_assert(push(&out, k));
    munmap(r, sizeof *r);
}

Test(ring, another_process_pushes_while_we_read)
{
    enum { N = 100000 };
    struct px_ring *r = shared_ring();
    pid_t pid = fork();
    if (pid == 0) {
        struct px_ring_end out;
        px_ring_attach_producer(&out, r);
        for (uint64_t k = 0; k < N;)
            if (push(&out, k))
                k++;
            else
                usleep(10);
        _exit(0);
    }
    struct px_ring_end in;
    px_ring_attach_consumer(&in, r);
    size_t len;
    for (uint64_t k = 0; k < N;) {
        const uint8_t *p = px_ring_peek(&in, &len);
        if (!p)
            continue;
        check(p, len, k++);
        px_ring_pop(&in, len);
        px_ring_release(&in);
    }
    int st;
    waitpid(pid, &st, 0);
    cr_assert_eq(st, 0);
    munmap(r, sizeof *r);
}

/* Pushes records until fewer than `tail` bytes are left before the ring's end, then reads them all:
 * a ring that is read at once begins again before it comes to its end. */
static void advance(struct px_ring_end *out, struct px_ring_end *in, uint32_t tail)
{
    size_t len;
    while (PX_RING_DATA - out->off >= tail) {
        struct px_slice v = {bytes, 100};
        cr_assert(px_ring_push(out, &v, 1, 100));
    }
    while (px_ring_peek(in, &len))
        px_ring_pop(in, len);
    px_ring_release(in);
}

enum { RECORD = 1, SHORT = 41 }; /* 200 and 56 bytes, see length_of */

/* AddressSanitizer's own instructions multiply the steps, and its processes take long to start: that
 * build stops at a share of them, another one at each place; others stop at every one. */
#ifdef __SANITIZE_ADDRESS__
enum { STRIDE = 11 };
#else
enum { STRIDE = 1 };
#endif

/* A child that brings the ring to the place, waits for us, then pushes record k; we let it run
 * `steps` instructions of that push and kill it. *in: the reading side's place, in shared memory.
 * Returns false when it came to the end of the push. */
static bool push_killed_after(struct px_ring *r, struct px_ring_end *in, uint32_t tail,
                              uint64_t k, long steps)
{
    int st;
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        struct px_ring_end out;
        px_ring_attach_producer(&out, r);
        px_ring_attach_consumer(in, r);
        advance(&out, in, tail);
        fill(bytes, k, length_of(k));
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        push_filled(&out, k);
        raise(SIGSTOP);
        _exit(0);
    }
    bool inside = true;
    cr_assert_eq(waitpid(pid, &st, 0), pid);
    cr_assert(WIFSTOPPED(st));
    for (long i = 0; i < steps && inside; i++) {
        cr_assert_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        cr_assert_eq(waitpid(pid, &st, 0), pid);
        inside = WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP;
    }
    kill(pid, SIGKILL);
    waitpid(pid, &st, 0);
    return inside;
}

/* After the death the ring holds the last record whole or not at all. */
static bool read_after_death(struct px_ring_end *in, uint64_t k)
{
    size_t len;
    const uint8_t *p = px_ring_peek(in, &len);
    if (!p)
        return false;
    check(p, len, k);
    px_ring_pop(in, len);
    cr_assert_null(px_ring_peek(in, &len));
    return true;
}

Test(ring, producer_killed_at_every_step_publishes_whole_records_or_none, .timeout = 240)
{
    /* Near the start, the long and the short way; where the record does not fit before the end and starts
     * over; where the ring is empty and begins again. */
    static const uint32_t tails[] = {PX_RING_DATA, PX_RING_DATA, 200, PX_RING_DATA - 10000};
    static const uint64_t records[] = {RECORD, SHORT, RECORD, RECORD};
    cr_assert_eq(length_of(SHORT), 56);
    struct px_ring *r = shared_ring();
    struct px_ring_end *in =
        mmap(NULL, sizeof *in, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq((void *)in, MAP_FAILED);
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        long none = 0, whole = 0;
        bool inside = true;
        for (long steps = (long)i % STRIDE; inside; steps += STRIDE) {
            memset(r->data, 0xa5, sizeof r->data); /* stale bytes of an earlier life */
            px_ring_reset(r);
            inside = push_killed_after(r, in, tails[i], records[i], steps);
            if (read_after_death(in, records[i]))
                whole++;
            else
                none++;
        }
        cr_assert_gt(none, 20, "most steps come before the record is published");
        cr_assert_gt(whole, 0);
    }
    munmap(in, sizeof *in);
    munmap(r, sizeof *r);
}

/* Short records, each read before the next: they stay in the first part of the ring; a reader
 * that is behind loses none of its room. */
Test(ring, begins_again_while_it_is_read_as_fast_as_it_is_filled)
{
    struct px_ring_end out, in;
    struct px_ring *r = shared_ring();
    px_ring_attach_producer(&out, r);
    px_ring_attach_consumer(&in, r);
    struct px_slice v = {bytes, 100};
    size_t len, most = 0, kept = 0;
    for (uint32_t k = 0; k < 5000; k++) {
        memcpy(bytes, &k, sizeof k);
        cr_assert(px_ring_push(&out, &v, 1, v.len));
        const uint8_t *p = px_ring_peek(&in, &len);
        cr_assert_not_null(p);
        cr_assert_eq(len, v.len);
        cr_assert_eq(memcmp(p, &k, sizeof k), 0);
        px_ring_pop(&in, len);
        px_ring_release(&in);
        most = out.off > most ? out.off : most;
    }
    cr_assert_leq(most, 16 * 1024, "the ring was used up to %zu", most);
    while (px_ring_push(&out, &v, 1, v.len))
        kept++;
    cr_assert_gt(kept, PX_RING_DATA / 128 * 3 / 4, "%zu records are room", kept);
    while (kept-- && px_ring_peek(&in, &len))
        px_ring_pop(&in, len);
    cr_assert_eq(kept, SIZE_MAX);
}

/* Heads with few bytes after them, as most messages are, with a reader that is behind by a changing number of
 * them, over many laps of a ring that is full of stale bytes. */
Test(ring, short_messages_of_every_length)
{
    struct px_ring_end out, in;
    struct px_ring *r = shared_ring();
    uint8_t head[HEADER], body[64];
    uint64_t pushed = 0, popped = 0;
    size_t len;
    memset(r->data, 0xa5, sizeof r->data);
    px_ring_reset(r);
    px_ring_attach_producer(&out, r);
    px_ring_attach_consumer(&in, r);
    srand(5);
    while (popped < 300000) {
        for (int n = rand() % (pushed % 10000 < 5000 ? 3 : 700); n > 0; n--) {
            size_t size = pushed % 41; /* some need two lines */
            struct px_slice v[2] = {{head, HEADER}, {body, size}};
            fill(head, pushed, HEADER);
            fill(body, pushed + 1, size);
            if (!px_ring_push(&out, v, size ? 2 : 1, HEADER + size))
                break;
            pushed++;
        }
        for (int n = rand() % 1000; n > 0 && popped < pushed; n--, popped++) {
            const uint8_t *p = px_ring_peek(&in, &len);
            cr_assert_not_null(p);
            fill(head, popped, HEADER);
            fill(body, popped + 1, popped % 41);
            cr_assert_eq(len, HEADER + popped % 41);
            cr_assert_eq(memcmp(p, head, HEADER), 0, "head %lu", (unsigned long)popped);
            cr_assert_eq(memcmp(p + HEADER, body, len - HEADER), 0, "record %lu",
                         (unsigned long)popped);
            px_ring_pop(&in, len);
            if (rand() % 4 == 0)
                px_ring_release(&in);
        }
        if (popped == pushed) {
            cr_assert_null(px_ring_peek(&in, &len), "stale bytes after %lu",
                           (unsigned long)popped);
            px_ring_release(&in);
        }
    }
    munmap(r, sizeof *r);
}
