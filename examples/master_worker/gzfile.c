/* SPDX-License-Identifier: BSD-3-Clause */
/* See gzfile.h. The format is that of RFC 1952. */
#include "gzfile.h"

#include "bar.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* Names of outputs that are not complete, for the signal handler. Several files can be open, as the
 * next one is read while the last blocks of the one before are still being compressed. */
static char *volatile unfinished[GZFILES_MAX];

static void remember(char *name)
{
    for (int i = 0; i < GZFILES_MAX; i++)
        if (!unfinished[i]) {
            unfinished[i] = name;
            return;
        }
}

static void forget(const char *name)
{
    for (int i = 0; i < GZFILES_MAX; i++)
        if (unfinished[i] == name)
            unfinished[i] = NULL;
}

static void on_signal(int sig)
{
    for (int i = 0; i < GZFILES_MAX; i++)
        if (unfinished[i])
            unlink(unfinished[i]);
    signal(sig, SIG_DFL);
    raise(sig);
}

void gzfile_clean_on_signal(void)
{
    static const int sigs[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++)
        if (signal(sigs[i], on_signal) == SIG_IGN)
            signal(sigs[i], SIG_IGN); /* as nohup wants it */
    signal(SIGXFSZ, SIG_IGN); /* write tells of it: `ulimit -f` is one more way to be full */
}

static bool write_all(struct gzfile *gz, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(gz->out, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            bar_message("cannot write %s: %s",
                        gz->out_name ? gz->out_name : "standard output", strerror(errno));
            return false;
        }
        p += n;
        len -= (size_t)n;
        gz->out_bytes += (uint64_t)n;
    }
    return true;
}

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

static bool write_header(struct gzfile *gz, int level, time_t mtime)
{
    const char *slash = strrchr(gz->in_name, '/');
    const char *name = slash ? slash + 1 : gz->in_name;
    bool named = strcmp(name, "-") != 0;
    unsigned char head[10] = {0x1f, 0x8b, 8, named ? 8 : 0 /* does a name follow? */};
    put32(head + 4, mtime > 0 && mtime <= UINT32_MAX ? (uint32_t)mtime : 0);
    head[8] = level == 9 ? 2 : level == 1 ? 4 : 0;
    head[9] = 3; /* Unix */
    return write_all(gz, head, sizeof head) &&
           (!named || write_all(gz, name, strlen(name) + 1));
}

static bool open_output(struct gzfile *gz, const char *out_name, const struct stat *in_st,
                        bool force)
{
    struct stat st;
    if (!out_name && strcmp(gz->in_name, "-") == 0)
        out_name = "-";
    if (out_name && strcmp(out_name, "-") == 0) {
        gz->out = STDOUT_FILENO;
        if (!force && isatty(STDOUT_FILENO)) {
            bar_message("compressed data is nothing for a terminal; -f writes it there");
            return false;
        }
        return true;
    }
    size_t len = strlen(out_name ? out_name : gz->in_name) + sizeof ".gz";
    gz->out_name = malloc(len);
    if (!gz->out_name) {
        bar_message("out of memory");
        return false;
    }
    snprintf(gz->out_name, len, "%s%s", out_name ? out_name : gz->in_name,
             out_name ? "" : ".gz");
    gz->out = open(gz->out_name, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? 0 : O_EXCL),
                   in_st->st_mode & 0777);
    if (gz->out < 0) {
        bar_message(errno == EEXIST ? "%s exists; -f replaces it (%s)" : "cannot create %s: %s",
                    gz->out_name, strerror(errno));
        return false;
    }
    if (fstat(gz->out, &st) != 0 ||
        (st.st_dev == in_st->st_dev && st.st_ino == in_st->st_ino)) {
        bar_message("%s is the input itself", gz->out_name);
        return false;
    }
    if (!S_ISREG(st.st_mode)) /* a device or a pipe is not ours to remove */
        return true;
    if (force && ftruncate(gz->out, 0) != 0) {
        bar_message("cannot write %s: %s", gz->out_name, strerror(errno));
        return false;
    }
    gz->removable = true;
    remember(gz->out_name);
    return true;
}

static void close_both(struct gzfile *gz)
{
    if (gz->in >= 0)
        close(gz->in);
    if (gz->out >= 0 && gz->out != STDOUT_FILENO)
        close(gz->out);
    gz->in = gz->out = -1;
}

bool gzfile_open(struct gzfile *gz, const char *in_name, const char *out_name, int level,
                 bool force)
{
    struct stat st;
    *gz = (struct gzfile){.in_name = in_name, .in = -1, .out = -1, .begin = bar_now()};
    gz->in = strcmp(in_name, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                       : open(in_name, O_RDONLY | O_CLOEXEC);
    if (gz->in < 0 || fstat(gz->in, &st) != 0) {
        bar_message("cannot open %s: %s", in_name, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        bar_message("%s is a directory; give me files (tar makes one of a directory)",
                    in_name);
    } else if (open_output(gz, out_name, &st, force)) {
        if (write_header(gz, level, st.st_mtime))
            return true;
        gzfile_abandon(gz);
        return false;
    }
    close_both(gz);
    free(gz->out_name);
    gz->out_name = NULL;
    return false;
}

ssize_t gzfile_read(struct gzfile *gz, void *buf, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = read(gz->in, (char *)buf + got, n - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0) {
            bar_message("cannot read %s: %s", gz->in_name, strerror(errno));
            return -1;
        }
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

bool gzfile_append(struct gzfile *gz, const void *data, size_t len, size_t in_len,
                   uint32_t crc)
{
    gz->crc = (uint32_t)crc32_combine(gz->crc, crc, (z_off_t)in_len);
    gz->in_bytes += in_len;
    return write_all(gz, data, len);
}

bool gzfile_finish(struct gzfile *gz)
{
    unsigned char tail[10] = {3, 0 /* an empty last block with the fixed code */};
    put32(tail + 2, gz->crc);
    put32(tail + 6, (uint32_t)gz->in_bytes);
    bool ok = write_all(gz, tail, sizeof tail);
    if (ok && gz->out_name && close(gz->out) != 0) {
        bar_message("cannot write %s: %s", gz->out_name, strerror(errno));
        ok = false;
    }
    if (gz->out_name)
        gz->out = -1;
    if (!ok) {
        gzfile_abandon(gz);
        return false;
    }
    close_both(gz);
    if (gz->out_name)
        forget(gz->out_name);
    free(gz->out_name);
    gz->out_name = NULL;
    return true;
}

void gzfile_abandon(struct gzfile *gz)
{
    close_both(gz);
    if (gz->removable) {
        unlink(gz->out_name);
        forget(gz->out_name);
    }
    free(gz->out_name);
    gz->out_name = NULL;
}
