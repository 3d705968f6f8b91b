/* SPDX-License-Identifier: BSD-3-Clause */
/* See complete.h. */
#include "complete.h"
#include "survey.h"
#include "tasks.h"

#include "base/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE (300 * PX_MS) /* a person waits for the key to do something */

void choices_offer(struct choices *ch, const char *word, const char *candidate)
{
    if (strncmp(candidate, word, strlen(word)) != 0)
        return;
    for (size_t i = 0; i < ch->n; i++)
        if (strcmp(ch->items[i], candidate) == 0)
            return;
    if (ch->n == ch->cap) {
        size_t cap = ch->cap ? ch->cap * 2 : 16;
        char **grown = realloc(ch->items, cap * sizeof *grown);
        if (!grown)
            return;
        ch->items = grown;
        ch->cap = cap;
    }
    char *copy = strdup(candidate);
    if (copy)
        ch->items[ch->n++] = copy;
}

/* ---- what the virtual machine knows ------------------------------------------------------------ */

static void offer_status(const struct pxp_status_is *s, unsigned words, const char *word,
                         struct choices *ch)
{
    char text[300];
    for (size_t i = 0; i < s->n_tasks; i++) {
        snprintf(text, sizeof text, "t%x", (unsigned)s->tasks[i].tid);
        if (words & WORDS_TASK)
            choices_offer(ch, word, text);
        snprintf(text, sizeof text, "job:%u", s->tasks[i].job);
        if ((words & WORDS_JOB) && s->tasks[i].job)
            choices_offer(ch, word, text);
    }
    for (size_t i = 0; i < s->n_hosts && (words & (WORDS_HOST | WORDS_HOSTNAME)); i++) {
        snprintf(text, sizeof text, "%s%.250s",
                 words & WORDS_HOSTNAME  ? ""
                 : words & WORDS_PROGRAM ? "-"
                                         : "host:",
                 s->hosts[i].name);
        choices_offer(ch, word, text);
    }
}

static void offer_tasks(struct console *c, unsigned words, const char *word,
                        struct choices *ch)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    if (link_open(&c->link, false) == PVMX_OK &&
        survey_status(&c->link, false, &s, &zone, NULL) == PVMX_OK)
        offer_status(&s, words, word, ch);
    pxp_zone_free(&zone);
}

static void offer_settings(struct console *c, const char *word, struct choices *ch)
{
    struct pxp_settings m = {.name = "", .value = ""};
    struct pxp_settings_are are;
    struct pxp_zone zone = {0};
    uint8_t *body = NULL;
    size_t len;
    pvmx_err err = link_open(&c->link, false);
    uint32_t serial = err ? 0 : pxp_client_serial(&c->link.client);
    if (!err)
        err = pxp_settings_encode(&c->link.client.out, serial, &m);
    if (!err)
        err = link_ask(&c->link, serial, PXP_SETTINGS_ARE, &body, &len);
    if (!err)
        err = pxp_settings_are_decode(body, len, &are, &zone);
    for (size_t i = 0; !err && i < are.n_settings; i++)
        choices_offer(ch, word, are.settings[i].name);
    pxp_zone_free(&zone);
    free(body);
}

/* ---- what this machine knows ------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_from(struct choices *ch, size_t first)
{
    if (ch->n > first)
        qsort(ch->items + first, ch->n - first, sizeof *ch->items, by_text);
}

enum wanted { FILES = 1, PROGRAMS = 2, FOLDERS = 4 };

/* Entries of a folder of these kinds, each behind `before` (with a '/', or ""). */
static void offer_folder(const char *folder, const char *before, unsigned wanted,
                         const char *word, struct choices *ch)
{
    DIR *dir = opendir(folder);
    const char *beginning = word + strlen(before);
    size_t first = ch->n;
    char path[1024];
    struct stat st;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        if ((e->d_name[0] == '.' && *beginning != '.') ||
            strncmp(e->d_name, beginning, strlen(beginning)) != 0 ||
            fstatat(dirfd(dir), e->d_name, &st, 0) != 0 ||
            snprintf(path, sizeof path - 1, "%s%s", before, e->d_name) >= (int)sizeof path - 1)
            continue;
        bool is_folder = S_ISDIR(st.st_mode);
        unsigned kind =
            is_folder ? FOLDERS
            : (wanted & PROGRAMS) && faccessat(dirfd(dir), e->d_name, X_OK, 0) == 0
                ? PROGRAMS
                : FILES;
        if (!(wanted & kind))
            continue;
        strcat(path, is_folder ? "/" : "");
        choices_offer(ch, word, path);
    }
    if (dir)
        closedir(dir);
    sort_from(ch, first);
}

