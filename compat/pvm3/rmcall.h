/* SPDX-License-Identifier: BSD-3-Clause */
/* What a task asks a resource manager for; only while p3_rm_rules(). Each as the function of PVM's that
 * it stands for, and PvmNoTask when the manager has ended meanwhile. With the lock held. */
#ifndef P3_RMCALL_H
#define P3_RMCALL_H

#include "state.h"

int p3_rm_spawn(const char *task, char **argv, int flag, const char *where, int n, int *tids);
int p3_rm_config(int *nhost, int *narch, struct pvmhostinfo **out);
int p3_rm_tasks(int where, int *ntask, struct pvmtaskinfo **out);
int p3_rm_addhosts(char **hosts, int n, int *infos);
int p3_rm_delhosts(char **hosts, int n, int *infos);
int p3_rm_notify(int what, int tag, int n, const int *tids);

#endif
