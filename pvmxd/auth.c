/* SPDX-License-Identifier: BSD-3-Clause */
/* Peer credentials and the greeting. */
#include "auth.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include <pvmx/version.h>
#include <unistd.h>

bool auth_peer(int fd, pid_t *pid)
{
    uid_t uid;
    gid_t gid;
    if (px_unix_peer(fd, &uid, &gid, pid) < 0)
        return false;
    if (uid == geteuid())
        return true;
    /* The directory's mode keeps others away; this is the second lock. */
    px_log(PX_LOG_WARN, "AUTH-UID", "a process of user %u tried to connect", (unsigned)uid);
    return false;
}

pvmx_err auth_hello(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_hello m;
    struct pxp_welcome w = {.release = PVMX_VERSION,
                            .vm = sv->vm,
                            .host = sv->host,
                            .pid = (uint32_t)getpid()};
    pvmx_err err = pxp_hello_decode(body, len, &m, &zone);
    if (err == PVMX_OK)
        err = pxp_hello_check(&m, &w.version);
    /* Signals, and memory that is read by process id, need the process to be visible from here. */
    if (err == PVMX_OK && m.role == PXP_ROLE_TASK && p->pid <= 0)
        err = px_fail(PVMX_ERR_PERM,
                      "the daemon of this VM runs in another process namespace: use "
                      "another VM name (PVMX_VM) in this container");
    if (err == PVMX_OK && m.pid != (uint32_t)p->pid)
        px_log(PX_LOG_INFO, "AUTH-PID",
               "process %d calls itself %u: another namespace, or a "
               "forked connection",
               (int)p->pid, m.pid);
    if (err == PVMX_OK)
        err = pxp_welcome_encode(peer_out(p), serial, &w);
    if (err == PVMX_OK)
        p->role = m.role;
    pxp_zone_free(&zone);
    return err;
}
