/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions that PVM's libraries export and that no header of theirs declares. */
#ifndef P3_EXTRA_H
#define P3_EXTRA_H

#include <stdarg.h>
#include <sys/time.h>

int lpvmerr(const char *func, int code);
int pvm_vpackf(const char *fmt, va_list ap);
int pvm_vunpackf(const char *fmt, va_list ap);
int pvmupkstralloc(char **s);
int pvmbeatask(void);
int pvmendtask(void);
void pvmdisplaymhfinfo(void);
int pvmsleep(int sec);
void pvmgetclock(struct timeval *tv);
char *pvmnametag(int tag, int *found);
int pvmstrtoi(char *s);
int pvmputenv(char *s);
int pvmsettaskname(char *name);
int pvmreset(int mytid, int killtasks, char *mclass, int index);
char *pvm_alloc(unsigned n, char *tag);
char *pvm_realloc(char *p, unsigned n);
void pvm_free(char *p);
int pvm_fd_add(int fd, int sets);
int pvm_fd_delete(int fd, int sets);
void i_dump(int level);
int tev_begin(int kind, int entry_exit);
int tev_fin(void);
int pvm_tc_noop(int mid);
int pvm_tc_settrace(int mid);
int pvm_tc_settmask(int mid);
int pvm_tc_settrcbuf(int mid);
int pvm_tc_settrcopt(int mid);
int pvm_tc_siblings(int mid);
int pvm_gsdump(void);
/* The hosts that a group covers: of each the lowest tid of its members and their number. One host (-1, 0 and
 * no hosts when it has none), or all of them, in lists that live until the next call. */
int pvm_grphostinfo(char *group, int hosttid, int *coord, int *nmem_onhost, int *nhosts);
int pvm_grpvhostinfo(char *group, int **coords, int **nmem_onhost, int *nhosts);

#endif
