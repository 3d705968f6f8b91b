/* SPDX-License-Identifier: BSD-3-Clause */
/* The master: ./master FILE... compresses files as gzip with workers that it starts itself.
 *
 * Blocks pass through a window of bounded size: read in order, compressed by whichever worker has
 * room, written in order. */
#include "bar.h"
#include "gzfile.h"
#include "pool.h"

#include "blocks.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Blocks in memory for each worker: those it holds, and as many again that wait for their turn to be
 * written, so that one slow block does not stop the others at once. */
enum { WINDOW_PER_WORKER = 2 * POOL_AHEAD };

struct options {
    const char *out, *worker;
    int workers, level;
    size_t block;
    bool force, quiet;
    char **files;
    int nfiles;
};

struct master {
    const struct options *opt;
    struct pool pool;
    int nworkers;
    struct block *window;
    uint64_t nwindow;
    uint64_t nread, nwritten; /* block numbers: [nwritten, nread) are in the window          */
    uint64_t bytes_done; /* of input, compressed and written                            */
    uint64_t in_total, out_total;
    int next_file, nopen, nfinished;
    struct gzfile *reading; /* the file that the next block comes from; NULL: open the next one */
    bool all_read, failed;
};

static const char usage[] =
    "usage: master [OPTION]... FILE...\n"
    "Compresses each FILE to FILE.gz with worker processes that it starts itself. FILE "
    "stays;\n"
    "- is standard input, which goes to standard output.\n"
    "\n"
    "  -n N       start N workers (default: as many as the virtual machine has "
    "processors)\n"
    "  -b SIZE    block size, with k or m (default 1m; 4k to 64m)\n"
    "  -o NAME    write to NAME instead (one FILE only); - is standard output\n"
    "  -f         replace existing output files\n"
    "  -k         keep FILE (it is always kept; for those who type it out of habit)\n"
    "  -q         no progress, no report: errors only\n"
    "  -1 ... -9  fastest to smallest (default -6)\n"
    "  -w PROG    worker program (default: worker beside master)\n"
    "  -h         this text\n";

static struct block *block_at(struct master *m, uint64_t seq)
{
    return &m->window[seq % m->nwindow];
}

/* Opens the next file that can be opened; false when there is none. */
static bool open_next(struct master *m)
{
    while (m->next_file < m->opt->nfiles) {
        const char *name = m->opt->files[m->next_file++];
        struct gzfile *gz = malloc(sizeof *gz);
        if (gz && gzfile_open(gz, name, m->opt->out, m->opt->level, m->opt->force)) {
            m->reading = gz;
            m->nopen++;
            return true;
        }
        free(gz);
        m->failed = true;
    }
    m->all_read = true;
    return false;
}

/* Reads one block into the window. The end of a file is a block without data that no worker sees. */
static void read_block(struct master *m)
{
    if (!m->reading && !open_next(m))
        return;
    struct block *b = block_at(m, m->nread);
    ssize_t n = gzfile_read(m->reading, b->in + sizeof(struct block_head), m->opt->block);
    b->seq = m->nread++;
    b->owner = m->reading;
    b->tries = 0;
    b->len = n > 0 ? (size_t)n : 0;
    b->state = n > 0 ? BLOCK_READY : BLOCK_DONE;
    if (n < 0) { /* what is written so far is not the file: drop it when its turn comes */
        m->reading->in_bytes = UINT64_MAX;
        m->failed = true;
    }
    if (n <= 0)
        m->reading = NULL;
}

static void report(const struct master *m, const struct gzfile *gz, const char *out_name)
{
    double seconds = bar_now() - gz->begin;
    if (m->opt->quiet)
        return;
    if (m->opt->nfiles == 1)
        bar_finish(m->bytes_done, m->pool.nlive);
    bar_message("%s: %s -> %s (%.1f %%) in %.2f s, %s/s, %d worker%s", out_name,
                bar_bytes((double)gz->in_bytes), bar_bytes((double)gz->out_bytes),
                gz->in_bytes ? 100.0 * (double)gz->out_bytes / (double)gz->in_bytes : 100.0,
                seconds, bar_bytes(seconds > 0 ? (double)gz->in_bytes / seconds : 0),
                m->pool.nlive, m->pool.nlive == 1 ? "" : "s");
}

