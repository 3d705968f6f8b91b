/* SPDX-License-Identifier: BSD-3-Clause */
/* See target.h. */
#include "target.h"

#include "proto/arena.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

const char target_help[] =
    "Tasks are t40002 (or 40002), job:3 or 3 (all of a job), "
    "host:alpha (all on a host), "
    "name:REGEX (whose program's name fits), parent:t40001 (that it "
    "has spawned) or state:enrolled.";

bool target_tid(const char *word, int32_t *tid)
{
    char *end;
    const char *digits = word + (*word == 't');
    unsigned long v = strtoul(digits, &end, 16);
    if (end == digits || *end || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits) ||
        v == 0 || v > INT32_MAX)
        return false;
    *tid = (int32_t)v;
    return true;
}

bool target_job(const char *word, uint32_t *job)
{
    char *end;
    const char *digits = strncmp(word, "job:", 4) == 0 ? word + 4 : word + (*word == '[');
    unsigned long v = strtoul(digits, &end, 10);
    bool closed = *word == '[' ? strcmp(end, "]") == 0 : !*end;
    if (end == digits || !closed || *digits == '-' || *digits == '+' || v == 0 ||
        v > UINT32_MAX)
        return false;
    *job = (uint32_t)v;
    return true;
}

bool target_short_job(const char *word, uint32_t *job)
{
    enum { TID_DIGITS = 5 }; /* at least: bits 18 and up are a host's */
    bool is_short = *word == '[' || *word == 'j' || strlen(word) < TID_DIGITS;
    return is_short && target_job(word, job);
}

bool target_add(struct target *t, int32_t tid)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->tids[i] == tid)
            return true;
    int32_t *grown = realloc(t->tids, (t->n + 1) * sizeof *grown);
    if (!grown)
        return false;
    t->tids = grown;
    t->tids[t->n++] = tid;
    return true;
}

static const char *base_name(const char *program)
{
    const char *slash = strrchr(program, '/');
    return slash ? slash + 1 : program;
}

const char *target_state(const struct pxp_task_info *task)
{
    if (task->stopped)
        return "stopped";
    switch (task->state) {
    case PX_SLOT_BORN:
        return "started";
    case PX_SLOT_LIVE:
        return "enrolled";
    case PX_SLOT_LEFT:
        return "left";
    default:
        return "ended";
    }
}

/* A word that means tasks by what they are. */
struct trait {
    enum { BY_JOB, BY_HOST, BY_NAME, BY_PARENT, BY_STATE } kind;
    const char *text;
    uint32_t job;
    int32_t parent;
    regex_t re;
};

static int read_trait(const char *word, struct trait *t)
{
    static const char *const kinds[] = {"job:", "host:", "name:", "parent:", "state:"};
    size_t k = 0;
    while (k < 5 && strncmp(word, kinds[k], strlen(kinds[k])) != 0)
        k++;
    t->text = k < 5 ? word + strlen(kinds[k]) : word;
    t->kind = k < 5 ? k : BY_JOB;
    if (k == 5 ? *word != '[' || !target_job(word, &t->job)
               : (k == BY_JOB && !target_job(word, &t->job)) ||
                     (k == BY_PARENT && !target_tid(t->text, &t->parent)))
        return cmd_fail("\"%s\" names no task. %s", word, target_help);
    if (k == BY_NAME && regcomp(&t->re, t->text, REG_EXTENDED | REG_NOSUB) != 0)
        return cmd_fail("\"%s\" is no regular expression", t->text);
    return CMD_OK;
}

static bool fits(const struct pxp_task_info *task, const struct trait *t)
{
    switch (t->kind) {
    case BY_JOB:
        return task->job == t->job;
    case BY_HOST:
        return strcmp(task->host, t->text) == 0;
    case BY_NAME:
        return regexec(&t->re, base_name(task->program), 0, NULL, 0) == 0;
    case BY_PARENT:
        return task->parent == t->parent;
    case BY_STATE:
        return strcmp(target_state(task), t->text) == 0;
    }
    return false;
}

static int read_word(const struct pxp_status_is *s, const char *word, struct target *out)
{
    int32_t tid;
    struct trait t = {.kind = BY_JOB};
    bool found = false, ok = true;
    if (target_tid(word, &tid) && !target_short_job(word, &t.job))
        return target_add(out, tid) ? CMD_OK : cmd_fail("out of memory");
    int status = t.job ? CMD_OK : read_trait(word, &t);
    if (status)
        return status;
    for (size_t i = 0; i < s->n_tasks && ok; i++)
        if (fits(&s->tasks[i], &t)) {
            found = true;
            ok = target_add(out, s->tasks[i].tid);
        }
    if (t.kind == BY_NAME)
        regfree(&t.re);
    if (!ok)
        return cmd_fail("out of memory");
    return found              ? CMD_OK
           : t.kind == BY_JOB ? cmd_fail("no task of job %u is running", t.job)
                              : cmd_fail("no task is meant by %s", word);
}

int target_read(const struct pxp_status_is *status, int n, char **words, struct target *out)
{
    int result = CMD_OK;
    *out = (struct target){0};
    for (int i = 0; i < n && result == CMD_OK; i++)
        result = read_word(status, words[i], out);
    if (result != CMD_OK)
        target_free(out);
    return result;
}

bool target_add_children(const struct pxp_status_is *status, struct target *t)
{
    size_t given = t->n, n = 0;
    bool ok = true;
    for (size_t k = 0; k < t->n && ok; k++)
        for (size_t i = 0; i < status->n_tasks && ok; i++)
            if (status->tasks[i].parent == t->tids[k])
                ok = target_add(t, status->tasks[i].tid);
    for (size_t k = given; k < t->n; k++)
        t->tids[n++] = t->tids[k];
    t->n = n;
    return ok;
}

void target_free(struct target *t)
{
    free(t->tids);
    *t = (struct target){0};
}
