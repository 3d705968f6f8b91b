/* SPDX-License-Identifier: BSD-3-Clause */
/* The prompt: lines are edited with libedit, remembered, completed. */
#include "beside.h"
#include "cmd.h"
#include "complete.h"
#include "screen.h"
#include "text.h"
#include "typed.h"

#include <histedit.h>
#include <limits.h>
#include <signal.h>
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

/* Ctrl-Z: the shell gets the terminal as it was. */
static void stop(EditLine *el)
{
    typed_behind(el);
    el_set(el, EL_PREP_TERM, 0);
    link_notice(SIGTSTP, false);
    raise(SIGTSTP);
    link_notice(SIGTSTP, true);
    el_set(el, EL_PREP_TERM, 1);
}

static void take_away(void *el)
{
    typed_away(el);
}

static void draw_again(void *el)
{
    el_set(el, EL_REFRESH);
}

/* Waits for a key; false: Ctrl-C. */
static bool await_key(EditLine *el)
{
    int ready;
    while ((ready = link_wait_key(0)) == LINK_NOTICED) {
        if (link_noticed() == SIGTSTP)
            stop(el);
        else
            typed_away(el); /* where terminals of today have put it: they break lines anew */
        el_resize(el);
        el_set(el, EL_REFRESH);
    }
    return ready > 0;
}

