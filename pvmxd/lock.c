/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's lock. */
#include "lock.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MAX (5 * PX_SEC) /* for a daemon that holds the lock but does not listen */

static bool is_current(const char *path, int fd)
{
    struct stat mine, now;
    return fstat(fd, &mine) == 0 && stat(path, &now) == 0 && mine.st_ino == now.st_ino &&
           mine.st_dev == now.st_dev;
}

static bool somebody_listens(const struct px_rundir *dir)
{
    int errnum, fd = px_unix_connect(dir->socket, &errnum);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

/* One attempt. PVMX_ERR_AGAIN: the file was removed meanwhile, or its holder is starting or
 * leaving. */
static pvmx_err try_lock(const char *vm, struct px_rundir *dir, int *fd)
{
    pvmx_err err = px_rundir_open(vm, true, dir);
    if (err != PVMX_OK)
        return err;
    *fd = open(dir->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0 && errno == ENOENT)
        return PVMX_ERR_AGAIN;
    if (*fd < 0)
        return px_fail_errno(errno, "cannot open %s", dir->lock);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
        if (is_current(dir->lock, *fd))
            return PVMX_OK;
        px_fd_close(fd);
        return PVMX_ERR_AGAIN;
    }
    int errnum = errno;
    px_fd_close(fd);
    if (errnum != EWOULDBLOCK)
        return px_fail_errno(errnum, "cannot lock %s", dir->lock);
    if (somebody_listens(dir))
        return px_fail(PVMX_ERR_EXISTS,
                       "another pvmxd runs already for this VM (socket %s)", dir->socket);
    return PVMX_ERR_AGAIN;
}

pvmx_err lock_take(const char *vm, struct px_rundir *dir, int *fd)
{
    uint64_t deadline = px_now_ns() + WAIT_MAX;
    for (;;) {
        pvmx_err err = try_lock(vm, dir, fd);
        if (err != PVMX_ERR_AGAIN)
            return err;
        if (px_now_ns() > deadline)
            return px_fail(
                PVMX_ERR_TIMEDOUT,
                "a process holds %s but does not listen on %s: a pvmxd that hangs? "
                "End it and try again",
                dir->lock, dir->socket);
        struct timespec pause = {.tv_nsec = (long)PX_MS};
        nanosleep(&pause, NULL);
    }
}

void lock_drop(const struct px_rundir *dir, int *fd)
{
    if (*fd < 0)
        return;
    if (is_current(dir->lock, *fd)) {
        unlink(dir->lock);
        px_rundir_remove(dir);
    }
    px_fd_close(fd);
}

/* One that is just starting has to see the same: it begins again when its lock's file has gone. */
static void sweep_one(const char *vm)
{
    struct px_rundir dir;
    if (px_rundir_open(vm, false, &dir) != PVMX_OK)
        return;
    int fd = open(dir.lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_current(dir.lock, fd)) {
        unlink(dir.socket);
        lock_drop(&dir, &fd);
        px_log(PX_LOG_INFO, "LOCK-SWEEP", "%s was left by a daemon that was killed",
               dir.path);
    }
    px_fd_close(&fd);
}

void lock_sweep(const struct px_rundir *mine)
{
    char base[sizeof mine->path];
    snprintf(base, sizeof base, "%s", mine->path);
    char *name = strrchr(base, '/');
    *name++ = '\0';
    DIR *all = opendir(base);
    for (struct dirent *e; all != NULL && (e = readdir(all)) != NULL;)
        if (e->d_name[0] != '.' && strcmp(e->d_name, name) != 0)
            sweep_one(e->d_name);
    if (all != NULL)
        closedir(all);
}