static void offer_files(const char *word, bool programs, struct choices *ch)
{
    const char *slash = strrchr(word, '/');
    char before[512], *at, *save = NULL;
    size_t len = slash ? (size_t)(slash - word) + 1 : 0;
    const char *path = getenv("PATH");
    if (len >= sizeof before)
        return;
    snprintf(before, sizeof before, "%.*s", (int)len, word);
    offer_folder(slash ? before : ".", before, (programs ? PROGRAMS : FILES) | FOLDERS,
                 word, ch);
    /* Without a beginning they would be too many. */
    char *folders = programs && !slash && *word && path ? strdup(path) : NULL;
    for (at = folders; folders && (at = strtok_r(at, ":", &save)) != NULL; at = NULL)
        offer_folder(at, "", PROGRAMS, word, ch);
    free(folders);
}

static void offer_signals(const char *word, struct choices *ch)
{
    for (int sig = 1; sig < NSIG; sig++)
        if (sigabbrev_np(sig))
            choices_offer(ch, word, sigabbrev_np(sig));
}

static void offer_variables(const char *word, struct choices *ch)
{
    char name[256];
    size_t first = ch->n;
    for (char **e = environ; *e; e++) {
        size_t len = strcspn(*e, "=");
        snprintf(name, sizeof name, "%.*s", (int)len, *e);
        if (len < sizeof name)
            choices_offer(ch, word, name);
    }
    sort_from(ch, first);
}

static void offer_options_of_pvm(const char *word, struct choices *ch)
{
    char name[32];
    for (int i = 0; i < OPTIONS_MAX; i++) {
        snprintf(name, sizeof name, "Pvm%s", options_name(i));
        choices_offer(ch, word, name);
    }
}

static void offer_events(const char *word, struct choices *ch)
{
    static const char others[][5] = {"xpvm", "buf", "opt"};
    const char *name;
    for (int i = 0; (name = options_event(i)) != NULL; i++)
        choices_offer(ch, word, name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        choices_offer(ch, word, others[i]);
}

/* ---- which of all that ------------------------------------------------------------------------- */

/* What the value of an option is. */
static const struct {
    char command[7], option;
    unsigned words;
} values[] = {
    {"add", 'd', WORDS_FILE},    {"add", 'f', WORDS_FILE},    {"limit", 'j', WORDS_JOB},
    {"ps", 'h', WORDS_HOSTNAME}, {"ps", 'n', WORDS_HOSTNAME}, {"ps", 's', WORDS_ORDER},
    {"top", 's', WORDS_ORDER},
};

/* The word behind "-x" or "--from" is its value; false: it is none. */
static bool is_value(const struct cmd *cmd, const char *before, unsigned *words)
{
    char option = strcmp(before, "--from") == 0 ? 'f' : before[0] ? before[1] : '\0';
    const char *known = *before == '-' && option ? strchr(cmd->opts, option) : NULL;
    if (!known || known[1] != ':')
        return false;
    *words = WORDS_NOTHING;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i].option == option && strcmp(values[i].command, cmd->name) == 0)
            *words = values[i].words;
    return true;
}

/* What words of spawn are: hosts before the program, files behind it. */
static unsigned words_of_spawn(int nbefore, char **before, const char *word)
{
    int i = 1;
    for (; i < nbefore && before[i][0] == '-'; i++)
        if (strcmp(before[i], "-n") == 0)
            i++;
    return i < nbefore    ? WORDS_FILE
           : i > nbefore  ? WORDS_NOTHING /* -n COUNT */
           : *word == '-' ? WORDS_PROGRAM | WORDS_HOST
                          : WORDS_PROGRAM | WORDS_FILE;
}

