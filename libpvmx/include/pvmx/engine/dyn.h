/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: dynamic processes. Rules of use as in <pvmx/engine/msg.h>. */
#ifndef PVMX_ENGINE_DYN_H
#define PVMX_ENGINE_DYN_H

#include <pvmx/types.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One program of a spawn request. Strings are the caller's and are copied. */
struct pvmx_app {
    /* With '/': relative to wdir; without: looked up in path, then in PATH, then in wdir, then
     * beside the spawner's own program. */
    const char *command;
    const char *const *argv; /* arguments without argv[0], NULL-terminated; NULL: none */
    int32_t count;           /* how many to start, >= 0; or PVMX_APP_EACH */
    const char *wdir;        /* working directory; NULL: the spawner's */
    const char *path;        /* directories to look in first, ':' separated; NULL: none */
    /* What a host says for its tasks itself (wd=, ep= of a host file) goes before wdir, before path. */
    bool own_wdir, own_path;
    const char *const *env; /* "NAME=value" added to the spawner's environment; NULL: none */
    const char *where;      /* hosts to start on, as pvmxd/spread.h has it; NULL: all */
    const char *place;      /* from pvmx_engine_place_say; NULL: as the spawner's job */
    /* The program is an argument of a debugger: the one of its host (bx= of a host file), else this one,
     * which is looked for as command is. NULL: of none. */
    const char *debugger;
    /* Files of this host that the tasks are to find in their working directory before they begin: under the
     * same name, or the last part of one that is absolute or leads upwards. NULL: none. */
    const char *const *preload;
};

/* What is said about processors, collected for one program: key and value as in an info object (bind_to,
 * map_by, mpit_cpus, mpit_cpus_r<RANK>, mpit_procmap, mpit_bind_to_processor_set). *text is NULL
 * at first and the caller's to free. PVMX_ERR_NOENT: no such key; PVMX_ERR_ARG: the value means
 * nothing, pvmx_last_error() has the sentence. */
PVMX_API pvmx_err pvmx_engine_place_say(const char *key, const char *value, char **text);
/* How many tasks a value of map_by puts on each host before the next one; 0: it does not say. */
PVMX_API uint32_t pvmx_engine_place_each(const char *map_by);

enum { PVMX_APP_EACH = INT32_MIN }; /* one task for each place that `where` names */

enum {
    PVMX_SPAWN_SOFT = 1, /* start as many as can be started instead of all or nothing */
    PVMX_SPAWN_DETACHED = 2,         /* the tasks do not end with their spawner */
    PVMX_SPAWN_NO_OVERSUBSCRIBE = 4, /* refuse when there are fewer free slots than tasks */
    /* The programs need not call the library (no time limit for init), and are no children to MPI. */
    PVMX_SPAWN_NO_MPI = 8,
    /* What tasks write comes to stdio, one socket for both, in records. Where the daemon is short of
     * descriptors, tasks of its host have the socket itself, and there are only records of ends. */
    PVMX_SPAWN_TAGGED = 16,
    PVMX_SPAWN_FILE_NAME = 32, /* argv[0] is the file that was found, not the word for it */
};

/* A task has written so many bytes, which follow; was born, a child of one that is collected; has ended. */
enum { PVMX_OUTPUT_BYTES, PVMX_OUTPUT_BORN, PVMX_OUTPUT_END };
struct pvmx_output {
    pvmx_tid tid;
    uint32_t what, len;
    pvmx_tid parent; /* of one that was born */
};

struct pvmx_spawn_args {
    size_t size; /* sizeof(struct pvmx_spawn_args) */
    const struct pvmx_app *apps;
    int32_t napps;
    uint32_t flags;
    const pvmx_tid *parents; /* the group that the children see as their parent, in rank order */
    int32_t nparents;
    int32_t root; /* rank of this task in that group */
    const int *stdio; /* 3 descriptors that become 0, 1 and 2 of the children; NULL: the own ones */
    /* First of 8 context ids from pvmx_engine_ctx_alloc: +0..1 the children's world, +2..3 the
     * intercommunicator, +4..7 free for the upper layer. */
    uint64_t ctx;
};

