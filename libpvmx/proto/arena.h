/* SPDX-License-Identifier: BSD-3-Clause */
/* The arena: the shared-memory half of the control plane, one memfd for each host and VM.
 *
 * The daemon creates it and hands its descriptor to every task. It is sparse: header, then
 * PX_NSLOTS slots of PX_SLOT_SIZE bytes of address range; pages appear when first touched.
 * A task maps the header, its own slot, and of the slots of the peers it talks to the control block
 * and the ring that it sends through.
 *
 * Who writes what (all shared fields are C11 atomics; nobody ever holds a lock here):
 *   header            daemon; `running` by everyone
 *   slot.tid .. born  daemon before exec / enrolment, state also by the owner (see enum)
 *   slot.doorbell     anyone who wakes the owner
 *   slot.contacts     owner; lenders add themselves; the daemon reads it to know whom a death concerns
 *   heap              owner; a reader of a block writes its cell when it has done
 *   slot.rings        a sender claims a free entry; the owner (the only consumer) frees it
 * A slot of an ended task is free again only when no live task has its bit in contacts, so that a
 * late write of a peer never meets the slot's next owner. */
#ifndef PX_ARENA_H
#define PX_ARENA_H

#include <assert.h>
#include <pvmx/types.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
    PX_ARENA_MAGIC = 0x50564d58, /* "PVMX" */
    PX_ARENA_VERSION = 4,
    PX_NSLOTS = 8192,      /* tasks of one host at one time; slot = local number % this */
    PX_NRINGS = PX_NSLOTS, /* senders that one task can hear at one time */
    /* One ring with its control lines. Measured: larger rings fall out of L2 with a few peers,
     * smaller ones stall 16 KiB eager messages. */
    PX_RING_SIZE = 64 * 1024,
    PX_BIRTH_OFF = 64 * 1024, /* birth record (message "birth") in the slot */
    PX_BIRTH_MAX = 192 * 1024,
    PX_RINGS_OFF = 256 * 1024,
    /* Boards that the owner has made place for (core/board.c), after the rings. As everything
     * here it costs memory only where it is touched. */
    PX_BOARDS_SIZE = 64 * 1024 * 1024,
    PX_ARENA_HEAD = 128 * 1024,
    PX_CACHE_LINE = 64,
    PX_SHARES = 8, /* long messages that the owner and their senders copy together at one time */
};
#define PX_BOARDS_OFF ((uint64_t)PX_RINGS_OFF + (uint64_t)PX_NRINGS * PX_RING_SIZE)
#define PX_SLOT_SIZE (PX_BOARDS_OFF + PX_BOARDS_SIZE)
/* Behind the slots: a heap for each, which its owner writes and the tasks that it lends to read. */
#define PX_HEAP_SIZE ((uint64_t)4 << 30)
#define PX_HEAPS_OFF ((uint64_t)PX_ARENA_HEAD + PX_NSLOTS * PX_SLOT_SIZE)
#define PX_ARENA_SIZE (PX_HEAPS_OFF + PX_NSLOTS * PX_HEAP_SIZE)

enum px_slot_state {
    PX_SLOT_FREE = 0,
    PX_SLOT_BORN, /* the daemon has started (or is about to start) the process */
    PX_SLOT_LIVE, /* the process has claimed it in its init (owner: BORN -> LIVE, by CAS) */
    PX_SLOT_LEFT, /* the owner has left in good order; no message will be read */
    PX_SLOT_DEAD, /* the daemon has seen the process end, or has given it up */
};

struct px_arena_head {
    uint32_t magic, version;
    uint32_t head_size, nslots;
    uint64_t slot_size;
    uint32_t host_index;
    uint32_t daemon_pid;
    uint32_t ncpus; /* processors the VM's tasks may use on this host */
    _Alignas(64) _Atomic uint32_t universe; /* MPI_UNIVERSE_SIZE, live */
    /* tasks now awake: +1 at start and wake, -1 at sleep and end */
    _Alignas(64) _Atomic int32_t running;
    _Alignas(64) _Atomic uint32_t deaths; /* +1 after each task's state became LEFT or DEAD */
    /* For each slot its last owner's tid if that has left in good order, 0 if it has not: for who
     * asks when the slot has been cleared, or has gone to the next one. */
    _Alignas(64) _Atomic int32_t left[PX_NSLOTS];
};

