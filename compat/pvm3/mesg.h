/* SPDX-License-Identifier: BSD-3-Clause */
/* A message with its head as part of another one, also as what a mailbox keeps. */
#ifndef P3_MESG_H
#define P3_MESG_H

#include "buf.h"

int p3_mesg_pack(struct p3_buf *to, const struct p3_buf *b);
/* PvmNoData: there is none, or a damaged one; then nothing is taken. */
int p3_mesg_unpack(struct p3_buf *from, struct p3_buf **out);

#endif
