/* SPDX-License-Identifier: BSD-3-Clause */
/* Greeting and proof. */
#include "greet.h"
#include "base/err.h"
#include "base/log.h"
#include "hosts.h"
#include "link.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "secure.h"
#include "server.h"
#include <pvmx/version.h>
#include <string.h>

/* Appends our greeting to what is to be written and to what has been said. */
static pvmx_err say_greeting(struct link *l)
{
    struct pxp_greet m = {.version = PXP_VERSION,
                          .oldest = PXP_OLDEST,
                          .release = PVMX_VERSION,
                          .nonce = secure_nonce(l->secure),
                          .nonce_len = SECURE_NONCE,
                          .public = secure_public(l->secure),
                          .public_len = SECURE_PUBLIC,
                          .vm = l->sv->vm};
    size_t before = px_buf_len(&l->out);
    pvmx_err err = pxp_greet_encode(&l->out, 0, &m);
    if (err != PVMX_OK)
        return err;
    return px_buf_append(&l->said, px_buf_head(&l->out) + before + 4,
                         px_buf_len(&l->out) - before - 4);
}

static pvmx_err say_proof(struct link *l)
{
    uint8_t code[SECURE_CODE], header[SECURE_HEADER];
    secure_prove(l->secure, code, header);
    struct pxp_proof m = {.code = code,
                          .code_len = sizeof code,
                          .header = header,
                          .header_len = sizeof header};
    return pxp_proof_encode(&l->out, 0, &m);
}

void greet_begin(struct link *l)
{
    if (say_greeting(l) != PVMX_OK)
        link_close(l, pvmx_last_error());
}

static pvmx_err check_version(const struct pxp_greet *m)
{
    uint32_t common = m->version < PXP_VERSION ? m->version : PXP_VERSION;
    if (common >= PXP_OLDEST && common >= m->oldest && common != 0)
        return PVMX_OK;
    return px_fail(
        PVMX_ERR_VERSION,
        "this pvmxd (PVMX %s) speaks protocol versions %d to %d, the other host's "
        "(PVMX %.32s) %u to %u: install one release on both",
        PVMX_VERSION, PXP_OLDEST, PXP_VERSION, m->release, m->oldest, m->version);
}

static pvmx_err on_greet(struct link *l, const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_greet m;
    pvmx_err err = pxp_greet_decode(body, len, &m, &zone);
    if (err == PVMX_OK &&
        (l->greeted || m.nonce_len != SECURE_NONCE || m.public_len != SECURE_PUBLIC))
        err = px_fail(PVMX_ERR_PROTO, "a greeting that makes no sense");
    if (err == PVMX_OK)
        err = check_version(&m);
    if (err == PVMX_OK)
        err = px_buf_append(&l->said, body, len);
    l->greeted = true;
    if (err == PVMX_OK && !l->caller)
        err = say_greeting(l);
    if (err == PVMX_OK)
        err = secure_meet(l->secure, hosts_key(l->sv), &l->said, m.public);
    if (err == PVMX_OK && !l->caller)
        err = say_proof(l);
    pxp_zone_free(&zone);
    l->state = LINK_PROVING;
    link_out(l);
    return err;
}

static pvmx_err on_proof(struct link *l, const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_proof m;
    pvmx_err err = pxp_proof_decode(body, len, &m, &zone);
    if (err == PVMX_OK && (m.code_len != SECURE_CODE || m.header_len != SECURE_HEADER))
        err = px_fail(PVMX_ERR_PROTO, "a proof that makes no sense");
    if (err == PVMX_OK)
        err = secure_check(l->secure, m.code, m.header);
    if (err == PVMX_OK && l->caller)
        err = say_proof(l);
    pxp_zone_free(&zone);
    return err;
}

static void opened(struct link *l)
{
    struct links *ls = &l->sv->links;
    loop_timer_stop(&l->sv->loop, &l->limit);
    l->state = LINK_OPEN;
    if (!l->caller) {
        ls->nstrangers--;
        px_list_remove(&l->all);
        px_list_push_back(&ls->all, &l->all);
    }
    px_buf_free(&l->said);
    link_out(l);
    hosts_link_open(l);
}

/* A refuse in the clear is believed only so far as the connection has failed anyway. */
static pvmx_err refused(const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_refuse m;
    pvmx_err err = pxp_refuse_decode(body, len, &m, &zone);
    if (err == PVMX_OK)
        err = px_fail(PVMX_ERR_PERM, "it refuses: %.300s", m.text);
    pxp_zone_free(&zone);
    return err;
}

void greet_frame(struct link *l, const uint8_t *body, size_t len)
{
    uint32_t number = 0, serial = 0;
    pvmx_err err = pxp_frame_head(body, len, &number, &serial);
    if (err == PVMX_OK && number == PXP_GREET && l->state == LINK_GREETING)
        err = on_greet(l, body, len);
    else if (err == PVMX_OK && number == PXP_REFUSE)
        err = refused(body, len);
    else if (err == PVMX_OK && (number != PXP_PROOF || l->state != LINK_PROVING))
        err = px_fail(PVMX_ERR_PROTO, "it does not greet as daemons do");
    else if (err == PVMX_OK && (err = on_proof(l, body, len)) == PVMX_OK)
        opened(l);
    if (err == PVMX_OK || l->closed)
        return;
    px_log(PX_LOG_WARN, "GREET-REFUSED", "%s: %s", l->name, pvmx_last_error());
    if (err != PVMX_ERR_VERSION || l->caller) {
        link_close(l, pvmx_last_error());
        return;
    }
    /* The one thing that it may be told: a stranger gets no more out of it than out of a greeting. */
    struct pxp_refuse m = {.error = err, .text = pvmx_last_error()};
    if (pxp_refuse_encode(&l->out, 0, &m) != PVMX_OK)
        link_close(l, pvmx_last_error());
    else
        link_finish(l);
}
