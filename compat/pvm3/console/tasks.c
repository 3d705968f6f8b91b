/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about tasks. */
#include "console.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- ps */

void tasks_head(bool wide)
{
    printf("%24s %8s", "HOST", "TID");
    if (wide)
        printf(" %8s %6s", "PTID", "PID");
    puts("   FLAG 0x COMMAND");
}

/* "6/c,f": the number, then a letter for each bit. */
static void flag_text(int flag, char *text, size_t size)
{
    static const struct {
        int bit;
        char letter;
    } letters[] = {{1, 'a'},  {2, 'f'},  {4, 'c'},  {8, 'o'},
                   {16, 's'}, {32, 'H'}, {64, 'R'}, {128, 'T'}};
    static const char order[] = "cfaosHRT";
    int n = snprintf(text, size, "%x/", (unsigned)flag);
    bool first = true;
    for (const char *l = order; *l; l++)
        for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
            if (letters[i].letter == *l && flag & letters[i].bit && n + 3 < (int)size) {
                n += snprintf(text + n, size - (size_t)n, "%s%c", first ? "" : ",", *l);
                first = false;
            }
}

static const char *host_name(int dtid, const struct pvmhostinfo *h, int n)
{
    for (int i = 0; i < n; i++)
        if (h[i].hi_tid == dtid)
            return h[i].hi_name;
    return "-";
}

void tasks_show(int where, bool wide, bool all, bool (*wanted)(int tid, const void *arg),
                const void *arg)
{
    struct pvmhostinfo *h;
    struct pvmtaskinfo *t;
    int nhost, ntask, self = pvm_mytid();
    if (pvm_config(&nhost, NULL, &h) < 0 || pvm_tasks(where, &ntask, &t) < 0)
        return;
    for (int i = 0; i < ntask; i++) {
        char flags[32];
        bool own = t[i].ti_tid == self, named = t[i].ti_a_out && *t[i].ti_a_out;
        if ((!all && !named) || (wanted && !wanted(t[i].ti_tid, arg)))
            continue;
        flag_text(t[i].ti_flag, flags, sizeof flags);
        printf("%24s ", host_name(t[i].ti_host, h, nhost));
        if (own)
            printf("%8s", "(cons)");
        else
            printf("%8x", (unsigned)t[i].ti_tid);
        if (wide && (own || !t[i].ti_ptid))
            printf(" %8s", "-");
        else if (wide)
            printf(" %8x", (unsigned)t[i].ti_ptid);
        if (wide)
            printf(" %6d", t[i].ti_pid);
        printf(" %9s %-12s\n", flags, named ? t[i].ti_a_out : "-");
    }
}

struct ps {
    bool wide, all_hosts, all_tasks, nowhere;
    int where;
};

static int host_of_name(const char *name)
{
    struct pvmhostinfo *h;
    int n;
    if (pvm_config(&n, NULL, &h) < 0)
        return 0;
    for (int i = 0; i < n; i++)
        if (strcmp(h[i].hi_name, name) == 0)
            return h[i].hi_tid;
    return 0;
}

/* Letters; h and n take the rest of the word. */
static void ps_flags(struct ps *ps, const char *word)
{
    for (const char *f = word + (*word == '-'); *f; f++)
        switch (*f) {
        case 'a':
            ps->all_hosts = true;
            break;
        case 'l':
            ps->wide = true;
            break;
        case 'x':
            ps->all_tasks = true;
            break;
        case 'h':
            ps->all_hosts = true;
            ps->where = tid_of_word(f + 1);
            return;
        case 'n':
            ps->all_hosts = true;
            ps->where = host_of_name(f + 1);
            ps->nowhere = !ps->where;
            if (ps->nowhere)
                printf("unknown host %s\n", f + 1);
            return;
        default:
            printf("unknown flag -%c\n", *f);
        }
}

void cmd_ps(int argc, char **argv)
{
    struct ps ps = {.where = 0};
    struct pvmtaskinfo *t;
    int n;
    for (int i = 1; i < argc; i++)
        ps_flags(&ps, argv[i]);
    if (!ps.all_hosts)
        ps.where = pvm_tidtohost(pvm_mytid());
    if (!ps.nowhere && pvm_tasks(ps.where, &n, &t) < 0)
        return;
    tasks_head(ps.wide);
    if (!ps.nowhere)
        tasks_show(ps.where, ps.wide, ps.all_tasks, NULL, NULL);
}

static bool is_of_job(int tid, const void *arg)
{
    return job_has(arg, tid);
}

void cmd_jobs(int argc, char **argv)
{
    bool lines = argc > 1 && strcmp(argv[1], "-l") == 0;
    if (lines)
        tasks_head(false);
    for (const struct job *j = job_next(NULL); j; j = job_next(j)) {
        int tid;
        printf("%2d:", job_number(j));
        for (int i = 0; !lines && (tid = job_task(j, i)) != 0; i++)
            printf(" t%x", (unsigned)tid);
        putchar('\n');
        if (lines)
            tasks_show(0, false, false, is_of_job, j);
    }
}

