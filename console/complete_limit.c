/* SPDX-License-Identifier: BSD-3-Clause */
/* What words of the command limit may become: in an expression that depends on what stands before. An
 * expression may be one quoted word or several. */
#include "complete.h"

#include "proto/hello.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum expects { OPERAND, OPERATOR, VALUE, JOINT };

static const char texts[][8] = {"name", "command", "host"};
static const char numbers[][12] = {"cpu",     "elapsed",     "memory",     "job",
                                   "job.cpu", "job.elapsed", "job.memory", "job.tasks",
                                   "vm.cpu",  "vm.elapsed",  "vm.memory",  "vm.tasks"};
static const char text_operators[][3] = {"=~", "!~", "=", "!="};
static const char number_operators[][3] = {">", ">=", "<", "<=", "=", "!="};
static const char actions[][8] = {"report", "stop", "kill", "refuse"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* ---- where in an expression ------------------------------------------------------------------- */

struct place {
    enum expects expects;
    bool of_text; /* OPERATOR: the field is a text */
};

static bool is_text_field(const char *at, size_t len)
{
    for (size_t i = 0; i < COUNT(texts); i++)
        if (strlen(texts[i]) == len && strncmp(at, texts[i], len) == 0)
            return true;
    return false;
}

/* The end of the token at `at`: a word, an operator, a value in quotes or slashes. */
static const char *token_end(const char *at, enum expects expects)
{
    char quote = *at == '"' || (*at == '/' && expects == VALUE) ? *at : 0;
    if (strchr("()", *at))
        return at + 1;
    if (quote) {
        const char *end = strchr(at + 1, quote);
        return end ? end + 1 : at + strlen(at);
    }
    size_t n = strspn(at, "<>=!~");
    return at + (n ? n : strcspn(at, " \t()<>=!~"));
}

static bool is_word(const char *at, size_t len, const char *word)
{
    return strlen(word) == len && strncmp(at, word, len) == 0;
}

static struct place read_place(const char *expr)
{
    struct place p = {OPERAND, false};
    for (const char *at = expr; *(at += strspn(at, " \t"));) {
        const char *end = token_end(at, p.expects);
        size_t len = (size_t)(end - at);
        if (*at == '(' || (p.expects == OPERAND && (is_word(at, len, "not") || *at == '!'))) {
            p.expects = OPERAND;
        } else if (p.expects == OPERAND) {
            p.of_text = is_text_field(at, len);
            p.expects = OPERATOR;
        } else if (p.expects == JOINT) {
            p.expects = *at == ')' ? JOINT : OPERAND;
        } else {
            p.expects = p.expects == OPERATOR ? VALUE : JOINT;
        }
        at = end;
    }
    return p;
}

/* ---- offering --------------------------------------------------------------------------------- */

/* `word` up to `fixed` bytes, and then this. */
struct partial {
    struct choices *out;
    const char *word;
    size_t fixed;
};

static void put(const struct partial *p, const char *token)
{
    char text[1200];
    int n = snprintf(text, sizeof text, "%.*s%s", (int)p->fixed, p->word, token);
    if (n > 0 && (size_t)n < sizeof text)
        choices_offer(p->out, p->word, text);
}

#define PUT_ALL(p, list)                                                                 \
    for (size_t i = 0; i < COUNT(list); i++)                                             \
    put(p, list[i])

/* before: words of the expression that are complete. */
static void offer_expression(int nbefore, char **before, const char *word, bool add,
                             struct choices *out)
{
    char expr[2400] = "";
    struct partial p = {.out = out, .word = word, .fixed = strlen(word)};
    while (p.fixed > 0 && !strchr(" \t()", word[p.fixed - 1]))
        p.fixed--;
    for (int i = 0; i < nbefore && strlen(expr) + strlen(before[i]) + 2 < sizeof expr / 2;
         i++) {
        strcat(expr, before[i]);
        strcat(expr, " ");
    }
    strncat(expr, word, p.fixed < sizeof expr / 2 ? p.fixed : 0);
    struct place place = read_place(expr);
    if (place.expects == OPERAND) {
        PUT_ALL(&p, texts);
        PUT_ALL(&p, numbers);
        put(&p, "not");
    } else if (place.expects == OPERATOR && place.of_text) {
        PUT_ALL(&p, text_operators);
    } else if (place.expects == OPERATOR) {
        PUT_ALL(&p, number_operators);
    } else if (place.expects == JOINT) {
        put(&p, "and");
        put(&p, "or");
        if (p.fixed == 0 && add)
            PUT_ALL(&p, actions);
        else if (p.fixed == 0)
            put(&p, actions[PXP_LIMIT_REFUSE - 1]);
    }
}

static void offer_rules(struct console *c, const char *word, struct choices *out)
{
    struct pxp_limits m = {.unused = 0};
    struct pxp_limits_are are;
    struct pxp_zone zone = {0};
    uint8_t *body = NULL;
    size_t len;
    char text[16];
    pvmx_err err = link_open(&c->link, false);
    uint32_t serial = err ? 0 : pxp_client_serial(&c->link.client);
    if (!err)
        err = pxp_limits_encode(&c->link.client.out, serial, &m);
    if (!err)
        err = link_ask(&c->link, serial, PXP_LIMITS_ARE, &body, &len);
    if (!err)
        err = pxp_limits_are_decode(body, len, &are, &zone);
    for (size_t i = 0; !err && i < are.n_rules; i++) {
        snprintf(text, sizeof text, "%u", are.rules[i].number);
        if (are.rules[i].number)
            choices_offer(out, word, text);
    }
    pxp_zone_free(&zone);
    free(body);
}

unsigned complete_limit(struct console *c, int nbefore, char **before, const char *word,
                        struct choices *out)
{
    static const char what[][5] = {"add", "del", "list", "test"};
    while (nbefore > 0 && before[0][0] == '-' && before[0][1]) {
        if (nbefore == 1 && strcmp(before[0], "-j") == 0)
            return WORDS_JOB;
        int n = nbefore > 1 ? 2 : 1;
        nbefore -= n;
        before += n;
    }
    if (nbefore == 0) {
        for (size_t i = 0; i < COUNT(what); i++)
            choices_offer(out, word, what[i]);
        return WORDS_NOTHING;
    }
    bool add = strcmp(before[0], "add") == 0, test = strcmp(before[0], "test") == 0;
    if (strcmp(before[0], "del") == 0)
        offer_rules(c, word, out);
    for (int i = 1; test && i < nbefore; i++)
        if (strcmp(before[i], actions[PXP_LIMIT_REFUSE - 1]) == 0)
            return WORDS_FILE;
    if (add || test)
        offer_expression(nbefore - 1, before + 1, word, add, out);
    return WORDS_NOTHING;
}
