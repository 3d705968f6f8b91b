/* SPDX-License-Identifier: BSD-3-Clause */
/* See target.h. */
#include "target.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

const char target_help[] = "Tasks are t40002 (or 40002), job:3 (all of a job), "
                           "host:alpha (all on a host) or name:REGEX "
                           "(whose program's name fits).";

static bool read_tid(const char *word, int32_t *tid)
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

/* Does a task fit a word that is no tid? */
static bool fits(const struct pxp_task_info *task, const char *word, uint32_t job,
                 const regex_t *re)
{
    if (re)
        return regexec(re, base_name(task->program), 0, NULL, 0) == 0;
    return job ? task->job == job : strcmp(task->host, word + 5) == 0;
}

static int read_word(const struct pxp_status_is *s, const char *word, struct target *out)
{
    int32_t tid;
    uint32_t job = 0;
    regex_t re;
    bool by_name = strncmp(word, "name:", 5) == 0, found = false, ok = true;
    if (read_tid(word, &tid))
        return target_add(out, tid) ? CMD_OK : cmd_fail("out of memory");
    if (!by_name && strncmp(word, "host:", 5) != 0 &&
        (strncmp(word, "job:", 4) != 0 || !target_job(word, &job)))
        return cmd_fail("\"%s\" names no task. %s", word, target_help);
    if (by_name && regcomp(&re, word + 5, REG_EXTENDED | REG_NOSUB) != 0)
        return cmd_fail("\"%s\" is no regular expression", word + 5);
    for (size_t i = 0; i < s->n_tasks && ok; i++)
        if (fits(&s->tasks[i], word, job, by_name ? &re : NULL)) {
            found = true;
            ok = target_add(out, s->tasks[i].tid);
        }
    if (by_name)
        regfree(&re);
    if (!ok)
        return cmd_fail("out of memory");
    return found ? CMD_OK : cmd_fail("no task is meant by %s", word);
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

void target_free(struct target *t)
{
    free(t->tids);
    *t = (struct target){0};
}
