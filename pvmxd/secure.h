/* SPDX-License-Identifier: BSD-3-Clause */
/* What keeps strangers out of connections between daemons: both sides prove that they know the VM's key
 * (over what both have said, nonces included, so that nothing recorded is of use), agree on keys for
 * this connection alone, and seal every frame. The only file that knows libsodium. */
#ifndef SECURE_H
#define SECURE_H

#include "base/buf.h"
#include <stdbool.h>

enum {
    SECURE_KEY = 32,
    SECURE_NONCE = 32,
    SECURE_PUBLIC = 32,
    SECURE_CODE = 32,
    SECURE_HEADER = 24,
    SECURE_MORE = 17, /* bytes that sealing adds to a frame */
};

struct secure;

bool secure_init(void);
void secure_key_new(uint8_t key[SECURE_KEY]);
void secure_forget(void *secret, size_t len);
/* The key as 64 hexadecimal digits, and back (false: it is none). */
void secure_key_text(const uint8_t key[SECURE_KEY], char text[2 * SECURE_KEY + 1]);
bool secure_key_read(const char *text, uint8_t key[SECURE_KEY]);

/* A pair of keys; a box that one side closes and only the other can open, so that it knows who has
 * closed it. */
void secure_pair_new(uint8_t public[SECURE_PUBLIC], uint8_t secret[SECURE_KEY]);
bool secure_box(const uint8_t *bytes, size_t n, const uint8_t to[SECURE_PUBLIC],
                const uint8_t secret[SECURE_KEY], struct px_buf *out);
/* out: room for n bytes. */
bool secure_unbox(const uint8_t *box, size_t n, const uint8_t from[SECURE_PUBLIC],
                  const uint8_t secret[SECURE_KEY], uint8_t *out, size_t *len);

/* One end of a connection; NULL without memory. */
struct secure *secure_new(bool caller);
void secure_free(struct secure *s);
const uint8_t *secure_nonce(const struct secure *s);
const uint8_t *secure_public(const struct secure *s);
/* The bytes of both greetings, the caller's first, and the other side's public value. */
pvmx_err secure_meet(struct secure *s, const uint8_t key[SECURE_KEY],
                     const struct px_buf *said, const uint8_t public[SECURE_PUBLIC]);
/* This side's proof, and the start of what it seals. After secure_meet. */
void secure_prove(struct secure *s, uint8_t code[SECURE_CODE], uint8_t header[SECURE_HEADER]);
/* Checks the other side's. PVMX_ERR_PERM: it does not know the key. */
pvmx_err secure_check(struct secure *s, const uint8_t code[SECURE_CODE],
                      const uint8_t header[SECURE_HEADER]);
/* Appends n bytes, sealed, with their length in front. */
pvmx_err secure_seal(struct secure *s, const uint8_t *bytes, size_t n, struct px_buf *out);
/* Opens n sealed bytes and appends the n - SECURE_MORE plain ones. PVMX_ERR_PROTO: they were not sealed
 * by the other side, or are not its next ones. */
pvmx_err secure_open(struct secure *s, const uint8_t *bytes, size_t n, struct px_buf *out);

#endif
