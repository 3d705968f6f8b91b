/* SPDX-License-Identifier: BSD-3-Clause */
/* Proofs and sealed streams with libsodium: BLAKE2b under the VM's key, X25519, and
 * XChaCha20-Poly1305 with a counter (secretstream), which notices frames lost, repeated or reordered. */
#include "secure.h"
#include "base/err.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_HEADER crypto_secretstream_xchacha20poly1305_HEADERBYTES

_Static_assert(SECURE_HEADER == STREAM_HEADER, "header size");
_Static_assert(SECURE_MORE == crypto_secretstream_xchacha20poly1305_ABYTES, "seal size");
_Static_assert(SECURE_PUBLIC == crypto_box_PUBLICKEYBYTES, "public size");
_Static_assert(SECURE_KEY == crypto_box_SECRETKEYBYTES, "secret size");
_Static_assert(SECURE_PUBLIC == crypto_kx_PUBLICKEYBYTES, "public size");

struct secure {
    bool caller;
    uint8_t nonce[SECURE_NONCE], public[SECURE_PUBLIC], secret[crypto_kx_SECRETKEYBYTES];
    uint8_t prove[32], check[32]; /* keys of the two proofs */
    uint8_t send[32], receive[32];
    crypto_secretstream_xchacha20poly1305_state out, in;
};

bool secure_init(void)
{
    return sodium_init() >= 0;
}

void secure_key_new(uint8_t key[SECURE_KEY])
{
    randombytes_buf(key, SECURE_KEY);
}

void secure_forget(void *secret, size_t len)
{
    sodium_memzero(secret, len);
}

void secure_key_text(const uint8_t key[SECURE_KEY], char text[2 * SECURE_KEY + 1])
{
    sodium_bin2hex(text, 2 * SECURE_KEY + 1, key, SECURE_KEY);
}

bool secure_key_read(const char *text, uint8_t key[SECURE_KEY])
{
    size_t n = 0;
    return strlen(text) == (size_t)2 * SECURE_KEY &&
           sodium_hex2bin(key, SECURE_KEY, text, (size_t)2 * SECURE_KEY, NULL, &n, NULL) ==
               0 &&
           n == SECURE_KEY;
}

void secure_pair_new(uint8_t public[SECURE_PUBLIC], uint8_t secret[SECURE_KEY])
{
    crypto_box_keypair(public, secret);
}

bool secure_box(const uint8_t *bytes, size_t n, const uint8_t to[SECURE_PUBLIC],
                const uint8_t secret[SECURE_KEY], struct px_buf *out)
{
    size_t total = crypto_box_NONCEBYTES + crypto_box_MACBYTES + n;
    uint8_t *at = px_buf_reserve(out, total);
    if (at == NULL)
        return false;
    randombytes_buf(at, crypto_box_NONCEBYTES);
    if (crypto_box_easy(at + crypto_box_NONCEBYTES, bytes, n, at, to, secret) != 0)
        return false;
    out->end += total;
    return true;
}

bool secure_unbox(const uint8_t *box, size_t n, const uint8_t from[SECURE_PUBLIC],
                  const uint8_t secret[SECURE_KEY], uint8_t *out, size_t *len)
{
    size_t more = crypto_box_NONCEBYTES + crypto_box_MACBYTES;
    if (n < more || crypto_box_open_easy(out, box + crypto_box_NONCEBYTES,
                                         n - crypto_box_NONCEBYTES, box, from, secret) != 0)
        return false;
    *len = n - more;
    return true;
}

struct secure *secure_new(bool caller)
{
    struct secure *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->caller = caller;
    randombytes_buf(s->nonce, sizeof s->nonce);
    crypto_kx_keypair(s->public, s->secret);
    return s;
}

void secure_free(struct secure *s)
{
    if (s == NULL)
        return;
    sodium_memzero(s, sizeof *s);
    free(s);
}

const uint8_t *secure_nonce(const struct secure *s)
{
    return s->nonce;
}

const uint8_t *secure_public(const struct secure *s)
{
    return s->public;
}

