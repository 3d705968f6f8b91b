/* SPDX-License-Identifier: BSD-3-Clause */
/* See reader.h. A pipe does not tell whether its reader waits; the kernel's name of the function in
 * which a thread sleeps does. */
#include "reader.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 160 }; /* of "/proc/PID/task/TID/..." */

/* The beginning of a file of /proc; false: there is none that we may read. */
static bool read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* State letter and process group. */
static bool read_stat(const char *folder, char *state, int *group)
{
    char path[PATH_SIZE], text[512];
    snprintf(path, sizeof path, "%.100s/stat", folder);
    if (!read_text(path, text, sizeof text))
        return false;
    const char *end = strrchr(text, ')'); /* the name before it may hold anything */
    return end && sscanf(end + 1, " %c %*d %d", state, group) == 2;
}

/* How often a sleeping thread has gone to sleep; -1: it does not sleep. */
static long sleeps(const char *folder)
{
    static const char label[] = "\nvoluntary_ctxt_switches:";
    char path[PATH_SIZE], text[4096];
    snprintf(path, sizeof path, "%.100s/status", folder);
    const char *at = read_text(path, text, sizeof text) && strstr(text, "\nState:\tS")
                         ? strstr(text, label)
                         : NULL;
    return at ? strtol(at + sizeof label - 1, NULL, 10) : -1;
}

/* Where it sleeps; false: the kernel says nothing, never or just now. */
static bool read_place(const char *folder, char *where, size_t size)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.100s/wchan", folder);
    return read_text(path, where, size) && strcmp(where, "0") != 0;
}

static bool thread_waits(const char *folder)
{
    static const struct timespec settle = {.tv_nsec = 20 * 1000 * 1000};
    static bool tells; /* this kernel has told it of a thread */
    enum { LOOKS = 10 };
    char where[128];
    long before = sleeps(folder);
    if (before < 0)
        return false;
    /* None: it was awake meanwhile; or it has only begun to sleep, and the scheduler has not put it
     * aside yet, which may take long where many want to run; or this kernel never tells, and then
     * whoever sleeps may wait for input. */
    for (int k = 0; !read_place(folder, where, sizeof where); k++) {
        if (tells || k == LOOKS)
            return !tells;
        nanosleep(&settle, NULL);
        if (sleeps(folder) != before)
            return false;
    }
    tells = true;
    return strstr(where, "pipe_read") || strstr(where, "poll") || strstr(where, "select");
}

static bool reads_without_waiting(const char *process)
{
    char path[PATH_SIZE], text[256];
    unsigned flags;
    snprintf(path, sizeof path, "%s/fdinfo/0", process);
    const char *at = read_text(path, text, sizeof text) ? strstr(text, "flags:") : NULL;
    return at && sscanf(at, "flags: %o", &flags) == 1 && (flags & O_NONBLOCK);
}

static bool process_waits(const char *process)
{
    char path[PATH_SIZE];
    bool waits = reads_without_waiting(process);
    snprintf(path, sizeof path, "%s/task", process);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && !waits && (e = readdir(dir)) != NULL;) {
        if (!isdigit((unsigned char)*e->d_name))
            continue;
        snprintf(path, sizeof path, "%.40s/task/%.20s", process, e->d_name);
        waits = thread_waits(path);
    }
    if (dir)
        closedir(dir);
    return waits;
}

bool reader_waits(pid_t group)
{
    char process[40], state;
    int its;
    bool waits = false, seen = false;
    DIR *dir = opendir("/proc");
    if (!dir)
        return true;
    for (struct dirent *e; !waits && (e = readdir(dir)) != NULL;) {
        if (!isdigit((unsigned char)*e->d_name))
            continue;
        snprintf(process, sizeof process, "/proc/%.20s", e->d_name);
        if (!read_stat(process, &state, &its) || its != group)
            continue;
        seen = true;
        waits = process_waits(process);
    }
    closedir(dir);
    /* They may be hidden from us; or have ended, and then it is the shell's. */
    return waits || (!seen && !(kill(-group, 0) != 0 && errno == ESRCH));
}
