/* SPDX-License-Identifier: BSD-3-Clause */
/* The command spawn. */
#include "console.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
    int n, flags;
    char *where;                  /* host or architecture; "" any */
    const char *dir;              /* NULL: none */
    bool collect, append, traced; /* -> ->> -@ */
    const char *file, *trace;     /* "": the terminal */
    bool by_address;
};

static bool has_address(const char *host, const char *address)
{
    struct addrinfo *list = NULL;
    bool found = false;
    if (getaddrinfo(host, NULL, NULL, &list) != 0)
        return false;
    for (struct addrinfo *a = list; a && !found; a = a->ai_next) {
        char text[NI_MAXHOST];
        found = getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0,
                            NI_NUMERICHOST) == 0 &&
                strcmp(text, address) == 0;
    }
    freeaddrinfo(list);
    return found;
}

/* What a name says: a host, an architecture, or with --host= an address, for which the host's name is
 * returned. */
static char *find_place(struct request *r, char *name)
{
    struct pvmhostinfo *h;
    int n;
    r->flags |= PvmTaskHost;
    if (pvm_config(&n, NULL, &h) < 0)
        return name;
    for (int i = 0; i < n; i++)
        if (strcmp(h[i].hi_name, name) == 0)
            return name;
    for (int i = 0; i < n; i++) {
        if (r->by_address && has_address(h[i].hi_name, name))
            return h[i].hi_name;
        if (!r->by_address && strcmp(h[i].hi_arch, name) == 0) {
            r->flags = (r->flags & ~PvmTaskHost) | PvmTaskArch;
            return name;
        }
    }
    return name;
}

static void take_place(struct request *r, char *word)
{
    char *colon = strchr(word, ':');
    if (colon) {
        *colon = 0;
        r->dir = colon + 1;
    }
    if (*word)
        r->where = find_place(r, word);
}

static void take_option(struct request *r, char *word)
{
    if (strncmp(word, "->>", 3) == 0) {
        r->collect = r->append = true;
        r->file = word + 3;
    } else if (strncmp(word, "->", 2) == 0) {
        r->collect = true;
        r->append = false;
        r->file = word + 2;
    } else if (strncmp(word, "-@", 2) == 0) {
        r->traced = true;
        r->trace = word + 2;
    } else if (strcmp(word, "-?") == 0) {
        r->flags |= PvmTaskDebug;
    } else if (isdigit((unsigned char)word[1])) {
        r->n = atoi(word + 1);
    } else {
        r->by_address = strncmp(word, "--host=", 7) == 0;
        take_place(r, word + (r->by_address ? 7 : 1));
    }
}

/* NULL for the terminal; false: it cannot be written. */
static bool open_file(const char *path, bool append, FILE **out)
{
    *out = *path ? fopen(path, append ? "ae" : "we") : NULL;
    if (*path && !*out)
        printf("%s: %s\n", path, strerror(errno));
    return !*path || *out;
}

static struct job *make_job(const struct request *r)
{
    FILE *out = NULL, *to = NULL;
    if (r->collect && !open_file(r->file, r->append, &out))
        return NULL;
    if (r->traced && !open_file(r->trace, false, &to)) {
        if (out)
            fclose(out);
        return NULL;
    }
    struct trace *trace = r->traced ? trace_new(to) : NULL;
    struct job *j = job_new(out, !r->collect, trace);
    if (!j) {
        fputs("pvm: no memory for a job\n", stderr);
        if (trace)
            trace_end(trace);
        if (out)
            fclose(out);
    }
    return j;
}

/* $PVM_TMP/pvml.UID[.VMID], where PVM's daemon puts what nobody collects; -1: it cannot be written. */
static int open_log(void)
{
    const char *dir = getenv("PVM_TMP"), *id = getenv("PVM_VMID");
    char path[4096];
    snprintf(path, sizeof path, "%s/pvml.%u%s%s", dir && *dir ? dir : "/tmp",
             (unsigned)getuid(), id && *id ? "." : "", id ? id : "");
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* The library gives tasks our standard error, which is no place for what outlives us. */
static int spawn_unread(char *file, char **argv, int flags, char *where, int n, int *tids)
{
    int log = open_log(), err = fcntl(2, F_DUPFD_CLOEXEC, 3),
        autoerr = pvm_setopt(PvmAutoErr, 0);
    if (log < 0)
        log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    fflush(stderr);
    if (log >= 0 && err >= 0)
        dup2(log, 2);
    int cc = pvm_spawn(file, argv, flags, where, n, tids);
    if (err >= 0) {
        dup2(err, 2);
        close(err);
    }
    if (log >= 0)
        close(log);
    pvm_setopt(PvmAutoErr, autoerr);
    if (cc < 0 && autoerr > 0) {
        pvm_errno = cc;
        pvm_perror((char[]){"pvm_spawn()"});
    }
    return cc;
}

static void report(int started, int n, const int *tids)
{
    if (started < 0)
        return;
    printf("%d successful\n", started);
    for (int i = 0; i < n; i++)
        if (tids[i] > 0)
            printf("t%x\n", (unsigned)tids[i]);
        else
            puts(error_text(tids[i]));
}

void cmd_spawn(int argc, char **argv)
{
    static char nowhere[1];
    struct request r = {
        .n = 1, .flags = PvmNoSpawnParent, .where = nowhere, .file = "", .trace = ""};
    char where[4096];
    struct job *job = NULL;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++)
        take_option(&r, argv[i]);
    if (i == argc) {
        puts("incorrect arg count");
        return;
    }
    snprintf(where, sizeof where, "%s%s%s", r.where, r.dir ? ":" : "", r.dir ? r.dir : "");
    int *tids = calloc((size_t)(r.n > 0 ? r.n : 0) + 1, sizeof *tids);
    if (!tids) {
        fprintf(stderr, "pvm: no memory for %d tasks\n", r.n);
        return;
    }
    bool collected = r.collect || r.traced;
    if (!collected || (job = make_job(&r)) != NULL) {
        if (job)
            printf("[%d]\n", job_number(job));
        fflush(stdout);
        report(job ? job_spawn(job, argv[i], argv + i + 1, r.flags, where, r.n, tids)
                   : spawn_unread(argv[i], argv + i + 1, r.flags, where, r.n, tids),
               r.n, tids);
    }
    free(tids);
}
