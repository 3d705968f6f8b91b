/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and applying expressions. Reading is by recursive descent, over at most RULE_TEXT_MAX characters
 * and DEPTH_MAX parentheses; what comes out is an array of nodes, operands before what uses them. */
#include "rule.h"
#include "base/err.h"
#include <ctype.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NODES_MAX = 128,
    DEPTH_MAX = 32,
    REPEATS_MAX = 1000, /* of a regular expression: the C library expands {m,n} */
    DECIMALS = 6,
};
#define WHOLE_MAX 1000000000000ull /* of a number before its unit: no product overflows */

enum kind { AND, OR, NOT, TEXT_IS, TEXT_FITS, NUMBER };
enum op { LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, EQUAL, UNEQUAL };

struct node {
    enum kind kind;
    unsigned field; /* enum rule_text, enum rule_number */
    enum op op;     /* of texts too: EQUAL, UNEQUAL */
    unsigned left, right;
    uint64_t value;
    char *text;
    regex_t re;
};

struct rule {
    struct node *nodes;
    unsigned n, top, uses;
};

/* ---- fields ----------------------------------------------------------------------------------- */

enum unit { UNIT_TIME, UNIT_SIZE, UNIT_COUNT };

static const struct {
    char name[12];
    char unit, uses;
} numbers[RULE_NUMBERS] = {
    [RULE_CPU] = {"cpu", UNIT_TIME, RULE_USES_USAGE | RULE_USES_RUN},
    [RULE_ELAPSED] = {"elapsed", UNIT_TIME, RULE_USES_RUN},
    [RULE_MEMORY] = {"memory", UNIT_SIZE, RULE_USES_USAGE | RULE_USES_RUN},
    [RULE_JOB] = {"job", UNIT_COUNT, RULE_USES_RUN},
    [RULE_JOB_CPU] = {"job.cpu", UNIT_TIME, RULE_USES_USAGE | RULE_USES_SUMS},
    [RULE_JOB_ELAPSED] = {"job.elapsed", UNIT_TIME, 0},
    [RULE_JOB_MEMORY] = {"job.memory", UNIT_SIZE, RULE_USES_USAGE | RULE_USES_SUMS},
    [RULE_JOB_TASKS] = {"job.tasks", UNIT_COUNT, RULE_USES_SUMS},
    [RULE_VM_CPU] = {"vm.cpu", UNIT_TIME, RULE_USES_USAGE | RULE_USES_SUMS},
    [RULE_VM_ELAPSED] = {"vm.elapsed", UNIT_TIME, 0},
    [RULE_VM_MEMORY] = {"vm.memory", UNIT_SIZE, RULE_USES_USAGE | RULE_USES_SUMS},
    [RULE_VM_TASKS] = {"vm.tasks", UNIT_COUNT, RULE_USES_SUMS},
};

static const char texts[RULE_TEXTS][12] = {
    [RULE_NAME] = "name", [RULE_COMMAND] = "command", [RULE_HOST] = "host"};

static const struct {
    char name[3];
    char unit;
    uint64_t factor;
} units[] = {
    {"ms", UNIT_TIME, 1},         {"s", UNIT_TIME, 1000},
    {"m", UNIT_TIME, 60000},      {"h", UNIT_TIME, 3600000},
    {"d", UNIT_TIME, 86400000},   {"k", UNIT_SIZE, 1ull << 10},
    {"M", UNIT_SIZE, 1ull << 20}, {"G", UNIT_SIZE, 1ull << 30},
    {"T", UNIT_SIZE, 1ull << 40},
};

/* Longer ones first. */
static const char op_names[][3] = {"<=", ">=", "==", "!=", "<", ">", "="};
static const enum op ops[] = {LESS_EQUAL, GREATER_EQUAL, EQUAL, UNEQUAL,
                              LESS,       GREATER,       EQUAL};

static const char fields_help[] =
    "one of name, command, host, cpu, elapsed, memory, job, job.cpu, job.elapsed, "
    "job.memory, "
    "job.tasks, vm.cpu, vm.elapsed, vm.memory, vm.tasks; or not, or (";

