/* SPDX-License-Identifier: BSD-3-Clause */
/* See preload.h. */
#include "preload.h"
#include "base/err.h"
#include "base/fd.h"
#include "landing.h"
#include "link.h"
#include "proto/messages.h"
#include "resolve.h"
#include "server.h"
#include "spawn.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 512 * 1024, /* the loop seals and opens it in half a millisecond */
    PIECE_LEAST = 16 * 1024,
    WINDOW = 4,                /* pieces on their way to a host */
    PIECES = 16 * 1024 * 1024, /* bytes of them, to all hosts of a request */
};

/* A step that a thread takes; then() follows on the loop's thread. */
struct step {
    struct pool_work work;
    struct px_list node;
    struct server *sv;
    void (*then)(struct step *s);
    pvmx_err err;
    char text[400]; /* of the error */
};

/* An original, for all who read it. */
struct preload_source {
    pthread_mutex_t lock; /* fd */
    atomic_uint refs;
    int fd; /* -1: not opened yet */
    char path[];
};

/* ---- steps ------------------------------------------------------------------------------------ */

static void on_done(void *arg)
{
    struct server *sv = arg;
    struct px_list *node;
    for (;;) {
        pthread_mutex_lock(&sv->preloads.lock);
        node = px_list_pop(&sv->preloads.done);
        pthread_mutex_unlock(&sv->preloads.lock);
        if (node == NULL)
            return;
        struct step *s = px_container_of(node, struct step, node);
        s->then(s);
    }
}

static void step_submit(struct step *s)
{
    pool_submit(&s->sv->pool, &s->work);
}

/* The sentence has been recorded. */
static void step_fail(struct step *s, pvmx_err err)
{
    s->err = err;
    snprintf(s->text, sizeof s->text, "%s", pvmx_last_error());
}

static void step_done(struct step *s)
{
    struct preloads *p = &s->sv->preloads;
    pthread_mutex_lock(&p->lock);
    px_list_push_back(&p->done, &s->node);
    pthread_mutex_unlock(&p->lock);
    loop_post_send(&p->post);
}

void preload_init(struct server *sv)
{
    pthread_mutex_init(&sv->preloads.lock, NULL);
    px_list_init(&sv->preloads.done);
    loop_post_start(&sv->loop, &sv->preloads.post, on_done, sv);
}

void preload_fini(struct server *sv)
{
    if (sv->preloads.post.ev != NULL)
        loop_post_stop(&sv->loop, &sv->preloads.post);
}

/* ---- originals -------------------------------------------------------------------------------- */

