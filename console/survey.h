/* SPDX-License-Identifier: BSD-3-Clause */
/* One request to several hosts of the virtual machine at the same time, and their answers as they come. A
 * host that does not answer in time is named on standard error, and the command fails; what the
 * others have said is shown all the same. */
#ifndef CONSOLE_SURVEY_H
#define CONSOLE_SURVEY_H

#include "link.h"

enum survey_got {
    SURVEY_DONE,    /* all have answered, or the time is over */
    SURVEY_ANSWER,  /* *body, to be freed */
    SURVEY_REFUSED, /* with the sentence in pvmx_last_error() */
    SURVEY_INPUT,   /* standard input can be read (link.stdin_too) */
    SURVEY_SIDE,    /* the request `side` was answered: *body, unless it was refused */
    SURVEY_LOST,    /* the connection with the own daemon, or Ctrl-C: pvmx_last_error() */
};

struct survey_host {
    uint32_t index, state; /* PXP_HOST_* */
    const char *name;
    bool waits;  /* asked, and has not answered */
    bool silent; /* will not answer */
};

struct survey {
    struct link *link;
    uint32_t serial, wanted;
    uint32_t side;             /* serial of another request, of another kind; 0: none */
    bool side_refused;         /* with the sentence in pvmx_last_error() */
    struct survey_host *hosts; /* of the host table, by index */
    size_t n, waiting;
    uint32_t self;
    uint64_t until; /* as link_next has it */
    bool follows;   /* answers go on: there is no last one */
    struct pxp_zone zone;
};

/* How long hosts may take to answer (ns), where link.patience does not say. */
uint64_t survey_patience(void);
/* Which hosts there are. wanted: number of the message that answers. To be ended also after a failure. */
pvmx_err survey_begin(struct survey *s, struct link *l, uint32_t wanted);
/* The same, without limit and end. */
pvmx_err survey_follow(struct survey *s, struct link *l, uint32_t wanted);
/* Sends what was encoded with s->serial into `frame`, which is emptied, to a host; 0: to all. */
pvmx_err survey_ask(struct survey *s, uint32_t host, struct px_buf *frame);
/* The same for a request of another kind, encoded with a serial of its own; one at a time. */
pvmx_err survey_ask_aside(struct survey *s, uint32_t host, uint32_t serial,
                          struct px_buf *frame);
enum survey_got survey_next(struct survey *s, const struct survey_host **from,
                            uint8_t **body, size_t *len);
/* The host is in the virtual machine only now. */
pvmx_err survey_add_host(struct survey *s, uint32_t index, const char *name);
/* Names the hosts that have not answered; false: there were some. */
bool survey_complete(const struct survey *s);
void survey_end(struct survey *s);

/* All of a request that each host answers once: sends `frame` to all, and hands on what they say. Ends
 * the survey, and empties the frame. err: what has come of begin and encoding; a failure is passed on.
 * *complete: as survey_complete, which has been called; NULL: nobody is told. */
pvmx_err survey_run(struct survey *s, pvmx_err err, struct px_buf *frame,
                    pvmx_err (*add)(void *arg, const uint8_t *body, size_t len),
                    void *arg, bool *complete);

/* What runs where, on all hosts, and the hosts' own words on themselves. *complete: as
 * survey_run has it. Free the zone. */
pvmx_err survey_status(struct link *l, bool usage, struct pxp_status_is *out,
                       struct pxp_zone *zone, bool *complete);

enum { SURVEY_SILENT = 100 }; /* host_info.state of one that does not answer */

#endif