struct pvmx_spawn_result {
    int32_t count; /* tasks asked for in all */
    int32_t started;
    pvmx_tid *tids; /* count entries, in rank order of the tasks; 0 where none was started */
    pvmx_err *errors; /* count entries: PVMX_OK or why the task is not there */
    uint32_t job;     /* the job's number in the VM */
};

/* Starts tasks; returns when all have been executed or have failed. Joins or starts the VM first.
 * PVMX_ERR_SPAWN and others: nothing runs (without SOFT), pvmx_last_error() names program, host and
 * cause, and *out still holds errors[] when count > 0. Free *out in either case. */
PVMX_API pvmx_err pvmx_engine_spawn(const struct pvmx_spawn_args *args,
                                    struct pvmx_spawn_result *out);
PVMX_API void pvmx_engine_spawn_result_free(struct pvmx_spawn_result *out);
/* The same in two steps. What args point to need not live longer than start, which may have to start
 * the VM but waits for no task. done only looks, as pvmx_engine_req_done; take waits until then, and
 * frees op in either case. */
struct pvmx_spawning;
PVMX_API pvmx_err pvmx_engine_spawn_start(const struct pvmx_spawn_args *args,
                                          struct pvmx_spawning **op);
PVMX_API bool pvmx_engine_spawn_done(const struct pvmx_spawning *op);
PVMX_API pvmx_err pvmx_engine_spawn_take(struct pvmx_spawning *op,
                                         struct pvmx_spawn_result *out);

/* What a spawned task was born with. NULL in a root task. Lives until the last leave. */
struct pvmx_birth {
    uint32_t job;
    int32_t rank, size;    /* in the world of its job */
    int32_t appnum;        /* which program of the request */
    const pvmx_tid *world; /* size entries */
    int32_t nparents;      /* 0: started by mpiexec, no parent */
    const pvmx_tid *parents;
    int32_t root; /* rank of the spawner among the parents */
    uint64_t ctx; /* as in pvmx_spawn_args */
    bool no_mpi;  /* the spawner has no communicator for them: PVMX_SPAWN_NO_MPI */
};
PVMX_API const struct pvmx_birth *pvmx_engine_birth(void);

/* Says that spawner and children of a job are no longer connected: from now on neither ends with
 * the other. Called by the spawner when the last communicator between them is gone; one way. */
PVMX_API void pvmx_engine_job_release(uint32_t job);

/* Ends tasks at once (SIGTERM, SIGKILL after a grace period); code is what mpiexec returns for the
 * job. text (may be NULL) is shown to the console and mpiexec. Own tid allowed: does not return. */
PVMX_API pvmx_err pvmx_engine_abort(const pvmx_tid *tids, size_t n, int code,
                                    const char *text);

/* The same for tasks that nobody has use for; does not wait. */
PVMX_API void pvmx_engine_drop(const pvmx_tid *tids, size_t n);

/* How a task ended; PVMX_ERR_STATE while it lives or when it is not known here. */
struct pvmx_end {
    pvmx_tid tid;
    int32_t status; /* exit status, -1 when a signal ended it or the status is not known */
    int32_t signal; /* 0: none */
    int32_t inited; /* 1: it had called the library's init */
    int32_t left;   /* 1: it had left in good order before */
};
PVMX_API pvmx_err pvmx_engine_end_of(pvmx_tid tid, struct pvmx_end *out);

/* Calls fn(end, arg) once from progress when the task ends (at the next progress when it has
 * already). PVMX_ERR_NOTASK: no such task was ever known. */
PVMX_API pvmx_err pvmx_engine_notify_end(pvmx_tid tid,
                                         void (*fn)(const struct pvmx_end *, void *),
                                         void *arg);

/* ---- ports and names: kept by the daemon. Each of these joins or starts the VM first. */

#define PVMX_PORT_FOREVER UINT32_MAX /* a time limit in ms */

