/* SPDX-License-Identifier: BSD-3-Clause */
/* The log: one line, one write, so that lines of several processes do not mix. */
#include "base/log.h"
#include "base/fd.h"
#include "base/param.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 2048, NAME_SIZE = 32 };

static int64_t level_now = PX_LOG_WARN;
static const char *file_setting;
static char name_now[NAME_SIZE] = "pvmx";
static int fd_now = STDERR_FILENO;
static int64_t most; /* bytes of the file; 0: any number */
static int64_t told; /* this most has been reached */
static void (*also)(const char *text);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* name_now, fd_now, told, also */

static const struct px_param settings[] = {
    {.name = "log",
     .type = PX_PARAM_CHOICE,
     .dflt = "warn",
     .choices = "error|warn|info|debug",
     .help = "which messages are logged",
     .store.number = &level_now},
    {.name = "log.file",
     .type = PX_PARAM_TEXT,
     .dflt = "",
     .help = "file that log lines are appended to; empty: standard error",
     .store.text = &file_setting},
    {.name = "log.max",
     .type = PX_PARAM_SIZE,
     .dflt = "0",
     .min = 0,
     .max = INT64_MAX,
     .help = "length at which the file is not appended to any more; 0: it may grow",
     .store.number = &most},
};

void px_log_settings(void)
{
    px_param_register(settings, sizeof settings / sizeof settings[0]);
    if (file_setting != NULL && file_setting[0] != '\0') {
        int errnum = px_log_set_file(file_setting);
        if (errnum != 0)
            px_log(PX_LOG_WARN, "LOG-FILE", "cannot append to %s (PVMX_LOG_FILE): %s",
                   file_setting, strerror(errnum));
    }
}

bool px_log_enabled(enum px_log_level level)
{
    return (int64_t)level <= __atomic_load_n(&level_now, __ATOMIC_RELAXED);
}

void px_log_set_level(enum px_log_level level)
{
    __atomic_store_n(&level_now, (int64_t)level, __ATOMIC_RELAXED);
}

void px_log_set_name(const char *name)
{
    pthread_mutex_lock(&lock);
    snprintf(name_now, sizeof name_now, "%s", name);
    pthread_mutex_unlock(&lock);
}

int px_log_set_file(const char *path)
{
    int fd = STDERR_FILENO;
    if (path != NULL) {
        fd = px_fd_up(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600));
        if (fd < 0)
            return errno;
    }
    pthread_mutex_lock(&lock);
    int old = fd_now;
    fd_now = fd;
    told = 0;
    pthread_mutex_unlock(&lock);
    if (old != STDERR_FILENO)
        close(old);
    return 0;
}

void px_log_also(void (*fn)(const char *text))
{
    pthread_mutex_lock(&lock);
    also = fn;
    pthread_mutex_unlock(&lock);
}

/* Is there room for len more bytes? Else that is the last line, unless one is there already: others may
 * append to the same file. */
static bool has_room(size_t len)
{
    static const char last[] = "*** logging truncated\n";   /* as PVM's daemon says it */
    int64_t max = __atomic_load_n(&most, __ATOMIC_RELAXED); /* px_param_set may change it */
    struct stat st;
    if (max == 0 || fd_now == STDERR_FILENO)
        return true;
    if (told == max)
        return false;
    if (fstat(fd_now, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size + (int64_t)len <= max)
        return true;
    told = max;
    if (st.st_size <= max && write(fd_now, last, sizeof last - 1) < 0) {
        /* as below */
    }
    return false;
}

/* Time, speaker, level and id; the length written. */
static size_t line_head(char *line, size_t size, enum px_log_level level, const char *id)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    int n = snprintf(line, size, "%02d:%02d:%02d.%06ld %s[%d] %s %s: ", tm.tm_hour,
                     tm.tm_min, tm.tm_sec, now.tv_nsec / 1000, name_now, (int)getpid(),
                     names[level], id);
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

void px_log(enum px_log_level level, const char *id, const char *fmt, ...)
{
    if (!px_log_enabled(level))
        return;
    int saved = errno;
    char line[LINE_SIZE];
    pthread_mutex_lock(&lock);
    size_t len = line_head(line, sizeof line - 1, level, id), head = len;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line + len, sizeof line - 1 - len, fmt, ap);
    va_end(ap);
    if (n > 0)
        len += (size_t)n < sizeof line - 1 - len ? (size_t)n : sizeof line - 2 - len;
    /* One message is one line, whatever a peer's text contains. */
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' ';
    line[len] = '\0';
    if (also != NULL)
        also(line + head);
    line[len++] = '\n';
    if (has_room(len) && write(fd_now, line, len) < 0) {
        /* Nobody is left to be told. */
    }
    pthread_mutex_unlock(&lock);
    errno = saved;
}
