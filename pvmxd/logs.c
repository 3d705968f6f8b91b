/* SPDX-License-Identifier: BSD-3-Clause */
/* The store of what tasks have written. */
#include "logs.h"
#include "base/err.h"
#include "base/log.h"
#include "conf.h"
#include "input.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include "waiter.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ANSWER_MAX = 256 * 1024, LOGS_MAX = 16 * 1024, PART_MAX = 4096, SHARED_MAX = 64 };

#define OF_TERMINAL                                                                      \
    (1ull << 32) /* in keys of logs: of the terminal of this job's mpiexec */

struct piece {
    struct px_list node; /* in kept.pieces, oldest first */
    uint64_t at_ms, offset;
    uint32_t stream;
    size_t len;
    uint8_t bytes[];
};

struct kept {
    struct px_list node; /* in server.logs_live or logs_ended, in the order of beginning or end */
    struct px_list pieces;
    uint64_t key; /* the tid, or job | OF_TERMINAL */
    int32_t tid;  /* of a terminal: of the daemon  */
    uint32_t job, rank;
    uint32_t *sharing; /* of a terminal: the last SHARED_MAX jobs that write there too */
    size_t nsharing;
    bool ended;
    bool over;            /* the task is; mpiexec may still tell more */
    struct peer *mpiexec; /* which tells it; NULL: none (any more)    */
    unsigned streams;     /* that it still tells                      */
    uint64_t next;
    size_t size; /* memory of all pieces */
    char program[];
};

/* A request that waits for something new. */
struct log_wait {
    struct waiter w; /* in server.log_waits */
    struct pxp_logs m;
    struct pxp_zone zone;
};

/* ---- bounds ----------------------------------------------------------------------------------- */

static struct piece *first_piece(const struct kept *k)
{
    return px_list_empty(&k->pieces) ? NULL
                                     : px_container_of(k->pieces.next, struct piece, node);
}

static void drop_piece(struct server *sv, struct kept *k)
{
    struct piece *p = first_piece(k);
    size_t size = sizeof *p + p->len;
    px_list_remove(&p->node);
    free(p);
    k->size -= size;
    sv->logs_size -= size;
}

static void kept_free(struct server *sv, struct kept *k)
{
    while (first_piece(k) != NULL)
        drop_piece(sv, k);
    px_list_remove(&k->node);
    px_map_remove(&sv->logs, k->key);
    sv->logs_size -= sizeof *k;
    free(k->sharing);
    free(k);
}

static bool forget_oldest_ended(struct server *sv)
{
    if (px_list_empty(&sv->logs_ended))
        return false;
    kept_free(sv, px_container_of(sv->logs_ended.next, struct kept, node));
    return true;
}

static struct kept *largest(struct server *sv)
{
    struct kept *most = NULL;
    px_list_foreach(it, &sv->logs_live) {
        struct kept *k = px_container_of(it, struct kept, node);
        if (most == NULL || k->size > most->size)
            most = k;
    }
    return most;
}

/* Makes what was just added fit in. */
static void shrink(struct server *sv, struct kept *k)
{
    while (k->size > (size_t)conf.output_task)
        drop_piece(sv, k);
    while (sv->logs_size > (size_t)conf.output_total) {
        if (forget_oldest_ended(sv))
            continue;
        struct kept *most = largest(sv);
        if (most == NULL || first_piece(most) == NULL)
            break;
        drop_piece(sv, most);
    }
}

/* ---- writing ---------------------------------------------------------------------------------- */

void logs_init(struct server *sv)
{
    px_list_init(&sv->logs_live);
    px_list_init(&sv->logs_ended);
    px_list_init(&sv->log_waits);
}

static struct kept *find(struct server *sv, uint64_t key)
{
    return px_map_get(&sv->logs, key);
}