/* A new port, owned by this task until it is closed or the task leaves or ends. */
PVMX_API pvmx_err pvmx_engine_port_open(char *name, size_t size);
/* Whoever waits at the port gets an error. PVMX_ERR_NOENT: no such port (any more). */
PVMX_API pvmx_err pvmx_engine_port_close(const char *name);

struct pvmx_meet_args {
    const char *port;
    bool accept;          /* false: connect */
    const pvmx_tid *tids; /* own group in rank order */
    int32_t n, root;      /* root: rank of this task */
    uint64_t ctx; /* first of 6 context ids; those of the accepting side are taken */
    uint32_t timeout_ms; /* or PVMX_PORT_FOREVER */
};
struct pvmx_meet_result {
    pvmx_tid *tids; /* the other group */
    int32_t n, root;
    uint64_t ctx;
};
/* Waits at a port until one comes that does the opposite. PVMX_ERR_NOENT: no such port (any more),
 * PVMX_ERR_CANCELLED: it was closed while this task accepted, PVMX_ERR_TIMEDOUT. Free *out on
 * success. */
PVMX_API pvmx_err pvmx_engine_meet(const struct pvmx_meet_args *args,
                                   struct pvmx_meet_result *out);
PVMX_API void pvmx_engine_meet_result_free(struct pvmx_meet_result *out);

/* PVMX_ERR_EXISTS: somebody has published the name. It goes with this task. */
PVMX_API pvmx_err pvmx_engine_name_publish(const char *name, const char *port);
/* PVMX_ERR_NOENT: not published; PVMX_ERR_PERM: by another task. */
PVMX_API pvmx_err pvmx_engine_name_unpublish(const char *name, const char *port);
/* PVMX_ERR_TIMEDOUT: not published within wait_ms (or PVMX_PORT_FOREVER). */
PVMX_API pvmx_err pvmx_engine_name_lookup(const char *name, uint32_t wait_ms, char *port,
                                          size_t size);

/* A text that tells this VM from every other, past ones included. */
PVMX_API pvmx_err pvmx_engine_vm_id(char *text, size_t size);

/* ---- failures of groups */

/* Ends what waits in count contexts from ctx on, here at once and then in the other tasks, with
 * PVMX_ERR_REVOKED; nothing can be received in them any more. For good. PVMX_ERR_VM_LOST: the
 * others cannot be told. */
PVMX_API pvmx_err pvmx_engine_revoke(uint64_t ctx, unsigned count, const pvmx_tid *tids,
                                     int32_t n);
PVMX_API bool pvmx_engine_is_revoked(uint64_t ctx);
/* Called for the first context of each revocation that another task has begun, from progress with
 * the lock held; maybe before for another of the contexts. One function; NULL: none. */
PVMX_API void pvmx_engine_on_revoke(void (*fn)(uint64_t ctx));

/* Agreement of the tasks of a group, whoever of them ends meanwhile: all that are left get the same
 * outcome, once each has begun or ended. */
struct pvmx_agree_args {
    uint64_t ctx; /* with the group: names the agreement among all in progress */
    uint32_t round;
    const pvmx_tid *tids; /* in any order */
    int32_t n;
    uint32_t value;
    const pvmx_tid *known; /* members whose end this task has acknowledged */
    int32_t nknown;
    uint64_t fresh; /* first of new context ids */
};
struct pvmx_agree_result {
    uint32_t value; /* bitwise and of all that were heard           */
    bool news;      /* an end that not all have acknowledged        */
    uint64_t fresh; /* that of one member                           */
    int32_t nended; /* members that have ended                      */
    pvmx_tid *ended;
};
struct pvmx_agree;
PVMX_API pvmx_err pvmx_engine_agree_start(const struct pvmx_agree_args *args,
                                          struct pvmx_agree **out);
/* Only looks, as pvmx_engine_req_done. */
PVMX_API bool pvmx_engine_agree_done(struct pvmx_agree *op);
/* The outcome of one that is done; frees it in either case. Free out->ended. */
PVMX_API pvmx_err pvmx_engine_agree_take(struct pvmx_agree *op,
                                         struct pvmx_agree_result *out);

#ifdef __cplusplus
}
#endif
#endif