/* ---- reading: words --------------------------------------------------------------------------- */

struct reader {
    struct rule *r;
    const char *text, *at;
    unsigned depth;
};

static void skip(struct reader *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static pvmx_err wrong(const struct reader *p, const char *expected)
{
    int len = 0;
    while (len < 20 && p->at[len] != '\0' && !isspace((unsigned char)p->at[len]))
        len++;
    if (*p->at == '\0')
        return px_fail(PVMX_ERR_ARG, "rule \"%.200s\", at its end: expected %s", p->text,
                       expected);
    return px_fail(PVMX_ERR_ARG, "rule \"%.200s\", character %zu (\"%.*s\"): expected %s",
                   p->text, (size_t)(p->at - p->text) + 1, len, p->at, expected);
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static size_t word_length(const struct reader *p)
{
    size_t n = 0;
    while (in_word(p->at[n]))
        n++;
    return n;
}

/* Takes a sign, or a word that ends there. */
static bool take(struct reader *p, const char *what)
{
    size_t n = strlen(what);
    skip(p);
    if (strncmp(p->at, what, n) != 0 || (in_word(*what) && in_word(p->at[n])))
        return false;
    p->at += n;
    return true;
}

static pvmx_err add(struct reader *p, const struct node *node, unsigned *at)
{
    struct rule *r = p->r;
    if (r->n == NODES_MAX)
        return px_fail(PVMX_ERR_LIMIT,
                       "rule \"%.200s\" is too long: it has more than %d parts", p->text,
                       NODES_MAX);
    *at = r->n;
    r->nodes[r->n++] = *node;
    return PVMX_OK;
}

/* ---- reading: values -------------------------------------------------------------------------- */

static const char *expected_value(enum unit unit)
{
    return unit == UNIT_TIME   ? "a time such as 90, 250ms, 15m, 1.5h or 2d"
           : unit == UNIT_SIZE ? "a size such as 4096, 64k, 512M or 2G"
                               : "a whole number";
}

/* "1.5": whole, and fraction in 10^-DECIMALS. */
static bool read_digits(struct reader *p, uint64_t *whole, uint64_t *fraction)
{
    uint64_t scale = 1;
    *whole = *fraction = 0;
    if (!isdigit((unsigned char)*p->at))
        return false;
    for (; isdigit((unsigned char)*p->at); p->at++)
        if ((*whole = *whole * 10 + (uint64_t)(*p->at - '0')) > WHOLE_MAX)
            return false;
    if (*p->at != '.')
        return true;
    for (int i = 0; isdigit((unsigned char)*++p->at); i++) {
        if (i >= DECIMALS)
            continue;
        *fraction = *fraction * 10 + (uint64_t)(*p->at - '0');
        scale *= 10;
    }
    for (; scale < 1000000; scale *= 10)
        *fraction *= 10;
    return true;
}

static pvmx_err read_number(struct reader *p, enum unit unit, uint64_t *value)
{
    uint64_t whole, fraction, factor = unit == UNIT_TIME ? 1000 : 1;
    skip(p);
    const char *begin = p->at;
    bool ok = read_digits(p, &whole, &fraction) && whole <= WHOLE_MAX &&
              (unit != UNIT_COUNT || fraction == 0);
    size_t len = word_length(p), k = 0;
    while (len > 0 && k < sizeof units / sizeof *units &&
           (units[k].unit != (char)unit || strlen(units[k].name) != len ||
            strncmp(units[k].name, p->at, len) != 0))
        k++;
    if (len > 0 && k < sizeof units / sizeof *units)
        factor = units[k].factor;
    else if (len > 0)
        ok = false;
    if (ok && whole > UINT64_MAX / 2 / factor)
        ok = false;
    if (!ok) {
        p->at = begin;
        return wrong(p, expected_value(unit));
    }
    p->at += len;
    *value = whole * factor + (uint64_t)((double)fraction * (double)factor / 1e6);
    return PVMX_OK;
}

/* What stands between p->at and the same sign again, in memory of its own; "\/" is the sign itself, and so is
 * "\"" in quotes. */
static pvmx_err read_quoted(struct reader *p, const char *expected, char **out)
{
    char sign = *p->at;
    size_t n = 0;
    const char *end = p->at + 1;
    while (*end != '\0' && *end != sign)
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    if (*end == '\0') {
        p->at = end;
        return wrong(p, expected);
    }
    char *text = malloc((size_t)(end - p->at));
    if (text == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a rule");
    for (const char *c = p->at + 1; c < end; c++) {
        if (*c == '\\' && (c[1] == sign || (sign != '/' && c[1] == '\\')))
            c++;
        else if (*c == '\\' && c + 1 < end) /* the regular expression's own */
            text[n++] = *c++;
        text[n++] = *c;
    }
    text[n] = '\0';
    p->at = end + 1;
    *out = text;
    return PVMX_OK;
}

/* {m,n} of {m,n} multiply; the C library would take memory accordingly. */
static bool repeats_little(const char *text)
{
    uint64_t product = 1;
    for (const char *c = text; (c = strchr(c, '{')) != NULL;) {
        uint64_t most = 1;
        for (c++; isdigit((unsigned char)*c) || *c == ',';) {
            uint64_t n = 0;
            for (; isdigit((unsigned char)*c); c++)
                n = n < REPEATS_MAX ? n * 10 + (uint64_t)(*c - '0') : n;
            most = n > most ? n : most;
            c += *c == ',';
        }
        product *= most;
        if (product > REPEATS_MAX)
            return false;
    }
    return true;
}

static pvmx_err read_pattern(struct reader *p, struct node *node)
{
    char *text = NULL, why[100];
    skip(p);
    const char *begin = p->at;
    if (*p->at != '/')
        return wrong(p, "a regular expression between slashes, such as /^worker/");
    pvmx_err err = read_quoted(p, "a slash that ends the regular expression", &text);
    if (err != PVMX_OK)
        return err;
    if (!repeats_little(text)) {
        p->at = begin;
        err = wrong(p, "a regular expression with fewer repetitions");
    } else {
        int code = regcomp(&node->re, text, REG_EXTENDED | REG_NOSUB);
        if (code != 0) {
            regerror(code, &node->re, why, sizeof why);
            err = px_fail(PVMX_ERR_ARG, "rule \"%.200s\", character %zu: %s", p->text,
                          (size_t)(begin - p->text) + 1, why);
        }
    }
    free(text);
    return err;
}

/* ---- reading: structure ----------------------------------------------------------------------- */

static pvmx_err read_text_test(struct reader *p, unsigned field, unsigned *at)
{
    struct node node = {.kind = TEXT_IS, .field = field, .op = EQUAL};
    pvmx_err err = PVMX_OK;
    if (take(p, "=~") || take(p, "!~")) {
        node.kind = TEXT_FITS;
        node.op = p->at[-2] == '!' ? UNEQUAL : EQUAL;
        err = read_pattern(p, &node);
    } else if (take(p, "==") || take(p, "!=") || take(p, "=")) {
        node.op = p->at[-2] == '!' ? UNEQUAL : EQUAL;
        skip(p);
        err = *p->at == '"' || *p->at == '\''
                  ? read_quoted(p, "a quote that ends the text", &node.text)
                  : wrong(p, "a text in quotes");
    } else {
        return wrong(p, "=~, !~, = or !=");
    }
    if (err == PVMX_OK) {
        err = add(p, &node, at);
        if (err != PVMX_OK && node.kind == TEXT_FITS)
            regfree(&node.re);
        if (err != PVMX_OK)
            free(node.text);
    }
    return err;
}

static pvmx_err read_number_test(struct reader *p, unsigned field, unsigned *at)
{
    struct node node = {.kind = NUMBER, .field = field};
    size_t k = 0;
    while (k < sizeof ops / sizeof *ops && !take(p, op_names[k]))
        k++;
    if (k == sizeof ops / sizeof *ops)
        return wrong(p, "<, <=, >, >=, = or !=");
    node.op = ops[k];
    pvmx_err err = read_number(p, (enum unit)numbers[field].unit, &node.value);
    p->r->uses |= (unsigned)numbers[field].uses;
    return err != PVMX_OK ? err : add(p, &node, at);
}

static pvmx_err read_test(struct reader *p, unsigned *at)
{
    for (unsigned i = 0; i < RULE_TEXTS; i++)
        if (take(p, texts[i])) {
            p->r->uses |= i == RULE_COMMAND ? RULE_USES_COMMAND : 0u;
            return read_text_test(p, i, at);
        }
    for (unsigned i = 0; i < RULE_NUMBERS; i++)
        if (take(p, numbers[i].name))
            return read_number_test(p, i, at);
    return wrong(p, fields_help);
}

static pvmx_err read_or(struct reader *p, unsigned *at);

static pvmx_err read_factor(struct reader *p, unsigned *at)
{
    struct node node = {.kind = NOT};
    pvmx_err err = PVMX_OK;
    bool not = take(p, "not"), open = !not &&take(p, "(");
    if (!not &&!open) {
        skip(p);
        not = *p->at == '!';
        p->at += not ;
    }
    if (!not &&!open)
        return read_test(p, at);
    if (++p->depth > DEPTH_MAX)
        return px_fail(PVMX_ERR_LIMIT, "rule \"%.200s\" has parts nested deeper than %d",
                       p->text, DEPTH_MAX);
    if (not ) {
        err = read_factor(p, &node.left);
        if (err == PVMX_OK)
            err = add(p, &node, at);
    } else {
        err = read_or(p, at);
        if (err == PVMX_OK && !take(p, ")"))
            err = wrong(p, "and, or, or the ) of a ( before");
    }
    p->depth--;
    return err;
}

static pvmx_err read_and(struct reader *p, unsigned *at)
{
    pvmx_err err = read_factor(p, at);
    while (err == PVMX_OK && (take(p, "and") || take(p, "&&"))) {
        struct node node = {.kind = AND, .left = *at};
        err = read_factor(p, &node.right);
        if (err == PVMX_OK)
            err = add(p, &node, at);
    }
    return err;
}

static pvmx_err read_or(struct reader *p, unsigned *at)
{
    pvmx_err err = read_and(p, at);
    while (err == PVMX_OK && (take(p, "or") || take(p, "||"))) {
        struct node node = {.kind = OR, .left = *at};
        err = read_and(p, &node.right);
        if (err == PVMX_OK)
            err = add(p, &node, at);
    }
    return err;
}

pvmx_err rule_read(const char *text, struct rule **out)
{
    struct rule *r = calloc(1, sizeof *r);
    struct reader p = {.r = r, .text = text, .at = text};
    pvmx_err err = PVMX_OK;
    if (r == NULL || (r->nodes = calloc(NODES_MAX, sizeof *r->nodes)) == NULL)
        err = px_fail(PVMX_ERR_NOMEM, "no memory for a rule");
    else if (strlen(text) > RULE_TEXT_MAX)
        err = px_fail(PVMX_ERR_LIMIT, "a rule has at most %d characters, not %zu",
                      RULE_TEXT_MAX, strlen(text));
    if (err == PVMX_OK)
        err = read_or(&p, &r->top);
    skip(&p);
    if (err == PVMX_OK && *p.at != '\0')
        err = wrong(&p, "and, or, or the end");
    if (err != PVMX_OK) {
        rule_free(r);
        return err;
    }
    *out = r;
    return PVMX_OK;
}

void rule_free(struct rule *r)
{
    for (unsigned i = 0; r != NULL && i < r->n; i++) {
        if (r->nodes[i].kind == TEXT_FITS)
            regfree(&r->nodes[i].re);
        free(r->nodes[i].text);
    }
    if (r != NULL)
        free(r->nodes);
    free(r);
}

unsigned rule_uses(const struct rule *r)
{
    return r->uses;
}

/* ---- applying --------------------------------------------------------------------------------- */

static bool compare(const struct node *n, uint64_t value)
{
    switch (n->op) {
    case LESS:
        return value < n->value;
    case LESS_EQUAL:
        return value <= n->value;
    case GREATER:
        return value > n->value;
    case GREATER_EQUAL:
        return value >= n->value;
    case EQUAL:
        return value == n->value;
    case UNEQUAL:
        return value != n->value;
    }
    return false;
}

static bool is_clock(unsigned field)
{
    return field == RULE_ELAPSED || field == RULE_JOB_ELAPSED || field == RULE_VM_ELAPSED;
}

static bool number_holds(const struct node *n, uint64_t value, uint64_t *soonest_ms)
{
    bool holds = compare(n, value);
    if (is_clock(n->field) && value <= n->value && n->value - value < *soonest_ms)
        *soonest_ms = n->value - value + 1;
    return holds;
}

static bool holds(const struct rule *r, unsigned at, const struct rule_subject *s,
                  uint64_t *soonest_ms)
{
    const struct node *n = &r->nodes[at];
    bool left, right;
    switch (n->kind) {
    case AND:
    case OR: /* both: the one that decides today need not do so at the next look */
        left = holds(r, n->left, s, soonest_ms);
        right = holds(r, n->right, s, soonest_ms);
        return n->kind == AND ? left && right : left || right;
    case NOT:
        return !holds(r, n->left, s, soonest_ms);
    case TEXT_IS:
        return (strcmp(s->texts[n->field], n->text) == 0) == (n->op == EQUAL);
    case TEXT_FITS:
        return (regexec(&n->re, s->texts[n->field], 0, NULL, 0) == 0) == (n->op == EQUAL);
    case NUMBER:
        return number_holds(n, s->numbers[n->field], soonest_ms);
    }
    return false;
}

bool rule_holds(const struct rule *r, const struct rule_subject *s, uint64_t *soonest_ms)
{
    return holds(r, r->top, s, soonest_ms);
}

/* ---- explaining ------------------------------------------------------------------------------- */

struct words {
    char *text;
    size_t len, size;
    unsigned told; /* bit of each number that was named */
};

static void put(struct words *w, unsigned field, uint64_t value)
{
    char text[40];
    if (numbers[field].unit == UNIT_TIME)
        snprintf(text, sizeof text, "%" PRIu64 ".%" PRIu64 " s", value / 1000,
                 value % 1000 / 100);
    else if (numbers[field].unit == UNIT_SIZE && value >= 10ull << 20)
        snprintf(text, sizeof text, "%" PRIu64 "M", value >> 20);
    else if (numbers[field].unit == UNIT_SIZE)
        snprintf(text, sizeof text, "%" PRIu64 "k", value >> 10);
    else
        snprintf(text, sizeof text, "%" PRIu64, value);
    if ((w->told >> field & 1) == 0 && w->len < w->size)
        w->len += (size_t)snprintf(w->text + w->len, w->size - w->len, "%s%s %s",
                                   w->told != 0 ? ", " : "", numbers[field].name, text);
    w->told |= 1u << field;
}

/* Numbers that make a part what it is: true or not. */
static void explain(const struct rule *r, unsigned at, const struct rule_subject *s,
                    bool wanted, struct words *w)
{
    const struct node *n = &r->nodes[at];
    uint64_t unused = 0;
    if (holds(r, at, s, &unused) != wanted)
        return;
    if (n->kind == NUMBER)
        put(w, n->field, s->numbers[n->field]);
    if (n->kind == AND || n->kind == OR)
        explain(r, n->left, s, wanted, w);
    if (n->kind == AND || n->kind == OR)
        explain(r, n->right, s, wanted, w);
    if (n->kind == NOT)
        explain(r, n->left, s, !wanted, w);
}

void rule_explain(const struct rule *r, const struct rule_subject *s, char *text, size_t size)
{
    struct words w = {.text = text, .size = size};
    explain(r, r->top, s, true, &w);
    if (w.told == 0)
        snprintf(text, size, "name %s", s->texts[RULE_NAME]);
}