static struct kept *begin(struct server *sv, uint64_t key, const char *program)
{
    size_t len = strlen(program) + 1;
    struct kept *old = find(sv, key);
    if (old != NULL) /* the numbers have come round */
        kept_free(sv, old);
    if (conf.output_task == 0)
        return NULL;
    while (sv->logs.count >= LOGS_MAX && forget_oldest_ended(sv))
        continue;
    struct kept *k = calloc(1, sizeof *k + len);
    if (k == NULL || px_map_put(&sv->logs, key, k) != PVMX_OK) {
        px_log(PX_LOG_ERROR, "LOGS-NOMEM", "no memory to keep the output of %s", program);
        free(k);
        return NULL;
    }
    memcpy(k->program, program, len);
    k->key = key;
    px_list_init(&k->pieces);
    px_list_push_back(&sv->logs_live, &k->node);
    sv->logs_size += sizeof *k;
    return k;
}

static struct kept *begin_task(struct server *sv, const struct task *t)
{
    struct kept *k = begin(sv, (uint64_t)t->tid, task_program(t));
    if (k == NULL)
        return NULL;
    k->tid = t->tid;
    k->job = t->job != NULL ? t->job->id : 0;
    k->rank = t->rank;
    return k;
}

void logs_begin(struct server *sv, const struct task *t)
{
    begin_task(sv, t);
}

bool logs_begin_told(struct server *sv, const struct task *t, struct peer *mpiexec,
                     unsigned streams)
{
    struct kept *k = begin_task(sv, t);
    if (k == NULL)
        return false;
    k->mpiexec = mpiexec;
    k->streams = streams;
    return true;
}

void logs_begin_terminal(struct server *sv, struct peer *mpiexec, const struct job *j)
{
    struct kept *k = begin(sv, j->id | OF_TERMINAL, j->nprograms > 0 ? j->programs[0] : "");
    if (k == NULL)
        return;
    k->tid = (int32_t)(sv->hosts.self << 18);
    k->job = j->id;
    k->over = true; /* told_all says when */
    k->mpiexec = mpiexec;
    mpiexec->terminal = j->id;
}

static struct kept *terminal_of(struct server *sv, const struct peer *mpiexec)
{
    return mpiexec->terminal != 0 ? find(sv, mpiexec->terminal | OF_TERMINAL) : NULL;
}

