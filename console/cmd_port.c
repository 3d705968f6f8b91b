/* SPDX-License-Identifier: BSD-3-Clause */
/* port: which functions of PVM a source uses, and what MPI has for each. */
#include "cmds.h"
#include "port_scan.h"
#include "port_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROWS = sizeof port_rows / sizeof *port_rows, COLUMNS = 90, NAME_MAX_LEN = 40 };

struct place {
    const struct port_row *row;
    unsigned line;
    enum port_use use;
};

/* What one file uses, in its order. */
struct places {
    struct place *list;
    size_t n, cap;
    unsigned char language;
    bool failed; /* no memory */
};

struct report {
    struct out out; /* for programs */
    bool json, fortran;
    bool seen[ROWS]; /* in any file */
    size_t places;
};

/* ---- looking up ------------------------------------------------------------------------------- */

static int compare_row(const void *key, const void *row)
{
    return strcmp(key, port_text + ((const struct port_row *)row)->name);
}

/* Fortran does not tell capitals from small letters. */
static const struct port_row *find_row(const struct port_word *w, unsigned char language)
{
    char name[NAME_MAX_LEN];
    if (w->len >= sizeof name)
        return NULL;
    for (size_t i = 0; i < w->len; i++)
        name[i] = language == PORT_FORTRAN ? (char)tolower((unsigned char)w->text[i])
                                           : w->text[i];
    name[w->len] = 0;
    const struct port_row *row =
        bsearch(name, port_rows, ROWS, sizeof *port_rows, compare_row);
    return row && row->language == language ? row : NULL;
}

static void note_word(void *arg, const struct port_word *w)
{
    struct places *p = arg;
    const struct port_row *row = find_row(w, p->language);
    if (!row)
        return;
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 64;
        struct place *more = realloc(p->list, cap * sizeof *more);
        if (!more) {
            p->failed = true;
            return;
        }
        p->list = more;
        p->cap = cap;
    }
    p->list[p->n++] = (struct place){row, w->line, w->use};
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* The whole file with a 0 behind it, to be freed. NULL: errno tells why. */
static char *read_file(const char *path, size_t *len)
{
    struct stat st;
    char *text = NULL;
    size_t cap = 0, n = 0;
    FILE *f = fopen(path, "re");
    bool good = f && fstat(fileno(f), &st) == 0;
    if (good && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        good = false;
    }
    for (size_t got = 1; good && got;) {
        if (cap - n < 2) {
            cap = cap ? cap * 2 : 1 << 16;
            char *more = realloc(text, cap);
            good = more != NULL;
            text = more ? more : text;
            continue;
        }
        got = fread(text + n, 1, cap - n - 1, f);
        good = !ferror(f);
        n += got;
    }
    int why = errno;
    if (f)
        fclose(f);
    if (!good) {
        free(text);
        errno = why;
        return NULL;
    }
    text[n] = 0;
    *len = n;
    return text;
}

/* ---- telling ---------------------------------------------------------------------------------- */

static const char *use_name(enum port_use use)
{
    return use == PORT_USE_CALL ? "call" : use == PORT_USE_NAME ? "name" : "declaration";
}

static void put_rows(struct report *r, const char *file, const struct places *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct place *at = &p->list[i];
        out_row(&r->out, (struct out_cell[]){{.text = file},
                                             {.number = at->line},
                                             {.text = port_text + at->row->name},
                                             {.text = use_name(at->use)},
                                             {.text = port_verdicts[at->row->verdict]},
                                             {.text = port_text + at->row->mpi},
                                             {.text = port_text + at->row->note}});
    }
}

/* Words of text on lines that are indented. */
static void put_wrapped(const char *text)
{
    int column = 0;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (!column)
            column = printf("      ");
        else if (column + 1 + len > COLUMNS)
            column = printf("\n      ") - 1;
        else
            column += printf(" ");
        column += printf("%.*s", len, text);
        text += len;
        while (*text == ' ')
            text++;
    }
    if (column)
        putchar('\n');
}

