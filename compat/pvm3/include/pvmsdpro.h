/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM 3: tags of the messages between daemons and resource managers, hosters, taskers. */
#ifndef PVMSDPRO_H
#define PVMSDPRO_H

#define SDPROTOCOL 4302
#define SM_FIRST (-2147221503)
#define SM_SPAWN (-2147221503)
#define SM_EXEC (-2147221502)
#define SM_EXECACK (-2147221501)
#define SM_TASK (-2147221500)
#define SM_CONFIG (-2147221499)
#define SM_ADDHOST (-2147221498)
#define SM_DELHOST (-2147221497)
#define SM_ADD (-2147221496)
#define SM_ADDACK (-2147221495)
#define SM_NOTIFY (-2147221494)
#define SM_TASKX (-2147221493)
#define SM_HOSTX (-2147221492)
#define SM_HANDOFF (-2147221491)
#define SM_SCHED (-2147221490)
#define SM_STHOST (-2147221489)
#define SM_STHOSTACK (-2147221488)
#define SM_STTASK (-2147221487)
#define SM_LAST (-2147221487)

#endif
