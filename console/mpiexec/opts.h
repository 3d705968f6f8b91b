/* SPDX-License-Identifier: BSD-3-Clause */
/* What mpiexec was asked for: by its command line, by configuration files and by variables of the
 * environment, which options win over. */
#ifndef MPIEXEC_OPTS_H
#define MPIEXEC_OPTS_H

#include "proto/hostfile.h"
#include "proto/messages.h"
#include "proto/place_words.h"
#include "proto/zone.h"
#include <stdbool.h>
#include <stdint.h>

enum opts_buffer { BUFFER_AUTO, BUFFER_NONE, BUFFER_LINE, BUFFER_BLOCK };
enum opts_stdin { STDIN_FIRST, STDIN_SOME, STDIN_ALL, STDIN_NONE };
enum opts_inherit { INHERIT_UNSAID, INHERIT_ALL, INHERIT_NONE, INHERIT_LIST };

/* A list of strings; memory of opts.zone. */
struct opts_list {
    const char **items;
    size_t n, cap;
};

/* What the environment of processes is made of. */
struct opts_env {
    enum opts_inherit inherit;
    struct opts_list names; /* INHERIT_LIST */
    struct opts_list set;   /* NAME=value */
};

/* A host file. */
struct opts_file {
    struct opts_file *next;
    struct pxp_hostfile file;
};

/* One program of the command line. */
struct opts_app {
    bool counted; /* -n was given */
    struct opts_env env;
    const char *soft;         /* NULL: not given */
    const char *hosts, *arch; /* NULL: not given */
    struct pxp_place_words place;
};

struct opts {
    struct pxp_zone zone;
    struct pxp_app *apps; /* for the request; strings are argv's own or of zone */
    struct opts_app *more;
    size_t napps;
    struct opts_env genv;
    const char *vm;      /* NULL: the default one */
    uint32_t flags;      /* PVMX_SPAWN_*          */
    uint32_t slots;      /* universe size; 0: live value */
    uint32_t host_slots; /* sum of the host files; 0: none said */
    const char *hosts;   /* of -hosts and the host files; NULL: none */
    struct opts_file *files;
    struct pxp_host_spec *wanted; /* hosts that are to be in the VM: those missing are added */
    size_t nwanted, wanted_cap;
    const char *launcher, *launcher_exec; /* of those that are added; NULL: not said */
    uint32_t ppn; /* processes on each host before the next one; 0: not said */

    bool label, exitinfo, verbose;
    bool all_ends;         /* tell of those that ended well too               */
    bool where;            /* tell what runs where                            */
    bool bindings;         /* tell what is bound to what                      */
    bool go_on;            /* the failure of one does not end the others      */
    const char *prefix[3]; /* for lines of 1 and 2; NULL: none */
    const char *file[3];   /* pattern of the file that 1 or 2 goes to; NULL: none */
    enum opts_buffer buffer[3];
    enum opts_stdin in;
    struct pxp_range *in_ranks; /* STDIN_SOME */
    size_t nin_ranks;
    uint64_t timeout_s; /* 0: none */
};

/* Reads argv and environment. -1: go on with *out; else the exit status (help, version, or an error
 * that was reported on stderr). */
int opts_parse(int argc, char **argv, struct opts *out);
void opts_free(struct opts *opts);
/* Does one of the processes asked for have to run on this host of the lists? */
bool hosts_needed(const struct opts *opts, const char *name);
/* Nobody will: it is taken out of them. */
void hosts_drop(struct opts *opts, const char *name);
/* All processes asked for. */
uint32_t opts_total(const struct opts *opts);

#endif