void logs_share_terminal(struct server *sv, const struct peer *mpiexec, uint32_t job)
{
    struct kept *k = terminal_of(sv, mpiexec);
    if (k != NULL && k->sharing == NULL)
        k->sharing = calloc(SHARED_MAX, sizeof *k->sharing);
    if (k != NULL && k->sharing != NULL)
        k->sharing[k->nsharing++ % SHARED_MAX] = job;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void tell_waiting(struct server *sv, const struct kept *k);

static void append(struct server *sv, struct kept *k, uint32_t stream,
                   const uint8_t *bytes, size_t len)
{
    struct piece *p = malloc(sizeof *p + len);
    if (p != NULL) {
        *p = (struct piece){.at_ms = now_ms(), .offset = k->next, .stream = stream, .len = len};
        memcpy(p->bytes, bytes, len);
        px_list_push_back(&k->pieces, &p->node);
        k->size += sizeof *p + len;
        sv->logs_size += sizeof *p + len;
    }
    k->next += len; /* without memory a gap is seen */
    shrink(sv, k);
    tell_waiting(sv, k);
}

void logs_append(struct server *sv, int32_t tid, uint32_t stream, const uint8_t *bytes,
                 size_t len)
{
    struct kept *k = len > 0 ? find(sv, (uint64_t)tid) : NULL;
    if (k != NULL)
        append(sv, k, stream, bytes, len);
}

/* When the task is over, and nobody is to tell more. */
static void end(struct server *sv, struct kept *k)
{
    if (k->ended || !k->over || k->mpiexec != NULL)
        return;
    k->ended = true;
    px_list_remove(&k->node);
    px_list_push_back(&sv->logs_ended, &k->node);
    tell_waiting(sv, k);
}

void logs_end(struct server *sv, int32_t tid)
{
    struct kept *k = find(sv, (uint64_t)tid);
    if (k == NULL)
        return;
    k->over = true;
    end(sv, k);
}

static void told_all(struct server *sv, struct kept *k)
{
    k->mpiexec = NULL;
    end(sv, k);
}

void logs_forget_peer(struct server *sv, const struct peer *p)
{
    px_list_foreach(it, &sv->logs_live) {
        struct kept *k = px_container_of(it, struct kept, node);
        if (k->mpiexec == p)
            told_all(sv, k);
    }
}

/* In parts of whole lines, since the store forgets by parts. */
static void append_parts(struct server *sv, struct kept *k, const struct pxp_written *m)
{
    for (size_t at = 0; at < m->bytes_len;) {
        const uint8_t *from = m->bytes + at;
        size_t left = m->bytes_len - at, n = left < PART_MAX ? left : PART_MAX;
        while (n > 0 && n < left && from[n - 1] != '\n')
            n--;
        if (n == 0)
            n = PART_MAX;
        append(sv, k, m->stream, from, n);
        at += n;
    }
}

pvmx_err logs_written(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_written m;
    (void)serial;
    pvmx_err err = pxp_written_decode(body, len, &m, &zone);
    struct kept *k = err != PVMX_OK              ? NULL
                     : m.tid == PXP_TID_TERMINAL ? terminal_of(sv, p)
                                                 : find(sv, (uint64_t)m.tid);
    if (k != NULL && k->mpiexec == p && (m.stream == 1 || m.stream == 2)) {
        k->next += m.skipped;
        append_parts(sv, k, &m);
        if (m.eof && k->streams > 0 && --k->streams == 0)
            told_all(sv, k);
    }
    pxp_zone_free(&zone);
    return err;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool wanted(const struct pxp_logs *m, const struct kept *k)
{
    if (m->job != 0 && k->job == m->job)
        return true;
    for (size_t i = 0; m->job != 0 && i < k->nsharing && i < SHARED_MAX; i++)
        if (k->sharing[i] == m->job)
            return true;
    for (size_t i = 0; i < m->n_tids; i++)
        if ((uint64_t)m->tids[i] == k->key)
            return true;
    return false;
}

static const struct pxp_log_from *known(const struct pxp_logs *m, int32_t tid)
{
    for (size_t i = 0; i < m->n_from; i++)
        if (m->from[i].tid == tid)
            return &m->from[i];
    return NULL;
}

static void add_piece(struct pxp_logs_are *are, const struct kept *k, const struct piece *p)
{
    are->pieces[are->n_pieces++] = (struct pxp_log_piece){.tid = k->tid,
                                                          .stream = p->stream,
                                                          .at_ms = p->at_ms,
                                                          .offset = p->offset,
                                                          .bytes = p->bytes,
                                                          .bytes_len = p->len};
}

/* The pieces from `next` on, as long as there is room; *room goes to 0 when there is none. */
static void add_pieces(struct pxp_logs_are *are, const struct kept *k, uint64_t next,
                       size_t *room)
{
    px_list_foreach(it, &k->pieces) {
        const struct piece *p = px_container_of(it, struct piece, node);
        if (p->offset < next)
            continue;
        if (sizeof *p + p->len > *room) {
            are->more = true;
            *room = 0;
            return;
        }
        *room -= sizeof *p + p->len;
        add_piece(are, k, p);
    }
}

static void add_log(struct server *sv, struct pxp_logs_are *are, const struct pxp_logs *m,
                    const struct kept *k, size_t *room)
{
    const struct pxp_log_from *f = known(m, k->tid);
    const struct piece *first = first_piece(k);
    are->logs[are->n_logs++] =
        (struct pxp_log_info){.tid = k->tid,
                              .job = k->job,
                              .rank = k->rank,
                              .program = k->program,
                              .ended = k->ended,
                              .first = first != NULL ? first->offset : k->next,
                              .next = k->next,
                              .input = input_find(sv, k->tid) != NULL};
    add_pieces(are, k, f != NULL ? f->next : 0, room);
}

/* Room in the answer for all that is wanted, or as much as one answer takes. */
static bool make_room(struct server *sv, struct pxp_logs_are *are,
                      const struct pxp_logs *m, struct pxp_zone *zone)
{
    size_t logs = 0, pieces = 0, most = ANSWER_MAX / sizeof(struct piece);
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->logs, &pos, &key, &value);) {
        const struct kept *k = value;
        if (!wanted(m, k))
            continue;
        logs++;
        for (const struct px_list *it = k->pieces.next; it != &k->pieces && pieces < most;
             it = it->next)
            pieces++;
    }
    are->logs = pxp_zone_alloc(zone, (logs + 1) * sizeof *are->logs);
    are->pieces = pxp_zone_alloc(zone, (pieces + 1) * sizeof *are->pieces);
    return are->logs != NULL && are->pieces != NULL;
}