/* One byte. Ctrl-C ends the line as end of file does: repl_run looks why. */
static int next_char(EditLine *el, wchar_t *out)
{
    static char bytes[MB_LEN_MAX];
    static size_t have;
    for (;;) {
        mbstate_t state = {0};
        ssize_t n = await_key(el) ? read(STDIN_FILENO, bytes + have, 1) : 0;
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

/* In columns, as ls has them; what all of them have in common before the last blank or slash is left
 * out. */
static void show_choices(const struct choices *ch, const char *word)
{
    enum { MOST = 200 };
    size_t rows, columns, widest = 1, skip = 0, n = ch->n < MOST ? ch->n : MOST;
    for (const char *c = word; *c; c++)
        if (*c == ' ' || *c == '/')
            skip = (size_t)(c - word) + 1;
    for (size_t i = 0; i < n; i++) {
        size_t width = text_columns(ch->items[i] + skip);
        widest = width > widest ? width : widest;
    }
    screen_size(&rows, &columns);
    size_t across = columns / (widest + 2) > 1 ? columns / (widest + 2) : 1;
    size_t down = (n + across - 1) / across;
    putchar('\n');
    for (size_t row = 0; row < down; row++) {
        for (size_t i = row; i < n; i += down) {
            const char *text = ch->items[i] + skip;
            int pad = i + down < n ? (int)(widest + 2 - text_columns(text)) : 0;
            out_text(text);
            printf("%*s", pad, "");
        }
        putchar('\n');
    }
    if (n < ch->n)
        printf("... and %zu more\n", ch->n - n);
    fflush(stdout);
}

/* What all choices go on with behind the word; an only one ends it. */
static bool insert_more(EditLine *el, const struct choices *ch, size_t typed, char quote)
{
    const char *first = ch->items[0];
    size_t common = complete_common(ch), len = common - typed;
    char *more = malloc(4 * len + 4);
    if (!more)
        return false;
    words_quote(first + typed, len, quote, more);
    bool folder = common > 0 && first[common - 1] == '/';
    if (ch->n == 1 && !folder && quote && !ch->goes_on)
        strcat(more, (char[]){quote, '\0'});
    if (ch->n == 1 && !folder)
        strcat(more, " ");
    int done = *more ? el_insertstr(el, more) : 0;
    free(more);
    return done == 0;
}

/* Tab. */
static unsigned char on_complete(EditLine *el, wint_t key)
{
    struct console *c;
    struct choices ch;
    const LineInfo *line = el_line(el);
    char *text = strndup(line->buffer, (size_t)(line->cursor - line->buffer)), quote;
    int n = 0;
    (void)key;
    el_get(el, EL_CLIENTDATA, &c);
    char **words = text ? words_split_open(text, &n, &quote) : NULL;
    bool fresh =
        words && (n == 0 || (strchr(" \t", text[strlen(text) - 1]) && !quote &&
                             !(strlen(text) > 1 && text[strlen(text) - 2] == '\\')));
    unsigned char result = CC_ERROR;
    if (words) {
        const char *word = fresh ? "" : words[n - 1];
        size_t typed = strlen(word);
        complete_word(c, fresh ? n : n - 1, words, word, &ch);
        if (ch.n == 1 || (ch.n > 0 && complete_common(&ch) > typed)) {
            result = insert_more(el, &ch, typed, quote) ? CC_REFRESH : CC_ERROR;
        } else if (ch.n > 1) {
            typed_behind(el);
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

/* Each line at once, so that it stays whatever ends us and whoever else writes there. As libedit reads
 * them: unusual bytes in octal digits. */
static void history_append(const char *path, const char *line)
{
    FILE *f = fopen(path, "ae");
    if (!f)
        return;
    if (fseek(f, 0, SEEK_END) == 0 && ftell(f) == 0) {
        fchmod(fileno(f), 0600);
        fputs("_HiStOrY_V2_\n", f);
    }
    for (const char *c = line; *c; c++)
        fprintf(f, *c > ' ' && *c < 0x7f && *c != '\\' ? "%c" : "\\%03o", (unsigned char)*c);
    fputc('\n', f);
    fclose(f);
}

/* Of a long file the last lines stay. */
static void history_load(History *lines, const char *path)
{
    HistEvent event;
    if (history(lines, &event, H_LOAD, path) > 2 * HISTORY_LINES)
        history(lines, &event, H_SAVE, path);
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

/* path: of its file; NULL: there is none. */
static void read_lines(struct console *c, EditLine *el, History *lines, const char *path)
{
    HistEvent event;
    while (!c->quit) {
        int n;
        link_uninterrupt();
        clearerr(stdout); /* of what Ctrl-C cut off */
        beside_settle();
        el_set(el, EL_PREP_TERM, 1); /* before the prompt: keys count as soon as it is seen */
        link_notice(SIGWINCH, true);
        link_notice(SIGTSTP, true);
        el_resize(el);
        beside_typed(take_away, draw_again, el);
        const char *line = el_gets(el, &n);
        beside_typed(NULL, NULL, NULL);
        link_notice(SIGWINCH, false);
        link_notice(SIGTSTP, false);
        if (link_noticed() == SIGTSTP) /* it came behind the line */
            raise(SIGTSTP);
        if (!line && link_interrupted()) {
            typed_behind(el);
            el_reset(el);
            puts("^C");
            continue;
        }
        if (!line || n <= 0) {
            putchar('\n');
            break;
        }
        if (line[strspn(line, " \t\r\n")] != '\0' &&
            history(lines, &event, H_ENTER, line) > 0 && path)
            history_append(path, line);
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
        history_load(lines, path);
    read_lines(c, el, lines, keep ? path : NULL);
    el_end(el);
    history_end(lines);
    if (beside_end())
        puts("Tasks go on; of what they write from now on see pvmx logs");
    return CMD_OK;
}

/* Who is there to be asked sees one of these. */
static FILE *asks_on(const struct console *c)
{
    return c->interactive          ? stdout
           : !isatty(STDIN_FILENO) ? NULL
           : isatty(STDOUT_FILENO) ? stdout
           : isatty(STDERR_FILENO) ? stderr
                                   : NULL;
}

/* What is typed; nothing at the end of input, and of Ctrl-C. */
static ssize_t typed(char *bytes, size_t size)
{
    return link_wait_for(STDIN_FILENO, -1, 0) > 0 ? read(STDIN_FILENO, bytes, size) : 0;
}

int repl_ask(const struct console *c, const char *fmt, ...)
{
    char answer[16];
    FILE *f = asks_on(c);
    va_list ap;
    if (!f)
        return CMD_OK;
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fputs(" [y/N] ", f);
    fflush(f);
    beside_hold(true); /* the question stays the last that is seen */
    ssize_t n = typed(answer, sizeof answer);
    bool yes = n > 0 && (*answer == 'y' || *answer == 'Y');
    while (n > 0 && answer[n - 1] != '\n') /* not to be taken for the next command */
        n = typed(answer, sizeof answer);
    beside_hold(false);
    if (n <= 0 && link_interrupted())
        return CMD_INTERRUPTED;
    if (n <= 0)
        fputc('\n', f);
    return yes && n > 0 ? CMD_OK : CMD_FAILED;
}
