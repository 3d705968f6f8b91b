/* SPDX-License-Identifier: BSD-3-Clause */
/* Packing and unpacking of arrays of PVM's types. */
#ifndef P3_PACK_H
#define P3_PACK_H

#include "buf.h"

/* Bytes of one item in this process's memory; 0: no such type (or PVM_STR). */
size_t p3_type_size(int type);

/* n items, stride items apart, of a PVM_* type other than PVM_STR. 0, PvmBadParam, PvmNoMem, PvmNotImpl. */
int p3_pack(struct p3_buf *b, const void *from, int n, int stride, int type);
/* PvmNoData: fewer are left. Then those are handed over, and nothing is left. */
int p3_unpack(struct p3_buf *b, void *to, int n, int stride, int type);

int p3_pack_string(struct p3_buf *b, const char *s);
/* The next string as a program asks for it: as many bytes as its packer has said, with or without an end
 * among them. PvmNoData: fewer are left, which are handed over with an end. */
int p3_take_string(struct p3_buf *b, char *s);
/* The next string where it lies (of *len bytes with its end), taken; PvmNoData. */
int p3_unpack_string(struct p3_buf *b, const char **s, size_t *len);

int p3_pack_ints(struct p3_buf *b, const int *from, int n);
int p3_unpack_ints(struct p3_buf *b, int *to, int n);

#endif
