/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM's console: what its files share. One thread; a command gets its words and prints with stdio. */
#ifndef PVM_CONSOLE_H
#define PVM_CONSOLE_H

#include <stdbool.h>
#include <stdio.h>

#include <pvm3.h>

enum { WORDS_MAX = 1000 };

/* The library exports these, and no header declares them. */
extern int pvm_errno;
void i_dump(int level);

/* ---- table.c: the commands */
struct trace;
struct command {
    char name[10];
    char summary[52];
    short min, max; /* arguments; max < 0: any number */
    bool hidden;    /* not in the list */
    const char *usage;
    void (*run)(int argc, char **argv);
};
const struct command *command_find(const char *name);
/* The i-th; NULL behind the last. */
const struct command *command_at(int i);
/* Runs a line; it is changed. */
void run_line(char *line);

extern bool quitting;

/* ---- words.c */
/* Splits a line in place, by blanks; '...' and "..." keep them, a backslash takes the next character as it
 * is. words has room for WORDS_MAX. How many, < 0: said why not. */
int words_split(char *line, char **words);
/* t40001 and 40001 are the same. */
int tid_of_word(const char *word);
const char *error_text(int code);

/* ---- alias.c */
/* The words of an alias; NULL: it is none. */
char *const *alias_find(const char *name, int *n);

/* ---- input.c */
/* The next line without its end, valid until the next call; NULL: there is none. What jobs write is shown
 * while it is waited for. */
char *input_line(void);
void input_open(void);
void input_close(void);

/* ---- jobs.c: spawned tasks whose output is collected */
struct job;
/* A job whose output goes to a file, which it takes; out NULL: to the terminal; discard: to nobody. trace:
 * NULL or its own, which it takes. NULL: no memory. */
struct job *job_new(FILE *out, bool discard, struct trace *trace);
int job_number(const struct job *job);
/* pvm_spawn with its output collected. When nothing was started there is no such job any more. */
int job_spawn(struct job *job, char *file, char **argv, int flags, char *where, int n,
              int *tids);
/* The descriptors that say that job_read has something to do: 2. */
void job_fds(int fds[2]);
/* Shows what has come; shown is called once before, if something is. */
void job_read(void (*shown)(void));
/* In order of their numbers, from NULL to NULL. */
const struct job *job_next(const struct job *job);
/* The i-th of its living tasks; 0: there are not so many. */
int job_task(const struct job *job, int i);
bool job_has(const struct job *job, int tid);
/* After pvm_exit. */
void jobs_end(void);

/* ---- sddf.c: what is told of a job in the format of PVM's tracers. It goes to a file, or with NULL to the
 * terminal with the job's number in front. */
struct trace *trace_new(FILE *to);
void trace_begin(struct trace *t, int job);
/* A task of the job was started, has written a line (text), has ended. program: of one that the console has
 * started; one that it has not, and that has ended already, is told without name and parent. Only
 * the first time. */
void trace_task(struct trace *t, int tid, const char *program);
void trace_line(struct trace *t, int tid, const char *text);
/* Calls of tasks, in the active receive buffer. */
void trace_calls(struct trace *t);
void trace_end(struct trace *t);

/* ---- tasks.c */
void tasks_head(bool wide);
/* Those for which wanted says yes; where: 0, or a host or task. */
void tasks_show(int where, bool wide, bool all, bool (*wanted)(int tid, const void *arg),
                const void *arg);
/* ---- trace.c */
void trace_init(void);

/* ---- main.c */
/* Becomes a task, as PVM's console is one: spared by reset, and without messages of its own. */
int console_enrol(void);

/* ---- reader.c */
/* Reads what tasks of a job tell of their calls, until they and what they spawn have ended, and writes it to
 * a file; "": to standard output. Who has started it talks to it on standard input, a socket. An exit
 * status. */
int reader_run(const char *file);

/* ---- start.c, hostfile.c */
/* Arguments as PVM's daemon and console have them. */
struct start {
    const char *name;     /* -n: of this host */
    const char *hostfile; /* or NULL */
    bool debug;           /* -d: mask other than 0 */
};
/* Reads them; says what is wrong and returns false. */
bool start_options(const char *program, int argc, char **argv, struct start *s);
/* Starts the daemon, which stays until it is halted, and brings in the hosts of its file. 1: it runs
 * already; < 0: said why not. */
int start_daemon(const char *program, const struct start *s);

/* ---- commands */
#define COMMAND(name) void cmd_##name(int argc, char **argv);
COMMAND(add)
COMMAND(alias)
COMMAND(conf)
COMMAND(delete)
COMMAND(echo)
COMMAND(export)
COMMAND(getopt)
COMMAND(halt)
COMMAND(help)
COMMAND(id)
COMMAND(idump)
COMMAND(jobs)
COMMAND(kill)
COMMAND(mstat)
COMMAND(names)
COMMAND(ps)
COMMAND(pstat)
COMMAND(put)
COMMAND(quit)
COMMAND(reset)
COMMAND(setenv)
COMMAND(setopt)
COMMAND(sig)
COMMAND(spawn)
COMMAND(tickle)
COMMAND(trace)
COMMAND(unalias)
COMMAND(unexport)
COMMAND(version)
#undef COMMAND

#endif
