/* SPDX-License-Identifier: BSD-3-Clause */
/* See bar.h. */
#include "bar.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Seconds between two drawings: a bar should look alive, a log should stay short. */
#define BAR_EVERY 0.1
#define LINE_EVERY 2.0

static struct {
    uint64_t total;
    double begin, next;
    bool quiet, terminal, drawn;
} bar;

double bar_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

const char *bar_bytes(double n)
{
    static char text[4][24];
    static unsigned turn;
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int u = 0;
    for (; n >= 1024 && u < 4; u++)
        n /= 1024;
    char *out = text[turn++ % 4];
    snprintf(out, sizeof text[0], u ? "%.1f %s" : "%.0f %s", n, unit[u]);
    return out;
}

void bar_start(uint64_t total, bool quiet)
{
    bar.total = total;
    bar.quiet = quiet;
    bar.terminal = isatty(STDERR_FILENO);
    bar.begin = bar_now();
    bar.next = bar.begin + (bar.terminal ? BAR_EVERY : LINE_EVERY);
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static void draw(uint64_t done, int workers)
{
    char numbers[160], line[512];
    double seconds = bar_now() - bar.begin;
    double speed = seconds > 0 ? (double)done / seconds : 0;
    int n = snprintf(numbers, sizeof numbers, "%s", bar_bytes((double)done));
    if (bar.total)
        n += snprintf(numbers + n, sizeof numbers - (size_t)n, " of %s",
                      bar_bytes((double)bar.total));
    n += snprintf(numbers + n, sizeof numbers - (size_t)n, ", %s/s, %d worker%s",
                  bar_bytes(speed), workers, workers == 1 ? "" : "s");
    if (bar.total && speed > 0 && done < bar.total) {
        int left = (int)((double)(bar.total - done) / speed + 0.5);
        snprintf(numbers + n, sizeof numbers - (size_t)n, ", %d:%02d left", left / 60,
                 left % 60);
    }
    char percent[16] = "";
    double part = bar.total ? (double)done / (double)bar.total : 0;
    if (part > 1) /* a file that grows while it is read */
        part = 1;
    if (bar.total)
        snprintf(percent, sizeof percent, "%3.0f %%  ", part * 100);
    if (!bar.terminal) {
        fprintf(stderr, "master: %s%s\n", percent, numbers);
        return;
    }
    /* One column stays free: a line that fills the last one would go on in the next. */
    int width = terminal_width() - 1;
    int room = bar.total ? width - (int)(strlen(percent) + strlen(numbers)) - 3 : 0;
    if (room > 60)
        room = 60;
    int full = room > 0 ? (int)(part * room) : 0;
    int at = 0;
    if (room >= 8) {
        line[at++] = '[';
        for (int i = 0; i < room; i++)
            line[at++] = i < full ? '#' : '.';
        line[at++] = ']';
        line[at++] = ' ';
    }
    snprintf(line + at, sizeof line - (size_t)at, "%s%s", percent, numbers);
    fprintf(stderr, "\r%.*s\033[K", width, line);
    fflush(stderr);
    bar.drawn = true;
}

void bar_update(uint64_t done, int workers)
{
    double now = bar_now();
    if (bar.quiet || now < bar.next)
        return;
    bar.next = now + (bar.terminal ? BAR_EVERY : LINE_EVERY);
    draw(done, workers);
}

void bar_finish(uint64_t done, int workers)
{
    if (!bar.quiet && bar.terminal) {
        draw(done, workers);
        fputc('\n', stderr);
    }
    bar.drawn = false;
    bar.quiet = true; /* nothing is drawn after the end */
}

void bar_message(const char *fmt, ...)
{
    va_list ap;
    char text[1024];
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fprintf(stderr, "%smaster: %s\n", bar.drawn ? "\r\033[K" : "", text);
    bar.drawn = false;
}
