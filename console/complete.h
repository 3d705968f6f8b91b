/* SPDX-License-Identifier: BSD-3-Clause */
/* What a word on the command line may become. */
#ifndef CONSOLE_COMPLETE_H
#define CONSOLE_COMPLETE_H

#include "cmd.h"

struct choices {
    char **items;
    size_t n, cap;
    bool goes_on; /* a quote that is open is not at its end with a choice */
};

/* All that begin with `word`, which follows `nbefore` other words of the line. */
void complete_word(struct console *c, int nbefore, char **before, const char *word,
                   struct choices *out);
/* One more, if it begins with the word. Without memory there are fewer choices. */
void choices_offer(struct choices *ch, const char *word, const char *candidate);
/* The same for the command limit, before and word without its name: what else the word may name (WORDS_*). */
unsigned complete_limit(struct console *c, int nbefore, char **before, const char *word,
                        struct choices *out);
/* How many bytes all of them begin with in common. */
size_t complete_common(const struct choices *ch);
void complete_free(struct choices *ch);

#endif
