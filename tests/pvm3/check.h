/* SPDX-License-Identifier: BSD-3-Clause */
/* What the PVM test programs share: checks, and cases by name. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pvm3.h>

#define CHECK(x)                                                                         \
    do {                                                                                 \
        if (!(x)) {                                                                      \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #x);            \
            exit(1);                                                                     \
        }                                                                                \
    } while (0)

#define SAME(got, wanted)                                                                \
    do {                                                                                 \
        long got_ = (long)(got), wanted_ = (long)(wanted);                               \
        if (got_ != wanted_) {                                                           \
            fprintf(stderr, "%s:%d: %s is %ld, not %ld\n", __FILE__, __LINE__, #got,     \
                    got_, wanted_);                                                      \
            exit(1);                                                                     \
        }                                                                                \
    } while (0)

struct test_case {
    const char *name;
    void (*master)(void);
    void (*child)(int parent); /* NULL: the case spawns nothing */
};
extern const struct test_case cases[]; /* ends with {0} */
extern char *own_program;

/* Spawns n tasks that run the case's child; all must start. */
void spawn_children(const char *name, int n, int *tids);
/* Waits for a message of one int, at most a minute. */
int recv_int(int tid, int tag);
void send_int(int tid, int tag, int value);
/* A task that keeps the virtual machine while its only other one leaves: a new machine would give out the
 * same tids again. leave_machine ends it. */
void keep_machine(void);
void leave_machine(void);
/* Microseconds of this machine's clock. */
long clock_us(void);
/* What pvm_gsdump writes to stderr. */
void dump_groups(char *text, size_t size);

#endif
