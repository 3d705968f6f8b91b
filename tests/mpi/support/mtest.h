/* SPDX-License-Identifier: BSD-3-Clause */
/* Support of MPI test programs. A program calls mt_begin first and returns mt_end() from main.
 * Started alone it is a world of one: mt_begin then starts the other processes from the same
 * program and merges with them; under mpiexec the world is used as it is. Every process has a
 * time limit. */
#ifndef MTEST_H
#define MTEST_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>

/* Initializes MPI (thread level of mt_thread_level), and returns a communicator of at least n
 * processes with MPI_ERRORS_RETURN; n = 0: only initializes, MPI_COMM_NULL. */
MPI_Comm mt_begin(int *argc, char ***argv, int n);
/* Finalizes; 0 when no check failed in any process of mt_begin's communicator, else 1. */
int mt_end(void);
extern int mt_thread_level;  /* MPI_THREAD_SINGLE unless set before mt_begin */
extern int mt_rank, mt_size; /* in mt_begin's communicator; 0 and 1 without one */

/* What mt_begin does before it initializes MPI, for programs that do not want the world model: time
 * limit, VM, role. They return mt_failures() != 0 from main. */
void mt_prepare(int *argc, char ***argv);

/* True in a process that this program has spawned with mt_spawn: *role is what it was given. */
bool mt_is_child(const char **role);
/* Spawns n processes of this program over comm with a role (and NULL-terminated further arguments,
 * may be NULL). */
int mt_spawn(MPI_Comm comm, int root, const char *role, const char *const *more, int n,
             MPI_Comm *inter);
/* Starts this program with a role as a person would in another shell: not by MPI_Comm_spawn, no
 * child of this job. Returns its process id. */
int mt_start(const char *role, const char *const *more);
/* Waits for its end: the exit status, or 128 + signal. */
int mt_finish(int pid);
/* Path of this program. */
const char *mt_program(void);

/* Checks that failed in this process so far. */
int mt_failures(void);
/* Notes a failure with its place, goes on. Thread safe. */
void mt_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void mt_at(const char *file, int line);
bool mt_check(bool ok, const char *file, int line, const char *text);
bool mt_check_eq(long long a, long long b, const char *file, int line, const char *ta,
                 const char *tb);
/* rc has the class wanted (MPI_SUCCESS included). */
bool mt_check_class(int rc, int wanted, const char *file, int line, const char *text);

#define CHECK(cond) mt_check((cond), __FILE__, __LINE__, #cond)
#define CHECK_EQ(a, b) mt_check_eq((a), (b), __FILE__, __LINE__, #a, #b)
#define CHECK_CLASS(call, class)                                                         \
    (mt_at(__FILE__, __LINE__), mt_check_class((call), (class), __FILE__, __LINE__, #call))
#define OK(call) CHECK_CLASS(call, MPI_SUCCESS)

/* Bytes with a pattern that depends on seed, and its check. */
void mt_fill(void *buf, size_t n, unsigned seed);
bool mt_filled(const void *buf, size_t n, unsigned seed);

/* Waits until cond(arg), calling MPI_Iprobe for progress; false after the time limit s. */
bool mt_until(bool (*cond)(void *arg), void *arg, double s);
/* Kills a process that said its id; anything that is not one process's id is a failure. */
void mt_kill(int pid);
/* Open descriptors of another process, of this one; resident kilobytes. */
int mt_fds_of(int pid);
int mt_count_fds(void);
long mt_rss_kb(void);

/* Classes of a failed process (mpix_pvmx.h will name them). */
enum { MT_ERR_PROC_FAILED = 16385, MT_ERR_PROC_FAILED_PENDING = 16386 };

#endif
