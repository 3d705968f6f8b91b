/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the words of a source: as little of C's and Fortran's grammar as that needs. */
#include "port_scan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct scan {
    const char *at, *end; /* *end is 0 */
    unsigned line;
    enum port_form form;
    port_found *found;
    void *arg;
};

enum port_form port_form_of(const char *file)
{
    static const struct {
        char ending[8];
        enum port_form form;
    } endings[] = {{"f", PORT_FORM_FIXED},   {"for", PORT_FORM_FIXED},
                   {"ftn", PORT_FORM_FIXED}, {"fpp", PORT_FORM_FIXED},
                   {"f90", PORT_FORM_FREE},  {"f95", PORT_FORM_FREE},
                   {"f03", PORT_FORM_FREE},  {"f08", PORT_FORM_FREE},
                   {"cc", PORT_FORM_CXX},    {"cpp", PORT_FORM_CXX},
                   {"cxx", PORT_FORM_CXX},   {"c++", PORT_FORM_CXX},
                   {"hpp", PORT_FORM_CXX},   {"hh", PORT_FORM_CXX},
                   {"hxx", PORT_FORM_CXX}};
    const char *dot = strrchr(file, '.');
    if (!dot || strchr(dot, '/'))
        return PORT_FORM_C;
    if (strcmp(dot, ".C") == 0)
        return PORT_FORM_CXX;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot + 1, endings[i].ending) == 0)
            return endings[i].form;
    return PORT_FORM_C;
}

static bool starts_word(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool is_fortran(const struct scan *s)
{
    return s->form == PORT_FORM_FIXED || s->form == PORT_FORM_FREE;
}

/* One character on. */
static void step(struct scan *s)
{
    s->line += *s->at == '\n';
    s->at++;
}

static bool at_text(const struct scan *s, const char *text)
{
    return strncmp(s->at, text, strlen(text)) == 0;
}

/* Does the line go on although it ends here? at: its '\n'. */
static bool is_spliced(const char *text, const char *at)
{
    if (at > text && at[-1] == '\r')
        at--;
    return at > text && at[-1] == '\\';
}

static void skip_line(struct scan *s)
{
    const char *begin = s->at;
    while (s->at < s->end && (*s->at != '\n' || (!is_fortran(s) && is_spliced(begin, s->at))))
        step(s);
}

/* A comment that begins here: true, and it is behind us. */
static bool skip_comment(struct scan *s)
{
    if (is_fortran(s)) {
        if (*s->at != '!')
            return false;
        skip_line(s);
        return true;
    }
    if (at_text(s, "//")) {
        skip_line(s);
        return true;
    }
    if (!at_text(s, "/*"))
        return false;
    s->at += 2;
    while (s->at < s->end && !at_text(s, "*/"))
        step(s);
    s->at += s->at < s->end ? 2 : 0;
    return true;
}

/* '...' or "..." in one line, unless the line is continued: what is not closed must not hide the rest
 * of the file. Fortran doubles a quote inside, which reads as two texts. */
static void skip_text(struct scan *s)
{
    const char *begin = s->at;
    char quote = *s->at++;
    while (s->at < s->end && *s->at != quote) {
        if (*s->at == '\n' && !is_spliced(begin, s->at) &&
            !(s->form == PORT_FORM_FREE && s->at[-1] == '&'))
            return;
        if (!is_fortran(s) && *s->at == '\\' && s->at + 1 < s->end)
            step(s);
        step(s);
    }
    s->at += s->at < s->end;
}

/* R"delimiter( ... )delimiter": the at is on the quote. */
static void skip_raw_text(struct scan *s)
{
    const char *delimiter = s->at + 1;
    size_t len = strcspn(delimiter, "( \n\"");
    if (delimiter + len >= s->end || delimiter[len] != '(') {
        skip_text(s);
        return;
    }
    while (s->at < s->end && !(*s->at == ')' && strncmp(s->at + 1, delimiter, len) == 0 &&
                               s->at[len + 1] == '"'))
        step(s);
    s->at += s->at < s->end ? len + 2 : 0;
}

static void skip_number(struct scan *s)
{
    while (in_word(*s->at) || *s->at == '.' ||
           (!is_fortran(s) && *s->at == '\'' && in_word(s->at[1])))
        s->at++;
}

/* White space and comments; in Fortran continuation marks too. */
static void skip_blank(struct scan *s)
{
    while (s->at < s->end) {
        if (isspace((unsigned char)*s->at) || (*s->at == '&' && is_fortran(s)) ||
            (*s->at == '\\' && !is_fortran(s)))
            step(s);
        else if (!skip_comment(s))
            return;
    }
}

static bool is_one_of(const char *word, size_t len, const char *words)
{
    for (const char *w = words; *w; w += strlen(w) + 1)
        if (strlen(w) == len && strncmp(w, word, len) == 0)
            return true;
    return false;
}

static bool is_raw_prefix(const struct scan *s, const char *word, size_t len)
{
    return s->form == PORT_FORM_CXX && *s->at == '"' &&
           is_one_of(word, len, "R\0LR\0uR\0UR\0u8R\0");
}

/* A word; typed: a type stands before it, with nothing but '*' between. Returns that for what follows. */
static bool take_word(struct scan *s, bool typed, bool member)
{
    struct port_word w = {.text = s->at, .line = s->line};
    while (in_word(*s->at))
        s->at++;
    w.len = (size_t)(s->at - w.text);
    if (is_raw_prefix(s, w.text, w.len)) {
        skip_raw_text(s);
        return false;
    }
    if (!is_fortran(s) &&
        is_one_of(w.text, w.len,
                  "extern\0static\0int\0char\0void\0long\0short\0unsigned\0"
                  "float\0double\0struct\0const\0"))
        return true;
    struct scan ahead = *s;
    skip_blank(&ahead);
    w.use = *ahead.at != '(' ? PORT_USE_NAME
            : typed          ? PORT_USE_DECLARATION
                             : PORT_USE_CALL;
    if (!member)
        s->found(s->arg, &w);
    return false;
}

static bool begins_comment_line(const struct scan *s, const char *text)
{
    return s->form == PORT_FORM_FIXED && (s->at == text || s->at[-1] == '\n') &&
           strchr("cC*dD!", *s->at);
}

void port_scan(const char *text, size_t len, enum port_form form, port_found *found, void *arg)
{
    struct scan s = {text, text + len, 1, form, found, arg};
    bool typed = false, member = false;
    while (s.at < s.end) {
        if (*s.at && begins_comment_line(&s, text)) {
            skip_line(&s);
        } else if (isspace((unsigned char)*s.at) || skip_comment(&s)) {
            if (s.at < s.end && isspace((unsigned char)*s.at))
                step(&s);
        } else if (starts_word(*s.at)) {
            typed = take_word(&s, typed, member);
            member = false;
        } else if (*s.at == '"' || *s.at == '\'') {
            skip_text(&s);
            typed = member = false;
        } else if (isdigit((unsigned char)*s.at)) {
            skip_number(&s);
            typed = member = false;
        } else { /* of "a.b", "a->b" and "a%b" the b is nobody's function */
            member = is_fortran(&s)
                         ? *s.at == '%'
                         : *s.at == '.' || (*s.at == '>' && s.at > text && s.at[-1] == '-');
            typed = typed && *s.at == '*';
            step(&s);
        }
    }
}
