/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Comm_join: each side sends one block of fixed size over the caller's socket and reads the
 * other's, so that the socket is as empty afterwards as before. */
#include "abi/handles.h"
#include "dpm/dpm.h"
#include "rt/err.h"
#include "xmpi.h"
#include <errno.h>
#include <poll.h>
#include <pvmx/engine/prog.h>
#include <pvmx/engine/util.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { VERSION = 1 };

struct card {
    char magic[8];
    uint32_t version;
    pvmx_tid tid;
    uint64_t ctx; /* that of the smaller tid is used */
    char vm[360];
};

static const char magic[8] = {'P', 'V', 'M', 'X', 'j', 'o', 'i', 'n'};

static int check_socket(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_STREAM)
        return xmpi_err(MPI_ERR_ARG, "fd %d is not a stream socket", fd);
    return MPI_SUCCESS;
}

/* How far the exchange has come. */
struct swap {
    int fd;
    const char *out;
    char *in;
    size_t sent, got, size;
};

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Sends and reads what is possible now. */
static int swap_some(struct swap *s)
{
    ssize_t n;
    if (s->sent < s->size) {
        n = send(s->fd, s->out + s->sent, s->size - s->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && !would_block())
            return xmpi_err(MPI_ERR_OTHER, "cannot write to socket %d: %s", s->fd,
                            strerror(errno));
        s->sent += n > 0 ? (size_t)n : 0;
    }
    if (s->got < s->size) {
        n = recv(s->fd, s->in + s->got, s->size - s->got, MSG_DONTWAIT);
        if (n < 0 && !would_block())
            return xmpi_err(MPI_ERR_OTHER, "cannot read from socket %d: %s", s->fd,
                            strerror(errno));
        if (n == 0)
            return xmpi_err(MPI_ERR_OTHER,
                            "the other side has closed socket %d before it has joined",
                            s->fd);
        s->got += n > 0 ? (size_t)n : 0;
        /* At once: it may be one that says something short and waits. */
        if (memcmp(s->in, magic, s->got < sizeof(magic) ? s->got : sizeof(magic)) != 0)
            return xmpi_err(MPI_ERR_OTHER,
                            "the other side of socket %d has not called MPI_Comm_join",
                            s->fd);
    }
    return MPI_SUCCESS;
}

/* The other side may be about to join and need an answer of ours for that: messages go on. */
static int swap_cards(int fd, const struct card *mine, struct card *theirs)
{
    struct swap s = {.fd = fd,
                     .out = (const char *)mine,
                     .in = (char *)theirs,
                     .size = sizeof(*mine)};
    enum { PAUSE_MS = 1 };
    int cls = swap_some(&s);
    while (!cls && (s.sent < s.size || s.got < s.size)) {
        struct pollfd p = {.fd = fd};
        p.events = (short)((s.sent < s.size ? POLLOUT : 0) | (s.got < s.size ? POLLIN : 0));
        poll(&p, 1, pvmx_engine_progress() ? 0 : PAUSE_MS);
        cls = swap_some(&s);
    }
    return cls;
}

static int build(const struct card *mine, const struct card *theirs, MPI_Comm *intercomm)
{
    uint64_t ctx = mine->tid < theirs->tid ? mine->ctx : theirs->ctx;
    struct xmpi_group *other;
    struct xmpi_comm *made;
    int cls = xmpi_group_make(&theirs->tid, 1, &other);
    if (cls)
        return cls;
    cls = xmpi_comm_make(ctx, xmpi_self.local, other, &xmpi_self, &made);
    if (!cls)
        *intercomm = xmpi_comm_handle(made);
    xmpi_group_release(other);
    return cls;
}

int xmpi_comm_join(int fd, MPI_Comm *intercomm)
{
    struct card mine = {.version = VERSION}, theirs;
    *intercomm = MPI_COMM_NULL;
    int cls = check_socket(fd);
    if (cls)
        return cls;
    pvmx_err err = pvmx_engine_vm_id(mine.vm, sizeof(mine.vm));
    if (err)
        return xmpi_err_engine(err);
    memcpy(mine.magic, magic, sizeof(magic));
    mine.tid = pvmx_engine_self();
    mine.ctx = pvmx_engine_ctx_alloc(xmpi_cid_count(true));
    cls = swap_cards(fd, &mine, &theirs);
    if (cls)
        return cls;
    if (theirs.tid == mine.tid && strcmp(theirs.vm, mine.vm) == 0)
        return xmpi_err(MPI_ERR_ARG, "both ends of socket %d are this process", fd);
    /* No way leads from one virtual machine to another: both sides get MPI_COMM_NULL. */
    if (theirs.version != VERSION || strncmp(theirs.vm, mine.vm, sizeof(mine.vm)) != 0) {
        pvmx_engine_debug("join: the other side is in virtual machine %.300s, not %s",
                          theirs.vm, mine.vm);
        return MPI_SUCCESS;
    }
    return build(&mine, &theirs, intercomm);
}