/* 32 bytes that nobody can compute without the key, for one purpose. */
static void derive(uint8_t out[32], const uint8_t key[SECURE_KEY], const char *purpose,
                   const void *a, size_t na, const void *b, size_t nb)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, key, SECURE_KEY, 32);
    crypto_generichash_update(&h, (const uint8_t *)purpose, strlen(purpose) + 1);
    crypto_generichash_update(&h, a, na);
    crypto_generichash_update(&h, b, nb);
    crypto_generichash_final(&h, out, 32);
    sodium_memzero(&h, sizeof h);
}

pvmx_err secure_meet(struct secure *s, const uint8_t key[SECURE_KEY],
                     const struct px_buf *said, const uint8_t public[SECURE_PUBLIC])
{
    uint8_t rx[32], tx[32];
    const uint8_t *bytes = px_buf_head(said);
    size_t n = px_buf_len(said);
    int bad = s->caller
                  ? crypto_kx_client_session_keys(rx, tx, s->public, s->secret, public)
                  : crypto_kx_server_session_keys(rx, tx, s->public, s->secret, public);
    if (bad != 0)
        return px_fail(PVMX_ERR_PROTO, "the other side's greeting holds no usable key");
    derive(s->prove, key, s->caller ? "pvmx caller proof" : "pvmx callee proof", bytes, n,
           tx, sizeof tx);
    derive(s->check, key, s->caller ? "pvmx callee proof" : "pvmx caller proof", bytes, n,
           rx, sizeof rx);
    derive(s->send, key, "pvmx stream", bytes, n, tx, sizeof tx);
    derive(s->receive, key, "pvmx stream", bytes, n, rx, sizeof rx);
    sodium_memzero(rx, sizeof rx);
    sodium_memzero(tx, sizeof tx);
    sodium_memzero(s->secret, sizeof s->secret);
    return PVMX_OK;
}

void secure_prove(struct secure *s, uint8_t code[SECURE_CODE], uint8_t header[SECURE_HEADER])
{
    crypto_secretstream_xchacha20poly1305_init_push(&s->out, header, s->send);
    derive(code, s->prove, "proof", header, SECURE_HEADER, NULL, 0);
}

pvmx_err secure_check(struct secure *s, const uint8_t code[SECURE_CODE],
                      const uint8_t header[SECURE_HEADER])
{
    uint8_t want[SECURE_CODE];
    derive(want, s->check, "proof", header, SECURE_HEADER, NULL, 0);
    if (sodium_memcmp(want, code, sizeof want) != 0)
        return px_fail(PVMX_ERR_PERM, "the other side does not know the key of this VM");
    if (crypto_secretstream_xchacha20poly1305_init_pull(&s->in, header, s->receive) != 0)
        return px_fail(PVMX_ERR_PROTO, "the other side's stream has no valid start");
    return PVMX_OK;
}

pvmx_err secure_seal(struct secure *s, const uint8_t *bytes, size_t n, struct px_buf *out)
{
    size_t size = n + SECURE_MORE;
    uint8_t *to = px_buf_reserve(out, 4 + size);
    if (to == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory to send %zu bytes to another host", n);
    uint8_t length[4] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16),
                         (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(to, length, sizeof length);
    crypto_secretstream_xchacha20poly1305_push(&s->out, to + 4, NULL, bytes, n, length,
                                               sizeof length, 0);
    out->end += 4 + size;
    return PVMX_OK;
}

pvmx_err secure_open(struct secure *s, const uint8_t *bytes, size_t n, struct px_buf *out)
{
    uint8_t tag,
        length[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    uint8_t *to = n >= SECURE_MORE ? px_buf_reserve(out, n) : NULL;
    if (n >= SECURE_MORE && to == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for %zu bytes from another host", n);
    if (n < SECURE_MORE ||
        crypto_secretstream_xchacha20poly1305_pull(&s->in, to, NULL, &tag, bytes, n,
                                                   length, sizeof length) != 0)
        return px_fail(PVMX_ERR_PROTO,
                       "a frame from another host is not what it has sealed");
    out->end += n - SECURE_MORE;
    return PVMX_OK;
}
