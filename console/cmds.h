/* SPDX-License-Identifier: BSD-3-Clause */
/* The records of all commands; each is defined beside its function. */
#ifndef CONSOLE_CMDS_H
#define CONSOLE_CMDS_H

#include "cmd.h"

extern const struct cmd cmd_add, cmd_alias, cmd_attach, cmd_clean, cmd_conf, cmd_delete,
    cmd_doctor, cmd_echo, cmd_events, cmd_export, cmd_getenv, cmd_getopt, cmd_halt,
    cmd_help, cmd_hosts, cmd_id, cmd_jobs, cmd_kill, cmd_limit, cmd_logs, cmd_mstat,
    cmd_names, cmd_port, cmd_ports, cmd_ps, cmd_pstat, cmd_put, cmd_quit, cmd_reset,
    cmd_setenv, cmd_setopt, cmd_settings, cmd_sig, cmd_spawn, cmd_top, cmd_trace,
    cmd_unalias, cmd_unexport, cmd_version, cmd_wait;

#endif
