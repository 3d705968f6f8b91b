/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: what earlier virtual machines have left behind: directories without a daemon, and tasks. */
#include "doctor.h"

#include "base/rundir.h"
#include "proto/arena.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- directories ------------------------------------------------------------------------------ */

/* Nobody holds the lock of a daemon there. */
static bool is_left(const char *path)
{
    char lock[PATH_MAX + 310];
    snprintf(lock, sizeof lock, "%s/lock", path);
    int fd = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT;
    bool left = flock(fd, LOCK_SH | LOCK_NB) == 0;
    close(fd);
    return left;
}

static void look_in(struct checkup *k, const char *base)
{
    DIR *dir = opendir(base);
    char path[PATH_MAX + 300], advice[PATH_MAX + 320];
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", base, e->d_name);
        if (!is_left(path))
            continue;
        snprintf(advice, sizeof advice, "rm -r %s", path);
        doctor_note(k, "left behind", false, path, advice);
    }
    if (dir)
        closedir(dir);
}

/* ---- tasks ------------------------------------------------------------------------------------ */

struct inodes {
    ino_t *items;
    size_t n;
};

static void add_inode(struct inodes *s, ino_t inode)
{
    ino_t *grown = realloc(s->items, (s->n + 1) * sizeof *grown);
    if (!grown)
        return;
    s->items = grown;
    grown[s->n++] = inode;
}

/* Arenas that a daemon holds: all memory files of programs called pvmxd. */
static void look_at_daemon(const char *pid, struct inodes *live)
{
    char path[300], to[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%.20s/exe", pid);
    ssize_t n = readlink(path, to, sizeof to - 1);
    to[n > 0 ? n : 0] = '\0';
    const char *name = strrchr(to, '/');
    if (!name || strncmp(name, "/pvmxd", 6) != 0)
        return;
    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *dir = opendir(path);
    struct stat st;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%.20s/fd/%.20s", pid, e->d_name);
        n = readlink(path, to, sizeof to - 1);
        if (n > 7 && strncmp(to, "/memfd:", 7) == 0 && stat(path, &st) == 0)
            add_inode(live, st.st_ino);
    }
    if (dir)
        closedir(dir);
}

/* The arena that a process was told of when it was started as a task; 0: it was not. */
static ino_t arena_of(const char *pid)
{
    char path[64], *entry = NULL;
    size_t size = 0;
    unsigned long long inode = 0;
    snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
    FILE *f = fopen(path, "re");
    while (f && getdelim(&entry, &size, 0, f) > 0)
        if (sscanf(entry, PX_TASK_ENV "=%*d,%*d,%llu", &inode) == 1)
            break;
    free(entry);
    if (f)
        fclose(f);
    return (ino_t)inode;
}

static void look_at_task(struct checkup *k, const char *pid, const struct inodes *live)
{
    char path[64], name[64] = "?", text[200], advice[64];
    ino_t arena = arena_of(pid);
    for (size_t i = 0; i < live->n; i++)
        if (live->items[i] == arena)
            return;
    if (arena == 0)
        return;
    snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    FILE *f = fopen(path, "re");
    if (f && fgets(name, sizeof name, f))
        name[strcspn(name, "\n")] = '\0';
    if (f)
        fclose(f);
    snprintf(text, sizeof text,
             "process %.20s (%s) is a task of a virtual machine that is no more", pid, name);
    snprintf(advice, sizeof advice, "kill %.20s", pid);
    doctor_note(k, "left behind", false, text, advice);
}

/* Calls fn for each process of this user but our own. */
static void each_process(void (*fn)(const char *pid, void *arg), void *arg)
{
    DIR *dir = opendir("/proc");
    struct stat st;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] >= '0' && e->d_name[0] <= '9' && atoi(e->d_name) != getpid() &&
            fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && st.st_uid == geteuid())
            fn(e->d_name, arg);
    if (dir)
        closedir(dir);
}

struct search {
    struct checkup *k;
    struct inodes live;
};

static void on_daemon(const char *pid, void *arg)
{
    look_at_daemon(pid, &((struct search *)arg)->live);
}

static void on_task(const char *pid, void *arg)
{
    struct search *s = arg;
    look_at_task(s->k, pid, &s->live);
}

void doctor_left(struct console *c, struct checkup *k)
{
    struct px_rundir dir;
    struct search s = {.k = k};
    int before = k->troubles;
    char base[PATH_MAX];
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    if (px_rundir_open(c->link.vm, false, &dir) == PVMX_OK) {
        char *slash = strrchr(dir.path, '/');
        *slash = '\0';
        look_in(k, dir.path);
    } else if (xdg && *xdg) {
        snprintf(base, sizeof base, "%s/pvmx", xdg);
        look_in(k, base);
    }
    each_process(on_daemon, &s);
    each_process(on_task, &s);
    free(s.live.items);
    if (k->troubles == before)
        doctor_note(k, "left behind", true, "nothing", "");
}