static void put_function(const struct places *p, const struct port_row *row)
{
    const char *sign = " (line";
    unsigned first = 0, last = 0;
    for (size_t i = p->n; i-- > 0;) {
        if (p->list[i].row != row)
            continue;
        first = p->list[i].line;
        last = last ? last : first;
    }
    bool several = first != last;
    last = 0;
    printf("  %s", port_text + row->name);
    for (size_t i = 0; i < p->n; i++) {
        const struct place *at = &p->list[i];
        if (at->row != row || at->line == last)
            continue;
        printf("%s%s%u", sign, *sign == ' ' && several ? "s " : " ", at->line);
        last = at->line;
        sign = ",";
    }
    printf("): %s", port_verdicts[row->verdict]);
    printf("%s%s\n", row->mpi ? ", " : "", port_text + row->mpi);
    put_wrapped(port_text + row->note);
}

static void put_file(struct report *r, const char *file, const struct places *p)
{
    bool done[ROWS] = {false};
    printf("%s%s\n", file, p->n ? "" : " uses no function of PVM");
    for (size_t i = 0; i < p->n; i++) {
        size_t row = (size_t)(p->list[i].row - port_rows);
        if (!done[row])
            put_function(p, p->list[i].row);
        done[row] = r->seen[row] = true;
    }
    r->places += p->n;
    r->fortran |= p->n && p->language == PORT_FORTRAN;
}

static void put_sum(const struct report *r)
{
    static const char words[PORT_VERDICTS][40] = {
        [PORT_SAME] = "one call of MPI does it",
        [PORT_OTHER] = "MPI has another way",
        [PORT_DROP] = "not needed with MPI",
        [PORT_KEEP] = "to be kept: MPI has nothing like it",
    };
    size_t n[PORT_VERDICTS] = {0}, all = 0;
    for (size_t i = 0; i < ROWS; i++) {
        n[port_rows[i].verdict] += r->seen[i];
        all += r->seen[i];
    }
    if (!all)
        return;
    printf("\n%zu function%s in %zu place%s\n", all, all > 1 ? "s" : "", r->places,
           r->places > 1 ? "s" : "");
    for (size_t v = 0; v < PORT_VERDICTS; v++)
        if (n[v])
            printf("%6zu  %s\n", n[v], words[v]);
    if (r->fortran)
        puts("This library has no Fortran interface of MPI yet: call it from C.");
}

static int look_at(struct report *r, const char *file)
{
    size_t len;
    enum port_form form = port_form_of(file);
    struct places p = {
        .language = form == PORT_FORM_C || form == PORT_FORM_CXX ? PORT_C : PORT_FORTRAN};
    char *text = read_file(file, &len);
    if (!text && link_interrupted())
        return CMD_INTERRUPTED;
    if (!text)
        return cmd_fail("port: cannot read %s: %s", file, strerror(errno));
    port_scan(text, len, form, note_word, &p);
    if (r->json)
        put_rows(r, file, &p);
    else
        put_file(r, file, &p);
    free(p.list);
    free(text);
    return p.failed ? cmd_fail("port: %s: out of memory", file) : CMD_OK;
}

static int run_port(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct report r = {.json = c->json};
    int status = CMD_OK;
    if (r.json)
        out_begin(&r.out, cmd->columns, true);
    for (int i = 0; i < a->n && status != CMD_INTERRUPTED; i++) {
        int one = look_at(&r, a->words[i]);
        status = one ? one : status;
    }
    if (r.json)
        out_end(&r.out);
    else
        put_sum(&r);
    return status;
}

static const struct out_column columns[] = {
    {"file", OUT_TEXT, "as it was named"},
    {"line", OUT_NUMBER, "where the name stands"},
    {"function", OUT_TEXT, "of PVM, in Fortran in small letters"},
    {"use", OUT_TEXT, "\"call\", \"declaration\", or \"name\": not called there"},
    {"verdict", OUT_TEXT, "\"one call\", \"another way\", \"not needed\" or \"keep\""},
    {"mpi", OUT_TEXT, "what MPI has; \"\": nothing"},
    {"note", OUT_TEXT, "what to know"},
    {0},
};

const struct cmd cmd_port = {
    "port",
    "FILE...",
    "tell which functions of PVM a source uses, and what MPI has for them",
    "C, C++ and Fortran by the names of files. Comments and texts do not count; "
    "both sides of an #if do.",
    "",
    1,
    CMD_MANY,
    0,
    WORDS_FILE,
    columns,
    run_port};
