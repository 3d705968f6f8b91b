/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: looking at the VM and steering it. Each joins or starts the VM first. Rules of
 * use as in <pvmx/engine/msg.h>. */
#ifndef PVMX_ENGINE_VM_H
#define PVMX_ENGINE_VM_H

#include <pvmx/types.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pvmx_task_info {
    pvmx_tid tid, parent; /* parent 0: a root task */
    uint32_t job;         /* 0: a root task */
    int32_t pid;
    bool inited;         /* has called the library's init and has not left */
    const char *program; /* as it was asked for; of a root task its path */
};
struct pvmx_vm_info {
    size_t ntasks;
    struct pvmx_task_info *tasks;
};
/* The tasks of a host; host 0: of all. PVMX_ERR_NOENT: no such host. Free *out on success. */
PVMX_API pvmx_err pvmx_engine_vm_look(uint32_t host, struct pvmx_vm_info *out);
PVMX_API void pvmx_engine_vm_info_free(struct pvmx_vm_info *out);

/* Process of this host's daemon; 0: not in a VM. */
PVMX_API int32_t pvmx_engine_daemon_pid(void);
/* Process of a task of this host, from shared memory; 0: not known (any more). */
PVMX_API int32_t pvmx_engine_pid_of(pvmx_tid tid);

/* Sends a signal. PVMX_ERR_NOTASK: no such task is running. */
PVMX_API pvmx_err pvmx_engine_signal(pvmx_tid tid, int signal);
/* Reads a host file of any of the usual kinds: the hosts that take tasks as "NAME:SLOTS,NAME,...", to be
 * freed. Needs no VM. */
PVMX_API pvmx_err pvmx_engine_hostfile(const char *path, char **list);
/* ---- hosts. An index stands in bits 18-29 of the host's tids, and is not used again. */
struct pvmx_host {
    uint32_t index, speed, slots;
    const char *name, *arch;
};
struct pvmx_hosts {
    struct pvmx_host *list; /* that are up, by index */
    size_t n;
    uint32_t self, leader; /* leader 0: none that reaches a majority */
};
/* Free *out on success. */
PVMX_API pvmx_err pvmx_engine_hosts(struct pvmx_hosts *out);
PVMX_API void pvmx_engine_hosts_free(struct pvmx_hosts *out);
/* From now on fn hears of each host that comes or goes, from progress; and *out is the table up to now
 * (may be NULL). One function; NULL: none. */
PVMX_API pvmx_err pvmx_engine_on_host(void (*fn)(uint32_t index, bool up),
                                      struct pvmx_hosts *out);

/* A host to be added; NULL or 0: as the daemon's settings have it. */
struct pvmx_host_spec {
    const char *name, *launcher, *address, *user, *daemon; /* NULL is "" */
    const char *options, *wrapper, *wdir, *path, *debugger;
    uint32_t slots, speed, timeout_ms, port;
};
/* Hosts as host files say it: of a file, or of one line (path NULL). PVMX_ERR_ARG: it makes no sense, and
 * pvmx_last_error() says where and why. */
struct pvmx_host_list {
    struct pvmx_host_spec *specs;
    size_t n;
    void *texts;
};
PVMX_API pvmx_err pvmx_engine_hosts_read(const char *path, const char *line,
                                         struct pvmx_host_list *out);
PVMX_API void pvmx_engine_host_list_free(struct pvmx_host_list *list);
struct pvmx_host_result {
    uint32_t index; /* 0: not added, or deleted */
    pvmx_err error;
    char text[256]; /* why not */
};
/* Starts daemons there; returns when each has come or failed. PVMX_ERR_EXISTS of a host: it is in the VM;
 * PVMX_ERR_STATE: there is no leader. */
PVMX_API pvmx_err pvmx_engine_hosts_add(const struct pvmx_host_spec *specs, size_t n,
                                        struct pvmx_host_result *results);
/* The same without waiting: who wants to know, looks at the table. */
PVMX_API pvmx_err pvmx_engine_hosts_begin(const struct pvmx_host_spec *specs, size_t n);
/* The same for hosts that are only to be there: those of the VM will do, and what is added goes with a VM
 * that has started by itself. */
struct pvmx_wanting;
PVMX_API pvmx_err pvmx_engine_hosts_want(const struct pvmx_host_spec *specs, size_t n,
                                         struct pvmx_wanting **out);
/* True: pvmx_engine_hosts_want_take would not wait. Only looks. */
PVMX_API bool pvmx_engine_hosts_want_done(const struct pvmx_wanting *op);
/* Waits until all have come or failed, and frees op. The error of the first that has failed, with its
 * sentence. */
PVMX_API pvmx_err pvmx_engine_hosts_want_take(struct pvmx_wanting *op);
/* Ends the tasks of hosts, and their daemons. PVMX_ERR_NOENT of a host: no such host; PVMX_ERR_STATE: it
 * leads. Does not return when the own host is among them. */
PVMX_API pvmx_err pvmx_engine_hosts_delete(const char *const *names, size_t n,
                                           struct pvmx_host_result *results);
/* A host's time of day, in microseconds since 1970. */
PVMX_API pvmx_err pvmx_engine_clock(uint32_t host, int64_t *us);

/* Ends all tasks, this one too, and the daemons. */
PVMX_API pvmx_err pvmx_engine_halt(void);

#ifdef __cplusplus
}
#endif

#endif