/* Bits of px_slot.rx_flags: what the owner asks senders to do after they have published. */
enum {
    PX_RX_SLEEPING = 1, /* add 1 to doorbell and futex-wake it */
    PX_RX_SOCKET = 4, /* it may sleep on sockets: when waking it send a datagram to `bell` too */
    PX_RX_READY = 2, /* set your ring's bit in `ready`, then `ready_sum` */
};

struct px_slot {
    /* line 0: identity, read-mostly */
    _Atomic int32_t tid;         /* whose slot; 0: nobody's */
    _Atomic uint32_t state;      /* enum px_slot_state */
    _Atomic int32_t pid;         /* set by the daemon (fork) and by the owner in init */
    _Atomic int32_t exit_status; /* valid in DEAD: as in message task_end */
    _Atomic int32_t exit_signal;
    _Atomic uint32_t inited;   /* 1 once the owner has claimed it */
    _Atomic uint32_t given_up; /* 1: DEAD because init was not called in time */
    _Atomic uint32_t left;     /* 1: it had LEFT before it was DEAD           */
    uint32_t birth_len;        /* bytes of birth record; 0: root task */
    /* random; equals *(uint64_t *)probe_addr in the owner's memory: a reader proves with it that
     * process_vm_readv works */
    _Atomic uint64_t probe;
    _Atomic uint64_t probe_addr;

    /* line 1: what senders look at after each message */
    _Alignas(64) _Atomic uint32_t rx_flags;
    _Atomic uint32_t doorbell; /* futex */
    /* 1: owner not counted in head.running (owner; the daemon fixes it at death) */
    _Atomic uint32_t asleep;
    /* 1: before it sleeps the owner makes all tasks pass a barrier (membarrier), so those that are
     * registered for that need none of their own (owner; 0 while the host is crowded) */
    _Atomic uint32_t barrier;
    _Atomic uint64_t bell; /* name of its datagram socket, see proto/bell.h; with PX_RX_SOCKET */

    /* line 2: what the owner looks at in each progress besides its rings */
    /* the daemon adds 1 after each write to the control socket */
    _Alignas(64) _Atomic uint32_t ctl_seq;
    _Atomic uint32_t nrings;    /* high-water mark of claimed ring entries */
    _Atomic uint32_t rings_gen; /* +1 after each claim */
    /* 1: the owner waits, and looks at its rings all the time unless it is asleep (owner) */
    _Atomic uint32_t waiting;

    /* Long messages being received with their senders' help: generation << 32 | next piece to be
     * copied. Whoever copies a piece first takes its number by compare-and-swap. */
    _Alignas(64) _Atomic uint64_t share[PX_SHARES];

    /* ready bitmap, used only while PX_RX_READY is set: bit i of ready = ring i has news */
    _Alignas(64) _Atomic uint64_t ready_sum[PX_NRINGS / 64 / 64];
    _Alignas(64) _Atomic uint64_t ready[PX_NRINGS / 64];
    /* bit s: I care for the task in slot s */
    _Alignas(64) _Atomic uint64_t contacts[PX_NSLOTS / 64];
    _Alignas(64) _Atomic int32_t ring_owner[PX_NRINGS]; /* tid of the sender; 0: free */
};

static_assert(sizeof(struct px_arena_head) <= PX_ARENA_HEAD, "header fits");
static_assert(sizeof(struct px_slot) <= PX_BIRTH_OFF, "slot control block fits");
static_assert(PX_SLOT_SIZE % 4096 == 0, "slots are page aligned");

/* A spawned task finds PVMX_TASK in its environment: "<control fd>,<arena fd>,<arena inode>,<tid>".
 * Both descriptors are inherited without close-on-exec; init sets it and claims the slot. A process
 * that finds the descriptors closed, another inode or a slot that is not BORN starts as if the
 * variable were absent.
 *
 * One that another task has started for the daemon (message help_task) finds "@<tid>,<code>,<socket>":
 * it connects and says so with message be. */
#define PX_TASK_ENV "PVMX_TASK"

static inline uint32_t px_tid_slot(int32_t tid)
{
    return ((uint32_t)tid & 0x3ffff) % PX_NSLOTS;
}

static inline uint64_t px_slot_offset(uint32_t slot)
{
    return PX_ARENA_HEAD + (uint64_t)slot * PX_SLOT_SIZE;
}

static inline uint64_t px_heap_offset(uint32_t slot)
{
    return PX_HEAPS_OFF + (uint64_t)slot * PX_HEAP_SIZE;
}

#endif
