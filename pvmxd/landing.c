/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of files that appear whole or not at all. */
#include "landing.h"
#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void describe(const struct stat *st, struct landing_file *out)
{
    *out = (struct landing_file){.size = (uint64_t)st->st_size,
                                 .mode = st->st_mode & 0777,
                                 .uid = st->st_uid,
                                 .mtime = st->st_mtim.tv_sec,
                                 .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec};
}

/* A regular file, or why it will not do. */
static int regular(const struct stat *st)
{
    return S_ISREG(st->st_mode) ? 0 : S_ISDIR(st->st_mode) ? EISDIR : LANDING_SPECIAL;
}

int landing_source(const char *path, int *fd)
{
    struct stat st;
    *fd = px_fd_up(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (*fd < 0)
        return errno;
    int errnum = fstat(*fd, &st) != 0 ? errno : regular(&st);
    if (errnum != 0)
        px_fd_close(fd);
    return errnum;
}

int landing_read(int fd, uint64_t offset, void *bytes, size_t size, size_t *n,
                 struct landing_file *file)
{
    struct stat st;
    *n = 0;
    while (*n < size) {
        ssize_t got = pread(fd, (char *)bytes + *n, size - *n, (off_t)(offset + *n));
        if (got < 0 && errno != EINTR)
            return errno;
        if (got == 0)
            break;
        *n += got > 0 ? (size_t)got : 0;
    }
    if (fstat(fd, &st) != 0)
        return errno;
    describe(&st, file);
    return 0;
}

bool landing_alike(const struct landing_file *a, const struct landing_file *b)
{
    return a->size == b->size && a->mtime == b->mtime && a->mtime_nsec == b->mtime_nsec;
}

/* ---- where ------------------------------------------------------------------------------------ */

const char *landing_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    bool leads_up = strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL;
    return slash != NULL && (*name == '/' || leads_up) ? slash + 1 : name;
}

/* Is it the original itself, or like it and of somebody who may be trusted with it? */
static bool is_there(int dir, const char *name, const struct landing_file *file, int source)
{
    struct stat st, from;
    struct landing_file found;
    if (fstatat(dir, name, &st, 0) != 0)
        return false;
    if (source >= 0 && fstat(source, &from) == 0 && from.st_dev == st.st_dev &&
        from.st_ino == st.st_ino)
        return true;
    describe(&st, &found);
    return S_ISREG(st.st_mode) && landing_alike(&found, file) &&
           (st.st_uid == geteuid() || st.st_uid == file->uid);
}

/* Into a folder below l->dir, which is made if it is missing. */
static int enter(struct landing *l, const char *folder, uint32_t mask)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
    int dir = openat(l->dir, folder, flags);
    if (dir < 0 && errno == ENOENT) {
        bool made = mkdirat(l->dir, folder, 0700) == 0;
        if (!made && errno != EEXIST)
            return errno;
        dir = openat(l->dir, folder, flags);
        if (dir >= 0 && made && fchmod(dir, 0777 & ~(mode_t)mask) != 0) {
            /* it is good enough for us */
        }
    }
    if (dir < 0)
        return errno;
    close(l->dir);
    l->dir = px_fd_up(dir);
    return l->dir >= 0 ? 0 : errno;
}

static int walk(struct landing *l, const char *name, uint32_t mask)
{
    for (;;) {
        size_t len = strcspn(name, "/");
        if (len >= sizeof l->name)
            return ENAMETOOLONG;
        memcpy(l->name, name, len);
        l->name[len] = '\0';
        if (name[len] == '\0')
            return len > 0 ? 0 : EISDIR;
        int errnum = len > 0 ? enter(l, l->name, mask) : 0;
        if (errnum != 0)
            return errnum;
        name += len + 1;
    }
}

/* ---- the copy --------------------------------------------------------------------------------- */

static void make_temp(struct landing *l)
{
    static atomic_uint last;
    snprintf(l->temp, sizeof l->temp, ".pvmx-%d-%u", (int)getpid(),
             atomic_fetch_add(&last, 1));
}

/* Without a name where the file system can do that: then no crash leaves it behind. */
static int open_copy(struct landing *l)
{
    l->fd = px_fd_up(openat(l->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    if (l->fd >= 0)
        return 0;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
        return errno;
    make_temp(l);
    l->fd = px_fd_up(openat(l->dir, l->temp,
                            O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600));
    if (l->fd >= 0)
        return 0;
    l->temp[0] = '\0';
    return errno;
}

int landing_begin(struct landing *l, const char *wdir, const char *name, uint32_t mask,
                  const struct landing_file *file, int source, bool *there)
{
    struct stat st;
    name = landing_name(name);
    *l = (struct landing){.fd = -1};
    l->dir = px_fd_up(open(wdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (l->dir < 0)
        return errno;
    *there = is_there(l->dir, name, file, source);
    if (*there)
        return 0;
    int errnum = walk(l, name, mask);
    if (errnum == 0 && fstatat(l->dir, l->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        errnum = S_ISLNK(st.st_mode) ? ELOOP : regular(&st);
    return errnum == 0 ? open_copy(l) : errnum;
}

int landing_write(struct landing *l, uint64_t offset, const void *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t put = pwrite(l->fd, (const char *)bytes + at, n - at, (off_t)(offset + at));
        if (put < 0 && errno != EINTR)
            return errno;
        at += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

/* Gives a copy without a name one that nobody looks for. */
static int name_copy(struct landing *l)
{
    char self[40];
    if (l->temp[0] != '\0')
        return 0;
    snprintf(self, sizeof self, "/proc/self/fd/%d", l->fd);
    int rc;
    do {
        make_temp(l);
        rc = linkat(AT_FDCWD, self, l->dir, l->temp, AT_SYMLINK_FOLLOW);
    } while (rc != 0 && errno == EEXIST);
    if (rc == 0)
        return 0;
    l->temp[0] = '\0';
    return errno;
}

int landing_finish(struct landing *l, const struct landing_file *file)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                      {.tv_sec = (time_t)file->mtime,
                                       .tv_nsec = (long)file->mtime_nsec}};
    if (fchmod(l->fd, (mode_t)file->mode & 0777) != 0 || futimens(l->fd, times) != 0)
        return errno;
    int fd = l->fd; /* NFS tells here what did not reach the disk */
    int errnum = name_copy(l);
    l->fd = -1;
    if (close(fd) != 0 && errnum == 0)
        errnum = errno;
    if (errnum == 0 && renameat(l->dir, l->temp, l->dir, l->name) != 0)
        errnum = errno;
    if (errnum == 0)
        l->temp[0] = '\0';
    return errnum;
}

void landing_drop(struct landing *l)
{
    if (l->temp[0] != '\0')
        unlinkat(l->dir, l->temp, 0);
    l->temp[0] = '\0';
    px_fd_close(&l->fd);
    px_fd_close(&l->dir);
}