static bool end_file(struct master *m, struct gzfile *gz)
{
    char name[400];
    bool ok = true;
    snprintf(name, sizeof name, "%s", gz->out_name ? gz->out_name : "standard output");
    if (gz->in_bytes == UINT64_MAX) {
        gzfile_abandon(gz);
    } else if ((ok = gzfile_finish(gz))) {
        m->nfinished++;
        m->in_total += gz->in_bytes;
        m->out_total += gz->out_bytes;
        report(m, gz, name);
    }
    free(gz);
    m->nopen--;
    return ok;
}

/* Writes the finished blocks whose turn it is. False: the disk does not take them. */
static bool write_ready(struct master *m)
{
    while (m->nwritten < m->nread && block_at(m, m->nwritten)->state == BLOCK_DONE) {
        struct block *b = block_at(m, m->nwritten);
        struct gzfile *gz = b->owner;
        if (b->len == 0) {
            b->state = BLOCK_FREE;
            m->nwritten++;
            if (!end_file(m, gz))
                return false;
            continue;
        }
        if (gz->in_bytes != UINT64_MAX &&
            !gzfile_append(gz, b->out + sizeof(struct result_head), b->out_len, b->len,
                           b->crc))
            return false;
        m->bytes_done += b->len;
        b->state = BLOCK_FREE;
        m->nwritten++;
    }
    return true;
}

/* Is there room for another block, or for the file that it would come from? */
static bool may_read(const struct master *m)
{
    return !m->all_read && m->nread - m->nwritten < m->nwindow &&
           (m->reading || m->nopen < GZFILES_MAX);
}

/* Hands out what is ready, oldest first; reads on as long as there are workers with room. The
 * workers are started for the first block that there is. False: they could not be. */
static bool feed(struct master *m)
{
    const struct options *opt = m->opt;
    uint64_t seq = m->nwritten;
    for (;;) {
        while (seq < m->nread && block_at(m, seq)->state != BLOCK_READY)
            seq++;
        if (seq < m->nread) {
            if (!m->pool.workers && !pool_start(&m->pool, opt->worker, m->nworkers,
                                                opt->block, opt->level, opt->quiet))
                return false;
            if (!pool_give(&m->pool, block_at(m, seq)))
                return true;
        } else if (may_read(m)) {
            read_block(m);
        } else {
            return true;
        }
    }
}

static bool run(struct master *m)
{
    for (;;) {
        uint64_t before = m->nwritten;
        if (!feed(m) || !write_ready(m))
            return false;
        bar_update(m->bytes_done, m->pool.nlive);
        if (m->all_read && m->nwritten == m->nread)
            return true;
        if (m->nwritten > before)
            continue; /* there is room in the window: read on before waiting */
        struct block *bad = NULL;
        pool_collect(&m->pool, &bad);
        if (bad) {
            bar_message("%d workers in turn have died over block %llu of %s: giving up",
                        BLOCK_TRIES, (unsigned long long)bad->seq,
                        ((struct gzfile *)bad->owner)->in_name);
            return false;
        }
        if (m->pool.nlive == 0) {
            bar_message("no worker is left: giving up");
            return false;
        }
    }
}

/* Bytes in all files, 0 when one does not say; and how many blocks that makes at most. */
static uint64_t measure(const struct options *opt, uint64_t *blocks)
{
    uint64_t total = 0;
    bool known = true;
    *blocks = 0;
    for (int i = 0; i < opt->nfiles; i++) {
        struct stat st;
        bool here = strcmp(opt->files[i], "-") == 0 ? fstat(STDIN_FILENO, &st) == 0
                                                    : stat(opt->files[i], &st) == 0;
        if (!here || S_ISDIR(st.st_mode))
            continue;
        if (!S_ISREG(st.st_mode))
            known = false;
        total += (uint64_t)st.st_size;
        *blocks += ((uint64_t)st.st_size + opt->block - 1) / opt->block;
    }
    if (!known)
        *blocks = UINT64_MAX;
    return known ? total : 0;
}

static bool make_window(struct master *m)
{
    m->window = calloc(m->nwindow, sizeof *m->window);
    bool ok = m->window != NULL;
    for (uint64_t i = 0; ok && i < m->nwindow; i++) {
        m->window[i].in = malloc(pool_in_size(m->opt->block));
        m->window[i].out = malloc(pool_out_size(m->opt->block));
        ok = m->window[i].in && m->window[i].out;
    }
    if (!ok)
        bar_message(
            "not enough memory for %llu blocks of %zu bytes; -b makes them smaller",
            (unsigned long long)m->nwindow, m->opt->block);
    return ok;
}

