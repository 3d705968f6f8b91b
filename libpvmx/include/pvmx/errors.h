/* SPDX-License-Identifier: BSD-3-Clause */
/* The one list of errors: symbol, number, sentence. The enum, pvmx_err_name(), pvmx_err_text()
 * and the documentation come from it. Numbers are part of the ABI and are never reused. */
#ifndef PVMX_ERRORS_H
#define PVMX_ERRORS_H

#ifdef __cplusplus
extern "C" {
#endif

/* What the library exports; everything else in it is hidden. */
#define PVMX_API __attribute__((visibility("default")))

#define PVMX_ERR_MAP(X)                                                                  \
    X(OK, 0, "success")                                                                  \
    X(ERR_ARG, -1, "an argument is not valid")                                           \
    X(ERR_NOMEM, -2, "out of memory")                                                    \
    X(ERR_AGAIN, -3, "not possible now, try again")                                      \
    X(ERR_SYS, -4, "a system call failed")                                               \
    X(ERR_NOENT, -5, "no such file, program or entry")                                   \
    X(ERR_PERM, -6, "permission denied")                                                 \
    X(ERR_TIMEDOUT, -7, "the time limit has passed")                                     \
    X(ERR_TRUNCATE, -8, "the message is longer than the receive buffer")                 \
    X(ERR_PEER_DEAD, -9, "the task has ended")                                           \
    X(ERR_DEAD_PENDING, -10, "a task that could have sent this message has ended")       \
    X(ERR_VM_LOST, -11, "the daemon of this host has ended")                             \
    X(ERR_NO_VM, -12, "no virtual machine is running and none could be started")         \
    X(ERR_SPAWN, -13, "tasks could not be started")                                      \
    X(ERR_PROTO, -14, "the other side does not speak this protocol")                     \
    X(ERR_VERSION, -15, "the other side speaks another version of the protocol")         \
    X(ERR_TOOBIG, -16, "larger than the limit")                                          \
    X(ERR_NOTASK, -17, "no such task")                                                   \
    X(ERR_STATE, -18, "not allowed in this state")                                       \
    X(ERR_CANCELLED, -19, "cancelled")                                                   \
    X(ERR_LIMIT, -20, "a limit of this system or user is reached")                       \
    X(ERR_UNSUPPORTED, -21, "not supported")                                             \
    X(ERR_EXISTS, -22, "exists already")                                                 \
    X(ERR_CLOSED, -23, "the connection was closed")                                      \
    X(ERR_INTERN, -24, "a fault of PVMX itself")                                         \
    X(ERR_REVOKED, -25, "the communicator has been revoked")

enum {
#define PVMX_ERR_ENUM(sym, num, text) PVMX_##sym = num,
    PVMX_ERR_MAP(PVMX_ERR_ENUM)
#undef PVMX_ERR_ENUM
};

/* 0 (PVMX_OK) or one of the negative numbers above. */
typedef int pvmx_err;

/* Symbol ("PVMX_ERR_NOENT") and general sentence of a number. Static storage; never NULL. */
PVMX_API const char *pvmx_err_name(pvmx_err err);
PVMX_API const char *pvmx_err_text(pvmx_err err);

/* What exactly went wrong in the last call of this thread that returned an error: one sentence
 * that names the cause. Valid until the next failing call of the same thread; never NULL. */
PVMX_API const char *pvmx_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