static void source_drop(struct preload_source *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    px_fd_close(&s->fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Places for all files of all programs, in r->sources. */
static size_t source_index(const struct spawn_req *r, uint32_t app, uint32_t file)
{
    size_t at = file;
    for (uint32_t a = 0; a < app; a++)
        at += r->m.apps[a].n_preload;
    return at;
}

static size_t source_count(const struct spawn_req *r)
{
    return source_index(r, (uint32_t)r->m.n_apps, 0);
}

/* A reference to the original of a file; NULL without memory. */
static struct preload_source *source_get(struct spawn_req *r, uint32_t app, uint32_t file)
{
    const char *name = r->m.apps[app].preload[file];
    size_t len = strlen(r->m.cwd) + strlen(name) + 2;
    if (r->sources == NULL)
        r->sources = calloc(source_count(r), sizeof(struct preload_source *));
    if (r->sources == NULL)
        return NULL;
    struct preload_source **s = &r->sources[source_index(r, app, file)];
    if (*s == NULL && (*s = calloc(1, sizeof **s + len)) != NULL) {
        (*s)->fd = -1;
        (*s)->refs = 1;
        pthread_mutex_init(&(*s)->lock, NULL);
        snprintf((*s)->path, len, "%s%s%s", *name == '/' ? "" : r->m.cwd,
                 *name == '/' ? "" : "/", name);
    }
    if (*s != NULL)
        atomic_fetch_add(&(*s)->refs, 1);
    return *s;
}

void preload_free(struct spawn_req *r)
{
    for (size_t i = 0; r->sources != NULL && i < source_count(r); i++)
        source_drop(r->sources[i]);
    free(r->sources);
}

/* By a thread. */
static pvmx_err source_read(struct preload_source *s, const char *host, uint64_t offset,
                            void *bytes, size_t size, size_t *n, struct landing_file *file)
{
    pthread_mutex_lock(&s->lock);
    int errnum = s->fd < 0 ? landing_source(s->path, &s->fd) : 0;
    pthread_mutex_unlock(&s->lock);
    if (errnum == 0)
        errnum = landing_read(s->fd, offset, bytes, size, n, file);
    if (errnum == LANDING_SPECIAL)
        return px_fail(PVMX_ERR_SPAWN, "preload_files: %s on host %s is no regular file",
                       s->path, host);
    return errnum == 0 ? PVMX_OK
                       : px_fail_errno(errnum, "preload_files: cannot read %s on host %s",
                                       s->path, host);
}

/* ---- where the spawner is: pieces for other hosts --------------------------------------------- */

struct serving {
    struct step step;
    struct preload_source *source;
    uint64_t link; /* id of the one to answer on */
    uint32_t serial;
    uint64_t offset;
    struct landing_file file;
    size_t size, n;
    uint8_t bytes[];
};

static void served(struct step *s)
{
    struct serving *v = px_container_of(s, struct serving, step);
    struct pxp_piece m = {.size = v->file.size,
                          .mode = v->file.mode,
                          .uid = v->file.uid,
                          .mtime = (uint64_t)v->file.mtime,
                          .mtime_nsec = v->file.mtime_nsec,
                          .bytes = v->bytes,
                          .bytes_len = v->n};
    struct link *l = link_find(s->sv, v->link);
    pvmx_err err = s->err;
    if (l != NULL) {
        if (err != PVMX_OK)
            px_fail(err, "%s", s->text);
        else
            err = pxp_piece_encode(link_out(l), v->serial | LINK_REPLY, &m);
        if (err != PVMX_OK)
            link_refuse(l, v->serial, err);
    }
    source_drop(v->source);
    free(v);
}

static void run_serving(struct pool_work *w, struct pool_worker *me)
{
    struct serving *v = px_container_of(w, struct serving, step.work);
    (void)me;
    pvmx_err err = source_read(v->source, v->step.sv->host, v->offset, v->bytes, v->size,
                               &v->n, &v->file);
    if (err != PVMX_OK)
        step_fail(&v->step, err);
    step_done(&v->step);
}

/* The request of this job, if that host has a part in it; *parts: no fewer than hosts have one. */
static struct spawn_req *find(struct server *sv, uint32_t job, uint32_t host, size_t *parts)
{
    px_list_foreach(it, &sv->requests) {
        struct spawn_req *r = px_container_of(it, struct spawn_req, in_all);
        if (r->origin != 0 || r->span == NULL || r->job_id != job)
            continue;
        uint32_t last = 0;
        *parts = 0;
        bool part = false;
        for (uint32_t i = 0; i < r->total; i++) {
            *parts += r->ones[i].host != 0 && r->ones[i].host != last;
            last = r->ones[i].host;
            part = part || last == host;
        }
        return part && !r->cancelled ? r : NULL;
    }
    return NULL;
}

pvmx_err preload_on_fetch(struct server *sv, struct link *l, uint32_t serial,
                          const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_fetch m;
    size_t parts = 0;
    pvmx_err err = pxp_fetch_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    struct spawn_req *r = find(sv, m.job, l->host, &parts);
    if (r == NULL)
        return px_fail(PVMX_ERR_CANCELLED, "the spawner has ended");
    if (m.app >= r->m.n_apps || m.file >= r->m.apps[m.app].n_preload)
        return px_fail(PVMX_ERR_PROTO, "a file that no spawn request names");
    size_t size = PIECES / WINDOW / parts;
    size = size > PIECE ? PIECE : size < PIECE_LEAST ? PIECE_LEAST : size;
    struct serving *v = malloc(sizeof *v + size);
    struct preload_source *source = v != NULL ? source_get(r, m.app, m.file) : NULL;
    if (source == NULL) {
        free(v);
        return px_fail(PVMX_ERR_NOMEM, "host %s has no memory to read a file", sv->host);
    }
    *v = (struct serving){.step = {.sv = sv, .work.run = run_serving, .then = served},
                          .source = source,
                          .link = l->id,
                          .serial = serial,
                          .offset = m.offset,
                          .size = size};
    step_submit(&v->step);
    return PVMX_OK;
}

/* ---- where tasks are started ------------------------------------------------------------------ */

/* One that has been asked for. */
struct piece {
    struct preload *p;
    bool here;
    size_t n;
    struct landing_file file; /* what the original was like then */
    uint8_t bytes[PIECE];
};

/* Everything belongs to the loop's thread, and what a step needs to the step while it runs. Pieces have
 * numbers: number k lies in ring[k % WINDOW], and k * size bytes are in front of it. */
struct preload {
    struct step step; /* one at a time */
    bool stepping;
    struct spawn_req *r;
    uint32_t app, file;
    struct preload_source *source; /* NULL: on another host */
    struct landing to;
    struct landing_file first; /* what the original was like at the first piece */
    const char *wdir;
    uint64_t asked, written; /* pieces */
    unsigned coming;         /* asked for, and neither here nor refused */
    size_t size;             /* of each but the last; known with the first */
    bool done;               /* this file is there */
    pvmx_err err;            /* it cannot be had */
    char text[400];
    struct pxp_zone zone;
    struct piece ring[WINDOW];
};

static void go_on(struct preload *p);

/* The sentence has been recorded. Only the first counts. */
static void fail(struct preload *p, pvmx_err err)
{
    if (p->err != PVMX_OK)
        return;
    p->err = err;
    snprintf(p->text, sizeof p->text, "%s", pvmx_last_error());
}

static pvmx_err cannot(const struct preload *p, int errnum)
{
    const char *name = landing_name(p->r->m.apps[p->app].preload[p->file]);
    const char *host = p->r->sv->host;
    if (errnum == LANDING_SPECIAL)
        return px_fail(PVMX_ERR_SPAWN,
                       "preload_files: %s/%s on host %s is no regular file, and stays",
                       p->wdir, name, host);
    return px_fail_errno(errnum, "preload_files: cannot write %s/%s on host %s", p->wdir,
                         name, host);
}

/* Nothing is written when the file is there. */
static pvmx_err begin(struct preload *p, const struct piece *piece)
{
    struct spawn_req *r = p->r;
    const struct pxp_app *app = &r->m.apps[p->app];
    struct exec_plan plan = {0};
    pvmx_err err = resolve_wdir(&r->m, app, r->sv->host, &r->sv->own, &p->zone, &plan);
    if (err != PVMX_OK)
        return err;
    p->wdir = plan.wdir;
    p->first = piece->file;
    p->size = piece->n;
    int errnum = landing_begin(&p->to, p->wdir, app->preload[p->file], r->m.umask & 0777,
                               &p->first, p->source != NULL ? p->source->fd : -1, &p->done);
    return errnum == 0 ? PVMX_OK : cannot(p, errnum);
}

static pvmx_err write_piece(struct preload *p, const struct piece *piece)
{
    pvmx_err err = p->written == 0 ? begin(p, piece) : PVMX_OK;
    if (err != PVMX_OK || p->done)
        return err;
    uint64_t at = p->written * p->size, left = p->first.size - at;
    if (!landing_alike(&piece->file, &p->first) || (p->size == 0 && left > 0) ||
        piece->n != (left < p->size ? left : p->size))
        return px_fail(PVMX_ERR_SPAWN,
                       "preload_files: %s was changed while host %s copied it",
                       p->r->m.apps[p->app].preload[p->file], p->r->sv->host);
    int errnum = landing_write(&p->to, at, piece->bytes, piece->n);
    p->done = piece->n == left;
    if (errnum == 0 && p->done)
        errnum = landing_finish(&p->to, &p->first);
    return errnum == 0 ? PVMX_OK : cannot(p, errnum);
}

static void run_piece(struct pool_work *w, struct pool_worker *me)
{
    struct preload *p = px_container_of(w, struct preload, step.work);
    struct piece *piece = &p->ring[p->written % WINDOW];
    pvmx_err err = PVMX_OK;
    (void)me;
    if (p->source != NULL)
        err = source_read(p->source, p->r->sv->host, p->written * PIECE, piece->bytes,
                          PIECE, &piece->n, &piece->file);
    if (err == PVMX_OK)
        err = write_piece(p, piece);
    if (err != PVMX_OK)
        step_fail(&p->step, err);
    step_done(&p->step);
}

static void piece_written(struct step *s)
{
    struct preload *p = px_container_of(s, struct preload, step);
    p->stepping = false;
    p->ring[p->written++ % WINDOW].here = false;
    if (s->err != PVMX_OK) {
        px_fail(s->err, "%s", s->text);
        fail(p, s->err);
    }
    go_on(p);
}

static void step(struct preload *p, void (*run)(struct pool_work *w, struct pool_worker *me),
                 void (*then)(struct step *s))
{
    p->step = (struct step){.sv = p->r->sv, .work.run = run, .then = then};
    p->stepping = true;
    step_submit(&p->step);
}

static void on_piece(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                     size_t len)
{
    struct piece *piece = arg;
    struct preload *p = piece->p;
    struct pxp_zone zone = {0};
    struct pxp_piece m;
    (void)sv;
    pvmx_err err = number == PXP_PIECE ? pxp_piece_decode(body, len, &m, &zone)
                                       : link_why_not(p->r->origin, number, body, len);
    if (err == PVMX_OK && m.bytes_len > sizeof piece->bytes)
        err = px_fail(PVMX_ERR_PROTO, "host %u sends too much of a file", p->r->origin);
    if (err == PVMX_OK) {
        if (m.bytes_len > 0)
            memcpy(piece->bytes, m.bytes, m.bytes_len);
        piece->n = m.bytes_len;
        piece->file = (struct landing_file){.size = m.size,
                                            .mode = m.mode,
                                            .uid = m.uid,
                                            .mtime = (int64_t)m.mtime,
                                            .mtime_nsec = m.mtime_nsec};
        piece->here = true;
    }
    pxp_zone_free(&zone);
    p->coming--;
    if (err != PVMX_OK)
        fail(p, err);
    go_on(p);
}

static void ask(struct preload *p)
{
    struct spawn_req *r = p->r;
    struct piece *piece = &p->ring[p->asked % WINDOW];
    struct pxp_fetch m = {.job = r->job_id,
                          .app = p->app,
                          .file = p->file,
                          .offset = p->asked * p->size};
    struct link *l = link_find(r->sv, r->link);
    uint32_t serial = l != NULL ? link_ask(l, on_piece, piece) : 0;
    pvmx_err err = serial != 0 ? pxp_fetch_encode(link_out(l), serial, &m)
                               : px_fail(PVMX_ERR_CLOSED, "the spawner's host has gone");
    if (err == PVMX_OK) {
        piece->p = p;
        p->asked++;
        p->coming++;
        return;
    }
    if (serial != 0)
        link_unask(l, serial);
    fail(p, err);
}

/* The first piece comes alone: it tells how long pieces and file are. */
static bool may_ask(const struct preload *p)
{
    if (p->err != PVMX_OK || p->done || p->asked - p->written == WINDOW)
        return false;
    return p->asked == 0 || (p->written > 0 && p->asked * p->size < p->first.size);
}

/* ---- one file after the other */

/* Tasks of this program are to be started here. */
static bool is_wanted(const struct spawn_req *r, uint32_t app)
{
    for (uint32_t i = 0; i < r->total; i++)
        if (r->ones[i].host == 0 && r->ones[i].app == app && r->ones[i].err == PVMX_OK)
            return true;
    return false;
}

static bool find_file(struct preload *p)
{
    const struct spawn_req *r = p->r;
    for (; p->app < r->m.n_apps; p->app++, p->file = 0)
        if (p->file < r->m.apps[p->app].n_preload && is_wanted(r, p->app))
            return true;
    return false;
}

static void next_file(struct preload *p)
{
    p->to = (struct landing){.dir = -1, .fd = -1};
    p->asked = p->written = 0;
    for (unsigned i = 0; i < WINDOW; i++)
        p->ring[i].here = false;
    p->size = 0;
    p->done = false;
    p->err = PVMX_OK;
    if (!atomic_load(&p->r->failed) && find_file(p)) {
        if (p->r->origin == 0 && (p->source = source_get(p->r, p->app, p->file)) == NULL)
            fail(p, px_fail(PVMX_ERR_NOMEM, "host %s has no memory to copy a file",
                            p->r->sv->host));
        go_on(p);
        return;
    }
    struct spawn_req *r = p->r;
    pxp_zone_free(&p->zone);
    free(p);
    launch_round(r); /* those whose files are here */
}

/* Ends the tasks of the program before they begin. */
static void fail_program(struct preload *p)
{
    struct spawn_req *r = p->r;
    px_fail(p->err, "%s", p->text);
    for (uint32_t i = 0; i < r->total; i++)
        if (r->ones[i].host == 0 && r->ones[i].app == p->app && r->ones[i].err == PVMX_OK)
            launch_failed(r, i, p->err);
}

static void file_ended(struct step *s)
{
    struct preload *p = px_container_of(s, struct preload, step);
    p->stepping = false;
    source_drop(p->source);
    p->source = NULL;
    if (p->err != PVMX_OK)
        fail_program(p);
    p->file++;
    next_file(p);
}

static void run_drop(struct pool_work *w, struct pool_worker *me)
{
    struct preload *p = px_container_of(w, struct preload, step.work);
    (void)me;
    landing_drop(&p->to);
    step_done(&p->step);
}

/* Something has happened to this file. */
static void go_on(struct preload *p)
{
    const struct spawn_req *r = p->r;
    if (p->stepping)
        return;
    if (!p->done && (r->cancelled || r->sv->halting || atomic_load(&r->failed)))
        fail(p, px_fail(PVMX_ERR_CANCELLED, "the spawner has ended"));
    while (r->origin != 0 && may_ask(p))
        ask(p);
    if (p->err == PVMX_OK && !p->done) {
        if (p->source != NULL || p->ring[p->written % WINDOW].here)
            step(p, run_piece, piece_written);
    } else if (p->coming == 0) {
        step(p, run_drop, file_ended);
    }
}

bool preload_round(struct spawn_req *r)
{
    struct preload *p = NULL;
    if (r->preloaded || source_count(r) == 0)
        return false;
    r->preloaded = true;
    p = calloc(1, sizeof *p);
    if (p == NULL) {
        px_fail(PVMX_ERR_NOMEM, "host %s has no memory to copy files", r->sv->host);
        for (uint32_t i = 0; i < r->total; i++)
            if (r->ones[i].host == 0 && r->m.apps[r->ones[i].app].n_preload > 0)
                launch_failed(r, i, PVMX_ERR_NOMEM);
        return false;
    }
    p->r = r;
    next_file(p);
    return true;
}
