/* SPDX-License-Identifier: BSD-3-Clause */
/* PVM 3: the interface as programs know it, source and binary compatible with PVM 3.4.6. The meanings
 * are in the manual pages of PVM; docs/pvm-coverage.md lists every function. */
#ifndef PVM3_H
#define PVM3_H

#include <sys/time.h>

#ifdef __cplusplus
extern "C" {
typedef const char pvm3_text; /* C++ does not let a literal pass for char * */
#else
typedef char pvm3_text;
#endif

/* Version */
#define PVM_VER "3.4.6"
#define PVM_MAJOR_VERSION 3
#define PVM_MINOR_VERSION 4
#define PVM_PATCH_VERSION 6

/* Encodings of pvm_initsend */
#define PvmDataDefault 0
#define PvmDataRaw 1
#define PvmDataInPlace 2
#define PvmDataFoo PvmDataDefault
#define PvmDataTrace 4

/* Flags of pvm_spawn */
#define PvmTaskDefault 0
#define PvmTaskHost 1
#define PvmTaskArch 2
#define PvmTaskDebug 4
#define PvmTaskTrace 8
#define PvmMppFront 16
#define PvmHostCompl 32
#define PvmNoSpawnParent 64

/* Events of pvm_notify */
#define PvmTaskExit 1
#define PvmHostDelete 2
#define PvmHostAdd 3
#define PvmRouteAdd 4
#define PvmRouteDelete 5
#define PvmNotifyCancel 256

/* Options of pvm_setopt and their values */
#define PvmRoute 1
#define PvmDontRoute 1
#define PvmAllowDirect 2
#define PvmRouteDirect 3
#define PvmDebugMask 2
#define PvmAutoErr 3
#define PvmOutputTid 4
#define PvmOutputCode 5
#define PvmTraceTid 6
#define PvmTraceCode 7
#define PvmTraceBuffer 8
#define PvmTraceOptions 9
#define PvmTraceFull 1
#define PvmTraceTime 2
#define PvmTraceCount 3
#define PvmFragSize 10
#define PvmResvTids 11
#define PvmSelfOutputTid 12
#define PvmSelfOutputCode 13
#define PvmSelfTraceTid 14
#define PvmSelfTraceCode 15
#define PvmSelfTraceBuffer 16
#define PvmSelfTraceOptions 17
#define PvmShowTids 18
#define PvmPollType 19
#define PvmPollConstant 1
#define PvmPollSleep 2
#define PvmPollTime 20
#define PvmOutputContext 21
#define PvmTraceContext 22
#define PvmSelfOutputContext 23
#define PvmSelfTraceContext 24
#define PvmNoReset 25

/* For pvm_gettmask and contexts */
#define PvmTaskSelf 0
#define PvmTaskChild 1
#define PvmBaseContext 0

/* Mailbox */
#define PvmMboxDefault 0
#define PvmMboxPersistent 1
#define PvmMboxMultiInstance 2
#define PvmMboxOverWritable 4
#define PvmMboxFirstAvail 8
#define PvmMboxReadAndDelete 16
#define PvmMboxWaitForInfo 32
#define PvmMboxMaxFlag 512
#define PvmMboxDirectIndexShift 10
#define PvmMboxMaxDirectIndex 2097152

/* Mailbox classes of the system */
#define PVMNORESETCLASS "###_PVM_NO_RESET_###"
#define PVMHOSTERCLASS "###_PVM_HOSTER_###"
#define PVMTASKERCLASS "###_PVM_TASKER_###"
#define PVMTRACERCLASS "###_PVM_TRACER_###"
#define PVMRMCLASS "###_PVM_RM_###"

/* Errors */
#define PvmOk 0
#define PvmBadParam (-2)
#define PvmMismatch (-3)
#define PvmOverflow (-4)
#define PvmNoData (-5)
#define PvmNoHost (-6)
#define PvmNoFile (-7)
#define PvmDenied (-8)
#define PvmNoMem (-10)
#define PvmBadMsg (-12)
#define PvmSysErr (-14)
#define PvmNoBuf (-15)
#define PvmNoSuchBuf (-16)
#define PvmNullGroup (-17)
#define PvmDupGroup (-18)
#define PvmNoGroup (-19)
#define PvmNotInGroup (-20)
#define PvmNoInst (-21)
#define PvmHostFail (-22)
#define PvmNoParent (-23)
#define PvmNotImpl (-24)
#define PvmDSysErr (-25)
#define PvmBadVersion (-26)
#define PvmOutOfRes (-27)
#define PvmDupHost (-28)
#define PvmCantStart (-29)
#define PvmAlready (-30)
#define PvmNoTask (-31)
#define PvmNotFound (-32)
#define PvmExists (-33)
#define PvmHostrNMstr (-34)
#define PvmParentNotSet (-35)
#define PvmIPLoopback (-36)
#define PvmNoEntry (-32)
#define PvmDupEntry (-8)

/* Datatypes of pvm_psend and groups */
#define PVM_STR 0
#define PVM_BYTE 1
#define PVM_SHORT 2
#define PVM_INT 3
#define PVM_FLOAT 4
#define PVM_CPLX 5
#define PVM_DOUBLE 6
#define PVM_DCPLX 7
#define PVM_LONG 8
#define PVM_USHORT 9
#define PVM_UINT 10
#define PVM_ULONG 11

#define PvmMboxDirectIndex(i)                                                            \
    ((unsigned)(i) < PvmMboxMaxDirectIndex ? (i) << PvmMboxDirectIndexShift : 0)
#define PvmMboxDirectIndexOf(flags) ((flags) >> PvmMboxDirectIndexShift)
#define PVMTMPNAMLEN 20
#define PVMTMPNAMFUN(buf) pvmtmpnam(buf)

struct pvmhostinfo {
    int hi_tid;
    char *hi_name;
    char *hi_arch;
    int hi_speed; /* relative, 1000 is usual */
    int hi_dsig;  /* data format */
};

struct pvmtaskinfo {
    int ti_tid;
    int ti_ptid;
    int ti_host; /* tid of its daemon */
    int ti_flag;
    char *ti_a_out;
    int ti_pid;
};

struct pvmminfo {
    int len;
    int ctx;
    int tag;
    int wid;
    int enc;
    int crc;
    int src;
    int dst;
};

struct pvmmboxinfo {
    char *mi_name;
    int mi_nentries;
    int *mi_indices;
    int *mi_owners;
    int *mi_flags;
};

char *pvmgetrsh(void);
char *pvmgettmp(void);
char *pvm_strerror(void);
int pvm_addhosts(char **hosts, int nhost, int *infos);
int pvm_addmhf(int src, int tag, int ctx, int (*func)(int mid));
int pvm_archcode(pvm3_text *arch);
int pvm_barrier(pvm3_text *group, int count);
int pvm_bcast(pvm3_text *group, int msgtag);
int pvm_bufinfo(int bufid, int *bytes, int *msgtag, int *tid);
int pvm_config(int *nhost, int *narch, struct pvmhostinfo **hostp);
int pvm_delhosts(char **hosts, int nhost, int *infos);
int pvm_delinfo(pvm3_text *name, int index, int flags);
int pvm_delmhf(int mhid);
int pvm_exit(void);
int pvm_export(pvm3_text *name);
int pvm_freebuf(int bufid);
int pvm_freecontext(int ctx);
int pvm_freezegroup(pvm3_text *group, int size);
int pvm_gather(void *result, void *data, int count, int datatype, int msgtag,
               pvm3_text *group, int rootginst);
int pvm_getcontext(void);
int pvm_getfds(int **fds);
int pvm_getinst(pvm3_text *group, int tid);
int pvm_getminfo(int bufid, struct pvmminfo *info);
int pvm_getnoresets(int **tids, int *ntids);
int pvm_getopt(int what);
int pvm_getrbuf(void);
int pvm_getsbuf(void);
int pvm_gettid(pvm3_text *group, int inum);
int pvm_gsize(pvm3_text *group);
int pvm_halt(void);
int pvm_hostsync(int host, struct timeval *clk, struct timeval *delta);
int pvm_initsend(int encoding);
int pvm_joingroup(pvm3_text *group);
int pvm_kill(int tid);
int pvm_lvgroup(pvm3_text *group);
int pvm_getmboxinfo(pvm3_text *pattern, int *nclasses, struct pvmmboxinfo **classes);
int pvm_mcast(int *tids, int ntask, int msgtag);
int pvm_mkbuf(int encoding);
int pvm_mstat(pvm3_text *host);
int pvm_mytid(void);
int pvm_newcontext(void);
int pvm_notify(int what, int msgtag, int cnt, int *tids);
int pvm_nrecv(int tid, int msgtag);
int pvm_packf(const char *fmt, ...);
int pvm_parent(void);
int pvm_perror(pvm3_text *msg);
int pvm_pkbyte(char *p, int nitem, int stride);
int pvm_pkcplx(float *p, int nitem, int stride);
int pvm_pkdcplx(double *p, int nitem, int stride);
int pvm_pkdouble(double *p, int nitem, int stride);
int pvm_pkfloat(float *p, int nitem, int stride);
int pvm_pkint(int *p, int nitem, int stride);
int pvm_pklong(long *p, int nitem, int stride);
int pvm_pkshort(short *p, int nitem, int stride);
int pvm_pkstr(pvm3_text *s);
int pvm_pkuint(unsigned int *p, int nitem, int stride);
int pvm_pkulong(unsigned long *p, int nitem, int stride);
int pvm_pkushort(unsigned short *p, int nitem, int stride);
int pvm_pkmesg(int bufid);
int pvm_pkmesgbody(int bufid);
int pvm_precv(int tid, int msgtag, void *buf, int len, int datatype, int *atid, int *atag,
              int *alen);
int pvm_probe(int tid, int msgtag);
int pvm_psend(int tid, int msgtag, void *buf, int len, int datatype);
int pvm_pstat(int tid);
int pvm_putinfo(pvm3_text *name, int bufid, int flags);
int pvm_recv(int tid, int msgtag);
int (*pvm_recvf(int (*func)(int bufid, int tid, int tag)))(int, int, int);
int pvm_recvinfo(pvm3_text *name, int index, int flags);
int pvm_reduce(void (*func)(int *dtype, void *x, void *y, int *num, int *info), void *data,
               int count, int datatype, int msgtag, pvm3_text *group, int rootginst);
void PvmMax(int *dtype, void *x, void *y, int *num, int *info);
void PvmMin(int *dtype, void *x, void *y, int *num, int *info);
void PvmSum(int *dtype, void *x, void *y, int *num, int *info);
void PvmProduct(int *dtype, void *x, void *y, int *num, int *info);
int pvm_reg_hoster(void);
int pvm_reg_rm(struct pvmhostinfo **hip);
int pvm_reg_tasker(void);
int pvm_reg_tracer(int trcctx, int trctag, int outctx, int outtag, pvm3_text *mask,
                   int trcbuf, int trcopt);
int pvm_scatter(void *result, void *data, int count, int datatype, int msgtag,
                pvm3_text *group, int rootginst);
int pvm_send(int tid, int msgtag);
int pvm_sendsig(int tid, int signum);
int pvm_setcontext(int newctx);
int pvm_setminfo(int bufid, struct pvmminfo *info);
int pvm_setopt(int what, int val);
int pvm_setrbuf(int bufid);
int pvm_setsbuf(int bufid);
int pvm_siblings(int **tids);
int pvm_spawn(pvm3_text *task, char **argv, int flag, pvm3_text *where, int ntask, int *tids);
int pvm_start_pvmd(int argc, char **argv, int block);
int pvm_tasks(int where, int *ntask, struct pvmtaskinfo **taskp);
int pvm_tickle(int narg, int *argp, int *nresp, int *resp);
int pvm_tidtohost(int tid);
int pvm_trecv(int tid, int msgtag, struct timeval *tmout);
int pvm_unexport(pvm3_text *name);
int pvm_unpackf(const char *fmt, ...);
int pvm_upkbyte(char *p, int nitem, int stride);
int pvm_upkcplx(float *p, int nitem, int stride);
int pvm_upkdcplx(double *p, int nitem, int stride);
int pvm_upkdouble(double *p, int nitem, int stride);
int pvm_upkfloat(float *p, int nitem, int stride);
int pvm_upkint(int *p, int nitem, int stride);
int pvm_upklong(long *p, int nitem, int stride);
int pvm_upkshort(short *p, int nitem, int stride);
int pvm_upkstr(char *s);
int pvm_upkuint(unsigned int *p, int nitem, int stride);
int pvm_upkulong(unsigned long *p, int nitem, int stride);
int pvm_upkushort(unsigned short *p, int nitem, int stride);
int pvm_upkmesg(void);
char *pvm_version(void);

char *pvmtmpnam(char *buf);
/* The name service of PVM 3.3. */
int pvm_insert(pvm3_text *name, int index, int data);
int pvm_lookup(pvm3_text *name, int index, int *data);
int pvm_delete(pvm3_text *name, int index);
#ifdef EOF /* <stdio.h> came first */
int pvm_catchout(FILE *ff);
#endif

#ifdef __cplusplus
}
#endif

#endif
