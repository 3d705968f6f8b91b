/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the command line: what its files share. All functions that return bool report their failure
 * to the user before they return false, and leave the exit status in parse.status. */
#ifndef MPIEXEC_PARSE_H
#define MPIEXEC_PARSE_H

#include "opts.h"

enum { USAGE = 2 }; /* exit status of a command line that makes no sense */

struct parse {
    struct opts *opts;
    size_t capacity; /* of opts->apps                */
    bool usize_given, timeout_given, prefix_given, place_given;
    int depth;  /* files that include files     */
    int status; /* what opts_parse returns      */
};

enum opt_group {
    GROUP_PROGRAM,
    GROUP_ENV,
    GROUP_OUTPUT,
    GROUP_INPUT,
    GROUP_PLACE,
    GROUP_HOST,
    GROUP_RUN,
    GROUP_ABOUT,
    GROUP_NOTHING, /* of other mpiexecs, without meaning here */
    GROUPS,
};

/* One option: run gets its values (as many as `values` has words, or fewer and NULL). */
struct opt {
    enum opt_group group;
    const char *names[4]; /* without leading dashes: one or two are accepted */
    const char *values;   /* for the help text; NULL: takes none             */
    int nvalues;      /* 2 for a name and a value: NAME=VALUE in one word will do, too */
    const char *help; /* NULL: an alias that the help text does not list  */
    bool (*run)(struct parse *p, char **values);
};

extern const struct opt opt_table[];
extern const int opt_count;

/* The app that is being read. */
struct pxp_app *parse_app(struct parse *p);
struct opts_app *parse_more(struct parse *p);

bool parse_fail(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Memory of the options: zeroed; NULL was reported. */
void *parse_alloc(struct parse *p, size_t n);
char *parse_printf(struct parse *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool parse_push(struct parse *p, struct opts_list *list, const char *text); /* NULL: fails */
/* A number from least to most; what names it in the sentence. */
bool parse_number(struct parse *p, const char *what, const char *text, uint32_t least,
                  uint32_t most, uint32_t *out);
/* Reads words as if they stood on the command line: whole programs separated by ':' (options_only:
 * options of the app that is being read). */
bool parse_words(struct parse *p, int argc, char **argv, bool options_only);

/* ---- values.c: texts that mean something -------------------------------------------------------- */

bool value_seconds(struct parse *p, const char *what, const char *text);
bool value_usize(struct parse *p, const char *what, const char *text);
bool value_buffer(struct parse *p, const char *what, const char *text, enum opts_buffer *out);
bool value_stdin(struct parse *p, const char *text);
/* A key of proto/place_words.h, for the app that is being read. */
bool value_place(struct parse *p, const char *what, const char *key, const char *text);
bool value_soft(struct parse *p, const char *text);

/* ---- variables.c -------------------------------------------------------------------------------- */

/* One variable; run is called when it is set. */
struct variable {
    const char *name, *values;
    int which; /* descriptor that it is about */
    const char *help;
    bool (*run)(struct parse *p, const struct variable *v, const char *text);
};

extern const struct variable variable_table[];
extern const int variable_count;

/* Variables of the environment, where no option has spoken. */
bool variables_read(struct parse *p);

/* ---- hosts.c ------------------------------------------------------------------------------------ */

/* A list of hosts separated by commas, [USER@]HOST[:N], behind what *to has already. */
bool hosts_list(struct parse *p, const char *what, const char *list, const char **to);
/* Hosts for all apps that have no list. */
bool hosts_file(struct parse *p, const char *path);
bool hosts_arch(struct parse *p, const char *arch);
/* How hosts are reached that are not in the VM yet. */
bool hosts_launcher(struct parse *p, const char *launcher);
/* All has been read: the hosts of files are wanted, too, where a program has no list of its own. */
bool hosts_wanted(struct parse *p);
/* Where program number a is to run, as pvmxd/spread.h reads it, into its request, and without -n how many
 * processes that are; those before it have been read. */
bool hosts_where(struct parse *p, size_t a);

/* ---- words.c ------------------------------------------------------------------------------------ */

/* -configfile: one program on each line. -file: options of one program. */
bool words_config(struct parse *p, const char *path);
bool words_options(struct parse *p, const char *path);

/* ---- help.c ------------------------------------------------------------------------------------- */

extern const char *const help_titles[GROUPS];
extern const char help_notes[]; /* (*) and the like */

void help_print(void);
void help_info(void);
/* man.c: the manual page, completion rules for bash. */
void man_print(void);
void man_completion(void);
/* foreign.c: what there is instead of an option of other mpiexecs; NULL: it is none that is known. */
const char *foreign_instead(const char *word);
/* The option's name that is nearest to a word; NULL: none is near. */
const char *help_nearest(const char *word);

#endif