static void free_window(struct master *m)
{
    struct gzfile *open = m->reading; /* files that did not come to their end */
    for (uint64_t seq = m->nwritten; seq < m->nread; seq++) {
        struct block *b = block_at(m, seq);
        struct gzfile *gz = b->owner;
        if (b->len == 0) {
            gzfile_abandon(gz);
            free(gz);
        }
    }
    if (open) {
        gzfile_abandon(open);
        free(open);
    }
    for (uint64_t i = 0; m->window && i < m->nwindow; i++) {
        free(m->window[i].in);
        free(m->window[i].out);
    }
    free(m->window);
}

static int compress_files(const struct options *opt)
{
    struct master m = {.opt = opt};
    uint64_t blocks;
    uint64_t total = measure(opt, &blocks);
    m.nworkers = opt->workers;
    if (m.nworkers == 0) {
        m.nworkers = pool_universe_size();
        if ((uint64_t)m.nworkers > blocks)
            m.nworkers = blocks ? (int)blocks : 1;
    }
    m.nwindow = (uint64_t)m.nworkers * WINDOW_PER_WORKER;
    bool ok = make_window(&m);
    if (ok) {
        double begin = bar_now();
        bar_start(total, opt->quiet);
        ok = run(&m);
        if (ok)
            bar_finish(m.bytes_done, m.pool.nlive);
        if (ok && opt->nfiles > 1 && !opt->quiet)
            bar_message("%d of %d files: %s -> %s in %.2f s", m.nfinished, opt->nfiles,
                        bar_bytes((double)m.in_total), bar_bytes((double)m.out_total),
                        bar_now() - begin);
    }
    pool_stop(&m.pool); /* first: on an early end it may still be sending blocks */
    free_window(&m);
    return ok && !m.failed ? 0 : 1;
}

static bool parse_size(const char *text, size_t *out)
{
    char *end;
    unsigned long long v = strtoull(text, &end, 10);
    if (*end == 'k' || *end == 'K')
        v <<= 10, end++;
    else if (*end == 'm' || *end == 'M')
        v <<= 20, end++;
    *out = (size_t)v;
    return end != text && *end == '\0' && v >= 4096 && v <= 64u << 20;
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *opt)
{
    char *end;
    int c;
    while ((c = getopt(argc, argv, "n:b:o:w:fkqh123456789")) != -1) {
        switch (c) {
        case 'n':
            opt->workers = (int)strtol(optarg, &end, 10);
            if (*end || opt->workers < 1 || opt->workers > 4096) {
                bar_message("-n %s: must be a number from 1 to 4096", optarg);
                return 2;
            }
            break;
        case 'b':
            if (!parse_size(optarg, &opt->block)) {
                bar_message("-b %s: must be a size from 4k to 64m", optarg);
                return 2;
            }
            break;
        case 'o':
            opt->out = optarg;
            break;
        case 'w':
            opt->worker = optarg;
            break;
        case 'f':
            opt->force = true;
            break;
        case 'k':
            break;
        case 'q':
            opt->quiet = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case '?':
            fputs(usage, stderr);
            return 2;
        default:
            opt->level = c - '0';
        }
    }
    opt->files = argv + optind;
    opt->nfiles = argc - optind;
    if (opt->nfiles == 0) {
        fputs(usage, stderr);
        return 2;
    }
    if (opt->out && opt->nfiles > 1) {
        bar_message("-o takes one FILE, not %d", opt->nfiles);
        return 2;
    }
    return -1;
}

/* The worker program that lies beside this one. */
static const char *worker_beside(void)
{
    static char path[4096 + sizeof "worker"];
    ssize_t n = readlink("/proc/self/exe", path, 4096);
    char *slash = n > 0 ? (path[n] = '\0', strrchr(path, '/')) : NULL;
    if (!slash)
        return "./worker";
    strcpy(slash + 1, "worker");
    return path;
}

int main(int argc, char **argv)
{
    struct options opt = {.level = 6, .block = 1 << 20};
    int status = parse_options(argc, argv, &opt);
    if (status >= 0)
        return status;
    if (!opt.worker)
        opt.worker = worker_beside();
    gzfile_clean_on_signal();
    MPI_Init(&argc, &argv);
    status = compress_files(&opt);
    MPI_Finalize();
    return status;
}