/* ---- status, signals, end */

/* A number that can be a tid; the library takes what has no host for a mistake of the program. */
static bool has_host(int tid)
{
    return tid <= 0 || pvm_tidtohost(tid) != 0;
}

void cmd_pstat(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i] + (*argv[i] == 't');
        int tid = tid_of_word(argv[i]), cc = has_host(tid) ? pvm_pstat(tid) : PvmNoTask;
        printf("t%8s  %s\n", word, cc ? error_text(cc) : "ok");
    }
}

static void kill_children(int tid)
{
    struct pvmtaskinfo *t;
    int n;
    if (pvm_tasks(0, &n, &t) < 0)
        return;
    for (int i = 0; i < n; i++)
        if (t[i].ti_ptid == tid)
            pvm_kill(t[i].ti_tid);
}

void cmd_kill(int argc, char **argv)
{
    bool children = false;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++)
        for (const char *f = argv[i] + 1; *f; f++)
            if (*f == 'c')
                children = true;
            else
                printf("unknown flag -%c\n", *f);
    for (; i < argc; i++) {
        int tid = tid_of_word(argv[i]);
        if (children)
            kill_children(tid);
        else if (tid == pvm_mytid())
            printf("t%x: that's me.\n", (unsigned)tid);
        else if (has_host(tid))
            pvm_kill(tid);
    }
}

/* By number, or by its name, which PVM does not know. */
static int signal_of_word(const char *word)
{
    if (isdigit((unsigned char)*word))
        return (int)strtol(word, NULL, 0);
    if (strncmp(word, "SIG", 3) == 0)
        word += 3;
    for (int s = 1; s < NSIG; s++) {
        const char *name = sigabbrev_np(s);
        if (name && strcmp(name, word) == 0)
            return s;
    }
    printf("sig: no signal is called %s\n", word);
    return 0;
}

void cmd_sig(int argc, char **argv)
{
    int signum = signal_of_word(argv[1]);
    for (int i = 2; signum && i < argc; i++) {
        int tid = tid_of_word(argv[i]);
        if (has_host(tid))
            pvm_sendsig(tid, signum);
    }
}

/* ---- reset */

static bool has(const int *list, int n, int tid)
{
    while (n > 0 && list[n - 1] != tid)
        n--;
    return n > 0;
}

/* Ends, with act, all tasks but those that want to stay; how many there are. */
static int reset_tasks(bool act)
{
    struct pvmtaskinfo *t;
    int *spared, nspared, n, count = 0, self = pvm_mytid();
    if (pvm_getnoresets(&spared, &nspared) < 0 || pvm_tasks(0, &n, &t) < 0)
        return 0;
    for (int i = 0; i < n; i++) {
        if (t[i].ti_tid == self || has(spared, nspared, t[i].ti_tid))
            continue;
        count++;
        if (act)
            pvm_kill(t[i].ti_tid);
    }
    return count;
}

/* Entries of tasks that are no more. index < 0: all. */
static void reset_boxes(char *class, int index)
{
    struct pvmmboxinfo *list;
    struct pvmtaskinfo *t;
    int n, ntask;
    if (pvm_tasks(0, &ntask, &t) < 0 || pvm_getmboxinfo(class ? class : "*", &n, &list) < 0)
        return;
    int *tids = malloc(((size_t)ntask + 1) * sizeof *tids);
    for (int i = 0; tids && i < ntask; i++)
        tids[i] = t[i].ti_tid;
    for (int i = 0; tids && i < n; i++)
        for (int k = 0; k < list[i].mi_nentries; k++) {
            bool named = !class || strcmp(class, list[i].mi_name) == 0;
            bool lives = has(tids, ntask, list[i].mi_owners[k]);
            if (named && !lives && (index < 0 || index == list[i].mi_indices[k]))
                pvm_delinfo(list[i].mi_name, list[i].mi_indices[k], PvmMboxDefault);
        }
    free(tids);
}

void cmd_reset(int argc, char **argv)
{
    const struct timespec pause = {0, 10000000};
    if (argc > 1 && strcmp(argv[1], "info") != 0) {
        printf("\"%s\" arg to reset not valid\n", argv[1]);
        return;
    }
    if (argc > 1) {
        reset_boxes(argc > 2 ? argv[2] : NULL, argc > 3 ? atoi(argv[3]) : -1);
        return;
    }
    fflush(stdout);
    reset_tasks(true);
    for (int i = 0; i < 500 && reset_tasks(false) > 0; i++) /* so that what follows sees none */
        nanosleep(&pause, NULL);
    reset_boxes(NULL, -1);
}
