/* SPDX-License-Identifier: BSD-3-Clause */
/* See complete.h. */
#include "complete.h"
#include "survey.h"

#include "base/clock.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static void offer_tasks(struct console *c, unsigned words, const char *word,
                        struct choices *ch)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    char text[300];
    c->link.patience = PATIENCE;
    bool known = link_open(&c->link, false) == PVMX_OK &&
                 survey_status(&c->link, false, &s, &zone, NULL) == PVMX_OK;
    c->link.patience = 0;
    if (!known) {
        pxp_zone_free(&zone);
        return;
    }
    for (size_t i = 0; i < s.n_tasks; i++) {
        snprintf(text, sizeof text, "t%x", (unsigned)s.tasks[i].tid);
        if (words & WORDS_TASK)
            choices_offer(ch, word, text);
        snprintf(text, sizeof text, "job:%u", s.tasks[i].job);
        if ((words & WORDS_JOB) && s.tasks[i].job)
            choices_offer(ch, word, text);
    }
    for (size_t i = 0; i < s.n_hosts && (words & WORDS_HOST); i++) {
        snprintf(text, sizeof text, "%s%.250s",
                 words & WORDS_FILE ? "-" : "host:", s.hosts[i].name);
        choices_offer(ch, word, text);
    }
    pxp_zone_free(&zone);
}

static void offer_files(const char *word, struct choices *ch)
{
    const char *slash = strrchr(word, '/');
    size_t len = slash ? (size_t)(slash - word) + 1 : 0;
    char folder[512], path[1024];
    struct stat st;
    snprintf(folder, sizeof folder, "%.*s", len ? (int)len : 1, len ? word : ".");
    DIR *dir = len < sizeof folder ? opendir(folder) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.' && word[len] != '.')
            continue;
        snprintf(path, sizeof path - 1, "%.*s%s", (int)len, word, e->d_name);
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            strcat(path, "/");
        choices_offer(ch, word, path);
    }
    if (dir)
        closedir(dir);
}

/* Only when a person asks for options: there are too many to be shown with all else. */
static void offer_options(const struct cmd *cmd, const char *word, struct choices *ch)
{
    for (const char *c = cmd->opts; *word == '-' && *c; c++)
        if (*c != ':')
            choices_offer(ch, word, (char[]){'-', *c, '\0'});
    if (*word == '-')
        choices_offer(ch, word, "--help");
}

void complete_word(struct console *c, int nbefore, char **before, const char *word,
                   struct choices *out)
{
    *out = (struct choices){0};
    const struct cmd *cmd = NULL;
    for (const struct cmd *const *at = cmd_table; *at; at++) {
        if (nbefore == 0)
            choices_offer(out, word, (*at)->name);
        else if (strcmp((*at)->name, before[0]) == 0)
            cmd = *at;
    }
    if (!cmd)
        return;
    unsigned words = cmd->words;
    if (words & WORDS_LIMIT) /* shells leave the quote of an open word in front of it */
        words = complete_limit(c, nbefore - 1, before + 1,
                               word + (*word == '\'' || *word == '"'), out);
    if (words & WORDS_COMMAND)
        for (const struct cmd *const *at = cmd_table; *at; at++)
            choices_offer(out, word, (*at)->name);
    if (words & (WORDS_TASK | WORDS_JOB | WORDS_HOST))
        offer_tasks(c, words, word, out);
    for (int sig = 1; (words & WORDS_SIGNAL) && nbefore == 1 && sig < NSIG; sig++)
        if (sigabbrev_np(sig))
            choices_offer(out, word, sigabbrev_np(sig));
    if (words & WORDS_FILE)
        offer_files(word, out);
    if (cmd->columns)
        choices_offer(out, word, "--json");
    offer_options(cmd, word, out);
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
