/* SPDX-License-Identifier: BSD-3-Clause */
/* Where lines come from: a terminal, with libedit, or anything else, whose lines are shown as they are
 * read. In both cases output of jobs is shown while a line is waited for. */
#include "console.h"
#include "typed.h"

#include <errno.h>
#include <histedit.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 1000 };

static struct {
    bool terminal;
    EditLine *el;
    History *history;
    char *line;
    char *bytes; /* read and not used yet */
    size_t n, cap;
    bool ended;
} in;

static volatile sig_atomic_t interrupted, hung_up, resized;
static int wake = -1; /* can be read when a signal has come, in whichever thread */

static void on_signal(int signum)
{
    uint64_t one = 1;
    int errnum = errno;
    if (signum == SIGINT)
        interrupted = 1;
    else if (signum == SIGHUP)
        hung_up = 1;
    else
        resized = 1;
    ssize_t n = write(wake, &one, sizeof one);
    (void)n;
    errno = errnum;
}

/* Output is not cut short by it: waiting for a key is all that it ends. */
static void notice(int signum)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&act.sa_mask);
    sigaction(signum, &act, NULL);
}

/* The line that is being edited makes room, and is drawn again afterwards. */
static bool drawn_over;
static void make_room(void)
{
    if (in.el)
        typed_away(in.el);
    drawn_over = in.el != NULL;
}

static void draw_again(void)
{
    if (drawn_over)
        el_set(in.el, EL_REFRESH);
    drawn_over = false;
}

/* Until there is something to read; false: a signal has come. */
static bool wait_for_input(void)
{
    while (!interrupted && !hung_up) {
        int fds[2];
        job_fds(fds);
        uint64_t count;
        struct pollfd p[4] = {{.fd = STDIN_FILENO, .events = POLLIN},
                              {.fd = fds[0], .events = POLLIN},
                              {.fd = fds[1], .events = POLLIN},
                              {.fd = wake, .events = POLLIN}};
        int ready = poll(p, 4, -1);
        if (ready < 0 && errno != EINTR)
            return true;
        ssize_t n = ready > 0 && p[3].revents ? read(wake, &count, sizeof count) : 0;
        (void)n;
        bool redraws = resized && in.el;
        resized = 0; /* before the size is asked for */
        if (redraws) {
            make_room(); /* where terminals of today have put it: they break lines anew */
            el_resize(in.el);
            draw_again();
        }
        if (ready < 0)
            continue;
        if (p[1].revents || p[2].revents) {
            job_read(make_room);
            draw_again();
        } else if (p[0].revents) {
            return true;
        }
    }
    return false;
}

/* ---- not a terminal */

static bool read_more(void)
{
    if (in.n + 4096 > in.cap) {
        char *more = realloc(in.bytes, in.cap + 8192);
        if (!more)
            return false;
        in.bytes = more;
        in.cap += 8192;
    }
    ssize_t n = wait_for_input() ? read(STDIN_FILENO, in.bytes + in.n, 4096) : 0;
    if (n < 0 && errno == EINTR)
        return true;
    in.n += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* The last line may lack its end. */
static char *plain_line(void)
{
    char *end;
    while (!(end = memchr(in.bytes ? in.bytes : "", '\n', in.n)) && !in.ended)
        in.ended = !read_more();
    size_t len = end ? (size_t)(end - in.bytes) : in.n;
    if (!end && !in.n)
        return NULL;
    free(in.line);
    in.line = strndup(in.bytes, len);
    in.n -= end ? len + 1 : len;
    memmove(in.bytes, in.bytes + len + 1, in.n);
    if (in.line)
        puts(in.line);
    return in.line;
}

/* ---- a terminal */

static char *prompt(EditLine *el)
{
    static char text[] = "pvm> ";
    (void)el;
    return text;
}

/* One byte. Ctrl-C ends the line as the end of input does: edited_line looks why. */
static int next_char(EditLine *el, wchar_t *out)
{
    char bytes[MB_LEN_MAX];
    size_t have = 0;
    (void)el;
    for (;;) {
        mbstate_t state = {0};
        ssize_t n = wait_for_input() ? read(STDIN_FILENO, bytes + have, 1) : 0;
        if (n <= 0)
            return 0;
        size_t len = mbrtowc(out, bytes, ++have, &state);
        if (len == (size_t)-2 && have < sizeof bytes)
            continue;
        if (len == (size_t)-1 || len == (size_t)-2)
            *out = (unsigned char)bytes[0];
        return 1;
    }
}

/* Tab: the first word, as far as it is plain. */
static unsigned char complete(EditLine *el, wint_t key)
{
    const LineInfo *line = el_line(el);
    size_t typed = (size_t)(line->cursor - line->buffer), common = 0;
    const char *found = NULL;
    const struct command *c;
    (void)key;
    for (int i = 0; (c = command_at(i)) != NULL; i++) {
        if (c->hidden || strncmp(c->name, line->buffer, typed) != 0)
            continue;
        size_t same = found ? 0 : strlen(c->name);
        while (found && same < common && c->name[same] == found[same])
            same++;
        common = same;
        found = c->name;
    }
    if (!found || memchr(line->buffer, ' ', typed) || (common == typed && found[common]))
        return CC_ERROR;
    char more[16];
    snprintf(more, sizeof more, "%.*s%s", (int)(common - typed), found + typed,
             found[common] ? "" : " ");
    el_insertstr(el, more);
    return CC_REFRESH;
}

static void open_editor(void)
{
    HistEvent event;
    in.el = el_init("pvm", stdin, stdout, stderr);
    in.history = in.el ? history_init() : NULL;
    if (!in.el)
        return;
    el_set(in.el, EL_PROMPT, prompt);
    el_set(in.el, EL_EDITOR, "emacs");
    el_set(in.el, EL_GETCFN, next_char);
    /* The narrow form of this one leaks its texts. */
    el_wset(in.el, EL_ADDFN, L"pvm-complete", L"complete the word", complete);
    el_set(in.el, EL_BIND, "^I", "pvm-complete", NULL);
    if (in.history) {
        history(in.history, &event, H_SETSIZE, HISTORY_LINES);
        el_set(in.el, EL_HIST, history, in.history);
    }
}

static char *edited_line(void)
{
    HistEvent event;
    int n;
    for (;;) {
        interrupted = 0;
        el_set(in.el, EL_PREP_TERM, 1); /* before the prompt: keys count as soon as it is seen */
        const char *line = el_gets(in.el, &n);
        if (!line && interrupted && !hung_up) {
            typed_behind(in.el);
            el_reset(in.el);
            puts("^C");
            continue;
        }
        if (!line || n <= 0)
            return NULL;
        if (in.history && line[strspn(line, " \t\r\n")] != 0)
            history(in.history, &event, H_ENTER, line);
        free(in.line);
        in.line = strndup(line, strcspn(line, "\n"));
        return in.line;
    }
}

/* ---- both */

void input_open(void)
{
    in.terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    notice(SIGHUP);
    if (!in.terminal)
        return;
    notice(SIGINT);
    open_editor();
    notice(SIGWINCH);
    in.terminal = in.el != NULL;
}

char *input_line(void)
{
    if (in.el)
        return edited_line();
    fputs("pvm> ", stdout);
    fflush(stdout);
    return plain_line();
}

void input_close(void)
{
    if (in.el)
        el_end(in.el);
    if (in.history)
        history_end(in.history);
    free(in.line);
    free(in.bytes);
    signal(SIGHUP, SIG_IGN); /* we are leaving */
    if (wake >= 0)
        close(wake);
    wake = -1;
}
