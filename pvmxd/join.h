/* SPDX-License-Identifier: BSD-3-Clause */
/* What a daemon that joins a VM is told on its standard input. Lines "word value", ended by "end": text,
 * so that any launcher can carry it. The key is in it, which is why it comes this way and no other. */
#ifndef JOIN_H
#define JOIN_H

#include "base/buf.h"
#include "hosts.h"

enum { JOIN_TEXT = 1024 };

struct join {
    char vm[80], host[256], launcher[16];
    char wdir[JOIN_TEXT], path[JOIN_TEXT], wrapper[JOIN_TEXT],
        debugger[JOIN_TEXT]; /* see own.h */
    char listen[JOIN_TEXT],
        ports[JOIN_TEXT]; /* daemon.address and daemon.ports, where not said there */
    uint32_t index, leader, slots, speed;
    bool apart; /* shares this machine with another daemon of the VM */
    uint8_t key[SECURE_KEY];
    char *addresses[HOST_ADDRESSES]; /* of the leader */
    size_t naddresses;
};

/* Appends the text to out, which is to be wiped after use. */
pvmx_err join_write(struct px_buf *out, const struct join *j);
/* Parses a whole text (NUL-terminated, is changed). On failure nothing is to be freed. */
pvmx_err join_parse(char *text, struct join *out);
/* Reads it from fd; at most a minute is waited for it. */
pvmx_err join_read(int fd, struct join *out);
void join_free(struct join *j);

#endif
