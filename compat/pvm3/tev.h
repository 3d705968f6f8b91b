/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of trace events, and what libgpvm3 tells of its calls. Calls within such a call are not told of. */
#ifndef P3_TEV_H
#define P3_TEV_H

/* One part of a record: a number, a text (data), an address (data; TEV_DID_PDA), or for those that are a
 * list by their name ("... List") as many numbers or texts as value says. */
struct p3_item {
    int did, value;
    const void *data;
};

void tev_call(int kind, const struct p3_item *items, int n);
/* How the call has ended: the parts of its record. */
void tev_result(int kind, const struct p3_item *items, int n);

#endif