static pvmx_err answer(struct server *sv, struct peer *p, uint32_t serial,
                       const struct pxp_logs *m)
{
    struct pxp_zone zone = {0};
    struct pxp_logs_are are = {.more = false};
    size_t room = ANSWER_MAX;
    uint64_t key;
    void *value;
    pvmx_err err =
        make_room(sv, &are, m, &zone)
            ? PVMX_OK
            : px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the answer");
    for (size_t pos = 0; err == PVMX_OK && px_map_next(&sv->logs, &pos, &key, &value);)
        if (wanted(m, value))
            add_log(sv, &are, m, value, &room);
    if (err == PVMX_OK)
        err = pxp_logs_are_encode(peer_out(p), serial, &are);
    pxp_zone_free(&zone);
    return err;
}

/* Is there something that the request does not know yet? */
static bool has_new(const struct pxp_logs *m, const struct kept *k)
{
    const struct pxp_log_from *f = known(m, k->tid);
    return f == NULL || k->next > f->next;
}

static void wait_free(struct waiter *w)
{
    struct log_wait *l = px_container_of(w, struct log_wait, w);
    pxp_zone_free(&l->zone);
    free(l);
}

static void tell_waiting(struct server *sv, const struct kept *k)
{
    px_list_foreach(it, &sv->log_waits) {
        struct log_wait *l = px_container_of(it, struct log_wait, w.in_queue);
        if (!wanted(&l->m, k))
            continue;
        pvmx_err err = answer(sv, l->w.peer, l->w.serial, &l->m);
        if (err != PVMX_OK)
            waiter_refuse(&l->w, err);
        else
            waiter_end(&l->w);
    }
}

pvmx_err logs_request(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    uint64_t key;
    void *value;
    bool now = true, live = false;
    struct log_wait *l = calloc(1, sizeof *l);
    if (l == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a request");
    l->w.free = wait_free;
    pvmx_err err = pxp_logs_decode(body, len, &l->m, &l->zone);
    if (err == PVMX_OK && l->m.wait) {
        now = false;
        for (size_t pos = 0; px_map_next(&sv->logs, &pos, &key, &value);) {
            const struct kept *k = value;
            if (!wanted(&l->m, k))
                continue;
            now = now || has_new(&l->m, k);
            live = live || !k->ended;
        }
    }
    if (err == PVMX_OK && !now && live) {
        waiter_start(&l->w, p, serial, &sv->log_waits, WAITER_FOREVER);
        return PVMX_OK;
    }
    if (err == PVMX_OK)
        err = answer(sv, p, serial, &l->m);
    wait_free(&l->w);
    return err;
}

void logs_forget_ended(struct server *sv)
{
    while (forget_oldest_ended(sv))
        continue;
}

void logs_fini(struct server *sv)
{
    logs_forget_ended(sv);
    while (!px_list_empty(&sv->logs_live))
        kept_free(sv, px_container_of(sv->logs_live.next, struct kept, node));
    px_map_free(&sv->logs);
}
