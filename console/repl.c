/* SPDX-License-Identifier: BSD-3-Clause */
/* The prompt: lines are edited with libedit, remembered, completed. */
#include "cmd.h"
#include "complete.h"

#include <histedit.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 1000 };

/* ---- what libedit asks of us ------------------------------------------------------------------ */

static char *prompt(EditLine *el)
{
    static char text[] = "pvmx> ";
    (void)el;
    return text;
}

/* One byte. Ctrl-C ends the line as end of file does: repl_run looks why. */
static int next_char(EditLine *el, wchar_t *out)
{
    static char bytes[MB_LEN_MAX];
    static size_t have;
    (void)el;
    for (;;) {
        mbstate_t state = {0};
        ssize_t n = link_wait(STDIN_FILENO) ? read(STDIN_FILENO, bytes + have, 1) : 0;
        if (n <= 0) {
            have = 0;
            return 0;
        }
        have++;
        size_t len = mbrtowc(out, bytes, have, &state);
        if (len == (size_t)-2 && have < sizeof bytes)
            continue;
        if (len == (size_t)-1 || len == (size_t)-2) /* no character of this locale */
            *out = (unsigned char)bytes[0];
        have = 0;
        return 1;
    }
}

/* What all of them have in common before the last blank is left out. */
static void show_choices(const struct choices *ch, const char *word)
{
    const char *blank = strrchr(word, ' ');
    size_t skip = blank ? (size_t)(blank - word) + 1 : 0;
    putchar('\n');
    for (size_t i = 0; i < ch->n; i++)
        printf("%s%s", ch->items[i] + skip, i + 1 < ch->n ? "  " : "\n");
    fflush(stdout);
}

/* Tab. */
static unsigned char on_complete(EditLine *el, wint_t key)
{
    struct console *c;
    struct choices ch;
    const LineInfo *line = el_line(el);
    char *text = strndup(line->buffer, (size_t)(line->cursor - line->buffer));
    int n = 0;
    (void)key;
    el_get(el, EL_CLIENTDATA, &c);
    bool open;
    char **words = text ? words_split_open(text, &n, &open) : NULL;
    bool fresh = words && (n == 0 || (text[strlen(text) - 1] == ' ' && !open));
    unsigned char result = CC_ERROR;
    if (words) {
        const char *word = fresh ? "" : words[n - 1];
        complete_word(c, fresh ? n : n - 1, words, word, &ch);
        size_t common = complete_common(&ch), typed = strlen(word);
        if (ch.n > 0 && (common > typed || ch.n == 1)) {
            char *more = strdup(ch.items[0] + typed);
            if (more) {
                more[common - typed] = '\0';
                el_insertstr(el, more);
                bool folder = common > 0 && ch.items[0][common - 1] == '/';
                if (ch.n == 1 && !folder)
                    el_insertstr(el, " ");
                result = CC_REFRESH;
            }
            free(more);
        } else if (ch.n > 1) {
            show_choices(&ch, word);
            result = CC_REDISPLAY;
        }
        complete_free(&ch);
    }
    free(words);
    free(text);
    return result;
}

/* ---- history ---------------------------------------------------------------------------------- */

/* Makes the folder; false: there is no place for it. */
static bool history_file(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n;
    if (state && *state)
        n = snprintf(path, size, "%s/pvmx/history", state);
    else if (home && *home)
        n = snprintf(path, size, "%s/.local/state/pvmx/history", home);
    else
        return false;
    if (n < 0 || (size_t)n >= size)
        return false;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    return true;
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void run_line(struct console *c, const char *line)
{
    int n;
    char **words = words_split(line, &n);
    if (words)
        cmd_run(c, n, words);
    else
        c->status = CMD_USAGE;
    free(words);
}

static EditLine *open_editor(struct console *c, History *lines)
{
    EditLine *el = el_init("pvmx", stdin, stdout, stderr);
    if (!el)
        return NULL;
    el_set(el, EL_CLIENTDATA, c);
    el_set(el, EL_PROMPT, prompt);
    el_set(el, EL_EDITOR, "emacs");
    el_set(el, EL_GETCFN, next_char);
    el_set(el, EL_HIST, history, lines);
    /* The narrow form of this one leaks its texts. */
    el_wset(el, EL_ADDFN, L"pvmx-complete", L"complete the word", on_complete);
    el_set(el, EL_BIND, "^I", "pvmx-complete", NULL);
    el_set(el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    return el;
}

static void read_lines(struct console *c, EditLine *el, History *lines)
{
    HistEvent event;
    while (!c->quit) {
        int n;
        link_uninterrupt();
        el_set(el, EL_PREP_TERM, 1); /* before the prompt: keys count as soon as it is seen */
        const char *line = el_gets(el, &n);
        if (!line && link_interrupted()) {
            el_reset(el);
            puts("^C");
            continue;
        }
        if (!line || n <= 0) {
            putchar('\n');
            break;
        }
        if (line[strspn(line, " \t\r\n")] != '\0')
            history(lines, &event, H_ENTER, line);
        run_line(c, line);
    }
}

int repl_run(struct console *c)
{
    char path[PATH_MAX];
    HistEvent event;
    History *lines = history_init();
    EditLine *el = lines ? open_editor(c, lines) : NULL;
    if (!el) {
        if (lines)
            history_end(lines);
        return cmd_fail("the terminal cannot be used");
    }
    bool keep = history_file(path, sizeof path);
    history(lines, &event, H_SETSIZE, HISTORY_LINES);
    history(lines, &event, H_SETUNIQUE, 1);
    if (keep)
        history(lines, &event, H_LOAD, path);
    read_lines(c, el, lines);
    if (keep)
        history(lines, &event, H_SAVE, path);
    el_end(el);
    history_end(lines);
    return CMD_OK;
}

bool repl_ask(const struct console *c, const char *fmt, ...)
{
    char answer[16];
    va_list ap;
    if (!c->interactive && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
        return true;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    fputs(" [y/N] ", stdout);
    fflush(stdout);
    ssize_t n = read(STDIN_FILENO, answer, sizeof answer - 1);
    return n > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}
