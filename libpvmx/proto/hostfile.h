/* SPDX-License-Identifier: BSD-3-Clause */
/* Host files, as PVM, LAM, MPICH and Open MPI have them and mixed: one parser for all who read one. A line
 * is a host and its options,
 *     [USER@]HOST[:SLOTS] [KEY=VALUE]...
 * with '#' before a comment, '\' at the end of a line that goes on, and "..." or '...' around a value with
 * blanks. "* KEY=VALUE..." sets options for the lines that follow, "& HOST ..." tells of a host that is
 * not to be started yet, "$HOST ..." of one that shares its machine with another one of the file.
 * A name that comes again adds its slots to those of the first (one, if it says none).
 *     PVM        lo= dx= ep= wd= sp= ip= bx=
 *     LAM        cpu= user= schedule=no
 *     Open MPI   slots= max_slots= port=
 *     ours       launcher= ssh= wrapper= timeout=
 * so=pw and id= of PVM and what MPICH and Open MPI say about binding is accepted and means nothing here:
 * nobody is asked for passwords, and a VM has one name on all hosts. */
#ifndef PXP_HOSTFILE_H
#define PXP_HOSTFILE_H

#include "proto/messages.h"

struct pxp_hostfile_host {
    struct pxp_host_spec spec; /* what is not said is "" or 0 */
    uint32_t max_slots;
    unsigned line; /* where it was named first */
    bool later;    /* & */
    bool unschedule; /* schedule=no: it belongs to the VM, but takes no tasks of jobs that use the file */
};

struct pxp_hostfile {
    struct pxp_zone zone; /* the texts */
    struct pxp_hostfile_host *hosts;
    size_t n, cap;
    struct pxp_hostfile_host defaults; /* of the last '*' line: for hosts that are named later */
};

enum { PXP_HOSTFILE_HOSTS = 4095, PXP_HOSTFILE_BYTES = 8 * 1024 * 1024 };

/* Reads a file. The sentence of a failure names file, line and what to do; *out needs no free then. */
pvmx_err pxp_hostfile_read(const char *path, struct pxp_hostfile *out);
/* The same from len bytes; name ("host file x") begins the sentences; "": they tell of one line. */
pvmx_err pxp_hostfile_parse(const char *name, const char *text, size_t len,
                            struct pxp_hostfile *out);
/* The same from a file of which what makes sense is to be used: each line that is left out, or why
 * nothing can be read, is told of by a sentence. */
void pxp_hostfile_salvage(const char *path, void (*said)(const char *sentence),
                          struct pxp_hostfile *out);
void pxp_hostfile_free(struct pxp_hostfile *f);
/* NULL: the file does not name it. */
const struct pxp_hostfile_host *pxp_hostfile_find(const struct pxp_hostfile *f,
                                                  const char *name);
/* Fills in what spec leaves open from what a file says: of the host, or (host NULL) its '*' lines. */
void pxp_hostfile_advise(const struct pxp_hostfile *f, struct pxp_host_spec *spec);
/* Its hosts that take tasks as "NAME:SLOTS,NAME,..." for hosts= of pvmxd/spread.h, to be freed; NULL: no
 * memory. *slots: their sum, as far as it is said; may be NULL. */
char *pxp_hostfile_list(const struct pxp_hostfile *f, uint32_t *slots);

/* The name (len bytes) means the host called `host`: with or without its domain. */
bool pxp_host_named(const char *name, size_t len, const char *host);
/* The name means whatever host it is said on: localhost and the like. */
bool pxp_host_here(const char *name, size_t len);
/* The name is an address in digits, one of this host's own. */
bool pxp_host_own_address(const char *name, size_t len);
/* It is one of these, "192.0.2.1:4711" or "[2001:db8::1]:4711" (host_entry.addresses). */
bool pxp_host_listens_at(const char *name, size_t len, const char *const *addresses,
                         size_t n);

#endif