static void offer_commands(const struct console *c, const char *word, struct choices *ch)
{
    const char *alias;
    for (const struct cmd *const *at = cmd_table; *at; at++)
        choices_offer(ch, word, (*at)->name);
    for (size_t i = 0; (alias = alias_name(c, i)) != NULL; i++)
        choices_offer(ch, word, alias);
}

static void offer_words(struct console *c, unsigned words, const char *word,
                        struct choices *ch)
{
    const char *name;
    if (words & WORDS_COMMAND)
        offer_commands(c, word, ch);
    if (words & WORDS_SIGNAL)
        offer_signals(word, ch);
    if (words & WORDS_SETTING)
        offer_settings(c, word, ch);
    if (words & (WORDS_TASK | WORDS_JOB | WORDS_HOST | WORDS_HOSTNAME))
        offer_tasks(c, words, word, ch);
    for (size_t i = 0; (words & WORDS_ORDER) && (name = tasks_order(i)) != NULL; i++)
        choices_offer(ch, word, name);
    if (words & WORDS_OPTION)
        offer_options_of_pvm(word, ch);
    if (words & WORDS_EVENT)
        offer_events(word, ch);
    for (size_t i = 0; (words & WORDS_ALIAS) && (name = alias_name(c, i)) != NULL; i++)
        choices_offer(ch, word, name);
    if (words & WORDS_VARIABLE)
        offer_variables(word, ch);
    if (words & WORDS_FILE) /* programs: shells know them */
        offer_files(word, (words & WORDS_PROGRAM) && c->interactive, ch);
}

/* Only when a person asks for options: there are too many to be shown with all else. */
static void offer_options(const struct cmd *cmd, const char *word, struct choices *ch)
{
    if (*word != '-')
        return;
    if (cmd->columns)
        choices_offer(ch, word, "--json");
    for (const char *c = cmd->opts; *c; c++)
        if (*c != ':')
            choices_offer(ch, word, (char[]){'-', *c, '\0'});
    choices_offer(ch, word, "--help");
}

/* The command that a word names, shortened or as an alias. */
static const struct cmd *command_of(const struct console *c, const char *word)
{
    const char *text = alias_find(c, word);
    char name[32];
    if (!text)
        return cmd_look(word);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, " "), text);
    return cmd_look(name);
}

static void offer(struct console *c, int nbefore, char **before, const char *word,
                  struct choices *out)
{
    const struct cmd *cmd = nbefore ? command_of(c, before[0]) : NULL;
    if (nbefore == 0)
        offer_commands(c, word, out);
    if (!cmd)
        return;
    unsigned words = cmd->words;
    if (nbefore > 1 && is_value(cmd, before[nbefore - 1], &words)) {
        offer_words(c, words, word, out);
        return;
    }
    out->goes_on = (words & WORDS_LIMIT) != 0;
    if (words & WORDS_LIMIT) /* shells leave the quote of an open word in front of it */
        words = complete_limit(c, nbefore - 1, before + 1,
                               word + (*word == '\'' || *word == '"'), out);
    if (words & WORDS_PROGRAM)
        words = words_of_spawn(nbefore, before, word);
    if (words & WORDS_SIGNAL)
        words = nbefore == 1 ? WORDS_SIGNAL : words & ~(unsigned)WORDS_SIGNAL;
    if ((words & (WORDS_SETTING | WORDS_OPTION)) && nbefore > 1)
        words = WORDS_NOTHING;
    offer_words(c, words, word, out);
    offer_options(cmd, word, out);
}

void complete_word(struct console *c, int nbefore, char **before, const char *word,
                   struct choices *out)
{
    *out = (struct choices){0};
    c->link.until = px_now_ns() + PATIENCE;
    offer(c, nbefore, before, word, out);
    c->link.until = 0;
}

size_t complete_common(const struct choices *ch)
{
    size_t len = ch->n ? strlen(ch->items[0]) : 0;
    for (size_t i = 1; i < ch->n; i++)
        while (strncmp(ch->items[0], ch->items[i], len) != 0)
            len--;
    return len;
}

void complete_free(struct choices *ch)
{
    for (size_t i = 0; i < ch->n; i++)
        free(ch->items[i]);
    free(ch->items);
    *ch = (struct choices){0};
}
